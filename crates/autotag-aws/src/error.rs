//! Why an account cannot be entered.

use autotag_model::arn::AccountId;

/// Why an account cannot be entered, or a call to AWS did not succeed on the way there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// It is none of those that may be entered.
    #[error("account {0} is not one that may be entered; allow it in the configuration if it should be")]
    NotAllowed(AccountId),
    /// It may be entered, but no role is configured.
    #[error("account {0} is another one, and no member role is configured")]
    NoRole(AccountId),
    /// AWS did not answer as hoped.
    #[error("{operation} answered {code}")]
    Aws {
        /// The operation.
        operation: &'static str,
        /// AWS's error code, or what kept it from being asked.
        code: String,
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
    },
}

impl AccountError {
    /// From what an SDK client returned.
    pub(crate) fn of_sdk<E, R>(
        operation: &'static str,
        error: &aws_smithy_runtime_api::client::result::SdkError<E, R>,
    ) -> Self
    where
        E: aws_smithy_types::error::metadata::ProvideErrorMetadata,
    {
        let code = error.as_service_error().and_then(|error| error.code());
        Self::Aws { operation, code: code.unwrap_or(crate::signed::unsent(error)).to_owned(), status: None }
    }
}
