//! Calls with rate limits, retries and counts.

use super::failure::Failure;
use super::meter::{Meter, OperationCalls};
use super::rates::Rates;
use super::session::AccountSession;
use autotag_aws::signed::{self, Request};
use autotag_aws::{AccountError, AssumedRole, CallError, MemberRole};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::failure::ErrorClass;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The number of attempts of a call.
const ATTEMPTS: u32 = 8;

/// The longest pause before the second attempt. It doubles with each attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause before any attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The name of our sessions, as CloudTrail shows it.
const SESSION_NAME: &str = "org-metadata";

/// Makes all calls of the program.
#[derive(Debug)]
pub(crate) struct Aws {
    slots: Semaphore,
    rates: Rates,
    meter: Meter,
    partition: Partition,
    home: Region,
}

impl Aws {
    /// At most `concurrency` calls are in flight at a time. `home` is a region of the partition that has all accounts.
    pub(crate) fn new(concurrency: usize, rates: Rates, home: Region) -> Self {
        let partition = Partition::of_region(&home).unwrap_or_default();
        Self { slots: Semaphore::new(concurrency), rates, meter: Meter::default(), partition, home }
    }

    /// The region where Organizations and the Account API are called.
    pub(crate) fn organizations_region(&self) -> Region {
        signed::organizations_region(&self.home)
    }

    /// The calls so far, by operation.
    pub(crate) fn calls(&self) -> BTreeMap<String, OperationCalls> {
        self.meter.calls()
    }

    /// The number of calls so far, and how many of them were throttled.
    pub(crate) fn totals(&self) -> (u64, u64) {
        self.meter.totals()
    }

    /// Assumes a role of the account `id` with the credentials of `from`.
    pub(super) async fn assume(
        &self,
        from: &AccountSession,
        id: &AccountId,
        role: &MemberRole,
    ) -> Result<AccountSession, Failure> {
        let role = Arc::new(AssumedRole::new(&from.config, &self.partition, id, role, SESSION_NAME));
        // STS is regional, and called in the home region.
        self.with_retries(from, "AssumeRole", &self.home, async || match role.credentials().await {
            Ok(_) => Ok(()),
            Err(AccountError::Aws { operation, code, status }) => Err(Failure::new(operation, &code, status)),
            Err(_) => Err(Failure::new("AssumeRole", "NotSent", None)),
        })
        .await?;
        Ok(AccountSession::new(role.config(&from.config)))
    }

    /// Makes a call with an SDK client. `send` makes one attempt.
    pub(crate) async fn call<T, E: ProvideErrorMetadata + Error + 'static>(
        &self,
        session: &AccountSession,
        operation: &str,
        region: &Region,
        send: impl AsyncFn() -> Result<T, SdkError<E>>,
    ) -> Result<T, Failure> {
        self.with_retries(session, operation, region, async || {
            send().await.map_err(|error| CallError::of_sdk(operation, &error).into())
        })
        .await
    }

    /// Sends a signed request and returns the answer as text.
    pub(crate) async fn text(&self, session: &AccountSession, request: Request) -> Result<String, Failure> {
        self.with_retries(session, &request.operation, &request.region, async || {
            signed::send(&session.config, request.clone()).await.map_err(Failure::from)
        })
        .await
    }

    /// Sends a signed request and returns the answer as JSON.
    pub(crate) async fn json(&self, session: &AccountSession, request: Request) -> Result<Value, Failure> {
        self.with_retries(session, &request.operation, &request.region, async || {
            signed::send_json(&session.config, request.clone()).await.map_err(Failure::from)
        })
        .await
    }

    /// Makes a call until it succeeds, fails for good, or has used all attempts. `send` makes one attempt.
    pub(crate) async fn with_retries<T>(
        &self,
        session: &AccountSession,
        operation: &str,
        region: &Region,
        send: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let bucket = (operation.to_owned(), region.clone());
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            // The permit is issued when the slot is there: permits that were saved up would go as a burst.
            let rate = self.rates.of(operation);
            let (permit, slot) = session.limiter.acquire_with(&bucket, rate, self.slots.acquire()).await;
            // On the heap, so that waiting calls do not take the memory of calls in flight.
            let answer = Box::pin(send()).await;
            // The semaphore is never closed, so there always is a slot.
            drop(slot);
            let failure = match answer {
                Ok(answer) => {
                    self.meter.count(operation, attempt, None);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            self.meter.count(operation, attempt, Some(failure.class));
            if failure.class == ErrorClass::Throttled {
                permit.throttled();
            }
            if attempt == ATTEMPTS || !failure.is_transient() {
                return Err(failure);
            }
            tokio::time::sleep(pause.mul_f64(fastrand::f64())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(Failure::new(operation, "NotSent", None))
    }
}
