//! What things are: CloudTrail records, identities, sessions, ARNs, tags, the tag policy and catalogue rules.
//!
//! This crate does no IO, reads no clock and no environment, spawns nothing and knows no AWS SDK: bytes come in
//! through a [`std::io::Read`] that the caller opened, time comes in as a [`jiff::Timestamp`]. Everything in here is a
//! pure function of its arguments, so the whole decision "which tags, and why" can be replayed from a trail file.
//!
//! | module | contents |
//! |---|---|
//! | [`envelope`] | bytes of any known wrapping -> records, each with its position |
//! | [`record`] | one CloudTrail record; every field may be missing or odd |
//! | [`identity`] | `userIdentity` in all its shapes -> [`Principal`](identity::Principal) |
//! | [`session`] | an STS record -> [`Session`](session::Session) |
//! | [`arn`] | ARNs, partitions, regions, account ids |
//! | [`tags`] | keys, values and sets that hold AWS's limits by construction |
//! | [`failure`] | error codes of AWS -> what kind of failure |
//! | [`policy`] | which tags, from where, who wins, what is never overridden |
//! | [`rule`] | what a catalogue rule is, and the interpreter of its paths |
//!
//! ```
//! use autotag_model::envelope::{read_records, Limits};
//!
//! let trail = br#"{"Records":[{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue"}]}"#;
//! let mut names = Vec::new();
//! read_records(&trail[..], &Limits::default(), &mut |item| {
//!     if let Ok(delivered) = item {
//!         names.push(delivered.record.event_name.to_string());
//!     }
//! });
//! assert_eq!(names, ["CreateQueue"]);
//! ```

pub mod arn;
pub mod envelope;
pub mod failure;
pub mod identity;
mod json;
pub mod policy;
pub mod record;
pub mod rule;
pub mod session;
pub mod tags;
mod template;
mod toml_error;

/// The version that all programs of the workspace say of themselves: `--version`, the metrics' dimension, a report's manifest.
///
/// It is the packages' version, unless `AUTOTAG_BUILD_VERSION` was set for the compiler: `0.1.0+5fe1d30` tells two builds of
/// one version apart.
pub const VERSION: &str = match option_env!("AUTOTAG_BUILD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
