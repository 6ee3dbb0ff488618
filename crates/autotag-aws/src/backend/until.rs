//! Any ports, cut off at a moment: what is not answered by then is a failure that a later try may mend.

use async_trait::async_trait;
use autotag_handlers::outcome::{BackendError, ErrorClass};
use autotag_handlers::ports::{
    Answer, Clock, Item, Lookup, People, Ports, PrincipalTags, Question, TagReader, Tagger, Tags, Write,
};
use autotag_model::identity::OnBehalfOf;
use autotag_model::rule::Resource;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{SessionReader, SessionStoreError, SessionWriter};
use std::ops::RangeInclusive;
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

fn late(operation: &str) -> BackendError {
    BackendError::new(ErrorClass::Transport, operation, OUT_OF_TIME)
}

impl<P: Ports> Tagger for Until<'_, P> {
    async fn write(&self, write: &Write) -> Vec<Result<(), BackendError>> {
        let all_late = || write.items.iter().map(|_| Err(late(write.call.name()))).collect();
        timeout_at(self.writing, self.ports.write(write)).await.unwrap_or_else(|_| all_late())
    }
}

impl<P: Ports> TagReader for Until<'_, P> {
    async fn tags(&self, items: &[Item]) -> Vec<Result<Tags, BackendError>> {
        let all_late = || items.iter().map(|_| Err(late("reading tags"))).collect();
        timeout_at(self.asking, self.ports.tags(items)).await.unwrap_or_else(|_| all_late())
    }
}

impl<P: Ports> Lookup for Until<'_, P> {
    async fn ask(&self, of: &Resource, question: &Question) -> Result<Answer, BackendError> {
        timeout_at(self.asking, self.ports.ask(of, question))
            .await
            .unwrap_or_else(|_| Err(late("looking up")))
    }
}

impl<P: Ports> PrincipalTags for Until<'_, P> {
    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        let tags = timeout_at(self.asking, self.ports.principal_tags(arn)).await;
        tags.unwrap_or_else(|_| Err(late("reading IAM tags")))
    }
}

impl<P: Ports> People for Until<'_, P> {
    async fn person(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        let name = timeout_at(self.asking, self.ports.person(user)).await;
        name.unwrap_or_else(|_| Err(late("reading the identity store")))
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

#[async_trait]
impl<P: Ports> SessionReader for Until<'_, P> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        timeout_at(self.asking, self.ports.find_issued(role_session, between))
            .await
            .unwrap_or_else(|_| Err(store_late()))
    }
}

