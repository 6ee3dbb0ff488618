//! The ports over AWS (feature `backend`).
//!
//! | module | contents |
//! |---|---|
//! | `tagger` | which call writes the tags of a resource; the grouping of ids and ARNs into requests |
//! | `sdk` | which calls are sent over SDK clients, by operation and service |
//! | `tagging_api`, `ec2`, `rds`, `dynamodb`, `s3` | calls over SDK clients |
//! | [`described`] | calls that the catalogue describes: every other service's own |
//! | `reader` | the tags that are there already |
//! | `lookup`, `principals` | what came with an instance or image; IAM tags, cached |
//! | `people` | names of Identity Center users, cached |
//! | `kept` | what is cached, for how long |
//! | [`permissions`] | what the role needs for calls that no rule names |
//! | [`until`] | any ports, cut off at a moment |

pub mod described;
mod dynamodb;
mod ec2;
mod kept;
mod lookup;
mod people;
pub mod permissions;
mod principals;
mod rds;
mod reader;
mod s3;
mod sdk;
mod tagger;
mod tagging_api;
pub mod until;

use crate::errors;
use crate::{Accounts, RateLimit, RateLimiter};
use async_trait::async_trait;
use autotag_handlers::outcome::BackendError;
use autotag_handlers::ports::{Clock, Tags};
use autotag_model::arn::{AccountId, Region};
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use kept::Kept;
use session_store::{SessionReader, SessionStore, SessionStoreError, SessionWriter};
use std::future::Future;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How many requests of one write or read wait at the same time, where AWS takes few resources a request. Several writes
/// may wait at the same time as well: [`autotag_handlers::batch::run`] says how many.
const CONCURRENCY: usize = 8;

/// An account (none is one's own) and a region.
type Place = (Option<AccountId>, Region);

/// The world as AWS has it. Shared by reference; clients and IAM tags are kept between batches.
#[derive(Debug)]
pub struct AwsPorts<S> {
    accounts: Arc<Accounts>,
    sessions: S,
    now: fn() -> Timestamp,
    principals: Arc<Kept<Tags>>,
    people: Arc<Kept<Option<String>>>,
    identity_store: Option<Region>,
    pace: Option<(RateLimit, Arc<RateLimiter<Place>>)>,
}

/// How a client of an SDK crate is made.
macro_rules! client_of {
    ($sdk:ident) => {
        |config: &aws_config::SdkConfig| {
            let retries = crate::retries(stringify!($sdk));
            $sdk::Client::from_conf($sdk::config::Builder::from(config).retry_partition(retries).build())
        }
    };
}
use client_of;

impl<S: SessionStore> AwsPorts<S> {
    /// Over these accounts and this store; `now` reads the clock.
    pub fn new(accounts: Arc<Accounts>, sessions: S, now: fn() -> Timestamp) -> Self {
        Self {
            accounts,
            sessions,
            now,
            principals: Arc::default(),
            people: Arc::default(),
            identity_store: None,
            pace: None,
        }
    }

    /// The same with at most so many calls a second to each account and region. Retries are not counted: they have
    /// pauses of their own.
    #[must_use]
    pub fn at_most(mut self, calls_per_second: NonZeroU32) -> Self {
        self.pace = Some((RateLimit::even(calls_per_second), Arc::default()));
        self
    }

    /// The same with names of Identity Center users, asked for in the identity store of this region. Its account is the one
    /// that records name.
    #[must_use]
    pub fn with_identity_store(mut self, region: Region) -> Self {
        self.identity_store = Some(region);
        self
    }

    /// The same world with other sessions.
    pub fn with_sessions<T: SessionStore>(&self, sessions: T) -> AwsPorts<T> {
        AwsPorts {
            accounts: Arc::clone(&self.accounts),
            sessions,
            now: self.now,
            principals: Arc::clone(&self.principals),
            people: Arc::clone(&self.people),
            identity_store: self.identity_store.clone(),
            pace: self.pace.clone(),
        }
    }

    /// The store of sessions.
    pub fn sessions(&self) -> &S {
        &self.sessions
    }

    /// The accounts.
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    /// A client for the place of a resource; waits for its turn.
    async fn client<C: Clone + Send + Sync + 'static>(
        &self,
        resource: &Resource,
        make: impl FnOnce(&SdkConfig) -> C,
    ) -> Result<C, BackendError> {
        let region = self.region(resource)?;
        self.turn(resource, &region).await;
        let client = self.accounts.client(resource.account.as_ref(), &region, make).await;
        client.map_err(|error| errors::of_account(&error))
    }

    /// The region in which a resource is tagged; one's own where nothing tells.
    fn region(&self, resource: &Resource) -> Result<Region, BackendError> {
        let region = resource.region.clone().or_else(|| self.accounts.home_region());
        region.ok_or_else(|| errors::invalid("a call to AWS", "NoRegion"))
    }

    async fn turn(&self, resource: &Resource, region: &Region) {
        if let Some((rate, pace)) = &self.pace {
            // What is throttled all the same has pauses of its own.
            let _ = pace.acquire(&(resource.account.clone(), region.clone()), *rate).await;
        }
    }
}

/// Requests that wait together, a few at a time; answers in order.
async fn together<F: Future>(requests: Vec<F>) -> Vec<F::Output> {
    stream::iter(requests).buffered(CONCURRENCY).collect().await
}

impl<S: SessionStore> Clock for AwsPorts<S> {
    fn now(&self) -> Timestamp {
        (self.now)()
    }
}

#[async_trait]
impl<S: SessionReader> SessionReader for AwsPorts<S> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.sessions.find_issued(role_session, between).await
    }
}

#[async_trait]
impl<S: SessionWriter> SessionWriter for AwsPorts<S> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.sessions.put(session).await
    }
}
