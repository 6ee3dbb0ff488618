//! Calls to AWS: with whose credentials, how many at a time, how often, and counted.
//!
//! Every call takes its turn in the token bucket of its API, in the account (and region) it is made to, then a place among
//! the calls under way. What is throttled makes its bucket slower and is tried again, with full jitter.

mod meter;

pub(crate) use meter::OperationCalls;

use autotag_aws::signed::{self, Request, SignedError};
use autotag_aws::{AccountError, AssumedRole, MemberRole, RateLimit, RateLimiter};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::failure::{self, ErrorClass};
use aws_config::SdkConfig;
use meter::Meter;
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};

/// How often a call is tried in all.
const ATTEMPTS: u32 = 8;

/// The longest pause before the second try; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// No pause is longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What CloudTrail shows as the session of our calls.
const SESSION_NAME: &str = "org-metadata";

/// A call that did not succeed, or a thing that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} answered {code}")]
pub(crate) struct Failure {
    pub(crate) class: ErrorClass,
    pub(crate) operation: String,
    /// AWS's error code, or what kept it from being asked.
    pub(crate) code: String,
}

impl Failure {
    pub(crate) fn new(operation: &str, code: &str, status: Option<u16>) -> Self {
        let class = failure::class(code, status);
        Self { class, operation: operation.to_owned(), code: code.to_owned() }
    }

    /// Whether the same call may succeed a moment later.
    fn may_pass(&self) -> bool {
        matches!(self.class, ErrorClass::Throttled | ErrorClass::Transport | ErrorClass::Conflict)
    }
}

impl From<SignedError> for Failure {
    fn from(error: SignedError) -> Self {
        Self::new(&error.operation, &error.code, error.status)
    }
}

/// An account, with credentials for it. Its turns are kept here: nothing is left of them after the last call to the account.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) config: SdkConfig,
    turns: RateLimiter<(String, Region)>,
}

impl Place {
    pub(crate) fn new(config: SdkConfig) -> Self {
        Self { config, turns: RateLimiter::new() }
    }
}

/// An account that is entered when first something is to be asked in it.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// By whom, and by which role; nothing for the credentials that the program was started with.
    by: Option<(&'a Aws, &'a Entry<'a>, &'a AccountId, &'a MemberRole)>,
    place: OnceCell<Result<Place, Failure>>,
}

impl<'a> Entry<'a> {
    /// Where one is already.
    pub(crate) fn here(place: Place) -> Self {
        Self { by: None, place: OnceCell::new_with(Some(Ok(place))) }
    }

    /// The account `id`, by a role in it.
    pub(crate) fn by_role(aws: &'a Aws, from: &'a Self, id: &'a AccountId, role: &'a MemberRole) -> Self {
        Self { by: Some((aws, from, id, role)), place: OnceCell::new() }
    }

    /// The account, entered. Whoever comes first enters; the others wait, and are refused as he is.
    pub(crate) async fn place(&self) -> Result<&Place, Failure> {
        let enter = async || {
            let Some((aws, from, id, role)) = self.by else {
                return Err(Failure::new("AssumeRole", "NotSent", None));
            };
            let from = Box::pin(from.place()).await?;
            aws.enter(from, id, role).await
        };
        self.place.get_or_init(enter).await.as_ref().map_err(Failure::clone)
    }

    /// Why the account could not be entered, if that was tried.
    pub(crate) fn refusal(&self) -> Option<&Failure> {
        self.place.get()?.as_ref().err()
    }
}

/// The way to AWS, shared by all.
#[derive(Debug)]
pub(crate) struct Aws {
    slots: Semaphore,
    rates: Rates,
    meter: Meter,
    partition: Partition,
    home: Region,
}

impl Aws {
    /// At most `concurrency` calls at a time. `home` is a region of the partition that all accounts are in.
    pub(crate) fn new(concurrency: usize, rates: Rates, home: Region) -> Self {
        let partition = Partition::of_region(&home).unwrap_or_default();
        Self { slots: Semaphore::new(concurrency), rates, meter: Meter::default(), partition, home }
    }

    /// Where Organizations and the Account API are called.
    pub(crate) fn organizations_region(&self) -> Region {
        signed::organizations_region(&self.home)
    }

    /// The calls so far, by operation.
    pub(crate) fn calls(&self) -> BTreeMap<String, OperationCalls> {
        self.meter.calls()
    }

