//! Deployments in memory.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod deployment;
mod engine;
