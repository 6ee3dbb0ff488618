//! autotag over AWS: credentials and clients per account and region, the backend of the engine, trail files in S3.
//!
//! The caller's own account is reached with the ambient credentials, every other one with a role assumed in it, and only if it is
//! allowed. Retries, timeouts and endpoints are set in one place, [`Settings`], for all clients.
//!
//! | module | contents |
//! |---|---|
//! | [`Settings`] | what a deployment chooses |
//! | [`Accounts`] | configurations and clients, cached |
//! | [`AssumedRole`] | a role and its credentials |
//! | [`RateLimiter`] | turns for calls: not more a second than allowed, and fewer where AWS throttles |
//! | [`signed`] | requests that no SDK crate writes: signed, sent and retried like the SDK's own |
//! | `backend`, feature `backend` | the ports of the engine over AWS |
//! | `TrailReader`, feature `trail` | log files of trails in S3 |

use autotag_model::arn::Region;
use aws_config::SdkConfig;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use std::sync::{Mutex, MutexGuard, PoisonError};

mod accounts;
#[cfg(feature = "backend")]
pub mod backend;
mod error;
#[cfg(any(feature = "backend", feature = "trail"))]
mod errors;
mod rate_limiter;
mod role;
mod settings;
pub mod signed;
#[cfg(feature = "trail")]
mod trail;

pub use accounts::Accounts;
pub use error::AccountError;
pub use rate_limiter::{Permit, RateLimit, RateLimiter};
pub use role::AssumedRole;
pub use settings::{AccountScope, MemberRole, Settings, Timeouts};
#[cfg(feature = "trail")]
pub use trail::TrailReader;

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

/// A client for S3. Emulators and private endpoints have no host name for each bucket, so paths name the bucket there.
#[cfg(any(feature = "backend", feature = "trail"))]
pub fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(config.endpoint_url().is_some())
        .retry_partition(retries("aws_sdk_s3"));
    aws_sdk_s3::Client::from_conf(config.build())
}

/// A client for `DynamoDB`.
#[cfg(feature = "dynamodb")]
pub fn dynamodb_client(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(config);
    aws_sdk_dynamodb::Client::from_conf(config.retry_partition(retries("aws_sdk_dynamodb")).build())
}

fn sts(config: &SdkConfig) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::config::Builder::from(config);
    aws_sdk_sts::Client::from_conf(config.retry_partition(retries("aws_sdk_sts")).build())
}

/// A panic elsewhere while the lock was held leaves what it guards whole: it is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
