//! What went wrong with a call to AWS, as the ports say it.

use crate::AccountError;
#[cfg(feature = "backend")]
use crate::signed::SignedError;
use crate::signed::unsent;
use autotag_handlers::outcome::BackendError;
use autotag_model::failure::ErrorClass::{Denied, Invalid};
use autotag_model::failure::{NO_ROLE, NOT_ALLOWED, classify};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// Parts of error codes that mean that the tag limit of a resource is reached.
#[cfg(feature = "backend")]
const NO_ROOM: [&str; 3] = ["TooManyTags", "TagLimit", "TagQuota"];

/// Whether a code says that a resource has no room for more tags.
#[cfg(feature = "backend")]
pub(crate) fn is_about_room(code: &str) -> bool {
    NO_ROOM.iter().any(|text| code.contains(text))
}

/// From what an SDK client returned.
pub(crate) fn of_sdk<E: ProvideErrorMetadata>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
) -> BackendError {
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or(unsent(error));
    BackendError::new(classify(code, status), operation, code)
}

/// From what a signed request ended with.
#[cfg(feature = "backend")]
pub(crate) fn of_signed(error: &SignedError) -> BackendError {
    BackendError::new(classify(&error.code, error.status), &error.operation, &error.code)
}

/// From an account that cannot be entered.
pub(crate) fn of_account(error: &AccountError) -> BackendError {
    match error {
        AccountError::NotAllowed(account) => denied(account, NOT_ALLOWED),
        AccountError::NoRole(account) => denied(account, NO_ROLE),
        AccountError::Aws { operation, code, status } => {
            BackendError::new(classify(code, *status), operation, code)
        }
    }
}

/// Whether an account was not even tried, because it may not be.
#[cfg(feature = "backend")]
pub(crate) fn is_closed_account(error: &BackendError) -> bool {
    [NOT_ALLOWED, NO_ROLE].contains(&error.code.as_str())
}

fn denied(account: &autotag_model::arn::AccountId, code: &str) -> BackendError {
    BackendError::new(Denied, &format!("entering account {account}"), code)
}

/// A call that is not made because it cannot be right.
pub(crate) fn invalid(operation: &str, code: &str) -> BackendError {
    BackendError::new(Invalid, operation, code)
}
