//! The evidence about an owner: the links of the chain, and what is missing.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How far a role chain is followed.
pub const MAX_HOPS: usize = 50;

/// One session in the chain from the call to its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChainLink {
    /// The ARN of the session, otherwise its role session id.
    pub session: String,
    /// The facts of the session store about it.
    pub evidence: String,
    /// How much the session store knows about it. It is not serialized.
    #[serde(skip)]
    pub certainty: SessionCertainty,
}

/// How much is known about the session of a call. The more sessions are known, the greater it is: an evaluation with a
/// greater one knows more than an evaluation with a smaller one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SessionCertainty {
    /// No session is known that can be meant.
    #[default]
    Unknown,
    /// One session was issued at the time of the call's session.
    ByTime,
    /// Several sessions can be meant and do not agree.
    Ambiguous,
    /// The access key of the call, or the call itself, names the session.
    Certain,
}

/// Evidence about the owner that is missing and may still arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingEvidence {
    /// `AROA...:session-name`, or the ARN of the parent.
    pub of: String,
    /// When the session was issued or the child created, UTC, if the call says so.
    pub since: Option<Timestamp>,
    /// The missing evidence.
    pub missing: MissingEvidence,
}

/// How long after its issue the record of a session may still arrive. CloudTrail delivers within 15 minutes as a rule;
/// a record that is missing after four times that long was not recorded where the sessions are kept.
pub const MAX_SESSION_DELAY: SignedDuration = SignedDuration::from_hours(1);

impl PendingEvidence {
    /// True if the evidence may still arrive.
    pub(crate) fn may_still_arrive(&self, now: Timestamp) -> bool {
        self.since.is_none_or(|since| now.duration_since(since) < MAX_SESSION_DELAY)
    }
}

/// Evidence about an owner that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MissingEvidence {
    /// The STS record of the session.
    SessionRecord,
    /// The copy of the STS record that names the caller.
    Caller,
    /// The session was found by its time of issue alone. The STS record of another session of the same name and time would
    /// show that either could be meant.
    OtherSessions,
    /// The owner of the parent resource.
    ParentOwner,
}
