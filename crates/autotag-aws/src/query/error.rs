//! A query that AWS did not answer.

use crate::paginate::PagingDoesNotEnd;
use crate::signed::SignedError;
use autotag_model::failure::{self, ErrorClass};

/// A query that AWS did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action} answered {code}")]
pub struct QueryError {
    /// The action in the words of IAM: `events:ListRules`.
    pub action: String,
    /// AWS's error code.
    pub code: String,
    /// The class of the failure.
    pub class: ErrorClass,
    /// AWS's message. It may contain names that others chose.
    pub message: Option<String>,
}

impl QueryError {
    pub(super) fn new(action: &str, error: SignedError) -> Self {
        let class = failure::classify(&error.code, error.status);
        Self { action: action.to_owned(), code: error.code, class, message: error.message }
    }

    /// The action with AWS's code, and AWS's message behind it if there is one.
    pub fn with_message(&self) -> String {
        match &self.message {
            Some(message) => format!("{self}: {message}"),
            None => self.to_string(),
        }
    }

    /// The answer lacks what was asked for, or cannot be parsed.
    pub fn unreadable(action: &str) -> Self {
        Self::new(action, SignedError::unsent(operation(action), "UnreadableAnswer"))
    }

    /// True if the resource does not exist.
    pub fn is_missing(&self) -> bool {
        self.class == ErrorClass::NotFound
    }

    /// The remedy, in one line.
    pub fn remedy(&self) -> String {
        match self.class {
            ErrorClass::Denied => format!("allow `{}` for the identity that runs doctor", self.action),
            ErrorClass::Throttled | ErrorClass::Transport => "run doctor again".to_owned(),
            _ => format!("find out why `{}` fails", self.action),
        }
    }
}

/// The answer, or `None` if the resource does not exist.
///
/// # Errors
/// Every other error.
pub fn if_there<T>(answer: Result<T, QueryError>) -> Result<Option<T>, QueryError> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<PagingDoesNotEnd> for QueryError {
    fn from(error: PagingDoesNotEnd) -> Self {
        let action = error.operation.clone();
        Self::new(&action, error.into())
    }
}

/// The operation of an action: `ListRules` of `events:ListRules`.
pub(super) fn operation(action: &str) -> &str {
    action.split_once(':').map_or(action, |(_, operation)| operation)
}
