//! Sessions in memory: the obvious store, and what the others are held against.

use crate::{Expiring, SessionReader, SessionStoreError, SessionWriter, is_expired};
use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What makes two reports one session, in the order of `find`.
type Key = (String, Timestamp, Option<AccessKeyId>);

/// Sessions in memory, gone with the process. About a kilobyte each; it grows until told to [`expire`](Self::expire).
/// Never fails and never waits for more than another thread's put.
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
/// store.put(&session).await?; // a richer copy of the same
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

    /// How many sessions it holds.
    pub fn len(&self) -> usize {
        self.sessions().len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.sessions().is_empty()
    }

    /// Forgets the sessions that ended more than [`RETENTION`](crate::RETENTION) before `now`; returns how many. See
    /// [`Expiring::expire`] for what `now` is when old trails are read.
    pub fn expire(&self, now: Timestamp) -> usize {
        let mut sessions = self.sessions();
        let before = sessions.len();
        sessions.retain(|_, session| !is_expired(session, now));
        before - sessions.len()
    }

    fn keep(&self, session: &Session) {
        let key = (session.role_session.clone(), session.issued, session.access_key.clone());
        self.sessions()
            .entry(key)
            .and_modify(|known| known.merge(session.clone()))
            .or_insert_with(|| session.clone());
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

    /// A thread that panicked while it held the lock cannot have left a session half merged in a way that matters: a
    /// merge only ever takes over whole fields, and the next report of the session brings the rest.
    fn sessions(&self) -> MutexGuard<'_, BTreeMap<Key, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
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
}

#[async_trait]
impl SessionWriter for MemoryStore {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.keep(session);
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
