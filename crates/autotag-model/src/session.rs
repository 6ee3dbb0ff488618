//! STS sessions: their tags and callers, which no AWS API returns.
//!
//! [`Session::read`] reads a session from the CloudTrail record of `AssumeRole`, `AssumeRoleWithSAML`,
//! `AssumeRoleWithWebIdentity`, `AssumeRoot` or `GetFederationToken` ([STS API reference][sts]). [`find_session`] finds
//! the session in which a later call was made. A session holds no credential: of STS's answer only the access key id is
//! read.
//!
//! [sts]: https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html

mod find;
mod read;

pub use find::{ACCOUNT_ACCESS, SessionMatch, find_session, issue_window, nearest_issue_window};
pub use read::SessionReading;

use crate::identity::{AccessKeyId, Principal, PrincipalKind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The STS call that made a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SessionKind {
    /// `AssumeRole`.
    AssumeRole,
    /// `AssumeRoleWithSAML`; users of Identity Center get their sessions by it, too.
    AssumeRoleWithSaml,
    /// `AssumeRoleWithWebIdentity` (OIDC: GitHub, GitLab, EKS service accounts, ...).
    AssumeRoleWithWebIdentity,
    /// `GetFederationToken`.
    GetFederationToken,
    /// `AssumeRoot`: a session as the root user of a member account.
    AssumeRoot,
}

impl SessionKind {
    /// The kind of the sessions that a call makes; `None` if it makes none.
    fn of(event_name: &str) -> Option<Self> {
        Some(match event_name {
            "AssumeRole" => Self::AssumeRole,
            "AssumeRoleWithSAML" => Self::AssumeRoleWithSaml,
            "AssumeRoleWithWebIdentity" => Self::AssumeRoleWithWebIdentity,
            "GetFederationToken" => Self::GetFederationToken,
            "AssumeRoot" => Self::AssumeRoot,
            _ => return None,
        })
    }

    /// The name of the STS call.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::AssumeRoleWithSaml => "AssumeRoleWithSAML",
            Self::AssumeRoleWithWebIdentity => "AssumeRoleWithWebIdentity",
            Self::GetFederationToken => "GetFederationToken",
            Self::AssumeRoot => "AssumeRoot",
        }
    }
}

/// One STS session: its tags and its caller. It holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// The role session id: `AROA...:session-name`, or `<account>:<name>` of a federated user. Later calls of the
    /// session have it as `principalId`. If STS's answer lacks it, this is the ARN of the assumed role or root user,
    /// which later calls have as `arn`.
    pub role_session: String,
    /// When STS issued it, UTC. Later calls have it as `creationDate`, within seconds.
    pub issued: Timestamp,
    /// The access key id issued. Most later calls have it as `accessKeyId`.
    pub access_key: Option<AccessKeyId>,
    /// When it expires, UTC.
    pub expires: Option<Timestamp>,
    /// The call that made it.
    pub kind: SessionKind,
    /// The role's ARN, as the call has it.
    pub role_arn: Option<String>,
    /// Tags passed with the call (`tags` or `principalTags`), in the order of the record.
    pub tags: Vec<(String, String)>,
    /// Tags inherited from earlier sessions of the role chain (`incomingTransitiveTags`).
    pub incoming_tags: Vec<(String, String)>,
    /// Keys of the tags that later sessions of the role chain inherit.
    pub transitive_keys: Vec<String>,
    /// `sourceIdentity`, if the caller set or inherited one.
    pub source_identity: Option<String>,
    /// SAML or web identity subject, for example `repo:example/shop:ref:refs/heads/main`.
    pub subject: Option<String>,
    /// The identity provider of the subject.
    pub provider: Option<String>,
    /// The principal that called STS.
    pub caller: Principal,
    /// The id of the STS event: `sharedEventID` if present, otherwise `eventID`.
    pub event_id: Option<String>,
}

/// The longest life of temporary credentials, of `GetFederationToken`: assumed for a session without a readable expiry.
const MAX_LIFE: SignedDuration = SignedDuration::from_hours(36);

/// STS's limits: tags a session, and characters a key and a value.
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

fn within(text: &str, most: usize) -> bool {
    text.chars().nth(most).is_none()
}

