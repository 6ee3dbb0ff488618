//! AWS's error codes -> classes. By code and status, never by message. `docs/operations.md` prints this as a table.

use crate::outcome::{ErrorClass, PortError};
use aws_accounts::AccountError;
use aws_accounts::signed::{SignedError, unsent};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// How a code is compared with one of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Match {
    /// The code is exactly this.
    Is(&'static str),
    /// The code begins so.
    Begins(&'static str),
    /// This stands somewhere in the code.
    Has(&'static str),
}

use ErrorClass::{Conflict, Denied, Invalid, NotFound, Throttled, Transport, WrongState};
use Match::{Begins, Has, Is};

/// The table: the first row that matches counts. What matches none is told by its HTTP status: 429 is throttling, 5xx is
/// transport, 403 is denied, 404 is not found; everything else is invalid.
pub const TABLE: &[(ErrorClass, &[Match])] = &[
    (
        Throttled,
        &[
            Has("Throttl"),
            Begins("TooManyRequests"),
            Is("RequestLimitExceeded"),
            Is("SlowDown"),
            Is("BandwidthLimitExceeded"),
            Is("PriorRequestNotComplete"),
            Is("ProvisionedThroughputExceededException"),
            Is("ClientRequestLimitExceeded"),
        ],
    ),
    // Before "NotFound" and "Invalid...": these words stand in codes of credentials, too.
    (
        Denied,
        &[
            Begins("AccessDenied"),
            Is(NOT_ALLOWED),
            Is("AuthFailure"),
            Is("AuthorizationError"),
            Is("AuthorizationErrorException"),
            Is("Forbidden"),
            Is("ForbiddenException"),
            Is("InvalidAccessKeyId"),
            Is("InvalidClientTokenId"),
            Is(NO_ROLE),
            Is("NotAuthorized"),
            Is("NotAuthorizedException"),
            Is("OptInRequired"),
            Is("SignatureDoesNotMatch"),
            Is("UnauthorizedException"),
            Is("UnauthorizedOperation"),
            Is("UnrecognizedClientException"),
        ],
    ),
    // New credentials are fetched for the next try.
    (Transport, &[Begins("ExpiredToken"), Is("RequestExpired")]),
    (
        Conflict,
        &[
            Has("Conflict"),
            Has("Concurrent"),
            Is("OperationAborted"),
            Is("TagsChanged"),
            Is("TransactionInProgressException"),
        ],
    ),
    (
        WrongState,
        &[
            Has("InvalidState"),
            Has("StateFault"),
            Has("StateException"),
            Begins("IncorrectState"),
            Begins("IncorrectInstanceState"),
            Is("InvalidReplicationGroupState"),
            Is("InvalidServerlessCacheState"),
            Is("InvalidServerlessCacheSnapshotState"),
            Is("InvalidCacheClusterState"),
            Is("InvalidDBInstanceState"),
            Is("InvalidDBClusterState"),
            Is("InvalidDBClusterSnapshotState"),
            Is("InvalidDBSnapshotState"),
            Is("InvalidClusterState"),
            Has("InUse"),
            Is("ResourceNotReady"),
            Is("ResourceNotReadyException"),
            Is("StillBeingMade"),
        ],
    ),
    (
        NotFound,
        &[
            Has("NotFound"),
            Begins("NoSuch"),
            Has("DoesNotExist"),
            Has("NonExistent"),
            Has("UnknownResource"),
            Is("InvalidResourceId"),
        ],
    ),
    (
        Transport,
        &[
            Begins("InternalError"),
            Begins("InternalFailure"),
            Begins("InternalServer"),
            Begins("InternalService"),
            Begins("ServiceUnavailable"),
            Begins("ServiceFailure"),
            Is("ServerException"),
            Is("InternalException"),
            Is("Unavailable"),
            Begins("RequestTimeout"),
            Is("RequestTimeTooSkewed"),
            Is("Timeout"),
            Is("NoConnection"),
            Is("NotSent"),
            Is("OutOfTime"),
            Is("UnreadableAnswer"),
            Is("PagingDoesNotEnd"),
            Is("Unknown"),
        ],
    ),
];

/// What stands in codes that say that a resource has as many tags as it can have.
const NO_ROOM: [&str; 3] = ["TooManyTags", "TagLimit", "TagQuota"];

/// Whether a code says that a resource has no room for more tags.
pub(super) fn is_about_room(code: &str) -> bool {
    NO_ROOM.iter().any(|text| code.contains(text))
}

/// The class of an error, by its code and the answer's HTTP status.
pub fn class(code: &str, status: Option<u16>) -> ErrorClass {
    let matches = |one: &Match| match one {
        Is(text) => code == *text,
        Begins(text) => code.starts_with(text),
        Has(text) => code.contains(text),
    };
    if let Some((class, _)) = TABLE.iter().find(|(_, codes)| codes.iter().any(matches)) {
        return *class;
    }
    match status {
        Some(429) => Throttled,
        Some(500..) => Transport,
        Some(403) => Denied,
        Some(404) => NotFound,
        _ => Invalid,
    }
}

/// From what an SDK client returned.
pub(super) fn of_sdk<E: ProvideErrorMetadata>(
    operation: &str,
    error: &SdkError<E, HttpResponse>,
) -> PortError {
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or(unsent(error));
    PortError::new(class(code, status), operation, code)
}

/// From what a signed request ended with.
pub(super) fn of_signed(error: &SignedError) -> PortError {
    PortError::new(class(&error.code, error.status), &error.operation, &error.code)
}

/// From an account that cannot be entered.
pub(super) fn of_account(error: &AccountError) -> PortError {
    match error {
        AccountError::NotAllowed(account) => denied(account, NOT_ALLOWED),
        AccountError::NoRole(account) => denied(account, NO_ROLE),
        AccountError::Aws { operation, code, status } => {
            PortError::new(class(code, *status), operation, code)
        }
        _ => PortError::new(Denied, "entering an account", "Unknown"),
    }
}

/// Codes of our own, for accounts that may not be entered.
const NOT_ALLOWED: &str = "AccountNotAllowed";
const NO_ROLE: &str = "NoMemberRole";

/// Whether an account was not even tried, because it may not be.
pub(super) fn is_closed_account(error: &PortError) -> bool {
    [NOT_ALLOWED, NO_ROLE].contains(&error.code.as_str())
}

fn denied(account: &autotag_model::arn::AccountId, code: &str) -> PortError {
    PortError::new(Denied, &format!("entering account {account}"), code)
}

/// A call that is not made because it cannot be right.
pub(super) fn invalid(operation: &str, code: &str) -> PortError {
    PortError::new(Invalid, operation, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_services_declare() {
        for (code, want) in [
            ("RequestLimitExceeded", Throttled),
            ("ThrottlingException", Throttled),
            ("EC2ThrottledException", Throttled),
            ("TooManyRequestsException", Throttled),
            ("InvalidInstanceID.NotFound", NotFound),
            ("InvalidVolume.NotFound", NotFound),
            ("NoSuchBucket", NotFound),
            ("ResourceNotFoundException", NotFound),
            ("DBInstanceNotFound", NotFound),
            ("CacheClusterNotFound", NotFound),
            ("AWS.SimpleQueueService.NonExistentQueue", NotFound),
            ("QueueDoesNotExist", NotFound),
            ("NoSuchEntity", NotFound),
            ("InvalidReplicationGroupState", WrongState),
            ("InvalidReplicationGroupStateFault", WrongState),
            ("InvalidServerlessCacheState", WrongState),
            ("InvalidDBInstanceState", WrongState),
            ("InvalidDBClusterStateFault", WrongState),
            ("ResourceInUseException", WrongState),
            ("KMSInvalidStateException", WrongState),
            ("ConcurrentModificationException", Conflict),
            ("ConcurrentAccessException", Conflict),
            ("ResourceConflictException", Conflict),
            ("AccessDenied", Denied),
            ("AccessDeniedException", Denied),
            ("UnauthorizedOperation", Denied),
            ("InvalidClientTokenId", Denied),
            ("ExpiredTokenException", Transport),
            ("InternalServiceException", Transport),
            ("ServiceUnavailable", Transport),
            ("ValidationException", Invalid),
            ("InvalidParameterValue", Invalid),
            ("TagLimitExceeded", Invalid),
            ("TooManyTagsException", Invalid),
            ("InvalidInstanceID.Malformed", Invalid),
        ] {
            assert_eq!(class(code, Some(400)), want, "{code}");
        }
    }

    /// Who runs it at night looks there.
    #[test]
    fn the_page_of_operations_has_every_code() {
        let page = include_str!("../../../../docs/operations.md");
        for (class, codes) in TABLE {
            for code in *codes {
                let written = match code {
                    Is(text) => format!("`{text}`"),
                    Begins(text) => format!("`{text}*`"),
                    Has(text) => format!("`*{text}*`"),
                };
                let of_class = format!("| {class:?} |");
                let row = page.lines().find(|line| line.contains(&written) && line.contains(&of_class));
                assert!(row.is_some(), "docs/operations.md has no {written} in a row of {class:?}");
            }
        }
    }

    #[test]
    fn unknown_codes_are_told_by_their_status() {
        let unknown = |status| class("Http", status);
        assert_eq!(unknown(Some(429)), Throttled);
        assert_eq!(unknown(Some(503)), Transport);
        assert_eq!(unknown(Some(403)), Denied);
        assert_eq!(unknown(Some(404)), NotFound);
        assert_eq!(unknown(Some(400)), Invalid);
        assert_eq!(unknown(None), Invalid);
    }
}
