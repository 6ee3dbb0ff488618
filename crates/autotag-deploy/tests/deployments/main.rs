//! Deployments in memory.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod deployment;
mod engine;