impl Session {
    /// A session of the given identity and nothing else, for tests and for programs that learn of sessions from another
    /// source than CloudTrail.
    ///
    /// ```
    /// use autotag_model::session::{Session, SessionKind};
    ///
    /// let issued = "2026-03-02T09:00:00Z".parse()?;
    /// let mut session = Session::new("AROAEXAMPLE:ana", issued, SessionKind::AssumeRole);
    /// session.tags.push(("Team".to_owned(), "shop".to_owned()));
    /// assert_eq!(session.effective_tags(), [("Team", "shop")]);
    /// # Ok::<(), jiff::Error>(())
    /// ```
    pub fn new(role_session: &str, issued: Timestamp, kind: SessionKind) -> Self {
        Self {
            role_session: role_session.to_owned(),
            issued,
            access_key: None,
            expires: None,
            kind,
            role_arn: None,
            tags: Vec::new(),
            incoming_tags: Vec::new(),
            transitive_keys: Vec::new(),
            source_identity: None,
            subject: None,
            provider: None,
            caller: Principal::default(),
            event_id: None,
        }
    }

    /// The tags that STS gives the session besides those of the role: the inherited ones, then those of the call, keys
    /// compared ignoring case.
    ///
    /// An inherited tag comes first because STS refuses calls that override it. Tags beyond STS's limits (50 tags, 128
    /// characters a key, 256 a value) are left out: STS does not accept them.
    pub fn effective_tags(&self) -> Vec<(&str, &str)> {
        let mut merged: Vec<(&str, &str)> = Vec::new();
        for (key, value) in self.incoming_tags.iter().chain(&self.tags) {
            let fits = !key.is_empty() && within(key, MAX_KEY) && within(value, MAX_VALUE);
            if fits && merged.len() < MAX_TAGS && !merged.iter().any(|(known, _)| same_key(known, key)) {
                merged.push((key, value));
            }
        }
        merged
    }

    /// When the session ends, UTC: its expiry or, if that is not known, 36 hours after its issue.
    pub fn expires_at(&self) -> Timestamp {
        let longest = || self.issued.checked_add(MAX_LIFE).unwrap_or(Timestamp::MAX);
        self.expires.unwrap_or_else(longest)
    }

    /// True if this AWS service itself asked STS for the session: `pods.eks.amazonaws.com`.
    pub fn is_from_service(&self, service: &str) -> bool {
        self.caller.kind == PrincipalKind::AwsService && self.caller.invoked_by.as_deref() == Some(service)
    }

    /// True if `other` is a copy of the same session.
    pub fn is_same(&self, other: &Self) -> bool {
        self.role_session == other.role_session
            && self.issued == other.issued
            && self.access_key == other.access_key
    }

    /// Merges another copy of the same session into this one; of each field the more detailed value stays.
    ///
    /// CloudTrail logs an `AssumeRole` across accounts in both: one copy has the caller, the other only the caller's
    /// account. The result does not depend on the order of the copies.
    pub fn merge(&mut self, other: Self) {
        if is_more_specific(&other.caller, &self.caller) {
            self.caller = other.caller;
        }
        self.expires = self.expires.max(other.expires);
        self.role_arn = self.role_arn.take().max(other.role_arn);
        self.source_identity = self.source_identity.take().max(other.source_identity);
        self.subject = self.subject.take().max(other.subject);
        self.provider = self.provider.take().max(other.provider);
        self.event_id = self.event_id.take().max(other.event_id);
        merge_longer(&mut self.tags, other.tags);
        merge_longer(&mut self.incoming_tags, other.incoming_tags);
        merge_longer(&mut self.transitive_keys, other.transitive_keys);
        self.kind = self.kind.max(other.kind);
    }
}

fn merge_longer<T: Ord>(mine: &mut Vec<T>, other: Vec<T>) {
    if (other.len(), &other) > (mine.len(), mine) {
        *mine = other;
    }
}

fn is_more_specific(one: &Principal, than: &Principal) -> bool {
    let rank = |caller: &Principal| match caller.kind {
        PrincipalKind::None => 0,
        PrincipalKind::AwsAccount => 1,
        PrincipalKind::Other(_) => 2,
        _ => 3,
    };
    (rank(one), one) > (rank(than), than)
}

/// True if two tag keys are equal for STS and IAM, which ignore case.
fn same_key(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests;
