//! A session store that answers until a deadline.

use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError, SessionWriter};
use std::ops::RangeInclusive;
use tokio::time::{Instant, timeout_at};

/// Ends each operation of `store` at `end`, with [`SessionStoreError::Unavailable`]. The sessions that are not kept then go
/// back to the queue.
#[derive(Debug)]
pub(crate) struct WithDeadline<'s, S> {
    pub(crate) store: &'s S,
    pub(crate) end: Instant,
}

impl<S> WithDeadline<'_, S> {
    async fn in_time<T>(
        &self,
        operation: impl Future<Output = Result<T, SessionStoreError>>,
    ) -> Result<T, SessionStoreError> {
        timeout_at(self.end, operation).await.unwrap_or_else(|_| {
            let source = "the invocation was at its end".into();
            Err(SessionStoreError::Unavailable { place: "the session store".to_owned(), source })
        })
    }
}

#[async_trait]
impl<S: SessionReader> SessionReader for WithDeadline<'_, S> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.in_time(self.store.find_issued(role_session, between)).await
    }
}

#[async_trait]
impl<S: SessionWriter> SessionWriter for WithDeadline<'_, S> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.in_time(self.store.put(session)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::session::SessionKind;
    use std::future::pending;
    use std::time::Duration;

    /// A store that never answers.
    struct Silent;

    #[async_trait]
    impl SessionWriter for Silent {
        async fn put(&self, _: &Session) -> Result<(), SessionStoreError> {
            pending().await
        }
    }

    #[tokio::test]
    async fn put_after_the_deadline_is_an_outage() {
        let store = WithDeadline { store: &Silent, end: Instant::now() + Duration::from_millis(5) };
        let session = Session::new("AROAJUMP:mara", Timestamp::UNIX_EPOCH, SessionKind::AssumeRole);
        let error = store.put(&session).await.unwrap_err();
        assert!(matches!(error, SessionStoreError::Unavailable { .. }), "{error}");
    }
}
