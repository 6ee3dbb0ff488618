//! A store that keeps new sessions in memory, over a store that it only reads.

use crate::{MemoryStore, SessionReader, SessionStoreError, SessionWriter};
use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use jiff::Timestamp;
use std::ops::RangeInclusive;

/// The sessions of one input over those of a base store, which is only read. An input with both an STS record and a
/// call of that session can then be planned at once.
///
/// A put goes into the overlay, by default in memory, and never into the base store. A find asks both and merges copies of the
/// same session.
#[derive(Debug, Default)]
pub struct OverlayStore<S, O = MemoryStore> {
    overlay: O,
    base: S,
}

impl<S: SessionReader, O: SessionReader> OverlayStore<S, O> {
    /// The sessions of `overlay` over those of `base`.
    pub fn of(overlay: O, base: S) -> Self {
        Self { overlay, base }
    }
}

impl<S: SessionReader> OverlayStore<S> {
    /// An empty overlay over `base`.
    pub fn over(base: S) -> Self {
        Self { overlay: MemoryStore::new(), base }
    }

    /// The sessions of an input over `base`, as a plan of that input needs them.
    ///
    /// ```
    /// use autotag_model::session::{Session, SessionKind};
    /// use session_store::{MemoryStore, OverlayStore, SessionReader as _};
    ///
    /// # futures_executor::block_on(async {
    /// let read = Session::new("AROAJUMP:mara", "2026-03-02T09:00:00Z".parse()?, SessionKind::AssumeRole);
    /// let known = OverlayStore::with_sessions(MemoryStore::new(), [&read]);
    /// assert_eq!(known.find("AROAJUMP:mara").await?, [read]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn with_sessions<'s>(base: S, sessions: impl IntoIterator<Item = &'s Session>) -> Self {
        let store = Self::over(base);
        for session in sessions {
            store.overlay.keep(session.clone());
        }
        store
    }
}

#[async_trait]
impl<S: SessionReader, O: SessionReader> SessionReader for OverlayStore<S, O> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let overlay = self.overlay.find_issued(role_session, between).await?;
        let base = self.base.find_issued(role_session, between).await?;
        if overlay.is_empty() {
            return Ok(base);
        }
        // Either copy of a session may have more detail.
        let both = MemoryStore::new();
        for session in overlay.iter().chain(&base) {
            both.put(session).await?;
        }
        both.find_issued(role_session, between).await
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        let overlay = self.overlay.find_by_key(role_session, between, key).await?;
        let base = self.base.find_by_key(role_session, between, key).await?;
        Ok(match (overlay, base) {
            (Some(mut session), Some(copy)) => {
                session.merge(copy);
                Some(session)
            }
            (overlay, base) => overlay.or(base),
        })
    }

    fn is_local(&self) -> bool {
        self.overlay.is_local() && self.base.is_local()
    }
}

#[async_trait]
impl<S: SessionReader, O: SessionWriter> SessionWriter for OverlayStore<S, O> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.overlay.put(session).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::session::SessionKind;
    use futures_executor::block_on;

    fn session(second: i64, tag: Option<&str>) -> Session {
        let issued = Timestamp::from_second(second).unwrap();
        let mut session = Session::new("AROAJUMP:mara", issued, SessionKind::AssumeRole);
        session.tags.extend(tag.map(|value| ("Team".to_owned(), value.to_owned())));
        session
    }

    #[test]
    fn both_are_asked_and_the_base_is_not_written() {
        let base = MemoryStore::new();
        block_on(base.put(&session(0, Some("shop")))).unwrap();
        let store = OverlayStore::with_sessions(&base, [&session(0, None)]);
        block_on(store.put(&session(9, Some("data")))).unwrap();
        let found = block_on(store.find("AROAJUMP:mara")).unwrap();
        assert_eq!(found, [session(0, Some("shop")), session(9, Some("data"))]);
        assert_eq!(base.len(), 1);
    }

    #[cfg(feature = "conformance")]
    #[test]
    fn behaves_as_a_store() {
        crate::conformance::check(
            || OverlayStore::over(MemoryStore::new()),
            500,
            |work| {
                block_on(work);
            },
        );
    }
}
