//! Errors of calls to AWS, and of entering accounts.

use crate::answer_limit::{TOO_LONG, is_too_long};
use crate::paginate::PagingDoesNotEnd;
use autotag_model::arn::AccountId;
use autotag_model::failure::{ErrorClass, classify};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// A call to AWS that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} answered {code}")]
pub struct CallError {
    /// AWS's name of the operation.
    pub operation: String,
    /// AWS's error code. A failure of the transport has a code of our own: `Timeout`, `NoConnection`, `NotSent`,
    /// `UnreadableAnswer`, `AnswerTooLong`, `PagingDoesNotEnd`. An error without a code is named by its status: `Http503`.
    pub code: String,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// AWS's message, at most [`LONGEST_MESSAGE`] characters of it. It may contain names that others chose.
    pub message: Option<String>,
}

/// The most characters of a message of AWS that are kept.
pub const LONGEST_MESSAGE: usize = 1000;

impl CallError {
    /// A call without an answer of AWS, and the code for the reason.
    pub fn unsent(operation: &str, code: &str) -> Self {
        Self { operation: operation.to_owned(), code: code.to_owned(), status: None, message: None }
    }

    /// From the error of an SDK client.
    pub fn of_sdk<E: ProvideErrorMetadata + Error + 'static>(
        operation: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let response = error.raw_response();
        // An error whose body has no code can be told by its status alone.
        let by_status = || {
            let status = response?.status();
            (!status.is_success()).then(|| format!("Http{}", status.as_u16()))
        };
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).map(str::to_owned);
        let code = code.or_else(by_status).unwrap_or_else(|| transport_code(error).to_owned());
        let status = response.map(|response| response.status().as_u16());
        let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
        let message = message.map(|message| message.chars().take(LONGEST_MESSAGE).collect());
        Self { operation: operation.to_owned(), code, status, message }
    }
}

impl From<PagingDoesNotEnd> for CallError {
    fn from(error: PagingDoesNotEnd) -> Self {
        Self::unsent(&error.operation, PagingDoesNotEnd::CODE)
    }
}

/// The code for a call that AWS did not answer with an error of its own.
fn transport_code<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        _ if is_too_long(error) => TOO_LONG,
        SdkError::TimeoutError(_) => "Timeout",
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "Timeout",
        SdkError::DispatchFailure(_) => "NoConnection",
        SdkError::ResponseError(_) | SdkError::ServiceError(_) => "UnreadableAnswer",
        SdkError::ConstructionFailure(_) => "NotSent",
        _ => "Unknown",
    }
}

/// Why an account cannot be entered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The account is not in the configured scope.
    #[error("account {0} is out of scope: add it to the accounts of the configuration to allow it")]
    NotAllowed(AccountId),
    /// The account is in scope, but no role is configured to enter it.
    #[error("no member role is configured for account {0}: only the caller's own account needs none")]
    NoRole(AccountId),
    /// A call that is needed to enter the account failed.
    #[error("{operation} answered {code}")]
    Aws {
        /// AWS's name of the operation.
        operation: &'static str,
        /// As [`CallError::code`].
        code: String,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
    },
}

impl AccountError {
    /// From the error of an SDK client.
    pub(crate) fn of_sdk<E: ProvideErrorMetadata + Error + 'static>(
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self {
        let CallError { code, status, .. } = CallError::of_sdk(operation, error);
        Self::Aws { operation, code, status }
    }

    /// True if AWS denied a call: it does so again until somebody changes a permission or makes the role.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Aws { code, status, .. } if classify(code, *status) == ErrorClass::Denied)
    }

    /// A successful answer that lacks what was asked for, or a call that cannot be made; `code` is one of our own.
    pub(crate) fn without_answer(operation: &'static str, code: &str) -> Self {
        Self::Aws { operation, code: code.to_owned(), status: None }
    }
}