#[async_trait]
impl<P: Ports> SessionWriter for Until<'_, P> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        timeout_at(self.asking, self.ports.put(session)).await.unwrap_or_else(|_| Err(store_late()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::memory::MemoryPorts;
    use autotag_model::rule::{Scope, TagCall};
    use autotag_model::session::SessionKind;
    use autotag_model::tags::TagSet;
    use session_store::MemoryStore;
    use std::future::pending;
    use std::time::Duration;

    const NOON: &str = "2026-03-02T12:00:00Z";

    /// A world that never answers.
    struct Silent;

    impl Tagger for Silent {
        async fn write(&self, _: &Write) -> Vec<Result<(), BackendError>> {
            pending().await
        }
    }

    impl TagReader for Silent {
        async fn tags(&self, _: &[Item]) -> Vec<Result<Tags, BackendError>> {
            pending().await
        }
    }

    impl Lookup for Silent {
        async fn ask(&self, _: &Resource, _: &Question) -> Result<Answer, BackendError> {
            pending().await
        }
    }

    impl PrincipalTags for Silent {
        async fn principal_tags(&self, _: &str) -> Result<Tags, BackendError> {
            pending().await
        }
    }

    impl People for Silent {
        async fn person(&self, _: &OnBehalfOf) -> Result<Option<String>, BackendError> {
            pending().await
        }
    }

    impl Clock for Silent {
        fn now(&self) -> Timestamp {
            NOON.parse().unwrap()
        }
    }

    #[async_trait]
    impl SessionWriter for Silent {
        async fn put(&self, _: &Session) -> Result<(), SessionStoreError> {
            pending().await
        }
    }

    #[async_trait]
    impl SessionReader for Silent {
        async fn find_issued(
            &self,
            _: &str,
            _: &RangeInclusive<Timestamp>,
        ) -> Result<Vec<Session>, SessionStoreError> {
            pending().await
        }
    }

    fn resource() -> Resource {
        let place =
            Scope { partition: autotag_model::arn::Partition::default(), region: None, account: None };
        Resource::new("AWS::EC2::Volume", "vol-1", None, &place)
    }

    fn items() -> Vec<Item> {
        let catalog = autotag_handlers::catalog::Catalog::embedded();
        let rule = catalog.find("ec2.amazonaws.com", "CreateVolume").unwrap()[0].clone();
        vec![Item { resource: resource(), rule }; 3]
    }

    fn session() -> Session {
        Session::new("AROAEXAMPLE:session", NOON.parse().unwrap(), SessionKind::AssumeRole)
    }

    fn question() -> Question {
        Question::AttachedTo { instances: vec!["i-1".to_owned()] }
    }

    fn is_late<T>(answer: &Result<T, BackendError>) -> bool {
        answer.as_ref().is_err_and(|error| error.class == ErrorClass::Transport && error.code == OUT_OF_TIME)
    }

    /// Seconds on Tokio's clock, which stands still while anybody works.
    async fn seconds<F: Future>(asked: F) -> (u64, F::Output) {
        let began = Instant::now();
        let answer = asked.await;
        (began.elapsed().as_secs(), answer)
    }

    fn minute(ports: &Silent) -> Until<'_, Silent> {
        Until::new(ports, Instant::now(), Instant::now() + Duration::from_mins(1))
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_without_an_answer_ends_at_the_end() {
        let write = Write::new(TagCall::TaggingApi, TagSet::new(), items());
        let (waited, answers) = seconds(minute(&Silent).write(&write)).await;
        assert_eq!(waited, 60);
        assert_eq!(answers.len(), 3, "each resource has its answer");
        assert!(answers.iter().all(is_late), "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn questions_without_an_answer_end_while_there_is_time_to_write() {
        let (waited, tags) = seconds(minute(&Silent).tags(&items())).await;
        assert!(waited == 30 && tags.len() == 3 && tags.iter().all(is_late), "{waited} {tags:?}");
        let (waited, answer) = seconds(minute(&Silent).ask(&resource(), &question())).await;
        assert!(waited == 30 && is_late(&answer), "{waited} {answer:?}");
        let (waited, tags) =
            seconds(minute(&Silent).principal_tags("arn:aws:iam::111122223333:role/r")).await;
        assert!(waited == 30 && is_late(&tags), "{waited} {tags:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_without_an_answer_is_unavailable_and_never_empty() {
        let (waited, found) = seconds(minute(&Silent).find("AROAEXAMPLE:session")).await;
        assert!(
            matches!(found, Err(SessionStoreError::Unavailable { .. })) && waited == 30,
            "{waited} {found:?}"
        );
        let (waited, put) = seconds(minute(&Silent).put(&session())).await;
        assert!(
            matches!(put, Err(SessionStoreError::Unavailable { .. })) && waited == 30,
            "{waited} {put:?}"
        );
    }

    /// The second question has what the first one has left.
    #[tokio::test(start_paused = true)]
    async fn all_questions_share_one_moment() {
        let ports = minute(&Silent);
        let (waited, ()) = seconds(async {
            for _ in 0..5 {
                assert!(is_late(&ports.principal_tags("arn:aws:iam::111122223333:role/r").await));
            }
        })
        .await;
        assert_eq!(waited, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_late_is_tried_again() {
        let write = Write::new(TagCall::TaggingApi, TagSet::new(), items());
        let error = minute(&Silent).write(&write).await.remove(0).unwrap_err();
        assert!(error.outcome(None).is_retryable(), "{error:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_answers_in_time_is_passed_on() {
        let world = MemoryPorts::new(MemoryStore::new(), NOON.parse().unwrap());
        world.put_tags("vol-1", &[("Owner", "mara")]);
        let ports = Until::new(&world, Instant::now(), Instant::now() + Duration::from_mins(1));
        let owner = vec![("Owner".to_owned(), "mara".to_owned())];
        assert_eq!(ports.tags(&items()).await, vec![Ok(owner); 3]);
        ports.put(&session()).await.unwrap();
        assert_eq!(ports.find("AROAEXAMPLE:session").await.unwrap().len(), 1);
        assert_eq!(ports.now(), NOON.parse().unwrap());
        let write = Write::new(TagCall::TaggingApi, TagSet::new(), items());
        assert_eq!(ports.write(&write).await, vec![Ok(()); 3]);
    }
}
