//! The backend of the engine over AWS (feature `backend`).
//!
//! | module | contents |
//! |---|---|
//! | `tagger` | which call writes the tags of a resource; ids and ARNs grouped into requests |
//! | `reader` | the tags that are there already |
//! | `documented_answer` | refuses successes that are not the documented ones, where SDK clients do not |
//! | `sdk_calls` | which calls are sent over SDK clients, by operation and service |
//! | `tagging_api`, `ec2`, `rds`, `dynamodb`, `s3` | calls over SDK clients |
//! | [`declared_calls`] | calls that the catalogue declares: every other service's own |
//! | `related` | resources that a new instance or image brings with it |
//! | `principals`, `users` | IAM tags; names of Identity Center users; both cached |
//! | `ttl_cache` | answers that are cached for a while |
//! | [`permissions`] | what the role needs for calls that no rule names |

pub mod declared_calls;
mod documented_answer;
mod dynamodb;
mod ec2;
pub mod permissions;
mod principals;
mod rds;
mod reader;
mod related;
mod s3;
mod sdk_calls;
mod tagger;
mod tagging_api;
mod ttl_cache;
mod users;

use crate::errors;
use crate::{Accounts, RateLimit, RateLimiter};
use async_trait::async_trait;
use autotag_handlers::backend::{
    BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags,
};
use autotag_handlers::error::BackendError;
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::Resource;
use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt as _};
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use ttl_cache::TtlCache;

/// How many requests of one write or read wait at the same time, where AWS takes few resources a request. Several writes
/// may wait at the same time as well: see [`autotag_handlers::plan::CONCURRENCY`].
const CONCURRENCY: usize = 8;

/// An account (`None` is the caller's own) and a region.
type AccountRegion = (Option<AccountId>, Region);

/// AWS as a backend. Shared by reference; clients, IAM tags and user names are cached between plans.
#[derive(Debug)]
pub struct AwsBackend {
    accounts: Arc<Accounts>,
    principals: TtlCache<Tags>,
    users: TtlCache<Option<String>>,
    identity_store: Option<Region>,
    /// The stores that may be asked. If there are none, those of the caller's own account.
    trusted_stores: Vec<Arn>,
    rate: Option<(RateLimit, RateLimiter<AccountRegion>)>,
}

/// How a client of an SDK crate is made.
macro_rules! client_of {
    ($sdk:ident) => {
        |config: &aws_config::SdkConfig| {
            let config = crate::client_config!($sdk, config);
            let config = config.interceptor(crate::backend::documented_answer::DocumentedAnswer);
            $sdk::Client::from_conf(config.build())
        }
    };
}
use client_of;

impl AwsBackend {
    /// A backend over these accounts.
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self {
            accounts,
            principals: TtlCache::default(),
            users: TtlCache::default(),
            identity_store: None,
            trusted_stores: Vec::new(),
            rate: None,
        }
    }

    /// Limits calls per account and region to `calls_per_second`. Retries are not counted: they have pauses of their own.
    #[must_use]
    pub fn with_rate_limit(mut self, calls_per_second: NonZeroU32) -> Self {
        self.rate = Some((RateLimit::even(calls_per_second), RateLimiter::default()));
        self
    }

    /// Asks for the names of Identity Center users in the identity store of this region: that of the caller's own account, or
    /// those of [`AwsBackend::with_trusted_identity_stores`].
    #[must_use]
    pub fn with_identity_store(mut self, region: Region) -> Self {
        self.identity_store = Some(region);
        self
    }

    /// Adds identity stores that may be asked for names, by their ARNs; a record that names another one gets no name. Without
    /// this, only stores of the caller's own account are asked.
    ///
    /// A record names the store of its user, and every account may have an instance of Identity Center of its own, whose users
    /// have the names that the account gives them. So a name counts only from a store that the operator knows.
    #[must_use]
    pub fn with_trusted_identity_stores(mut self, stores: impl IntoIterator<Item = Arn>) -> Self {
        self.trusted_stores.extend(stores);
        self
    }

    /// The accounts.
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    /// A client for the account and region of a resource, as soon as the rate limit allows a call there.
    async fn client<C: Clone + Send + Sync + 'static>(
        &self,
        resource: &Resource,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> Result<C, BackendError> {
        let region = self.region(resource)?;
        self.wait_for_rate(resource, &region).await;
        let client = self.accounts.client(resource.account.as_ref(), &region, make).await;
        client.map_err(|error| errors::of_account(&error))
    }

    /// The region in which a resource is tagged, otherwise the caller's own.
    fn region(&self, resource: &Resource) -> Result<Region, BackendError> {
        let region = resource.region.clone().or_else(|| self.accounts.home_region());
        region.ok_or_else(|| errors::invalid("a call to AWS", "NoRegion"))
    }

    async fn wait_for_rate(&self, resource: &Resource, region: &Region) {
        if let Some((rate, limiter)) = &self.rate {
            // A call that is still throttled has pauses of its own.
            let _ = limiter.acquire(&(resource.account.clone(), region.clone()), *rate).await;
        }
    }
}

/// Runs the requests, a few at a time, and returns their answers in order.
async fn together<F: Future>(requests: Vec<F>) -> Vec<F::Output> {
    stream::iter(requests).buffered(CONCURRENCY).collect().await
}

#[async_trait]
impl BackendReader for AwsBackend {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        self.read_tags(resources).await
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.related_resources(of, query).await.map(Related::Found)
    }

    async fn find_all_related(
        &self,
        questions: &[(Resource, RelatedQuery)],
    ) -> Vec<Result<Related, BackendError>> {
        let answers = self.all_related_resources(questions).await;
        answers.into_iter().map(|answer| answer.map(Related::Found)).collect()
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.cached_iam_tags(arn).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.cached_user_name(user).await
    }
}

#[async_trait]
impl TagWriter for AwsBackend {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        self.write(write).await
    }
}
