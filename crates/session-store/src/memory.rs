//! Sessions in memory: the simplest store, and the reference for the others.

use crate::{Expiring, SessionReader, SessionStoreError, SessionWriter, is_expired};
use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The identity of a session, in the order of `find`.
type Key = (String, Timestamp, Option<AccessKeyId>);

/// Sessions in memory, about a kilobyte each. The store grows until [`expire`](Self::expire) is called.
///
/// It never fails, and waits at most for another thread's put.
///
/// ```
/// use autotag_model::session::{Session, SessionKind};
/// use session_store::{MemoryStore, SessionReader as _, SessionWriter as _};
///
/// # futures_executor::block_on(async {
/// let store = MemoryStore::new();
/// let mut session = Session::new("AROAJUMP:mara", "2026-03-02T09:00:00Z".parse()?, SessionKind::AssumeRole);
/// store.put(&session).await?;
/// session.tags.push(("Team".to_owned(), "shop".to_owned()));
/// store.put(&session).await?; // a copy of the same session, with more detail
///
/// assert_eq!(store.find("AROAJUMP:mara").await?, [session]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    sessions: Mutex<BTreeMap<Key, Session>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of sessions.
    pub fn len(&self) -> usize {
        self.sessions().len()
    }

    /// True if it holds no session.
    pub fn is_empty(&self) -> bool {
        self.sessions().is_empty()
    }

    /// Removes the sessions that ended more than [`RETENTION`](crate::RETENTION) before `now`; returns how many.
    /// [`Expiring::expire`] says what `now` is when old trails are read.
    pub fn expire(&self, now: Timestamp) -> usize {
        let mut sessions = self.sessions();
        let before = sessions.len();
        sessions.retain(|_, session| !is_expired(session, now));
        before - sessions.len()
    }

    pub(crate) fn keep(&self, session: Session) {
        let key = (session.role_session.clone(), session.issued, session.access_key.clone());
        match self.sessions().entry(key) {
            Entry::Occupied(mut known) => known.get_mut().merge(session),
            Entry::Vacant(place) => {
                place.insert(session);
            }
        }
    }

    /// All sessions, in the order of (role session, issued, access key).
    pub fn all(&self) -> Vec<Session> {
        self.sessions().values().cloned().collect()
    }

    fn known(&self, role_session: &str, between: &RangeInclusive<Timestamp>) -> Vec<Session> {
        let first = (role_session.to_owned(), *between.start(), None);
        let sessions = self.sessions();
        let in_range = |(id, issued, _): &Key| id == role_session && issued <= between.end();
        let of_this_id = sessions.range(first..).take_while(|(key, _)| in_range(key));
        of_this_id.map(|(_, session)| session.clone()).collect()
    }

    /// Ignores the poison of a thread that panicked. A merge replaces whole fields, so that a session merged in part is
    /// still a valid one, and its next copy brings the rest.
    fn sessions(&self) -> MutexGuard<'_, BTreeMap<Key, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store of these sessions, copies merged.
impl FromIterator<Session> for MemoryStore {
    fn from_iter<I: IntoIterator<Item = Session>>(sessions: I) -> Self {
        let store = Self::new();
        sessions.into_iter().for_each(|session| store.keep(session));
        store
    }
}

#[async_trait]
impl SessionReader for MemoryStore {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        Ok(self.known(role_session, between))
    }

    fn is_local(&self) -> bool {
        true
    }
}

#[async_trait]
impl SessionWriter for MemoryStore {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.keep(session.clone());
        Ok(())
    }
}

#[async_trait]
impl Expiring for MemoryStore {
    async fn expire(&self, now: Timestamp) -> Result<usize, SessionStoreError> {
        Ok(Self::expire(self, now))
    }
}

#[cfg(test)]
mod tests;
