//! The event history of `CloudTrail`: `LookupEvents`, paced and paged.

#[cfg(feature = "backend")]
mod origins;

use crate::paginate::Paginator;
use crate::rate_limiter::{RateLimit, RateLimiter};
use crate::{Accounts, CallError, errors};
use async_trait::async_trait;
use autotag_handlers::error::BackendError;
use autotag_handlers::whois::{EventHistory, Lookup, Place};
use autotag_model::arn::AccountId;
use autotag_model::failure::ErrorClass;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// AWS's limit for each account and region (CloudTrail API reference, `LookupEvents`).
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// The most events of one page.
const PAGE: i32 = 50;

/// The most pages of one question. Events come newest first, so a creation behind this many stays unknown.
const MAX_PAGES: u32 = 40;

/// The attempts of one call, the first one included.
const ATTEMPTS: u32 = 6;

/// The pause before a call that had no answer is made again. It doubles each time. A throttled call waits for its turn besides.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

const OPERATION: &str = "LookupEvents";

/// The event histories of the accounts that [`Accounts`] can enter. At most two calls a second go to each account and region,
/// also those that are made again. Needs `cloudtrail:LookupEvents`.
#[derive(Debug)]
pub struct CloudTrailHistory {
    accounts: Arc<Accounts>,
    limiter: RateLimiter<Place>,
}

/// The parameters of one question, except the page.
struct Question<'q> {
    name: &'q str,
    between: Option<&'q RangeInclusive<Timestamp>>,
}

impl CloudTrailHistory {
    /// Asks with the credentials of `accounts`.
    pub fn new(accounts: Arc<Accounts>) -> Self {
        Self { accounts, limiter: RateLimiter::new() }
    }

    /// All pages of an answer, into `lookup`.
    async fn pages(
        &self,
        place: &Place,
        question: &Question<'_>,
        lookup: &mut Lookup,
    ) -> Result<(), BackendError> {
        let account = self.entered(place.account.as_ref()).await?;
        let client = self.accounts.client(account, &place.region, client).await;
        let client = client.map_err(|error| errors::of_account(&error))?;
        // The caller's own account has one limit, whether it is named or not.
        let key = Place { account: account.cloned(), region: place.region.clone() };
        let mut pages = Paginator::new(OPERATION);
        for _ in 0..MAX_PAGES {
            if !pages.has_next() {
                return Ok(());
            }
            let (records, next) =
                self.page(&client, &key, question, pages.token(), &mut lookup.calls).await?;
            lookup.records.extend(records);
            pages.advance(next).map_err(|error| errors::of_call(&error.into()))?;
        }
        if pages.has_next() {
            return Err(BackendError::new(ErrorClass::Invalid, OPERATION, "more events than are read"));
        }
        Ok(())
    }

    /// The account, if a role has to be assumed to enter it.
    async fn entered<'a>(
        &self,
        account: Option<&'a AccountId>,
    ) -> Result<Option<&'a AccountId>, BackendError> {
        let Some(account) = account else { return Ok(None) };
        let own = self.accounts.own().await.map_err(|error| errors::of_account(&error))?;
        Ok((own != account).then_some(account))
    }

    /// One page, asked for again where that may help.
    async fn page(
        &self,
        client: &Client,
        key: &Place,
        question: &Question<'_>,
        token: Option<String>,
        calls: &mut u64,
    ) -> Result<(Vec<String>, Option<String>), BackendError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let permit = self.limiter.acquire(key, RateLimit::even(PER_SECOND)).await;
            *calls += 1;
            let error = match call(client, question, token.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => errors::of_call(&error),
            };
            match error.class {
                ErrorClass::Throttled => permit.throttled(),
                ErrorClass::Transport => {}
                _ => return Err(error),
            }
            if attempt >= ATTEMPTS {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        Ok((Vec::new(), None))
    }
}

/// A client without retries of its own: they would not be paced.
fn client(config: &aws_config::SdkConfig) -> Client {
    Client::from_conf(
        aws_sdk_cloudtrail::config::Builder::from(config).retry_config(RetryConfig::disabled()).build(),
    )
}

async fn call(
    client: &Client,
    question: &Question<'_>,
    token: Option<String>,
) -> Result<(Vec<String>, Option<String>), CallError> {
    let attribute = LookupAttribute::builder()
        .attribute_key(LookupAttributeKey::ResourceName)
        .attribute_value(question.name)
        .build()
        .map_err(|_| CallError::unsent(OPERATION, "NotSent"))?;
    let time = |time: &Timestamp| DateTime::from_secs(time.as_second());
    let answer = client
        .lookup_events()
        .lookup_attributes(attribute)
        .set_start_time(question.between.map(|between| time(between.start())))
        .set_end_time(question.between.map(|between| time(between.end())))
        .max_results(PAGE)
        .set_next_token(token)
        .send()
        .await
        .map_err(|error| CallError::of_sdk(OPERATION, &error))?;
    let events = answer.events.unwrap_or_default().into_iter();
    Ok((events.filter_map(|event| event.cloud_trail_event).collect(), answer.next_token))
}

#[async_trait]
impl EventHistory for CloudTrailHistory {
    async fn naming(&self, place: &Place, name: &str, between: Option<&RangeInclusive<Timestamp>>) -> Lookup {
        let mut lookup = Lookup { records: Vec::new(), calls: 0, failure: None };
        lookup.failure = self.pages(place, &Question { name, between }, &mut lookup).await.err();
        lookup
    }
}
