//! Failures of the backend and of the session store, and the outcome that follows from each.

use crate::outcome::Outcome;
pub use autotag_model::failure::ErrorClass;
use jiff::SignedDuration;
use session_store::SessionStoreError;
use std::error::Error as _;

/// How long after an event "not found" and "wrong state" may still be a creation race.
pub const RACE_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// A call to AWS that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} answered {code}")]
#[non_exhaustive]
pub struct BackendError {
    /// The class of the failure.
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

/// The outcome for everything that needed an answer of the session store. Its text holds no tags: the cause of a
/// damaged session may quote them, so it is left out.
pub fn store_outcome(error: &SessionStoreError) -> Outcome {
    let cause = error.source().filter(|_| !matches!(error, SessionStoreError::Damaged { .. }));
    let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
    let why = format!("{error}{cause}");
    if error.is_retryable() { Outcome::Deferred(why) } else { Outcome::Refused(why) }
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
    fn a_refused_call_is_returned_but_not_retried() {
        let denied =
            BackendError::new(ErrorClass::Denied, "CreateTags", "UnauthorizedOperation").outcome(None);
        assert!(denied.is_returned() && !denied.is_retryable());
        let throttled =
            BackendError::new(ErrorClass::Throttled, "CreateTags", "RequestLimitExceeded").outcome(None);
        assert!(throttled.is_returned() && throttled.is_retryable());
    }
}
