//! Questions to an event history, each asked once.

use super::finding::Failure;
use crate::error::{BackendError, ErrorClass};
use async_trait::async_trait;
use autotag_model::arn::{AccountId, Region};
use futures_util::lock::Mutex as AsyncMutex;
use jiff::Timestamp;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// An account and a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The account; `None` for the one that asks.
    pub account: Option<AccountId>,
    /// The region.
    pub region: Region,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "{} of {account}", self.region),
            None => write!(f, "{} of this account", self.region),
        }
    }
}

/// The answer to one question.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The records, each the text of one.
    pub records: Vec<String>,
    /// How many calls it took, those that failed included.
    pub calls: u64,
    /// Why there is no answer, or not a whole one.
    pub failure: Option<BackendError>,
}

/// The event history of accounts: the management events of the last 90 days, by the name of a resource.
///
/// `LookupEvents` of CloudTrail is one ([CloudTrail API reference][api]).
///
/// [api]: https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
#[async_trait]
pub trait EventHistory: Send + Sync {
    /// The records of events that name a resource, in a place; only those in this time, if it is limited. A resource is named
    /// by its id, its name or its ARN; an access key and a role session are resources too, of the call that issued them.
    async fn naming(&self, place: &Place, name: &str, between: Option<&RangeInclusive<Timestamp>>) -> Lookup;
}

type Question = (Place, String, Option<RangeInclusive<Timestamp>>);

/// An answer, as soon as it arrives. The lock is held while the question is asked.
type Slot = Arc<AsyncMutex<Option<Arc<Lookup>>>>;

/// The questions so far. Several resources share the answers.
pub(super) struct Questions<'h> {
    history: &'h dyn EventHistory,
    answers: Mutex<HashMap<Question, Slot>>,
}

/// The cost of an answer about one resource.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) questions: Vec<String>,
    pub(super) failures: Vec<Failure>,
}

impl Tally {
    /// Notes a question about what a resource came with.
    pub(super) fn origin<T>(
        &mut self,
        answer: Result<Option<T>, BackendError>,
        id: &str,
        place: &Place,
    ) -> Option<T> {
        self.calls += 1;
        self.questions.push(format!("the origin of {id}, in {place}"));
        answer.unwrap_or_else(|error| {
            self.failures.push(Failure::new(in_words(&error, place), false));
            None
        })
    }
}

impl<'h> Questions<'h> {
    pub(super) fn new(history: &'h dyn EventHistory) -> Self {
        Self { history, answers: Mutex::default() }
    }

    /// The records that name a resource. `shown` is how the question is shown: an access key never is. `None` if there is no
    /// answer, or not a whole one; the failure is in the tally then.
    pub(super) async fn ask(
        &self,
        place: &Place,
        name: &str,
        between: Option<RangeInclusive<Timestamp>>,
        shown: &str,
        is_about_sessions: bool,
        tally: &mut Tally,
    ) -> Option<Arc<Lookup>> {
        let question: Question = (place.clone(), name.to_owned(), between.clone());
        let shown = format!("{shown} in {place}");
        let slot = {
            // A panic elsewhere leaves the map whole.
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(answers.entry(question).or_default())
        };
        let mut slot = slot.lock().await;
        let answer = if let Some(known) = &*slot {
            Arc::clone(known)
        } else {
            let answer = Arc::new(self.history.naming(place, name, between.as_ref()).await);
            tally.calls += answer.calls;
            *slot = Some(Arc::clone(&answer));
            answer
        };
        let is_failed =
            answer.failure.as_ref().map(|error| Failure::new(in_words(error, place), is_about_sessions));
        if !tally.questions.contains(&shown) {
            tally.questions.push(shown);
        }
        match is_failed {
            None => Some(answer),
            Some(failure) => {
                tally.failures.push(failure);
                None
            }
        }
    }
}

/// A failed question, for people: `denied: cloudtrail:LookupEvents in eu-west-1 of 111122223333 (AccessDeniedException)`.
fn in_words(error: &BackendError, place: &Place) -> String {
    let BackendError { class, operation, code, .. } = error;
    let call = match operation.as_str() {
        "LookupEvents" => "cloudtrail:LookupEvents".to_owned(),
        "AssumeRole" => "sts:AssumeRole".to_owned(),
        "DescribeVolumes" | "DescribeImages" | "DescribeSnapshots" => format!("ec2:{operation}"),
        other => other.to_owned(),
    };
    let how = match class {
        ErrorClass::Denied => "denied",
        ErrorClass::Throttled => "throttled, also when it was tried again",
        ErrorClass::Transport => "no answer, also when it was tried again",
        _ => "failed",
    };
    format!("{how}: {call} in {place} ({code})")
}
