//! The names of a deployment.

pub const BIN: &str = env!("CARGO_BIN_EXE_autotag");

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";
pub const HUB: &str = "eu-west-1";
pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

pub const TAG_HANDLER: &str = "autotag-tag-handler";
pub const SESSION_HANDLER: &str = "autotag-session-handler";
pub const EXTERNAL_ID: &str = "e-17";
