//! An STS record -> [`Session`]: the tags of a role session and who asked for it, which no AWS API gives back.
//!
//! Source: STS API reference and CloudTrail's records of `AssumeRole`, `AssumeRoleWithSAML`, `AssumeRoleWithWebIdentity`,
//! `AssumeRoot` and `GetFederationToken`. Credentials are never taken over: of the response only the access key id is read.

use crate::arn::{AccountId, Arn, Partition};
use crate::identity::{AccessKeyId, Principal, PrincipalKind};
use crate::json::{any_member, elements, member, member_text, tag_pairs, text};
use crate::record::{ParsedRecord, Record, RecordError};
use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// How a session was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SessionKind {
    /// `AssumeRole`.
    AssumeRole,
    /// `AssumeRoleWithSAML`, which is also how Identity Center people get theirs.
    AssumeRoleWithSaml,
    /// `AssumeRoleWithWebIdentity` (OIDC: GitHub, GitLab, EKS service accounts, ...).
    AssumeRoleWithWebIdentity,
    /// `GetFederationToken`.
    GetFederationToken,
    /// `AssumeRoot`: a session as the root user of a member account.
    AssumeRoot,
}

impl SessionKind {
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

    /// The STS API's name.
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

/// One STS session: its tags, and who asked for it. Holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Session {
    /// `AROA...:session-name` (`<account>:<name>` of a federated user): `principalId` of the session's later calls. Where
    /// STS's answer does not say it, the assumed role's ARN, or that of the root user: `arn` of the later calls.
    pub role_session: String,
    /// When STS issued it, UTC: `creationDate` of the session's later calls, within seconds.
    pub issued: Timestamp,
    /// The access key id issued: `accessKeyId` of most of the session's later calls.
    pub access_key: Option<AccessKeyId>,
    /// When it ends, UTC.
    pub expires: Option<Timestamp>,
    /// How it was asked for.
    pub kind: SessionKind,
    /// The role's ARN, as the caller wrote it.
    pub role_arn: Option<String>,
    /// Tags passed with the call (`tags` or `principalTags`), in the order of the record.
    pub tags: Vec<(String, String)>,
    /// Tags that came down the role chain (`incomingTransitiveTags`).
    pub incoming_tags: Vec<(String, String)>,
    /// Keys that are passed on to the next session in a chain.
    pub transitive_keys: Vec<String>,
    /// `sourceIdentity`, if the caller set or inherited one.
    pub source_identity: Option<String>,
    /// SAML or web identity subject, for example `repo:example/shop:ref:refs/heads/main`.
    pub subject: Option<String>,
    /// The identity provider that vouches for the subject.
    pub provider: Option<String>,
    /// Who called STS.
    pub caller: Principal,
    /// The id of the STS event (`sharedEventID` where present).
    pub event_id: Option<String>,
}

/// What an STS record turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionReading {
    /// A session to keep.
    Session(Box<Session>),
    /// The record is not one of the STS calls that make sessions.
    NotSts,
    /// It is one, but makes no session to keep.
    Skipped(&'static str),
}

/// Temporary credentials of `GetFederationToken` live 36 hours at the longest: what a session without a readable expiry
/// is given.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(36);

/// How many tags a session has at most, and how many characters their keys and values.
const MOST_TAGS: usize = 50;
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;

fn within(text: &str, most: usize) -> bool {
    text.chars().nth(most).is_none()
}

impl Session {
    /// A session of the given identity with nothing else known: the start for tests and for embedders that learn of
    /// sessions in another way than from CloudTrail.
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

    /// Reads the session that an STS record reports.
    ///
    /// # Errors
    /// [`RecordError`] when a part of the record is not readable at all.
    pub fn read(record: &Record<'_>) -> Result<SessionReading, RecordError> {
        if record.event_source != "sts.amazonaws.com" {
            return Ok(SessionReading::NotSts);
        }
        let Some(kind) = SessionKind::of(&record.event_name) else { return Ok(SessionReading::NotSts) };
        if record.failed() {
            return Ok(SessionReading::Skipped("the STS call failed"));
        }
        let parsed = record.parsed()?;
        let (request, response) = (&parsed.request, &parsed.response);
        let user = any_member(response, &["assumedRoleUser", "federatedUser"]);
        let id = user.and_then(|user| {
            member_text(user, "assumedRoleId").or_else(|| member_text(user, "federatedUserId"))
        });
        let of_request = || match kind {
            SessionKind::AssumeRoot => root_arn(record, request),
            _ => assumed_role_arn(request),
        };
        let Some(role_session) = id.or_else(of_request) else {
            return Ok(SessionReading::Skipped("the record names no role session"));
        };
        let Some(issued) = record.time() else {
            return Ok(SessionReading::Skipped("the record has no readable time"));
        };
        let session = Self::new(&role_session, issued, kind);
        Ok(SessionReading::Session(Box::new(session.filled(record, &parsed, Principal::of(record)?))))
    }

