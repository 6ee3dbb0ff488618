#![doc = include_str!("../README.md")]

pub mod arn;
pub mod envelope;
pub mod failure;
pub mod identity;
mod json;
pub mod json_error;
pub mod policy;
pub mod record;
pub mod rule;
pub mod session;
pub mod spreadsheet;
pub mod subject;
pub mod tags;
mod template;
mod time;
mod toml_error;

/// The version of all programs of the workspace: for `--version`, the dimension of metrics, and the manifest of a
/// report.
///
/// It is the version of the package, or the value that `AUTOTAG_BUILD_VERSION` had during compilation. A value such as
/// `0.1.0+5fe1d30` tells two builds of one version apart.
pub const VERSION: &str = match option_env!("AUTOTAG_BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
