//! Shared by tests and benchmarks of the real binary: a simulated AWS, and how to run the binary.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests; each test uses some"
)]

pub mod estate;
pub mod run;
