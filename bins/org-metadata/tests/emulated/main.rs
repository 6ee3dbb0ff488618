//! End to end: the real binary over three organizations in an emulated AWS, over HTTP. What it writes is compared with what
//! stands here, byte by byte.
//!
//! What moto does not do as AWS does (empty pages, retired fields, refusals) is done by a proxy, over moto's own data.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod configuration;
mod explorer;
mod formats;
mod hostile;
mod organizations;
mod regions;
mod running;
mod setup;
mod tags;
mod tenants;
mod world;
