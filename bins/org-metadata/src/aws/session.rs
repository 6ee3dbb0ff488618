//! Sessions in accounts.

use autotag_aws::{RateLimiter, organizations};
use autotag_model::arn::Region;
use aws_config::SdkConfig;
use std::sync::OnceLock;

/// An account, with credentials for it. The rate limits of its calls end with the session, so that memory does not grow with
/// the number of accounts.
#[derive(Debug)]
pub(crate) struct AccountSession {
    pub(crate) config: SdkConfig,
    /// By operation and region.
    pub(super) limiter: RateLimiter<(String, Region)>,
    organizations: OnceLock<aws_sdk_organizations::Client>,
}

impl AccountSession {
    pub(crate) fn new(config: SdkConfig) -> Self {
        Self { config, limiter: RateLimiter::new(), organizations: OnceLock::new() }
    }

    /// The client for AWS Organizations, made once.
    pub(crate) fn organizations(&self) -> &aws_sdk_organizations::Client {
        self.organizations.get_or_init(|| organizations::client(&self.config))
    }

    /// The configuration for another region.
    pub(crate) fn config_in(&self, region: &Region) -> SdkConfig {
        self.config.to_builder().region(autotag_aws::sdk_region(region)).build()
    }
}
