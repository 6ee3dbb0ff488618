//! Each session, principal and person asked for once, whatever many creations of a batch name it.

use crate::outcome::BackendError;
use crate::ports::{People, Ports, PrincipalTags, Tags};
use async_trait::async_trait;
use autotag_model::identity::OnBehalfOf;
use autotag_model::session::Session;
use futures_util::lock::Mutex as AsyncMutex;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError, SessionWriter};
use std::collections::HashMap;
use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

/// Answers by what was asked for. Who asks while the answer is on its way waits for it.
#[derive(Debug)]
pub struct SingleFlight<V>(Mutex<HashMap<String, Arc<AsyncMutex<Option<V>>>>>);

impl<V> Default for SingleFlight<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> SingleFlight<V> {
    /// The answer known for `key`, otherwise the answer of `ask`. A failure is not kept: the next caller asks again.
    ///
    /// # Errors
    /// What `ask` fails with.
    pub async fn get<E>(&self, key: &str, ask: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(key.to_owned()).or_default())
        };
        let mut held = place.lock().await;
        if let Some(known) = held.as_ref() {
            return Ok(known.clone());
        }
        let answer = ask.await?;
        *held = Some(answer.clone());
        Ok(answer)
    }
}

/// Ports that remember sessions, IAM tags and names of people, for one batch.
#[derive(Debug)]
pub struct Memo<'p, P> {
    ports: &'p P,
    sessions: SingleFlight<Vec<Session>>,
    principals: SingleFlight<Tags>,
    people: SingleFlight<Option<String>>,
}

impl<'p, P> Memo<'p, P> {
    /// Remembers nothing yet.
    pub fn new(ports: &'p P) -> Self {
        Self {
            ports,
            sessions: SingleFlight::default(),
            principals: SingleFlight::default(),
            people: SingleFlight::default(),
        }
    }

    /// The ports themselves.
    pub fn inner(&self) -> &'p P {
        self.ports
    }
}

#[async_trait]
impl<P: Ports> SessionReader for Memo<'_, P> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        // No space is in a time, so no name can look like another question.
        let question = format!("{} {} {role_session}", between.start(), between.end());
        self.sessions.get(&question, self.ports.find_issued(role_session, between)).await
    }
}

#[async_trait]
impl<P: Ports> SessionWriter for Memo<'_, P> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.ports.put(session).await
    }
}

impl<P: Ports> People for Memo<'_, P> {
    async fn person(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        let question = format!("{} {}", user.user_id, user.identity_store_arn.as_deref().unwrap_or_default());
        self.people.get(&question, self.ports.person(user)).await
    }
}

impl<P: Ports> PrincipalTags for Memo<'_, P> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.principals.get(arn, self.ports.principal_tags(arn)).await
    }
}
