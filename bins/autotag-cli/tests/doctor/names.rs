//! The names of a deployment.

pub use crate::common::BIN;

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";
pub const HUB: &str = "eu-west-1";
pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

pub const TAG_HANDLER: &str = "autotag-tag-handler";
pub const SESSION_HANDLER: &str = "autotag-session-handler";
pub const EXTERNAL_ID: &str = "e-17";
