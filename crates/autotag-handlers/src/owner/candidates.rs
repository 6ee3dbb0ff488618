//! Selects the sessions in which a call may have been made, or reports that there are too many to decide.

use super::name::is_proven_workload;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::session::{
    Session, SessionKind, SessionMatch, find_session, issue_window, nearest_issue_window,
};
use session_store::{SessionReader, SessionStoreError};

/// The sessions among which that of a call is.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Those that the store returned.
    pub(super) known: Vec<Session>,
    /// The store has more than this many in the time in which the session was issued, and none of the call's access key.
    pub(super) too_many: Option<usize>,
}

impl Candidates {
    /// The candidates under one id: all of the time in which the session of `at` can have been issued. If they are too
    /// many, the one with the access key of the call, which decides alone; otherwise those that can be matched by time.
    pub(super) async fn of(
        role_session: &str,
        at: &Principal,
        sessions: &dyn SessionReader,
    ) -> Result<Self, SessionStoreError> {
        let between = issue_window(at);
        let found = Self::unless_too_many(sessions.find_issued(role_session, &between).await)?;
        let Some(max) = found.too_many else { return Ok(found) };
        if let Some(key) = &at.access_key {
            let of_key = sessions.find_by_key(role_session, &between, key).await;
            let of_key = Self::unless_too_many(of_key.map(|session| session.into_iter().collect()))?;
            if !of_key.known.is_empty() {
                return Ok(of_key);
            }
        }
        match nearest_issue_window(at) {
            Some(nearest) => Self::unless_too_many(sessions.find_issued(role_session, &nearest).await),
            None => Ok(Self { known: Vec::new(), too_many: Some(max) }),
        }
    }

    fn unless_too_many(found: Result<Vec<Session>, SessionStoreError>) -> Result<Self, SessionStoreError> {
        match found {
            Ok(known) => Ok(Self { known, too_many: None }),
            Err(SessionStoreError::TooMany { max, .. }) => {
                Ok(Self { known: Vec::new(), too_many: Some(max) })
            }
            Err(error) => Err(error),
        }
    }

    /// Adds the candidates under another id.
    pub(super) fn add(&mut self, other: Self) {
        self.known.extend(other.known);
        self.too_many = self.too_many.max(other.too_many);
    }

    /// The session in which `at` calls.
    ///
    /// Too many candidates are like two that differ: only the access key of the call finds its session among them.
    pub(super) fn find(&self, at: &Principal) -> SessionMatch<'_> {
        match (find_session(&self.known, at), self.too_many) {
            (SessionMatch::ByKey(session), _) => SessionMatch::ByKey(session),
            // A caller may assume a workload's role under the name of its session in the same second. The record
            // itself proves the workload, so only a session of the same key counts against that.
            (_, Some(_)) if is_proven_workload(at) => SessionMatch::None,
            (SessionMatch::ByTime(session), _) if is_proven_workload(at) && is_assumed(session) => {
                SessionMatch::None
            }
            (_, Some(max)) => SessionMatch::Ambiguous(max.saturating_add(1)),
            (found, None) => found,
        }
    }
}

/// True if a principal of an account asked for the session, under a name of their choice.
fn is_assumed(session: &Session) -> bool {
    session.kind == SessionKind::AssumeRole && session.caller.kind != PrincipalKind::AwsService
}
