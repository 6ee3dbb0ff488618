//! Tests of questions that are asked at the same time.

use super::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::task::Poll;

/// How often a question lets the others come before it fails.
const PATIENCE: usize = 100;

/// A backend whose answers come when all `kinds` of questions have been asked. A question that waits for another one fails.
struct Together {
    memory: InMemory,
    kinds: BTreeSet<&'static str>,
    asked: Mutex<Vec<&'static str>>,
}

impl Together {
    fn new<const N: usize>(memory: InMemory, kinds: [&'static str; N]) -> Self {
        Self { memory, kinds: kinds.into(), asked: Mutex::default() }
    }

    fn times_asked(&self, kind: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| **asked == kind).count()
    }

    async fn ask(&self, kind: &'static str) -> Result<(), BackendError> {
        self.asked.lock().unwrap().push(kind);
        for _ in 0..PATIENCE {
            if self.kinds.iter().all(|kind| self.times_asked(kind) > 0) {
                return Ok(());
            }
            let mut yielded = false;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        Err(BackendError::new(ErrorClass::Transport, kind, "Alone"))
    }
}

impl Environment for Together {
    fn parts(&self) -> (&dyn SessionReader, &dyn crate::backend::Backend, Timestamp) {
        (self, self, self.memory.now)
    }
}

#[async_trait]
impl SessionReader for Together {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let place = "testing".to_owned();
        let failed = |error: BackendError| SessionStoreError::Unavailable { place, source: error.into() };
        self.ask("session").await.map_err(failed)?;
        self.memory.sessions.find_issued(role_session, between).await
    }
}

#[async_trait]
impl TagWriter for Together {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        self.memory.write_tags(write).await
    }
}

#[async_trait]
impl BackendReader for Together {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let asked = self.ask("existing").await;
        let tags = self.memory.existing_tags(resources).await;
        tags.into_iter().map(|tags| asked.clone().and(tags)).collect()
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.ask("related").await?;
        self.memory.find_related(of, query).await
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.ask("principal").await?;
        self.memory.principal_tags(arn).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.memory.user_name(user).await
    }
}

#[test]
fn the_owner_the_role_the_look_ups_and_the_tags_are_one_wait() {
    let ports = Together::new(memory(), ["session", "principal", "related", "existing"]);
    let volume = ec2_arn("volume", "vol-1");
    ports.memory.attach("i-1", resource("AWS::EC2::Volume", &volume));
    let records = [
        assume(&user("mara"), "Deploy", "build", "ASIAONE", &json!([])),
        instance("09:00:00", &role("Deploy", "", "build", "ASIAONE"), "i-1", &json!([])),
    ];
    let mut policy = Policy::default();
    policy.read_at_creation = true;
    let rows = run(&policy, &ports, creations(&ports.memory.sessions, &records));
    for arn in [&volume, &ec2_arn("instance", "i-1")] {
        assert_eq!(outcome_of(&rows, arn), [&Outcome::Tagged], "{rows:?}");
        assert_eq!(owner_on(&ports.memory, arn).as_deref(), Some("mara"));
    }
}

#[test]
fn the_tags_of_a_parent_are_asked_for_with_the_look_ups_if_the_record_names_the_service() {
    let ports = Together::new(memory(), ["related", "existing"]);
    ports.memory.put_tags(GROUP, &[("Owner", "noor")]);
    let rows = run(&Policy::default(), &ports, creations(&ports.memory.sessions, &[of_group("09:00:30")]));
    let instance = ec2_arn("instance", "i-1");
    assert_eq!(outcome_of(&rows, &instance), [&Outcome::Tagged], "{rows:?}");
    assert_eq!(owner_on(&ports.memory, &instance).as_deref(), Some("noor"));
    assert_eq!(ports.times_asked("existing"), 1, "the group once");
}
