//! Who stood behind a role session: the stores that keep STS sessions, because no AWS API gives them back.
//!
//! A [`SessionStore`] keeps what [`Session::read`](autotag_model::session::Session::read) took from STS records and
//! gives back those known under one role session id that were issued about a time. Which of them a call was made in is
//! not decided here: that is [`find_session`](autotag_model::session::find_session), a pure function over the answer.
//! There is no clock and no credential in this crate: of STS's answer a session holds the access key id and never the
//! secret or the token. Only the `DynamoDB` store needs an async runtime.
//!
//! | store | for |
//! |---|---|
//! | [`MemoryStore`] | tests, offline plans, and the reference for the others |
//! | `EmbeddedStore`, feature `embedded` | one file on disk, for programs that run now and then |
//! | `DynamoDbStore`, feature `dynamodb` | a `DynamoDB` table: the deployed one |
//! | [`OverlayStore`] | what came just now in front of what was kept before |
//!
//! Feature `conformance` has the random sequences of operations that hold a store against [`MemoryStore`].
//!
//! ```
//! use autotag_model::session::{Session, SessionKind};
//! use session_store::{MemoryStore, SessionReader as _, SessionWriter as _};
//!
//! # futures_executor::block_on(async {
//! let store = MemoryStore::new();
//! let issued = "2026-03-02T09:00:00Z".parse()?;
//! store.put(&Session::new("AROAJUMP:mara", issued, SessionKind::AssumeRole)).await?;
//!
//! assert_eq!(store.find("AROAJUMP:mara").await?.len(), 1);
//! assert!(store.find("AROAJUMP:somebody-else").await?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::{SignedDuration, Timestamp};
use std::ops::RangeInclusive;
use std::sync::Arc;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod memory;
mod overlay;

#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoDbStore, ENTRY_VERSION};
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedStore;
pub use error::{BoxError, SessionStoreError};
pub use memory::MemoryStore;
pub use overlay::OverlayStore;

/// How long a session is kept after its end: 16 days.
///
/// A call made in the last second of a session may be worked on this much later: `CloudTrail` delivers within hours (one
/// day), `EventBridge` retries for 24 hours (one day), and a message can wait 14 days in a dead-letter queue until
/// somebody redrives it. Forgetting earlier would turn such a call into one of an unknown person, and the wrong owner
/// it is then given stays; keeping a session costs about a kilobyte.
pub const RETENTION: SignedDuration = SignedDuration::from_hours(16 * 24);

/// Gives back the sessions of one role session id.
///
/// Implement it, with [`SessionWriter`], for a place where sessions are kept. Implementations do not retry (the caller owns
/// the deadline), do not cache misses for longer than one input (the STS record may still arrive) and do not choose between
/// sessions (that can select the wrong person). Feature `conformance` compares an implementation with [`MemoryStore`].
#[async_trait]
pub trait SessionReader: Send + Sync {
    /// All sessions known under `role_session` (`AROA...:name`, compared byte by byte) that were issued `between` the two
    /// times, both included; ordered by (issued, access key), without a key first. No session is the empty list. Sessions that
    /// have ended may still be among them.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the store does not answer: an outage is never "none".
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError>;

    /// The same, whenever they were issued.
    ///
    /// # Errors
    /// As [`SessionReader::find_issued`].
    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        self.find_issued(role_session, &ANY_TIME).await
    }
}

/// Keeps sessions.
#[async_trait]
pub trait SessionWriter: Send + Sync {
    /// Keeps `session`. If a report of the very same session ([`Session::is_same`]) is there, the two are merged
    /// ([`Session::merge`]), as one step: no other writer's part is lost. Repeating a put changes nothing, and the order
    /// of puts does not matter.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the session was not kept, or the store cannot tell.
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError>;
}

/// A store of sessions: both directions. Programs that only read take a [`SessionReader`].
pub trait SessionStore: SessionReader + SessionWriter {}

impl<S: SessionReader + SessionWriter + ?Sized> SessionStore for S {}

/// Whenever a session was issued.
pub const ANY_TIME: RangeInclusive<Timestamp> = Timestamp::MIN..=Timestamp::MAX;

/// A store that removes ended sessions when it is told to. A place that does so by itself, as a `DynamoDB` table with a
/// TTL does, has no need of it.
#[async_trait]
pub trait Expiring: SessionStore {
    /// Removes the sessions that ended more than [`RETENTION`] before `now`; returns how many.
    ///
    /// Where old trails are read, `now` is the time of the records, not the present: sessions of last year would otherwise be
    /// removed before the calls made in them are read.
    ///
    /// # Errors
    /// [`SessionStoreError`]; then none is removed.
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
}

#[async_trait]
impl<S: SessionWriter + ?Sized> SessionWriter for Arc<S> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        (**self).put(session).await
    }
}

/// Whether `session` ended more than [`RETENTION`] before `now`.
fn is_expired(session: &Session, now: Timestamp) -> bool {
    now.duration_since(session.expires_at()) > RETENTION
}
