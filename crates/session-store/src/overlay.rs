//! What came just now in front of what was kept before.

use crate::{MemoryStore, SessionReader, SessionStoreError, SessionWriter};
use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::Timestamp;
use std::ops::RangeInclusive;

/// The sessions of one delivery over those of a store that is only read: a delivery that holds the STS record and the
/// call made in that session needs to wait for nobody.
///
/// Puts go to the sessions in front and never to the store behind them.
#[derive(Debug, Default)]
pub struct OverlayStore<S> {
    front: MemoryStore,
    behind: S,
}

impl<S: SessionReader> OverlayStore<S> {
    /// Nothing yet in front of `behind`.
    pub fn over(behind: S) -> Self {
        Self { front: MemoryStore::new(), behind }
    }
}

#[async_trait]
impl<S: SessionReader> SessionReader for OverlayStore<S> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let front = self.front.find_issued(role_session, between).await?;
        let behind = self.behind.find_issued(role_session, between).await?;
        if front.is_empty() {
            return Ok(behind);
        }
        // Either may know more of a session than the other.
        let both = MemoryStore::new();
        for session in front.iter().chain(&behind) {
            both.put(session).await?;
        }
        both.find_issued(role_session, between).await
    }
}

#[async_trait]
impl<S: SessionReader> SessionWriter for OverlayStore<S> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.front.put(session).await
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
    fn both_are_asked_and_the_store_behind_is_not_written() {
        let behind = MemoryStore::new();
        block_on(behind.put(&session(0, Some("shop")))).unwrap();
        let store = OverlayStore::over(&behind);
        block_on(store.put(&session(0, None))).unwrap();
        block_on(store.put(&session(9, Some("data")))).unwrap();
        let found = block_on(store.find("AROAJUMP:mara")).unwrap();
        assert_eq!(found, [session(0, Some("shop")), session(9, Some("data"))]);
        assert_eq!(behind.len(), 1);
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
