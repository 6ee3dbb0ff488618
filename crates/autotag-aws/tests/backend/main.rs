//! The ports over AWS, against moto over real HTTP, and against what AWS says and moto does not.
#![cfg(feature = "backend")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod ec2;
mod lookup;
mod native;
mod people;
mod principals;
mod reader;
mod s3;
mod tagging_api;
mod world;
