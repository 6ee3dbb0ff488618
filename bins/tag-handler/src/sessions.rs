//! Where sessions are found: in the table, where there is one.

use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{DynamoDbStore, MemoryStore, SessionReader, SessionStoreError, SessionWriter};
use std::ops::RangeInclusive;

/// The sessions that were there before a delivery.
#[derive(Debug)]
pub(crate) enum Known {
    /// Without a table none is kept from one delivery to the next.
    None(MemoryStore),
    Table(DynamoDbStore),
}

#[async_trait]
impl SessionReader for Known {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        match self {
            Self::None(store) => store.find_issued(role_session, between).await,
            Self::Table(store) => store.find_issued(role_session, between).await,
        }
    }
}

#[async_trait]
impl SessionWriter for Known {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        match self {
            Self::None(store) => store.put(session).await,
            Self::Table(store) => store.put(session).await,
        }
    }
}
