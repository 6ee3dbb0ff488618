//! With whose credentials: configurations and clients per (account, region).
//!
//! One's own account is reached with the ambient credentials, every other one with a role assumed in it, and only if it is
//! allowed. Retries, timeouts and endpoints are set in one place, [`Settings`], for all clients.
//!
//! | room | what it holds |
//! |---|---|
//! | [`Settings`] | what a deployment chooses |
//! | [`Accounts`] | configurations and clients, cached |
//! | [`signed`] | requests that no SDK crate writes: signed, sent and retried like the SDK's own |

use autotag_model::arn::Region;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};

mod accounts;
mod error;
mod member;
mod settings;
pub mod signed;

pub use accounts::Accounts;
pub use error::AccountError;
/// Retries without a common allowance, for clients of the service `name`.
///
/// The SDK lets the calls of a process share an allowance of retries, which is used up when nearly half of them fail. Then
/// each failure goes back to the queue, and what was asked before is asked again: more calls, not fewer. Here the number
/// of attempts is the bound, and the pause between them the courtesy.
pub fn retries(name: &'static str) -> RetryPartition {
    RetryPartition::custom(name).token_bucket(TokenBucket::unlimited()).build()
}

/// A region, as SDK crates take it.
pub fn sdk_region(region: &Region) -> aws_types::region::Region {
    aws_types::region::Region::new(region.as_str().to_owned())
}

pub use settings::{Allowed, MemberRole, Settings, Timeouts};
