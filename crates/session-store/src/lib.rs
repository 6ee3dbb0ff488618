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
//! | [`Layered`] | what came just now in front of what was kept before |
//!
//! Feature `conformance` has the random sequences of operations that hold a store against [`MemoryStore`].
//!
//! ```
//! use autotag_model::session::{Session, SessionKind};
//! use session_store::{MemoryStore, SessionStore};
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

use autotag_model::session::Session;
use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::Arc;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod layered;
mod memory;

#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoDbStore, ENTRY_VERSION};
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedStore;
pub use error::{Cause, SessionStoreError};
pub use layered::Layered;
pub use memory::MemoryStore;

/// How long a session is kept after its end: 16 days.
///
/// A call made in the last second of a session may be worked on this much later: `CloudTrail` delivers within hours (one
/// day), `EventBridge` retries for 24 hours (one day), and a message can wait 14 days in a dead-letter queue until
/// somebody redrives it. Forgetting earlier would turn such a call into one of an unknown person, and the wrong owner
/// it is then given stays; keeping a session costs about a kilobyte.
pub const GRACE: SignedDuration = SignedDuration::from_hours(16 * 24);

/// Keeps STS sessions and gives back those of one role session id.
///
/// Implement it for a place where sessions are kept. Do not implement it to add retries, caching of "none" for longer than
/// a batch (the STS record may arrive after the call it explains) or a choice between sessions: the first is the caller's, who knows its
/// deadline, the others give tags of the wrong person. A new implementation is held against [`MemoryStore`] with
/// feature `conformance`.
pub trait SessionStore: Send + Sync {
    /// Keeps `session`. If a report of the very same session ([`Session::is_same`]) is there, the two are merged
    /// ([`Session::merge`]), as one step: no other writer's part is lost. Repeating a put changes nothing, and the order
    /// of puts does not matter.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the session was not kept, or the store cannot tell.
    fn put(&self, session: &Session) -> impl Future<Output = Result<(), SessionStoreError>> + Send;

    /// All sessions known under `role_session` (`AROA...:name`, compared byte by byte) that were issued `between` the two
    /// times, both included; ordered by (issued, access key), without a key first. None is the empty list. Sessions that
    /// have ended may still be among them.
    ///
    /// # Errors
    /// [`SessionStoreError`] when the store cannot tell: an outage is never "none".
    fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> impl Future<Output = Result<Vec<Session>, SessionStoreError>> + Send;

    /// The same, whenever they were issued.
    ///
    /// # Errors
    /// As [`SessionStore::find_issued`].
    fn find(
        &self,
        role_session: &str,
    ) -> impl Future<Output = Result<Vec<Session>, SessionStoreError>> + Send {
        async move { self.find_issued(role_session, &ANY_TIME).await }
    }
}

/// Whenever a session was issued.
pub const ANY_TIME: RangeInclusive<Timestamp> = Timestamp::MIN..=Timestamp::MAX;

/// A store that forgets ended sessions when it is told to. A place that does so by itself, as a `DynamoDB` table with a
/// TTL does, has no need of it.
pub trait Expiring: SessionStore {
    /// Forgets the sessions that ended more than [`GRACE`] before `now`; returns how many.
    ///
    /// Where old trails are read, `now` is the time of the records and not of the clock on the wall: sessions of last
    /// year would otherwise be forgotten before the calls made in them are read.
    ///
    /// # Errors
    /// [`SessionStoreError`]; then none is forgotten.
    fn expire(&self, now: Timestamp) -> impl Future<Output = Result<usize, SessionStoreError>> + Send;
}

impl<S: SessionStore> SessionStore for &S {
    fn put(&self, session: &Session) -> impl Future<Output = Result<(), SessionStoreError>> + Send {
        (**self).put(session)
    }

    fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> impl Future<Output = Result<Vec<Session>, SessionStoreError>> + Send {
        (**self).find_issued(role_session, between)
    }
}

impl<S: SessionStore> SessionStore for Arc<S> {
    fn put(&self, session: &Session) -> impl Future<Output = Result<(), SessionStoreError>> + Send {
        (**self).put(session)
    }

    fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> impl Future<Output = Result<Vec<Session>, SessionStoreError>> + Send {
        (**self).find_issued(role_session, between)
    }
}

/// Whether `session` ended more than [`GRACE`] before `now`.
fn is_past(session: &Session, now: Timestamp) -> bool {
    now.duration_since(session.ends()) > GRACE
}
