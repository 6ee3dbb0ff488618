//! How each resource ended. Nothing that was looked at disappears without one of these.

use crate::owner::Owner;
pub use autotag_model::failure::ErrorClass;
use autotag_model::policy::Note;
use autotag_model::rule::Resource;
use autotag_model::tags::TagSet;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::sync::Arc;

/// The end of one resource, or of a record that led to none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Outcome {
    /// The tags are written.
    Tagged,
    /// Nothing is to be written: the tags are there, or another owner was there first.
    AlreadyTagged(&'static str),
    /// Not to be tagged.
    Skipped(SkipReason),
    /// It looks like a creation, but the catalogue has no rule for it.
    NoRule,
    /// The API call itself failed, so nothing was created; the error code.
    CallFailed(String),
    /// The resource is not found, long after the event: it was deleted.
    Gone,
    /// Not done yet; a later try may succeed.
    Deferred(String),
    /// A later try fails as well until somebody changes something (a permission, a limit).
    Refused(String),
    /// The record cannot be made sense of.
    Malformed(String),
}

/// Why something is not to be tagged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// The caller asked AWS only to check (`DryRun`).
    DryRun,
    /// The policy ignores it.
    Ignored(&'static str),
    /// The resource carries the opt-out tag.
    OptedOut,
    /// AWS cannot tag it.
    CannotTag(String),
    /// The record names no resource, as some old records do.
    NoId,
    /// The policy has no tag for it.
    NoTags,
    /// The resource carries as many tags of its user's as AWS allows.
    NoRoom,
    /// The `EventBridge` event around the record is not one that CloudTrail sends.
    NotFromCloudTrail(String),
    /// Delivery, record and ARN name different accounts.
    AccountsDisagree(String),
    /// Another copy of the same event was taken.
    Duplicate,
}

impl Outcome {
    /// The outcome's name, as programs see it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tagged => "Tagged",
            Self::AlreadyTagged(_) => "AlreadyTagged",
            Self::Skipped(_) => "Skipped",
            Self::NoRule => "NoRule",
            Self::CallFailed(_) => "CallFailed",
            Self::Gone => "Gone",
            Self::Deferred(_) => "Deferred",
            Self::Refused(_) => "Refused",
            Self::Malformed(_) => "Malformed",
        }
    }

    /// Why, in words; `None` where the name says it all.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Tagged | Self::NoRule | Self::Gone => None,
            Self::AlreadyTagged(why) => Some((*why).to_owned()),
            Self::Skipped(why) => Some(why.to_string()),
            Self::CallFailed(why) | Self::Deferred(why) | Self::Refused(why) | Self::Malformed(why) => {
                Some(why.clone())
            }
        }
    }

    /// Whether the delivery goes back to its queue: what may still succeed, and what somebody must see in the
    /// dead-letter queue.
    pub fn is_returned(&self) -> bool {
        matches!(self, Self::Deferred(_) | Self::Refused(_) | Self::Malformed(_))
    }

    /// Whether a later try may succeed by itself.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Deferred(_))
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DryRun => f.write_str("dry run"),
            Self::Ignored(why) => f.write_str(why),
            Self::OptedOut => f.write_str("the resource carries the opt-out tag"),
            Self::CannotTag(note) => write!(f, "AWS cannot tag it: {note}"),
            Self::NoId => f.write_str("the record names no resource"),
            Self::NoTags => f.write_str("the policy has no tag for it"),
            Self::NoRoom => f.write_str("the resource carries as many tags as AWS allows"),
            Self::NotFromCloudTrail(what) => write!(f, "not an event that CloudTrail sends: {what}"),
            Self::AccountsDisagree(what) => write!(f, "accounts disagree: {what}"),
            Self::Duplicate => f.write_str("another copy of this event was taken"),
        }
    }
}

