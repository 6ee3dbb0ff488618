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
pub enum CodePattern {
    /// The code is exactly this.
    Exact(&'static str),
    /// The code begins so.
    Prefix(&'static str),
    /// This stands somewhere in the code.
    Contains(&'static str),
}

use CodePattern::{Contains, Exact, Prefix};
use ErrorClass::{Conflict, Denied, Invalid, NotFound, Throttled, Transport, WrongState};

/// The table: the first row that matches counts. What matches none is told by its HTTP status: 429 is throttling, 5xx is
/// transport, 403 is denied, 404 is not found; everything else is invalid.
pub const TABLE: &[(ErrorClass, &[CodePattern])] = &[
    (
        Throttled,
        &[
            Contains("Throttl"),
            Prefix("TooManyRequests"),
            Exact("RequestLimitExceeded"),
            Exact("SlowDown"),
            Exact("BandwidthLimitExceeded"),
            Exact("PriorRequestNotComplete"),
            Exact("ProvisionedThroughputExceededException"),
            Exact("ClientRequestLimitExceeded"),
        ],
    ),
    // Before "NotFound" and "Invalid...": these words stand in codes of credentials, too.
    (
        Denied,
        &[
            Prefix("AccessDenied"),
            Exact(NOT_ALLOWED),
            Exact("AuthFailure"),
            Exact("AuthorizationError"),
            Exact("AuthorizationErrorException"),
            Exact("Forbidden"),
            Exact("ForbiddenException"),
            Exact("InvalidAccessKeyId"),
            Exact("InvalidClientTokenId"),
            Exact(NO_ROLE),
            Exact("NotAuthorized"),
            Exact("NotAuthorizedException"),
            Exact("OptInRequired"),
            Exact("SignatureDoesNotMatch"),
            Exact("UnauthorizedException"),
            Exact("UnauthorizedOperation"),
            Exact("UnrecognizedClientException"),
        ],
    ),
    // New credentials are fetched for the next try.
    (Transport, &[Prefix("ExpiredToken"), Exact("RequestExpired")]),
    (
        Conflict,
        &[
            Contains("Conflict"),
            Contains("Concurrent"),
            Exact("OperationAborted"),
            Exact("TagsChanged"),
            Exact("TransactionInProgressException"),
        ],
    ),
    (
        WrongState,
        &[
            Contains("InvalidState"),
            Contains("StateFault"),
            Contains("StateException"),
            Prefix("IncorrectState"),
            Prefix("IncorrectInstanceState"),
            Exact("InvalidReplicationGroupState"),
            Exact("InvalidServerlessCacheState"),
            Exact("InvalidServerlessCacheSnapshotState"),
            Exact("InvalidCacheClusterState"),
            Exact("InvalidDBInstanceState"),
            Exact("InvalidDBClusterState"),
            Exact("InvalidDBClusterSnapshotState"),
            Exact("InvalidDBSnapshotState"),
            Exact("InvalidClusterState"),
            Contains("InUse"),
            Exact("ResourceNotReady"),
            Exact("ResourceNotReadyException"),
            Exact("StillBeingMade"),
        ],
    ),
    (
        NotFound,
        &[
            Contains("NotFound"),
            Prefix("NoSuch"),
            Contains("DoesNotExist"),
            Contains("NonExistent"),
            Contains("UnknownResource"),
            Exact("InvalidResourceId"),
        ],
    ),
    (
        Transport,
        &[
            Prefix("InternalError"),
            Prefix("InternalFailure"),
            Prefix("InternalServer"),
            Prefix("InternalService"),
            Prefix("ServiceUnavailable"),
            Prefix("ServiceFailure"),
            Exact("ServerException"),
            Exact("InternalException"),
            Exact("Unavailable"),
            Prefix("RequestTimeout"),
            Exact("RequestTimeTooSkewed"),
            Exact("Timeout"),
            Exact("NoConnection"),
            Exact("NotSent"),
            Exact("OutOfTime"),
            Exact("UnreadableAnswer"),
            Exact("PagingDoesNotEnd"),
            Exact("Unknown"),
        ],
    ),
];

/// A code of our own: the account may not be entered.
pub const NOT_ALLOWED: &str = "AccountNotAllowed";
/// A code of our own: the account may be entered, and no role is configured.
pub const NO_ROLE: &str = "NoMemberRole";

/// The class of an error, by its code and the answer's HTTP status.
pub fn classify(code: &str, status: Option<u16>) -> ErrorClass {
    let matches = |one: &CodePattern| match one {
        Exact(text) => code == *text,
        Prefix(text) => code.starts_with(text),
        Contains(text) => code.contains(text),
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
            assert_eq!(classify(code, Some(400)), want, "{code}");
        }
    }

    /// Who runs it at night looks there.
    #[test]
    fn the_page_of_operations_has_every_code() {
        let page = include_str!("../../../docs/operations.md");
        for (class, codes) in TABLE {
            for code in *codes {
                let written = match code {
                    Exact(text) => format!("`{text}`"),
                    Prefix(text) => format!("`{text}*`"),
                    Contains(text) => format!("`*{text}*`"),
                };
                let of_class = format!("| {class:?} |");
                let row = page.lines().find(|line| line.contains(&written) && line.contains(&of_class));
                assert!(row.is_some(), "docs/operations.md has no {written} in a row of {class:?}");
            }
        }
    }

    #[test]
    fn unknown_codes_are_told_by_their_status() {
        let unknown = |status| classify("Http", status);
        assert_eq!(unknown(Some(429)), Throttled);
        assert_eq!(unknown(Some(503)), Transport);
        assert_eq!(unknown(Some(403)), Denied);
        assert_eq!(unknown(Some(404)), NotFound);
        assert_eq!(unknown(Some(400)), Invalid);
        assert_eq!(unknown(None), Invalid);
    }
}
