//! Any ports, cut off at a moment: what is not answered by then is a failure that a later try may mend.

use crate::outcome::{ErrorClass, PortError};
use crate::ports::{
    Answer, Clock, Item, Lookup, Ports, PrincipalTags, Question, TagReader, Tagger, Tags, Write,
};
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionStore, SessionStoreError};
use tokio::time::{Instant, timeout_at};

/// The code of a call that was cut off.
const OUT_OF_TIME: &str = "OutOfTime";

/// Ports that answer until a moment, and not after it. A write that is cut off may have been done; writing the same tags
/// again does no harm.
///
/// Questions end before writes do: a service that does not answer keeps nobody else from their tags.
#[derive(Debug)]
pub struct Until<'p, P> {
    ports: &'p P,
    asking: Instant,
    writing: Instant,
}

impl<'p, P> Until<'p, P> {
    /// The ports from `start` to `end`; half of that time is for questions.
    pub fn new(ports: &'p P, start: Instant, end: Instant) -> Self {
        Self { ports, asking: start + end.saturating_duration_since(start) / 2, writing: end }
    }
}

fn late(operation: &str) -> PortError {
    PortError::new(ErrorClass::Transport, operation, OUT_OF_TIME)
}

impl<P: Ports> Tagger for Until<'_, P> {
    async fn write(&self, write: &Write) -> Vec<Result<(), PortError>> {
        let all_late = || write.items.iter().map(|_| Err(late(write.call.name()))).collect();
        timeout_at(self.writing, self.ports.write(write)).await.unwrap_or_else(|_| all_late())
    }
}

impl<P: Ports> TagReader for Until<'_, P> {
    async fn tags(&self, items: &[Item]) -> Vec<Result<Tags, PortError>> {
        let all_late = || items.iter().map(|_| Err(late("reading tags"))).collect();
        timeout_at(self.asking, self.ports.tags(items)).await.unwrap_or_else(|_| all_late())
    }
}

impl<P: Ports> Lookup for Until<'_, P> {
    async fn ask(&self, of: &Resource, question: &Question) -> Result<Answer, PortError> {
        timeout_at(self.asking, self.ports.ask(of, question))
            .await
            .unwrap_or_else(|_| Err(late("looking up")))
    }
}

impl<P: Ports> PrincipalTags for Until<'_, P> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, PortError> {
        let tags = timeout_at(self.asking, self.ports.principal_tags(arn)).await;
        tags.unwrap_or_else(|_| Err(late("reading IAM tags")))
    }
}

impl<P: Ports> Clock for Until<'_, P> {
    fn now(&self) -> Timestamp {
        self.ports.now()
    }
}

fn store_late() -> SessionStoreError {
    SessionStoreError::Unavailable { place: "the session store".to_owned(), source: OUT_OF_TIME.into() }
}

impl<P: Ports> SessionStore for Until<'_, P> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        timeout_at(self.asking, self.ports.put(session)).await.unwrap_or_else(|_| Err(store_late()))
    }

    async fn find(&self, role_session: &str) -> Result<Vec<Session>, SessionStoreError> {
        timeout_at(self.asking, self.ports.find(role_session)).await.unwrap_or_else(|_| Err(store_late()))
    }
}
