//! What kind of failure an error code of AWS means. By code and status, never by message: messages are for people, and change.
//! `docs/operations.md` prints [`TABLE`].

/// What kind of failure a call to AWS ended with. Not open-ended: whoever decides by it has to decide for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Too many calls.
    Throttled,
    /// No answer, or one that says "try again": 5xx, timeout, reset.
    Transport,
    /// The resource is not there: not yet, or no more.
    NotFound,
    /// The resource cannot be tagged in the state it is in.
    WrongState,
    /// Somebody else is changing it at this moment.
    Conflict,
    /// The permission is missing.
    Denied,
    /// AWS does not take the call as it is.
    Invalid,
}

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

/// A code of our own: the account may not be entered.
pub const NOT_ALLOWED: &str = "AccountNotAllowed";
/// A code of our own: the account may be entered, and no role is configured.
pub const NO_ROLE: &str = "NoMemberRole";

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
        let page = include_str!("../../../docs/operations.md");
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
