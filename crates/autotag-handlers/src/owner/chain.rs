//! The chain of sessions from a call to its origin, with the evidence of each link.

use super::candidates::Candidates;
use super::evidence::{ChainLink, MAX_HOPS, MissingEvidence, PendingEvidence, SessionCertainty};
use super::name::is_proven_workload;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::session::{Session, SessionMatch, find_session};
use session_store::{SessionReader, SessionStoreError};
use std::fmt::Write as _;

/// The chain of sessions as far as it was followed.
#[derive(Debug, Default)]
pub(super) struct ChainTrace {
    pub(super) links: Vec<ChainLink>,
    pub(super) pending: Option<PendingEvidence>,
    /// True if the session of the call was found by its time alone, and may turn out to be another caller's.
    pub(super) is_provisional: bool,
}

impl ChainTrace {
    /// The session in which `at` calls, if the store knows it.
    pub(super) async fn find(
        &mut self,
        at: &Principal,
        sessions: &dyn SessionReader,
    ) -> Result<Option<Session>, SessionStoreError> {
        let Some(role_session) = at.role_session() else { return Ok(None) };
        let mut candidates = Candidates::of(role_session, at, sessions).await?;
        // The store knows the session of a workload by its ARN. Another session of the same name must not hide it.
        let is_certain =
            matches!(find_session(&candidates.known, at), SessionMatch::ByKey(_)) || is_proven_workload(at);
        if let (false, Some(arn)) = (is_certain, &at.arn) {
            candidates.add(Candidates::of(arn, at, sessions).await?);
        }
        let found = candidates.find(at);
        let evidence = match (found, candidates.too_many) {
            (SessionMatch::ByKey(session), _) => describe_session(session, "found by access key"),
            (SessionMatch::ByTime(session), _) => describe_session(session, "found by time of issue"),
            (SessionMatch::Ambiguous(_), Some(max)) => {
                format!("more than {max} sessions could be meant; none is taken")
            }
            (SessionMatch::Ambiguous(count), None) => {
                format!("{count} sessions could be meant and do not agree; none is taken")
            }
            (_, None) if candidates.known.is_empty() => "no STS record is known".to_owned(),
            _ => "STS records of this name are known, but none of this session".to_owned(),
        };
        // A workload session has no further caller and no tags, so nothing is pending. For a cross-account session the copy
        // from the caller's account carries more detail and may arrive later.
        let missing = match found {
            SessionMatch::None => (!is_proven_workload(at)).then_some(MissingEvidence::SessionRecord),
            // None of them has the key of the call: the record that has it decides.
            SessionMatch::Ambiguous(_) if at.access_key.is_some() => Some(MissingEvidence::SessionRecord),
            // They may agree when each of them names its caller.
            SessionMatch::Ambiguous(_) => {
                candidates.known.iter().any(lacks_caller).then_some(MissingEvidence::Caller)
            }
            found if found.session().is_some_and(lacks_caller) => Some(MissingEvidence::Caller),
            SessionMatch::ByTime(_) => may_be_another(at).then_some(MissingEvidence::OtherSessions),
            _ => None,
        };
        if let (Some(missing), None) = (missing, &self.pending) {
            let since = at.session.as_ref().and_then(|session| session.created);
            self.pending = Some(PendingEvidence { of: role_session.to_owned(), since, missing });
        }
        // The first link is the session of the call itself.
        self.is_provisional |=
            self.links.is_empty() && matches!(found, SessionMatch::ByTime(_)) && may_be_another(at);
        let session = at.arn.clone().unwrap_or_else(|| role_session.to_owned());
        let certainty = match found {
            SessionMatch::ByKey(_) => SessionCertainty::Certain,
            SessionMatch::ByTime(_) => SessionCertainty::ByTime,
            SessionMatch::Ambiguous(_) => SessionCertainty::Ambiguous,
            _ => SessionCertainty::Unknown,
        };
        self.links.push(ChainLink { session, evidence, certainty });
        let position = found
            .session()
            .and_then(|found| candidates.known.iter().position(|candidate| std::ptr::eq(candidate, found)));
        Ok(position.map(|position| candidates.known.swap_remove(position)))
    }

    /// The record itself names who asked for the session.
    pub(super) fn names_issuer(&mut self, issuer: &Principal) {
        if let Some(link) = self.links.last_mut() {
            link.certainty = SessionCertainty::Certain;
            let by = issuer.arn.as_deref().unwrap_or_default();
            let _ = write!(link.evidence, "; the call itself names {by} as its issuer");
        }
    }

    pub(super) fn too_long(&mut self) {
        if let Some(link) = self.links.last_mut() {
            // Writing to a string does not fail.
            let _ = write!(link.evidence, "; not followed further, the chain is longer than {MAX_HOPS} hops");
        }
    }
}

/// True if the session is known from the role's account only. Another copy may name the caller.
fn lacks_caller(session: &Session) -> bool {
    session.caller.kind == PrincipalKind::AwsAccount && session.caller.invoked_by.is_none()
}

/// True if a session found by its time may turn out to be another caller's, when a late STS record arrives. Only
/// Identity Center names the sessions of its roles, and only a workload has the sessions of that workload. The user
/// of `onBehalfOf` is certain in any other role, too, but not the session with its tags.
fn may_be_another(at: &Principal) -> bool {
    !at.is_identity_center_role() && !is_proven_workload(at)
}

/// A session in words: what it is, who asked for it, and how it was found.
fn describe_session(session: &Session, how: &str) -> String {
    let caller = &session.caller;
    let by = caller.arn.as_deref().or(session.subject.as_deref()).or(caller.invoked_by.as_deref());
    let by = by.or(caller.principal_id.as_deref()).unwrap_or(caller.kind.as_str());
    format!("{} by {by} at {}, {how}", session.kind.as_str(), session.issued)
}
