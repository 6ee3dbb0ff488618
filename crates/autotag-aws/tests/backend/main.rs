//! The backend over AWS, against moto over real HTTP, and against what AWS says and moto does not.
#![cfg(feature = "backend")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod answers;
mod ec2;
mod emulated;
mod native;
mod principals;
mod reader;
mod related;
mod s3;
mod tagging_api;
mod users;
