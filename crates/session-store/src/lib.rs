#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

use async_trait::async_trait;
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use jiff::{SignedDuration, Timestamp};
use std::ops::RangeInclusive;
use std::sync::Arc;

mod any;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod memory;
mod overlay;

pub use any::AnySessionStore;
#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoDbStore, ENTRY_VERSION};
#[cfg(feature = "embedded")]
pub use embedded::{EmbeddedStore, empty_if_unfinished};
pub use error::{BoxError, SessionStoreError};
pub use memory::MemoryStore;
pub use overlay::OverlayStore;

/// How long a session is kept after its end: 16 days.
///
/// A call made in the last second of a session may be processed this much later. `CloudTrail` delivers within hours
/// (counted as one day), and `EventBridge` retries for 24 hours. A message can wait 14 days in a dead-letter queue
/// until it is redriven. If the session were removed earlier, such a call would get a wrong owner that stays. A
/// kept session costs about a kilobyte.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(16 * 24);

/// Finds sessions. Programs that only read take a `dyn SessionReader`.
///
/// Implement it, with [`SessionWriter`], for another place to keep sessions in. Implementations do not retry (the
/// caller owns the deadline), do not cache misses for longer than one input (the STS record may still arrive) and do
/// not choose between sessions (that can select the wrong person). Feature `conformance` compares an implementation
/// with [`MemoryStore`].
#[async_trait]
pub trait SessionReader: Send + Sync {
    /// Returns all sessions of `role_session` (`AROA...:name`, compared byte by byte) that were issued `between` the
    /// two times, both included. They are ordered by (issued, access key), sessions without a key first. Sessions that
    /// have ended may be among them.
    ///
    /// A store with a bound on what it returns ends with an error if there are more, never with some of them: one that
    /// is left out could be the one of the call. [`find_by_key`](Self::find_by_key) still finds that.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the store does not answer. An outage is never an empty list.
    /// [`SessionStoreError::TooMany`] if there are more sessions than the store returns.
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError>;

    /// Returns all sessions of `role_session`, whenever they were issued.
    ///
    /// # Errors
    /// As [`SessionReader::find_issued`].
    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        self.find_issued(role_session, &ANY_TIME).await
    }

    /// Returns the session of `role_session` with this access key that was issued `between` the two times, however many
    /// others there are.
    ///
    /// A store whose [`find_issued`](Self::find_issued) has no bound need not implement this.
    ///
    /// # Errors
    /// As [`SessionReader::find_issued`].
    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        let sessions = self.find_issued(role_session, between).await?;
        Ok(sessions.into_iter().find(|session| session.access_key.as_ref() == Some(key)))
    }

    /// True if an answer costs less than to remember it for the next such question: the sessions are in the memory of the
    /// program, or in a file of its own.
    fn is_local(&self) -> bool {
        false
    }
}

/// Keeps sessions.
#[async_trait]
pub trait SessionWriter: Send + Sync {
    /// Keeps `session`. If the store has a copy of the same session ([`Session::is_same`]), the two are merged
    /// ([`Session::merge`]) in one step, so that no other writer's copy is lost.
    ///
    /// A repeated put changes nothing, and the order of puts does not matter.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the session was not kept, or if it is not known whether it was.
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError>;
}

/// A store that both finds and keeps sessions. Programs that only read take a [`SessionReader`].
pub trait SessionStore: SessionReader + SessionWriter {}

impl<S: SessionReader + SessionWriter + ?Sized> SessionStore for S {}

/// The range of all times, for [`SessionReader::find_issued`].
pub const ANY_TIME: RangeInclusive<Timestamp> = Timestamp::MIN..=Timestamp::MAX;

/// A store that removes ended sessions on request.
///
/// ```
/// use autotag_model::session::{Session, SessionKind};
/// use session_store::{AnySessionStore, Expiring as _, MemoryStore, RETENTION, SessionWriter as _};
///
/// # futures_executor::block_on(async {
/// let store = AnySessionStore::from(MemoryStore::new());
/// let session = Session::new("AROAJUMP:mara", "2026-03-02T09:00:00Z".parse()?, SessionKind::AssumeRole);
/// store.put(&session).await?;
///
/// assert_eq!(store.expire(session.expires_at() + RETENTION).await?, 0);
/// assert_eq!(store.expire("2026-04-02T09:00:00Z".parse()?).await?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait Expiring: SessionStore {
    /// Removes the sessions that ended more than [`RETENTION`] before `now`; returns how many.
    ///
    /// A program that reads old trails passes the time of the newest record as `now`, not the present. Otherwise
    /// sessions of last year would be removed before the calls made in them are read.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the store cannot be read or written. No session is removed then.
    async fn expire(&self, now: Timestamp) -> Result<usize, SessionStoreError>;
}

#[async_trait]
impl<S: SessionReader + ?Sized> SessionReader for &S {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        (**self).find_issued(role_session, between).await
    }

    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        (**self).find(role_session).await
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        (**self).find_by_key(role_session, between, key).await
    }

    fn is_local(&self) -> bool {
        (**self).is_local()
    }
}

#[async_trait]
impl<S: SessionWriter + ?Sized> SessionWriter for &S {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        (**self).put(session).await
    }
}

#[async_trait]
impl<S: SessionReader + ?Sized> SessionReader for Arc<S> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        (**self).find_issued(role_session, between).await
    }

    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        (**self).find(role_session).await
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        (**self).find_by_key(role_session, between, key).await
    }

    fn is_local(&self) -> bool {
        (**self).is_local()
    }
}

#[async_trait]
impl<S: SessionWriter + ?Sized> SessionWriter for Arc<S> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        (**self).put(session).await
    }
}

/// True if `session` ended more than [`RETENTION`] before `now`.
fn is_expired(session: &Session, now: Timestamp) -> bool {
    now.duration_since(session.expires_at()) > RETENTION
}
