//! A session store whose kind (memory, file, table) is chosen at run time.

use crate::{Expiring, MemoryStore, SessionReader, SessionStoreError, SessionWriter};
use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use jiff::Timestamp;
use std::ops::RangeInclusive;

/// One of the stores of this crate, for programs whose configuration names it.
///
/// ```
/// use session_store::{AnySessionStore, MemoryStore, SessionReader as _};
///
/// # futures_executor::block_on(async {
/// let store = AnySessionStore::from(MemoryStore::new());
/// assert!(store.find("AROAJUMP:mara").await?.is_empty());
/// # Ok::<(), session_store::SessionStoreError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum AnySessionStore {
    /// Sessions in memory: nothing is kept from one run to the next.
    Memory(MemoryStore),
    /// Sessions in a file.
    #[cfg(feature = "embedded")]
    Embedded(crate::EmbeddedStore),
    /// Sessions in a `DynamoDB` table.
    #[cfg(feature = "dynamodb")]
    DynamoDb(crate::DynamoDbStore),
}

impl AnySessionStore {
    /// Returns at most `max` sessions. Those of a `DynamoDB` table are in no order, the others in the order of (role
    /// session, issued, access key).
    ///
    /// # Errors
    /// [`SessionStoreError`] if the store does not answer or a session cannot be read.
    #[cfg_attr(not(feature = "dynamodb"), expect(clippy::unused_async, reason = "only a table is awaited"))]
    pub async fn sample(&self, max: usize) -> Result<Vec<Session>, SessionStoreError> {
        match self {
            Self::Memory(store) => {
                let mut sessions = store.all();
                sessions.truncate(max);
                Ok(sessions)
            }
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.sample(max),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(store) => store.sample(max).await,
        }
    }
}

impl From<MemoryStore> for AnySessionStore {
    fn from(store: MemoryStore) -> Self {
        Self::Memory(store)
    }
}

#[cfg(feature = "embedded")]
impl From<crate::EmbeddedStore> for AnySessionStore {
    fn from(store: crate::EmbeddedStore) -> Self {
        Self::Embedded(store)
    }
}

#[cfg(feature = "dynamodb")]
impl From<crate::DynamoDbStore> for AnySessionStore {
    fn from(store: crate::DynamoDbStore) -> Self {
        Self::DynamoDb(store)
    }
}

#[async_trait]
impl SessionReader for AnySessionStore {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        match self {
            Self::Memory(store) => store.find_issued(role_session, between).await,
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.find_issued(role_session, between).await,
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(store) => store.find_issued(role_session, between).await,
        }
    }

    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        match self {
            Self::Memory(store) => store.find(role_session).await,
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.find(role_session).await,
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(store) => store.find(role_session).await,
        }
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        match self {
            Self::Memory(store) => store.find_by_key(role_session, between, key).await,
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.find_by_key(role_session, between, key).await,
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(store) => store.find_by_key(role_session, between, key).await,
        }
    }

    fn is_local(&self) -> bool {
        match self {
            Self::Memory(store) => store.is_local(),
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.is_local(),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(store) => store.is_local(),
        }
    }
}

#[async_trait]
impl SessionWriter for AnySessionStore {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        match self {
            Self::Memory(store) => store.put(session).await,
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.put(session).await,
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(store) => store.put(session).await,
        }
    }
}

#[async_trait]
impl Expiring for AnySessionStore {
    /// A `DynamoDB` table expires its entries by itself: nothing is removed, and the result is 0.
    async fn expire(&self, now: Timestamp) -> Result<usize, SessionStoreError> {
        match self {
            Self::Memory(store) => Ok(store.expire(now)),
            #[cfg(feature = "embedded")]
            Self::Embedded(store) => store.expire(now),
            #[cfg(feature = "dynamodb")]
            Self::DynamoDb(_) => Ok(0),
        }
    }
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use super::*;

    #[test]
    fn behaves_as_the_store_in_it() {
        crate::conformance::check_expiring(
            || AnySessionStore::from(MemoryStore::new()),
            200,
            |work| futures_executor::block_on(work),
        );
    }
}
