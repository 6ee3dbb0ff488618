//! `autotag deploy` by its real binary: against CloudFormation in memory (`formation.rs`) with the emulator's S3, and against the
//! emulator alone with the generated templates.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod estate;
mod formation;
mod kills;
mod modes;
mod rights;
mod usage;
