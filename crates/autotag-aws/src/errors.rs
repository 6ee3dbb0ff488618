//! Converts failed calls into errors of the engine's backend.

#[cfg(feature = "backend")]
use crate::paginate::PagingDoesNotEnd;
use crate::{AccountError, CallError};
use autotag_handlers::error::BackendError;
use autotag_model::failure::ErrorClass::Denied;
#[cfg(any(feature = "backend", feature = "trail"))]
use autotag_model::failure::ErrorClass::Invalid;
use autotag_model::failure::{NO_ROLE, NOT_ALLOWED, classify};
#[cfg(any(feature = "backend", feature = "trail"))]
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
#[cfg(any(feature = "backend", feature = "trail"))]
use aws_smithy_runtime_api::client::result::SdkError;
#[cfg(any(feature = "backend", feature = "trail"))]
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Parts of error codes that mean that the tag limit of a resource is reached.
#[cfg(feature = "backend")]
const NO_ROOM: [&str; 3] = ["TooManyTags", "TagLimit", "TagQuota"];

/// True if a code says that a resource has no room for more tags.
#[cfg(feature = "backend")]
pub(crate) fn is_about_room(code: &str) -> bool {
    NO_ROOM.iter().any(|text| code.contains(text))
}

/// From the error of an SDK client.
#[cfg(any(feature = "backend", feature = "trail"))]
pub(crate) fn of_sdk<E: ProvideErrorMetadata + std::error::Error + 'static>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
) -> BackendError {
    of_call(&CallError::of_sdk(operation, error))
}

/// From the error of a signed request.
#[cfg(feature = "backend")]
pub(crate) fn of_signed(error: &CallError) -> BackendError {
    of_call(error)
}

/// From a list whose pages do not end.
#[cfg(feature = "backend")]
pub(crate) fn of_paging(error: PagingDoesNotEnd) -> BackendError {
    of_call(&error.into())
}

pub(crate) fn of_call(error: &CallError) -> BackendError {
    BackendError::new(classify(&error.code, error.status), &error.operation, &error.code)
}

/// From the reason why an account cannot be entered.
pub(crate) fn of_account(error: &AccountError) -> BackendError {
    match error {
        AccountError::NotAllowed(account) => denied(account, NOT_ALLOWED),
        AccountError::NoRole(account) => denied(account, NO_ROLE),
        AccountError::Aws { operation, code, status } => {
            BackendError::new(classify(code, *status), operation, code)
        }
    }
}

/// True if an account was not tried because it is out of scope or has no role.
#[cfg(feature = "backend")]
pub(crate) fn is_closed_account(error: &BackendError) -> bool {
    [NOT_ALLOWED, NO_ROLE].contains(&error.code.as_str())
}

fn denied(account: &autotag_model::arn::AccountId, code: &str) -> BackendError {
    BackendError::new(Denied, &format!("entering account {account}"), code)
}

/// A success that is not the one that AWS documents.
#[cfg(feature = "backend")]
pub(crate) fn unreadable(operation: &str) -> BackendError {
    of_call(&CallError::unsent(operation, "UnreadableAnswer"))
}

/// A failure that an answer with a status of success tells.
#[cfg(feature = "backend")]
pub(crate) fn in_answer(operation: &str, code: &str) -> BackendError {
    of_call(&CallError::unsent(operation, code))
}

/// A call that is not made because AWS would refuse it.
#[cfg(any(feature = "backend", feature = "trail"))]
pub(crate) fn invalid(operation: &str, code: &str) -> BackendError {
    BackendError::new(Invalid, operation, code)
}
