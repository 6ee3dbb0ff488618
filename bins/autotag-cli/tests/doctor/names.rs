//! The names of a deployment.

pub use crate::common::BIN;

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";
pub const HUB: &str = "eu-west-1";
pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

pub const TAG_HANDLER: &str = "autotag-tag-handler";
pub const SESSION_HANDLER: &str = "autotag-session-handler";
pub const EXTERNAL_ID: &str = "e-17";

/// The partition of a region, as the ARNs of its resources have it.
pub fn partition(at: &str) -> &'static str {
    match at.split_once('-') {
        Some(("cn", _)) => "aws-cn",
        Some(("us", rest)) if rest.starts_with("gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The region in which global services of a partition are asked.
pub fn global_region(at: &str) -> &'static str {
    match partition(at) {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}