    /// What the record says of the session beyond its identity.
    fn filled(self, record: &Record<'_>, parsed: &ParsedRecord, caller: Principal) -> Self {
        let (request, response) = (&parsed.request, &parsed.response);
        let credentials = member(response, "credentials").unwrap_or(&Value::Null);
        let duration = member(request, "durationSeconds").and_then(text).and_then(|s| s.parse::<i64>().ok());
        let expires = member_text(credentials, "expiration")
            .and_then(|text| expiration(&text))
            .or_else(|| self.issued.checked_add(SignedDuration::from_secs(duration?)).ok());
        let tags_of = |name| any_member(request, &[name]).map(tag_pairs).unwrap_or_default();
        let map_of = |name| any_member(request, &[name]).map(map_pairs).unwrap_or_default();
        let given = match tags_of("tags") {
            none if none.is_empty() => map_of("principalTags"),
            tags => tags,
        };
        let transitive = any_member(request, &["transitiveTagKeys"]).map(elements).unwrap_or_default();
        // A transient SAML subject is another one each time; the identity provider names the person in the session's name.
        let transient = member_text(response, "subjectType").is_some_and(|kind| kind == "transient");
        let lasting = if transient { member_text(request, "roleSessionName") } else { None };
        let subject = lasting
            .or_else(|| member_text(response, "subjectFromWebIdentityToken"))
            .or_else(|| member_text(response, "subject"))
            .or_else(|| federated_name(&caller));
        Self {
            access_key: member_text(credentials, "accessKeyId").and_then(|id| AccessKeyId::new(&id)),
            expires,
            role_arn: member_text(request, "roleArn"),
            tags: given,
            incoming_tags: map_of("incomingTransitiveTags"),
            transitive_keys: transitive.iter().filter_map(|key| text(key)).map(Into::into).collect(),
            source_identity: member_text(response, "sourceIdentity")
                .or_else(|| member_text(request, "sourceIdentity")),
            subject,
            provider: member_text(response, "provider")
                .or_else(|| member_text(response, "issuer"))
                .or_else(|| caller.identity_provider.clone()),
            caller,
            event_id: record.dedup_id().map(str::to_owned),
            ..self
        }
    }

    /// The tags that STS gives the session besides the role's own: those that came down the chain, then those given,
    /// keys compared ignoring case. A transitive key cannot be overridden further down the chain; STS refuses the try.
    /// What is beyond STS's limits (50 tags, key 128, value 256 characters) STS has not given.
    pub fn effective_tags(&self) -> Vec<(&str, &str)> {
        let mut merged: Vec<(&str, &str)> = Vec::new();
        for (key, value) in self.incoming_tags.iter().chain(&self.tags) {
            let fits = !key.is_empty() && within(key, LONGEST_KEY) && within(value, LONGEST_VALUE);
            if fits && merged.len() < MOST_TAGS && !merged.iter().any(|(known, _)| same_key(known, key)) {
                merged.push((key, value));
            }
        }
        merged
    }

    /// When the session can be forgotten, UTC: its expiry, or the longest life there is.
    pub fn expires_at(&self) -> Timestamp {
        let longest = || self.issued.checked_add(LONGEST_LIFE).unwrap_or(Timestamp::MAX);
        self.expires.unwrap_or_else(longest)
    }

    /// Whether `other` is a report of the very same session.
    pub fn is_same(&self, other: &Self) -> bool {
        self.role_session == other.role_session
            && self.issued == other.issued
            && self.access_key == other.access_key
    }

