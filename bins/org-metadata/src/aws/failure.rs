//! Calls that failed.

use autotag_aws::CallError;
use autotag_aws::paginate::PagingDoesNotEnd;
use autotag_model::failure::{self, ErrorClass};

/// A call that failed after all attempts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} answered {code}")]
pub(crate) struct Failure {
    pub(crate) class: ErrorClass,
    pub(crate) operation: String,
    /// See [`CallError::code`].
    pub(crate) code: String,
}

impl Failure {
    pub(crate) fn new(operation: &str, code: &str, status: Option<u16>) -> Self {
        let class = failure::classify(code, status);
        Self { class, operation: operation.to_owned(), code: code.to_owned() }
    }

    /// AWS answered with success, but the answer lacks a part that it must have.
    pub(crate) fn unreadable(operation: &str) -> Self {
        Self::new(operation, "UnreadableAnswer", None)
    }

    /// True if the same call may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.class, ErrorClass::Throttled | ErrorClass::Transport | ErrorClass::Conflict)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::new(&error.operation, &error.code, error.status)
    }
}

impl From<PagingDoesNotEnd> for Failure {
    fn from(error: PagingDoesNotEnd) -> Self {
        CallError::from(error).into()
    }
}