/// The head of an event: what outcomes, logs and tags say of it. No payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSummary {
    /// `eventID`.
    pub id: Option<String>,
    /// `sharedEventID`, else `eventID`.
    pub dedup_id: Option<String>,
    /// `eventTime`, as written.
    pub time: Option<String>,
    /// `eventSource`.
    pub source: String,
    /// `eventName`.
    pub name: String,
    /// The account in which the resource lies.
    pub account: Option<String>,
    /// The region of the call.
    pub region: Option<String>,
    /// `sourceIPAddress`.
    pub source_ip: Option<String>,
    /// `userAgent`.
    pub user_agent: Option<String>,
    /// The id of the message that brought the record, if one did.
    pub message_id: Option<String>,
}

impl EventSummary {
    /// `eventTime`, where it can be read.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.time.as_deref()?.parse().ok()
    }
}

/// One line of the answer: one resource of one event, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The resource; `None` where the record led to none.
    pub resource: Option<Resource>,
    /// What kind of resource it would be, also where its id is not known.
    pub resource_type: Option<String>,
    /// The owner, as far as it was asked for.
    pub owner: Option<Arc<Owner>>,
    /// The tags that are written.
    pub tags: TagSet,
    /// All tags that the policy has for it, those too that were there before.
    pub decided: TagSet,
    /// How it ended.
    pub outcome: Outcome,
    /// What users may want to know of how the tags came to be.
    pub notes: Vec<Note>,
}

impl Row {
    /// A row about an event as a whole.
    pub fn of_event(event: Arc<EventSummary>, outcome: Outcome) -> Self {
        Self {
            event,
            resource: None,
            resource_type: None,
            owner: None,
            tags: TagSet::new(),
            decided: TagSet::new(),
            outcome,
            notes: Vec::new(),
        }
    }

    /// Why it ended so, and what is to be known of its tags.
    pub fn reason(&self) -> Option<String> {
        let notes = self.notes.iter().map(ToString::to_string);
        let parts: Vec<String> = self.outcome.reason().into_iter().chain(notes).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// How long after an event "not found" and "wrong state" may still be a creation race.
pub const RACE_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// A call to AWS that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} answered {code}")]
#[non_exhaustive]
pub struct BackendError {
    /// What kind of failure.
    pub class: ErrorClass,
    /// The API operation.
    pub operation: String,
    /// AWS's error code.
    pub code: String,
}

impl BackendError {
    /// A failure of `operation` with AWS's error `code`.
    pub fn new(class: ErrorClass, operation: &str, code: &str) -> Self {
        Self { class, operation: operation.to_owned(), code: code.to_owned() }
    }

    /// The outcome for a resource whose event is `age` old. An unknown age counts as old.
    pub fn outcome(&self, age: Option<SignedDuration>) -> Outcome {
        let young = age.is_some_and(|age| age < RACE_WINDOW);
        match self.class {
            ErrorClass::Throttled | ErrorClass::Transport | ErrorClass::Conflict => {
                Outcome::Deferred(self.to_string())
            }
            ErrorClass::NotFound | ErrorClass::WrongState if young => Outcome::Deferred(self.to_string()),
            ErrorClass::NotFound => Outcome::Gone,
            ErrorClass::WrongState | ErrorClass::Denied | ErrorClass::Invalid => {
                Outcome::Refused(self.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_resource_that_is_not_found_is_a_race_and_an_old_one_is_gone() {
        let not_found = BackendError::new(ErrorClass::NotFound, "CreateTags", "InvalidInstanceID.NotFound");
        assert!(not_found.outcome(Some(SignedDuration::from_mins(14))).is_retryable());
        assert_eq!(not_found.outcome(Some(SignedDuration::from_mins(15))), Outcome::Gone);
        assert_eq!(not_found.outcome(None), Outcome::Gone);
        assert!(!Outcome::Gone.is_returned());
    }

    #[test]
    fn what_is_refused_goes_back_but_is_not_retried() {
        let denied =
            BackendError::new(ErrorClass::Denied, "CreateTags", "UnauthorizedOperation").outcome(None);
        assert!(denied.is_returned() && !denied.is_retryable());
        let throttled =
            BackendError::new(ErrorClass::Throttled, "CreateTags", "RequestLimitExceeded").outcome(None);
        assert!(throttled.is_returned() && throttled.is_retryable());
    }
}