    /// Takes over what another report of the same session knows better. An `AssumeRole` across accounts is logged in
    /// both: one copy knows the caller, the other only the caller's account. The result does not depend on the order.
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

/// Tags that STS writes as `{k: v}`. A tag may be called `key` there, and then the map is no pair of a key and a value.
fn map_pairs(value: &Value) -> Vec<(String, String)> {
    let Some(map) = value.as_object().filter(|map| !map.values().any(|v| v.is_object() || v.is_array()))
    else {
        return tag_pairs(value);
    };
    let pair = |(key, value): (&String, &Value)| tag_pairs(&json!([{"key": key, "value": value}]));
    map.iter().flat_map(pair).collect()
}

/// EC2 and Lambda fetch credentials for their workloads with an answer that does not name the session; the request does,
/// as the later calls' `arn` will: `arn:aws:sts::<account>:assumed-role/<role>/<session>`.
fn assumed_role_arn(request: &Value) -> Option<String> {
    let role: Arn = member_text(request, "roleArn")?.parse().ok()?;
    let name = role.resource().strip_prefix("role/")?.rsplit('/').next()?;
    let session = member_text(request, "roleSessionName")?;
    Some(format!("arn:{}:sts::{}:assumed-role/{name}/{session}", role.partition(), role.account()?))
}

/// `AssumeRoot` names an account, or the ARN of its root user; the later calls' `arn` is the latter.
fn root_arn(record: &Record<'_>, request: &Value) -> Option<String> {
    let target = member_text(request, "targetPrincipal")?;
    if target.parse::<Arn>().is_ok() {
        return Some(target);
    }
    let account = AccountId::new(&target)?;
    let partition = record.region().as_ref().and_then(Partition::of_region).unwrap_or_default();
    Some(format!("arn:{partition}:iam::{account}:root"))
}

fn federated_name(caller: &Principal) -> Option<String> {
    matches!(caller.kind, PrincipalKind::SamlUser | PrincipalKind::WebIdentityUser)
        .then(|| caller.user_name.clone())
        .flatten()
}

/// Whether two tag keys are one to STS and IAM, which ignore case.
fn same_key(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

/// STS writes `Jun 1, 2017 10:15:21 PM`, since 2020 `Jul 10, 2023, 12:09:47 PM`; no zone, UTC. ISO is accepted too.
fn expiration(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    // Newer Java runtimes put a narrow no-break space before AM and PM.
    let plain: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| *c != ',').collect();
    let time = civil::DateTime::strptime("%b %d %Y %I:%M:%S %p", plain).ok()?;
    time.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// Which of the sessions known under one `role_session` a call was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionMatch<'s> {
    /// The one whose access key the call was signed with.
    ByKey(&'s Session),
    /// The only one that was issued when the call says its session was.
    ByTime(&'s Session),
    /// Several could be meant, and they do not agree: none is taken.
    Ambiguous(usize),
    /// None fits.
    None,
}

impl<'s> SessionMatch<'s> {
    /// The session, if exactly one fits.
    pub fn session(self) -> Option<&'s Session> {
        match self {
            Self::ByKey(session) | Self::ByTime(session) => Some(session),
            Self::Ambiguous(_) | Self::None => None,
        }
    }
}

/// `creationDate` of a call and the time of the STS record may differ by this much, in seconds.
const CLOCK_SLACK: i64 = 2;

/// The times at which the session of `principal` can have been issued: about when the call says so, or any time.
///
/// A role whose sessions all have one name (a pipeline's) may have thousands of them in a store; only those are of use
/// that the call can have been made in.
pub fn issue_window(principal: &Principal) -> RangeInclusive<Timestamp> {
    match principal.session.as_ref().and_then(|session| session.created) {
        Some(created) => {
            let slack = SignedDuration::from_secs(60);
            let from = created.checked_sub(slack).unwrap_or(Timestamp::MIN);
            from..=created.checked_add(slack).unwrap_or(Timestamp::MAX)
        }
        None => Timestamp::MIN..=Timestamp::MAX,
    }
}

/// Finds the session that `principal` called in, among the `candidates` that share its role and session name.
///
/// By access key id; else by time, and then only if nothing else could be meant. Never "the latest of that name": two
/// people can use the same role and the same session name at the same time. A call signed with another key than the
/// candidate's is joined by time only to sessions of SAML, whose console and CLI get further keys under the same
/// `creationDate` and whose names the identity provider sets; for those the second must be the same.
///
/// What cannot be known: whether a session of the same name was issued within two seconds whose record is not there. Then
/// a call without a key goes to the one that is.
pub fn find_session<'s>(candidates: &'s [Session], principal: &Principal) -> SessionMatch<'s> {
    let Some(role_session) = principal.role_session() else { return SessionMatch::None };
    let names = [Some(role_session), principal.arn.as_deref()];
    let of_this_name =
        || candidates.iter().filter(|session| names.contains(&Some(session.role_session.as_str())));
    let key = principal.access_key.as_ref();
    if key.is_some()
        && let Some(session) = of_this_name().find(|session| session.access_key.as_ref() == key)
    {
        return SessionMatch::ByKey(session);
    }
    let Some(created) = principal.session.as_ref().and_then(|session| session.created) else {
        return SessionMatch::None;
    };
    let apart = |session: &Session| (session.issued.as_second() - created.as_second()).abs();
    let fits = |session: &&Session| {
        if key.is_none() || session.access_key.is_none() {
            apart(session) <= CLOCK_SLACK
        } else {
            apart(session) == 0 && session.kind == SessionKind::AssumeRoleWithSaml
        }
    };
    let Some(fitting) = of_this_name().find(fits) else { return SessionMatch::None };
    let near = of_this_name().filter(|session| apart(session) <= CLOCK_SLACK);
    let others = near.filter(|other| !agree(fitting, other)).count();
    if others == 0 { SessionMatch::ByTime(fitting) } else { SessionMatch::Ambiguous(others + 1) }
}

/// Two sessions that say the same about everything a tag can come from need not be told apart.
fn agree(one: &Session, other: &Session) -> bool {
    one.caller == other.caller
        && one.effective_tags() == other.effective_tags()
        && one.source_identity == other.source_identity
        && one.subject == other.subject
}

#[cfg(test)]
mod tests;
