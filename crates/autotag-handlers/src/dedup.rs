//! Asks for each session, principal and user once in a plan, however many creations name it.

use crate::backend::{BackendReader, Related, RelatedQuery, TaggableResource, Tags};
use crate::error::BackendError;
use async_trait::async_trait;
use autotag_model::identity::{AccessKeyId, OnBehalfOf};
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use futures_util::lock::Mutex as AsyncMutex;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError};
use std::collections::HashMap;
use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Answers by key. While one caller asks, the others with the same key wait for its answer.
#[derive(Debug)]
pub struct SingleFlight<V, E>(Mutex<HashMap<String, Arc<Slot<V, E>>>>);

#[derive(Debug)]
struct Slot<V, E> {
    state: AsyncMutex<State<V, E>>,
    /// How many calls have failed.
    failures: AtomicU64,
}

#[derive(Debug)]
struct State<V, E> {
    answer: Option<V>,
    failure: Option<E>,
}

impl<V, E> Default for SingleFlight<V, E> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V, E> Default for Slot<V, E> {
    fn default() -> Self {
        let state = AsyncMutex::new(State { answer: None, failure: None });
        Self { state, failures: AtomicU64::new(0) }
    }
}

impl<V: Clone, E: Clone> SingleFlight<V, E> {
    /// The answer known for `key`, otherwise the answer of `ask`. Callers that wait while `ask` fails get the same
    /// failure. A failure is not kept: a later caller asks again.
    ///
    /// # Errors
    /// The failure of `ask`.
    pub async fn get(&self, key: &str, ask: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key.to_owned()).or_default())
        };
        let failures_before = slot.failures.load(Ordering::Acquire);
        let mut state = slot.state.lock().await;
        if let Some(known) = &state.answer {
            return Ok(known.clone());
        }
        let failed_meanwhile = slot.failures.load(Ordering::Acquire) > failures_before;
        if let Some(failure) = state.failure.as_ref().filter(|_| failed_meanwhile) {
            return Err(failure.clone());
        }
        let answer = ask.await;
        match &answer {
            Ok(known) => state.answer = Some(known.clone()),
            Err(failure) => {
                state.failure = Some(failure.clone());
                slot.failures.fetch_add(1, Ordering::Release);
            }
        }
        answer
    }
}

/// A session reader that is asked each question once, unless its answers cost less than to remember them.
pub(crate) struct DedupSessions<'a> {
    inner: &'a dyn SessionReader,
    sessions: SingleFlight<Vec<Session>, Arc<SessionStoreError>>,
    of_keys: SingleFlight<Option<Session>, Arc<SessionStoreError>>,
}

impl<'a> DedupSessions<'a> {
    pub(crate) fn new(inner: &'a dyn SessionReader) -> Self {
        Self { inner, sessions: SingleFlight::default(), of_keys: SingleFlight::default() }
    }
}

#[async_trait]
impl SessionReader for DedupSessions<'_> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        if self.inner.is_local() {
            return self.inner.find_issued(role_session, between).await;
        }
        // A number has no space in it, so the text after the second space is the session's name alone.
        let (start, end) = (between.start().as_nanosecond(), between.end().as_nanosecond());
        let question = format!("{start} {end} {role_session}");
        let ask = async { self.inner.find_issued(role_session, between).await.map_err(Arc::new) };
        self.sessions.get(&question, ask).await.map_err(unshared)
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        if self.inner.is_local() {
            return self.inner.find_by_key(role_session, between, key).await;
        }
        // The length says where the key ends, whatever is in it.
        let (key_text, length) = (key.reveal(), key.reveal().len());
        let (start, end) = (between.start().as_nanosecond(), between.end().as_nanosecond());
        let question = format!("{start} {end} {length} {key_text} {role_session}");
        let ask = async { self.inner.find_by_key(role_session, between, key).await.map_err(Arc::new) };
        self.of_keys.get(&question, ask).await.map_err(unshared)
    }
}

/// The failure itself if there is no other reference to it, otherwise an equal one.
fn unshared(error: Arc<SessionStoreError>) -> SessionStoreError {
    Arc::try_unwrap(error).unwrap_or_else(|shared| shared.duplicate())
}

/// A backend that is asked for each principal and each user once.
pub(crate) struct DedupReader<'a> {
    inner: &'a dyn BackendReader,
    principals: SingleFlight<Tags, BackendError>,
    users: SingleFlight<Option<String>, BackendError>,
}

impl<'a> DedupReader<'a> {
    pub(crate) fn new(inner: &'a dyn BackendReader) -> Self {
        Self { inner, principals: SingleFlight::default(), users: SingleFlight::default() }
    }
}

#[async_trait]
impl BackendReader for DedupReader<'_> {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        self.inner.existing_tags(resources).await
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.inner.find_related(of, query).await
    }

    async fn find_all_related(
        &self,
        questions: &[(Resource, RelatedQuery)],
    ) -> Vec<Result<Related, BackendError>> {
        self.inner.find_all_related(questions).await
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.principals.get(arn, self.inner.principal_tags(arn)).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        let question = format!("{} {}", user.user_id, user.identity_store_arn.as_deref().unwrap_or_default());
        self.users.get(&question, self.inner.user_name(user)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_executor::block_on;
    use futures_util::future::join;
    use std::task::Poll;

    /// Lets other futures go on once.
    async fn yield_once() {
        let mut yielded = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Fails the first time and answers after that; counts the calls.
    async fn ask(calls: &AtomicU64) -> Result<u64, &'static str> {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        yield_once().await;
        if call == 0 { Err("down") } else { Ok(call) }
    }

    #[test]
    fn callers_that_wait_share_a_failure_and_a_later_one_asks_again() {
        let (flight, calls) = (SingleFlight::default(), AtomicU64::new(0));
        let both = block_on(join(flight.get("key", ask(&calls)), flight.get("key", ask(&calls))));
        assert_eq!(both, (Err("down"), Err("down")));
        assert_eq!(calls.load(Ordering::Relaxed), 1, "the second caller waited for the first");
        assert_eq!(block_on(flight.get("key", ask(&calls))), Ok(1));
        assert_eq!(block_on(flight.get("key", ask(&calls))), Ok(1), "an answer is kept");
        assert_eq!(block_on(flight.get("other", ask(&calls))), Ok(2));
    }
}
