//! End to end: the real binary over three organizations in an emulated AWS, over HTTP. The tests compare its files byte by
//! byte with the expected ones.
//!
//! A proxy before moto adds what moto lacks: empty pages, retired fields, refusals.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod configuration;
mod documents;
mod emulated_aws;
mod explorer;
mod formats;
mod hostile;
mod organizations;
mod regions;
mod running;
mod setup;
mod tags;
mod tenants;