    /// All calls so far, and how many of them were throttled.
    pub(crate) fn totals(&self) -> (u64, u64) {
        self.meter.totals()
    }

    async fn enter(&self, from: &Place, id: &AccountId, role: &MemberRole) -> Result<Place, Failure> {
        let role = Arc::new(AssumedRole::new(&from.config, &self.partition, id, role, SESSION_NAME));
        // A role is assumed where the caller is at home: STS is regional.
        self.tried(from, "AssumeRole", &self.home, async || match role.credentials().await {
            Ok(_) => Ok(()),
            Err(AccountError::Aws { operation, code, status }) => Err(Failure::new(operation, &code, status)),
            Err(_) => Err(Failure::new("AssumeRole", "NotSent", None)),
        })
        .await?;
        Ok(Place::new(role.config(&from.config)))
    }

    /// The answer to a request, as text.
    pub(crate) async fn text(&self, place: &Place, request: Request) -> Result<String, Failure> {
        self.tried(place, &request.operation, &request.region, async || {
            signed::send(&place.config, request.clone()).await.map_err(Failure::from)
        })
        .await
    }

    /// The answer to a request, as JSON.
    pub(crate) async fn json(&self, place: &Place, request: Request) -> Result<Value, Failure> {
        self.tried(place, &request.operation, &request.region, async || {
            signed::send_json(&place.config, request.clone()).await.map_err(Failure::from)
        })
        .await
    }

    /// The answer to a call, tried as often as it takes; `call` makes it once.
    pub(crate) async fn tried<T>(
        &self,
        place: &Place,
        operation: &str,
        region: &Region,
        call: impl AsyncFn() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let bucket = (operation.to_owned(), region.clone());
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let turn = place.turns.acquire(&bucket, self.rates.of(operation)).await;
            let answer = {
                // A semaphore that nobody closes always gives.
                let _slot = self.slots.acquire().await;
                // On the heap, so that only calls under way take their room.
                Box::pin(call()).await
            };
            let failure = match answer {
                Ok(answer) => {
                    self.meter.count(operation, attempt, None);
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            self.meter.count(operation, attempt, Some(failure.class));
            if failure.class == ErrorClass::Throttled {
                turn.throttled();
            }
            if attempt == ATTEMPTS || !failure.may_pass() {
                return Err(failure);
            }
            tokio::time::sleep(pause.mul_f64(fastrand::f64())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(Failure::new(operation, "NotSent", None))
    }
}

/// How fast each operation may be called, in one account (and region).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rates {
    asked: BTreeMap<String, RateLimit>,
}

/// What AWS allows, where it says so, and a modest figure where it does not.
const DEFAULTS: [(&str, RateLimit); 11] = [
    ("AssumeRole", limit(100, 100)),
    ("DescribeOrganization", limit(10, 1)),
    ("ListAccounts", limit(10, 1)),
    // Not documented; other tools are throttled above 250 accounts when they do not wait.
    ("ListTagsForResource", limit(10, 1)),
    ("ListRegions", limit(5, 5)),
    ("DescribeRegions", limit(20, 20)),
    ("GetResources", limit(15, 1)),
    ("GetBucketLocation", limit(50, 10)),
    ("Search", limit(5, 1)),
    ("Scan", limit(50, 10)),
    ("PutObject", limit(50, 10)),
];

/// A limit for constants. Zero counts as one.
const fn limit(per_second: u32, burst: u32) -> RateLimit {
    match RateLimit::new(per_second, burst) {
        Some(limit) => limit,
        None => RateLimit::even(NonZeroU32::MIN),
    }
}

impl Rates {
    /// The defaults, but for what is asked for: calls a second by operation.
    pub(crate) fn new(asked: &BTreeMap<String, NonZeroU32>) -> Self {
        let asked = asked.iter().map(|(operation, rate)| (operation.clone(), RateLimit::even(*rate)));
        let defaults = DEFAULTS.iter().map(|(operation, rate)| ((*operation).to_owned(), *rate));
        Self { asked: defaults.chain(asked).collect() }
    }

    /// The operations whose rate can be set.
    pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
        DEFAULTS.iter().map(|(operation, _)| *operation)
    }

    /// Calls a second of an operation.
    pub(crate) fn of(&self, operation: &str) -> RateLimit {
        self.asked.get(operation).copied().unwrap_or(limit(10, 1))
    }
}
