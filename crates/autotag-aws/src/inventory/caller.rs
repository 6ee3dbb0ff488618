//! The calls of the inventory, with a limit of calls per second.

use crate::rate_limiter::{Permit, RateLimit, RateLimiter};
use crate::{AccountError, Accounts, CallError};
use autotag_model::arn::Region;
use autotag_model::failure::{ErrorClass, classify};
use aws_config::SdkConfig;
use std::num::NonZeroU32;

/// Calls a second to each API of a region. AWS allows more.
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// Makes calls with the caller's own credentials.
#[derive(Debug)]
pub(super) struct Caller<'a> {
    pub(super) accounts: &'a Accounts,
    limiter: RateLimiter<(&'static str, Region)>,
}

impl<'a> Caller<'a> {
    pub(super) fn new(accounts: &'a Accounts) -> Self {
        Self { accounts, limiter: RateLimiter::new() }
    }

    pub(super) async fn config(&self, region: &Region, operation: &str) -> Result<SdkConfig, CallError> {
        self.accounts.config(None, region).await.map_err(|error| match error {
            AccountError::Aws { operation, code, status } => {
                CallError { operation: operation.to_owned(), code, status, message: None }
            }
            AccountError::NotAllowed(_) | AccountError::NoRole(_) => CallError::unsent(operation, "NotSent"),
        })
    }

    pub(super) async fn permit(&self, api: &'static str, region: &Region) -> Permit {
        self.limiter.acquire(&(api, region.clone()), RateLimit::even(PER_SECOND)).await
    }
}

/// Lets later calls come more slowly, if this one was throttled.
pub(super) fn note(permit: &Permit, error: CallError) -> CallError {
    if classify(&error.code, error.status) == ErrorClass::Throttled {
        permit.throttled();
    }
    error
}
