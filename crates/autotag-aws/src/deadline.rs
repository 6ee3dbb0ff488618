//! Ends calls at a deadline, also if they are not answered.

use async_trait::async_trait;
use autotag_handlers::backend::{
    BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags,
};
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_model::identity::{AccessKeyId, OnBehalfOf};
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError, SessionWriter};
use std::future::Future;
use std::ops::RangeInclusive;
use tokio::time::{Instant, timeout_at};

/// The error code of a call that was cut off.
const OUT_OF_TIME: &str = "OutOfTime";

/// A backend or session store whose calls end at a deadline. A call that has no answer by then fails, and a later try may
/// succeed. A write that is cut off may have been done: writing the same tags again does no harm.
#[derive(Debug)]
pub struct WithDeadline<'a, T: ?Sized> {
    inner: &'a T,
    deadline: Instant,
}

impl<'a, T: ?Sized> WithDeadline<'a, T> {
    /// Ends the calls of `inner` at `deadline`.
    pub fn new(inner: &'a T, deadline: Instant) -> Self {
        Self { inner, deadline }
    }

    async fn or_late<A>(
        &self,
        operation: &str,
        call: impl Future<Output = Result<A, BackendError>>,
    ) -> Result<A, BackendError> {
        timeout_at(self.deadline, call).await.unwrap_or_else(|_| Err(late(operation)))
    }

    async fn or_unavailable<A>(
        &self,
        call: impl Future<Output = Result<A, SessionStoreError>>,
    ) -> Result<A, SessionStoreError> {
        timeout_at(self.deadline, call).await.unwrap_or_else(|_| {
            Err(SessionStoreError::Unavailable {
                place: "the session store".to_owned(),
                source: OUT_OF_TIME.into(),
            })
        })
    }
}

fn late(operation: &str) -> BackendError {
    BackendError::new(ErrorClass::Transport, operation, OUT_OF_TIME)
}

#[async_trait]
impl<T: TagWriter + ?Sized> TagWriter for WithDeadline<'_, T> {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        let all_late = || write.resources.iter().map(|_| Err(late(write.call.name()))).collect();
        timeout_at(self.deadline, self.inner.write_tags(write)).await.unwrap_or_else(|_| all_late())
    }
}

#[async_trait]
impl<T: BackendReader + ?Sized> BackendReader for WithDeadline<'_, T> {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let all_late = || resources.iter().map(|_| Err(late("reading tags"))).collect();
        timeout_at(self.deadline, self.inner.existing_tags(resources)).await.unwrap_or_else(|_| all_late())
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.or_late("looking up", self.inner.find_related(of, query)).await
    }

    async fn find_all_related(
        &self,
        questions: &[(Resource, RelatedQuery)],
    ) -> Vec<Result<Related, BackendError>> {
        let all_late = || questions.iter().map(|_| Err(late("looking up"))).collect();
        let answers = timeout_at(self.deadline, self.inner.find_all_related(questions)).await;
        answers.unwrap_or_else(|_| all_late())
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.or_late("reading IAM tags", self.inner.principal_tags(arn)).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.or_late("reading the identity store", self.inner.user_name(user)).await
    }
}

#[async_trait]
impl<T: SessionReader + ?Sized> SessionReader for WithDeadline<'_, T> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.or_unavailable(self.inner.find_issued(role_session, between)).await
    }

    async fn find_by_key(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
        key: &AccessKeyId,
    ) -> Result<Option<Session>, SessionStoreError> {
        self.or_unavailable(self.inner.find_by_key(role_session, between, key)).await
    }
}

#[async_trait]
impl<T: SessionWriter + ?Sized> SessionWriter for WithDeadline<'_, T> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.or_unavailable(self.inner.put(session)).await
    }
}

#[cfg(test)]
mod tests;
