//! The class of a failed AWS call, by its error code.
//!
//! [`classify`] goes by the code and the HTTP status, never by the message: AWS changes messages. The operations page of the
//! documentation prints [`TABLE`], and a test of the crate `autotag` compares the two.
//!
//! ```
//! use autotag_model::failure::{ErrorClass, classify};
//!
//! assert_eq!(classify("ThrottlingException", Some(400)), ErrorClass::Throttled);
//! assert_eq!(classify("InvalidInstanceID.NotFound", Some(400)), ErrorClass::NotFound);
//! assert_eq!(classify("SomethingNew", Some(503)), ErrorClass::Transport);
//! ```

/// The kind of failure of a call to AWS.
///
/// The enum is exhaustive on purpose: code that decides by it has to decide for every kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// AWS takes fewer calls than were made. Retry more slowly.
    Throttled,
    /// No answer, or one that asks to try again: 5xx, timeout, connection reset, expired credentials.
    Transport,
    /// The resource does not exist, not yet or no longer.
    NotFound,
    /// The resource cannot be tagged in the state it is in.
    WrongState,
    /// Another call is changing the resource at this moment.
    Conflict,
    /// The permission is missing.
    Denied,
    /// AWS refuses the call as it is. Repeating it does not help.
    Invalid,
}

/// A pattern for error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodePattern {
    /// The code is exactly this.
    Exact(&'static str),
    /// The code begins with this.
    Prefix(&'static str),
    /// The code contains this.
    Contains(&'static str),
}

use CodePattern::{Contains, Exact, Prefix};
use ErrorClass::{Conflict, Denied, Invalid, NotFound, Throttled, Transport, WrongState};

/// The error codes of each class. The first row that matches counts.
///
/// A code that matches no row is classified by its HTTP status: 429 is [`ErrorClass::Throttled`], 5xx
/// [`ErrorClass::Transport`], 403 [`ErrorClass::Denied`], 404 [`ErrorClass::NotFound`], everything else
/// [`ErrorClass::Invalid`].
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
    // Before "NotFound" and "Invalid...": codes about credentials contain these words, too.
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
            Prefix("InvalidSignature"),
            Prefix("IncompleteSignature"),
            Prefix("MissingAuthenticationToken"),
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
    // The next attempt uses new credentials.
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
            Exact("AnswerTooLong"),
            Exact("PagingDoesNotEnd"),
            Exact("Unknown"),
        ],
    ),
];

/// A code of autotag's own: the configuration does not allow the account.
pub const NOT_ALLOWED: &str = "AccountNotAllowed";
/// A code of autotag's own: the account is allowed, but no role for it is configured.
pub const NO_ROLE: &str = "NoMemberRole";

/// Returns the class of an error, by its code and the HTTP status of the answer, if there was one.
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
    fn declared_codes_have_their_class() {
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
            ("InvalidSignatureException", Denied),
            ("MissingAuthenticationTokenException", Denied),
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

    #[test]
    fn unknown_codes_are_classified_by_status() {
        let unknown = |status| classify("Http", status);
        assert_eq!(unknown(Some(429)), Throttled);
        assert_eq!(unknown(Some(503)), Transport);
        assert_eq!(unknown(Some(403)), Denied);
        assert_eq!(unknown(Some(404)), NotFound);
        assert_eq!(unknown(Some(400)), Invalid);
        assert_eq!(unknown(None), Invalid);
    }
}
