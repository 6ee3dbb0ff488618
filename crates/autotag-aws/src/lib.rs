#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

use autotag_model::arn::Region;
use aws_config::SdkConfig;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use std::sync::{Mutex, MutexGuard, PoisonError};

mod accounts;
mod answer_limit;
#[cfg(feature = "backend")]
#[cfg_attr(docsrs, doc(cfg(feature = "backend")))]
pub mod backend;
mod certificates;
mod credentials;
mod deadline;
mod error;
#[cfg(any(feature = "backend", feature = "history", feature = "trail"))]
mod errors;
mod function_environment;
#[cfg(feature = "history")]
mod history;
#[cfg(feature = "inventory")]
#[cfg_attr(docsrs, doc(cfg(feature = "inventory")))]
pub mod inventory;
#[cfg(feature = "organizations")]
pub mod organizations;
pub mod paginate;
#[cfg(feature = "query")]
#[cfg_attr(docsrs, doc(cfg(feature = "query")))]
pub mod query;
mod rate_limiter;
mod role;
mod settings;
pub mod signed;
mod too_many_requests;
#[cfg(feature = "trail")]
mod trail;

pub use accounts::Accounts;
pub use answer_limit::LONGEST_ANSWER;
pub use certificates::NoCertificates;
pub use credentials::NoCredentials;
pub use deadline::WithDeadline;
pub use error::{AccountError, CallError, LONGEST_MESSAGE};
pub use function_environment::NotInLambda;
#[cfg(feature = "history")]
#[cfg_attr(docsrs, doc(cfg(feature = "history")))]
pub use history::CloudTrailHistory;
pub use rate_limiter::{Permit, RateLimit, RateLimiter};
pub use role::AssumedRole;
pub use settings::{AccountScope, AccountScopeError, MemberRole, Settings, Timeouts};
pub use too_many_requests::TooManyRequests;
#[cfg(feature = "trail")]
#[cfg_attr(docsrs, doc(cfg(feature = "trail")))]
pub use trail::{LogFilePart, TrailReader, get_log_file};

/// Retries without a shared quota, for clients of the service `name`.
///
/// By default the SDK lets the calls of a process share a quota of retries, which is used up when nearly half of them fail. Then
/// each failure goes back to the queue, and its calls are made again: more calls, not fewer. Here the number of attempts is the
/// limit, and the pauses between them protect AWS.
pub fn retries(name: &'static str) -> RetryPartition {
    RetryPartition::custom(name).token_bucket(TokenBucket::unlimited()).build()
}

/// A region, as SDK crates take it.
pub fn sdk_region(region: &Region) -> aws_types::region::Region {
    aws_types::region::Region::new(region.as_str().to_owned())
}

/// The configuration of a client of an SDK crate: retries as in [`retries`], also of status 429.
macro_rules! client_config {
    ($sdk:ident, $config:expr) => {
        $sdk::config::Builder::from($config)
            .retry_partition($crate::retries(stringify!($sdk)))
            .retry_classifier($crate::too_many_requests::TooManyRequests)
    };
}
#[cfg(any(feature = "backend", feature = "inventory", feature = "organizations"))]
use client_config;

/// A client for S3. Emulators and private endpoints have no host name per bucket, so the path names the bucket there.
#[cfg(feature = "s3")]
#[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
pub fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let by_path = config.endpoint_url().is_some();
    aws_sdk_s3::Client::from_conf(client_config!(aws_sdk_s3, config).force_path_style(by_path).build())
}

/// A client for `DynamoDB`.
#[cfg(feature = "dynamodb")]
#[cfg_attr(docsrs, doc(cfg(feature = "dynamodb")))]
pub fn dynamodb_client(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::from_conf(client_config!(aws_sdk_dynamodb, config).build())
}

fn sts(config: &SdkConfig) -> aws_sdk_sts::Client {
    aws_sdk_sts::Client::from_conf(client_config!(aws_sdk_sts, config).build())
}

/// Ignores poisoning: the guarded values are changed in one step, so a panic cannot leave them half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
