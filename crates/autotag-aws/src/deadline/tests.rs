use super::*;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::memory::MemoryBackend;
use autotag_model::arn::Partition;
use autotag_model::identity::Principal;
use autotag_model::rule::{Scope, TagCall};
use autotag_model::session::SessionKind;
use autotag_model::tags::TagSet;
use serde_json::json;
use session_store::MemoryStore;
use std::future::pending;
use std::time::Duration;

const NOON: &str = "2026-03-02T12:00:00Z";
const ROLE: &str = "arn:aws:iam::111122223333:role/r";

/// A backend and a store that never answer.
struct Silent;

#[async_trait]
impl TagWriter for Silent {
    async fn write_tags(&self, _: &TagWrite) -> Vec<Result<(), BackendError>> {
        pending().await
    }
}

#[async_trait]
impl BackendReader for Silent {
    async fn existing_tags(&self, _: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        pending().await
    }

    async fn find_related(&self, _: &Resource, _: &RelatedQuery) -> Result<Related, BackendError> {
        pending().await
    }

    async fn principal_tags(&self, _: &str) -> Result<Tags, BackendError> {
        pending().await
    }

    async fn user_name(&self, _: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        pending().await
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
    let scope = Scope { partition: Partition::default(), region: None, account: None };
    let arn = "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1".parse().ok();
    Resource::new("AWS::EC2::Volume", "vol-1", arn, &scope)
}

fn resources() -> Vec<TaggableResource> {
    let rule = Catalog::embedded().find("ec2.amazonaws.com", "CreateVolume").unwrap()[0].clone();
    vec![TaggableResource { resource: resource(), rule }; 3]
}

fn session() -> Session {
    Session::new("AROAEXAMPLE:session", NOON.parse().unwrap(), SessionKind::AssumeRole)
}

fn is_late<T>(answer: &Result<T, BackendError>) -> bool {
    answer.as_ref().is_err_and(|error| error.class == ErrorClass::Transport && error.code == OUT_OF_TIME)
}

/// Seconds on Tokio's clock, which moves only while every task waits.
async fn seconds<F: Future>(call: F) -> (u64, F::Output) {
    let began = Instant::now();
    let answer = call.await;
    (began.elapsed().as_secs(), answer)
}

fn minute<T>(inner: &T) -> WithDeadline<'_, T> {
    WithDeadline::new(inner, Instant::now() + Duration::from_mins(1))
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_ends_at_the_deadline_and_can_be_tried_again() {
    let write = TagWrite::new(TagCall::TaggingApi, TagSet::new(), resources());
    let (waited, answers) = seconds(minute(&Silent).write_tags(&write)).await;
    assert_eq!((waited, answers.len()), (60, 3), "each resource has its answer");
    assert!(answers.iter().all(is_late), "{answers:?}");
    let error = answers.into_iter().next().unwrap().unwrap_err();
    assert!(error.outcome(None).is_retryable(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_is_an_error_and_never_an_empty_answer() {
    let (waited, tags) = seconds(minute(&Silent).existing_tags(&resources())).await;
    assert!(waited == 60 && tags.len() == 3 && tags.iter().all(is_late), "{waited} {tags:?}");
    let query = RelatedQuery::AttachedTo { instances: vec!["i-1".to_owned()] };
    let (waited, answer) = seconds(minute(&Silent).find_related(&resource(), &query)).await;
    assert!(waited == 60 && is_late(&answer), "{waited} {answer:?}");
    let both = [(resource(), query.clone()), (resource(), query)];
    let (waited, answers) = seconds(minute(&Silent).find_all_related(&both)).await;
    assert!(waited == 60 && answers.len() == 2 && answers.iter().all(is_late), "{waited} {answers:?}");
    let (waited, tags) = seconds(minute(&Silent).principal_tags(ROLE)).await;
    assert!(waited == 60 && is_late(&tags), "{waited} {tags:?}");
    let caller = json!({"type": "IdentityCenterUser", "onBehalfOf": {"userId": "user-1"}});
    let user = Principal::from_value(&caller).on_behalf_of.unwrap();
    let (waited, name) = seconds(minute(&Silent).user_name(&user)).await;
    assert!(waited == 60 && is_late(&name), "{waited} {name:?}");
}

#[tokio::test(start_paused = true)]
async fn a_store_without_an_answer_is_unavailable_and_never_empty() {
    let (waited, found) = seconds(minute(&Silent).find("AROAEXAMPLE:session")).await;
    assert!(
        matches!(found, Err(SessionStoreError::Unavailable { .. })) && waited == 60,
        "{waited} {found:?}"
    );
    let (waited, put) = seconds(minute(&Silent).put(&session())).await;
    assert!(matches!(put, Err(SessionStoreError::Unavailable { .. })) && waited == 60, "{waited} {put:?}");
}

#[tokio::test(start_paused = true)]
async fn all_questions_share_one_deadline() {
    let reader = minute(&Silent);
    let (waited, ()) = seconds(async {
        for _ in 0..5 {
            assert!(is_late(&reader.principal_tags(ROLE).await));
        }
    })
    .await;
    assert_eq!(waited, 60);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_passed_on() {
    let backend = MemoryBackend::new();
    backend.put_tags("arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", &[("Owner", "mara")]);
    let owner = vec![("Owner".to_owned(), "mara".to_owned())];
    assert_eq!(minute(&backend).existing_tags(&resources()).await, vec![Ok(owner); 3]);
    let write = TagWrite::new(TagCall::TaggingApi, TagSet::new(), resources());
    assert_eq!(minute(&backend).write_tags(&write).await, vec![Ok(()); 3]);
    let store = MemoryStore::new();
    minute(&store).put(&session()).await.unwrap();
    assert_eq!(minute(&store).find("AROAEXAMPLE:session").await.unwrap().len(), 1);
}
