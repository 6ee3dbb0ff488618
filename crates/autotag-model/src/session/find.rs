//! Finds the session in which a call was made.

use super::{Session, SessionKind};
use crate::identity::Principal;
use jiff::{SignedDuration, Timestamp};
use std::ops::RangeInclusive;

/// The session in which a call was made, of those with one role session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionMatch<'s> {
    /// The session whose access key signed the call.
    ByKey(&'s Session),
    /// The only session that was issued at the time that the call names.
    ByTime(&'s Session),
    /// This many sessions fit and differ, so that none is taken.
    Ambiguous(usize),
    /// No session fits.
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

/// The service by which Identity Center users enter roles of the customer (IAM user guide, "account access manager").
pub const ACCOUNT_ACCESS: &str = "account-access.amazonaws.com";

/// The greatest difference between `creationDate` of a call and the time of the STS record, in seconds.
const CLOCK_SLACK: i64 = 2;

/// The time in which the session of `principal` can have been issued: a minute around `creationDate`, or any time if
/// the call has none.
///
/// A pipeline's role may have thousands of sessions of one name in a store. A store needs to return only those issued
/// in this time.
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

/// The part of [`issue_window`] in which a session can be matched by its time; `None` if the call has no `creationDate`.
///
/// A session issued outside of it is found by its access key only, and counts against no other. A store with more sessions
/// in the whole window than it returns can be asked for these.
pub fn nearest_issue_window(principal: &Principal) -> Option<RangeInclusive<Timestamp>> {
    let created = principal.session.as_ref()?.created?.as_second();
    let from = Timestamp::from_second(created.saturating_sub(CLOCK_SLACK)).unwrap_or(Timestamp::MIN);
    let to = Timestamp::new(created.saturating_add(CLOCK_SLACK), 999_999_999).unwrap_or(Timestamp::MAX);
    Some(from..=to)
}

/// Finds the session in which `principal` made its call, among `candidates` of one role session id.
///
/// The access key id decides; without one, the time of issue, and only if no other session fits. The latest session of
/// a name is never taken for that alone: two people can use one role and one session name at the same time.
///
/// If a call is signed with another key than the candidate's, it is matched by time only if AWS gives the session
/// further keys. These are sessions of SAML and of the account access manager, and sessions of a sign-in if the
/// call comes from one too. The second of issue must then be equal.
///
/// A match by time is provisional while records of other sessions may still arrive. Two sessions of a name may be
/// issued within two seconds. If the record of one is missing, its calls are matched with the other.
///
/// ```
/// use autotag_model::identity::Principal;
/// use autotag_model::session::{Session, SessionKind, SessionMatch, find_session};
///
/// let known = [Session::new("AROAEXAMPLE:ana", "2026-03-02T09:00:00Z".parse()?, SessionKind::AssumeRole)];
/// let caller = Principal::from_value(&serde_json::json!({
///     "type": "AssumedRole",
///     "principalId": "AROAEXAMPLE:ana",
///     "sessionContext": {"attributes": {"creationDate": "2026-03-02T09:00:01Z"}},
/// }));
/// assert_eq!(find_session(&known, &caller), SessionMatch::ByTime(&known[0]));
/// # Ok::<(), jiff::Error>(())
/// ```
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
            apart(session) == 0 && gets_further_keys(session, principal)
        }
    };
    let Some(fitting) = of_this_name().find(fits) else { return SessionMatch::None };
    let near = of_this_name().filter(|session| apart(session) <= CLOCK_SLACK);
    let others = near.filter(|other| !agree(fitting, other)).count();
    if others == 0 { SessionMatch::ByTime(fitting) } else { SessionMatch::Ambiguous(others + 1) }
}

/// True if AWS gives the credentials of this session further keys: a session of SAML, of the account access manager, or
/// one from which a sign-in went on.
fn gets_further_keys(session: &Session, principal: &Principal) -> bool {
    session.kind == SessionKind::AssumeRoleWithSaml
        || session.is_from_service(ACCOUNT_ACCESS)
        || (principal.is_from_sign_in() && session.caller.is_from_sign_in())
}

/// True if two sessions lead to the same tags and the same owner, so that either can be taken.
fn agree(one: &Session, other: &Session) -> bool {
    one.caller == other.caller
        && one.effective_tags() == other.effective_tags()
        && one.source_identity == other.source_identity
        && one.subject == other.subject
}
