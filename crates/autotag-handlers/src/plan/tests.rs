use super::*;
use crate::backend::{BackendReader, Related, RelatedQuery, TagWrite, TagWriter, TaggableResource, Tags};
use crate::catalog::Catalog;
use crate::classify::Classifier;
use crate::error::{BackendError, ErrorClass};
use crate::memory::MemoryBackend;
use crate::outcome::{Outcome, SkipReason};
use crate::owner::OwnerSource;
use crate::records::{ClassifiedRecords, PlanRequest};
use crate::row::ResourceOutcome;
use async_trait::async_trait;
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::identity::OnBehalfOf;
use autotag_model::policy::{Note, Policy};
use autotag_model::rule::{Resource, ResourceKey, Scope};
use autotag_model::session::Session;
use autotag_model::tags::TagSet;
use futures_executor::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use session_store::{MemoryStore, SessionReader, SessionStoreError, SessionWriter as _};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, RangeInclusive};

mod attacks;
mod derived;
mod facts;
mod foreign_accounts;
mod identity;
mod late_parents;
mod parents;
mod parts;
mod principals;
mod recheck;
mod replays;
mod requested;
mod service_tags;
mod value;
mod waits;

/// A backend and a session store in memory, at a moment.
struct InMemory {
    backend: MemoryBackend,
    sessions: MemoryStore,
    now: Timestamp,
}

impl InMemory {
    fn at(now: &str) -> Self {
        Self { backend: MemoryBackend::new(), sessions: MemoryStore::new(), now: now.parse().unwrap() }
    }

    fn sessions(&self) -> &MemoryStore {
        &self.sessions
    }
}

impl Deref for InMemory {
    type Target = MemoryBackend;

    fn deref(&self) -> &MemoryBackend {
        &self.backend
    }
}

/// The store and the backend with which a test plans and executes.
trait Environment {
    fn parts(&self) -> (&dyn SessionReader, &dyn crate::backend::Backend, Timestamp);
}

impl Environment for InMemory {
    fn parts(&self) -> (&dyn SessionReader, &dyn crate::backend::Backend, Timestamp) {
        (&self.sessions, &self.backend, self.now)
    }
}

fn plan(policy: &Policy, environment: &impl Environment, creations: Vec<PlanRequest>) -> Plan {
    let (sessions, backend, now) = environment.parts();
    let mut records = ClassifiedRecords::default();
    records.creations = creations;
    block_on(Planner::new(policy, sessions, backend, now).plan(records))
}

fn execute(environment: &impl Environment, plan: Plan) -> Vec<ResourceOutcome> {
    let (_, backend, now) = environment.parts();
    block_on(plan.execute(backend, &Execution::at(now)))
}

/// Plans and executes.
fn run(policy: &Policy, environment: &impl Environment, creations: Vec<PlanRequest>) -> Vec<ResourceOutcome> {
    execute(environment, plan(policy, environment, creations))
}

const HERE: &str = "111122223333";

fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{name}"), "accountId": HERE,
        "arn": format!("arn:aws:iam::{HERE}:user/{name}")})
}

fn role(role: &str, path: &str, name: &str, key: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA{role}:{name}"), "accountId": HERE, "accessKeyId": key,
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/{role}/{name}"),
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"},
            "sessionIssuer": {"type": "Role", "userName": role, "principalId": format!("AROA{role}"),
                "arn": format!("arn:aws:iam::{HERE}:role/{path}{role}")}}})
}

fn auto_scaling() -> Value {
    role("AWSServiceRoleForAutoScaling", "aws-service-role/autoscaling.amazonaws.com/", "AutoScaling", "")
}

fn replication() -> Value {
    let path = "aws-service-role/replication.dynamodb.amazonaws.com/";
    role("AWSServiceRoleForDynamoDBReplication", path, "dynamodb", "")
}

/// A call at `time` (`09:01:00` of 2 March 2026) in eu-west-1; its event id is made of time and name.
fn call(time: &str, who: &Value, event: &str, request: &Value, response: &Value) -> Value {
    let (service, name) = event.split_once(':').unwrap();
    json!({"eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "eventTime": format!("2026-03-02T{time}Z"), "eventID": format!("{name}-{time}-{who}"), "recipientAccountId": HERE,
        "userIdentity": who, "requestParameters": request, "responseElements": response})
}

fn queue(time: &str, who: &Value, name: &str) -> Value {
    let url = format!("https://sqs.eu-west-1.amazonaws.com/{HERE}/{name}");
    let mut call = call(time, who, "sqs:CreateQueue", &json!({"queueName": name}), &json!({"queueUrl": url}));
    call["eventID"] = json!(format!("{}-{name}", call["eventID"]));
    call
}

fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:{HERE}:{name}")
}

fn table(time: &str, who: &Value, name: &str) -> Value {
    call(time, who, "dynamodb:CreateTable", &json!({"tableName": name}), &Value::Null)
}

fn instance(time: &str, who: &Value, id: &str, tags: &Value) -> Value {
    let request = json!({"tagSpecificationSet": {"items": tags}});
    call(time, who, "ec2:RunInstances", &request, &json!({"instancesSet": {"items": [{"instanceId": id}]}}))
}

fn ec2_arn(kind: &str, id: &str) -> String {
    format!("arn:aws:ec2:eu-west-1:{HERE}:{kind}/{id}")
}

fn with(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

/// The creations of records. STS records go into the store of the test.
fn creations(store: &MemoryStore, records: &[Value]) -> Vec<PlanRequest> {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let mut creations = Vec::new();
    for record in records {
        let read = ClassifiedRecords::read(record.to_string().as_bytes(), &classifier);
        assert!(read.rejected.is_empty() && read.counts.others == 0, "{record}: {:?}", read.rejected);
        for session in &read.sessions {
            block_on(store.put(session)).unwrap();
        }
        creations.extend(read.creations);
    }
    creations
}

fn memory() -> InMemory {
    InMemory::at("2026-03-02T10:00:00Z")
}

/// Ten seconds after nine: an event of nine o'clock is young.
fn just_after() -> InMemory {
    InMemory::at("2026-03-02T09:00:10Z")
}

fn rows(memory: &InMemory, records: &[Value]) -> Vec<ResourceOutcome> {
    run(&Policy::default(), memory, creations(memory.sessions(), records))
}

fn outcome_of<'r>(rows: &'r [ResourceOutcome], arn: &str) -> Vec<&'r Outcome> {
    let named =
        |row: &&ResourceOutcome| row.resource.as_ref().is_some_and(|resource| resource.display() == arn);
    rows.iter().filter(named).map(|row| &row.status).collect()
}

fn row_of<'r>(rows: &'r [ResourceOutcome], arn: &str) -> &'r ResourceOutcome {
    rows.iter()
        .find(|row| row.resource.as_ref().is_some_and(|resource| resource.display() == arn))
        .unwrap_or_else(|| panic!("no {arn} in {rows:?}"))
}

fn tag(memory: &InMemory, arn: &str, key: &str) -> Option<String> {
    memory.tags_on(arn).get(key).cloned()
}

fn owner_on(memory: &InMemory, arn: &str) -> Option<String> {
    tag(memory, arn, "Owner")
}

/// A backend in which some calls fail: by the operation (`write`, `read`, `related`, `principal`, `user`, `session`) and what it
/// is about.
struct Failing<F> {
    memory: InMemory,
    fault: F,
}

impl<F: Fn(&str, &str) -> Option<ErrorClass> + Send + Sync> Failing<F> {
    fn check(&self, operation: &str, what: &str) -> Result<(), BackendError> {
        match (self.fault)(operation, what) {
            Some(class) => Err(BackendError::new(class, operation, "Test")),
            None => Ok(()),
        }
    }
}

impl<F: Fn(&str, &str) -> Option<ErrorClass> + Send + Sync> Environment for Failing<F> {
    fn parts(&self) -> (&dyn SessionReader, &dyn crate::backend::Backend, Timestamp) {
        (self, self, self.memory.now)
    }
}

#[async_trait]
impl<F: Fn(&str, &str) -> Option<ErrorClass> + Send + Sync> TagWriter for Failing<F> {
    async fn write_tags(&self, write: &TagWrite) -> Vec<Result<(), BackendError>> {
        let mut answers = Vec::new();
        for taggable in &write.resources {
            let one = TagWrite { resources: vec![taggable.clone()], ..write.clone() };
            answers.push(match self.check("write", &taggable.resource.display()) {
                Ok(()) => self.memory.write_tags(&one).await.remove(0),
                Err(error) => Err(error),
            });
        }
        answers
    }
}

#[async_trait]
impl<F: Fn(&str, &str) -> Option<ErrorClass> + Send + Sync> BackendReader for Failing<F> {
    async fn existing_tags(&self, resources: &[TaggableResource]) -> Vec<Result<Tags, BackendError>> {
        let tags = self.memory.existing_tags(resources).await;
        let answer = |(taggable, tags): (&TaggableResource, _)| {
            self.check("read", &taggable.resource.display()).and(tags)
        };
        resources.iter().zip(tags).map(answer).collect()
    }

    async fn find_related(&self, of: &Resource, query: &RelatedQuery) -> Result<Related, BackendError> {
        self.check("related", &of.display())?;
        self.memory.find_related(of, query).await
    }

    async fn principal_tags(&self, arn: &str) -> Result<Tags, BackendError> {
        self.check("principal", arn)?;
        self.memory.principal_tags(arn).await
    }

    async fn user_name(&self, user: &OnBehalfOf) -> Result<Option<String>, BackendError> {
        self.check("user", &user.user_id)?;
        self.memory.user_name(user).await
    }
}

#[async_trait]
impl<F: Fn(&str, &str) -> Option<ErrorClass> + Send + Sync> SessionReader for Failing<F> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let place = || "testing".to_owned();
        self.check("session", role_session).map_err(|error| match error.class {
            ErrorClass::Denied => SessionStoreError::Denied { place: place(), source: error.into() },
            _ => SessionStoreError::Unavailable { place: place(), source: error.into() },
        })?;
        self.memory.sessions.find_issued(role_session, between).await
    }
}

fn failing_rows<F>(failing: &Failing<F>, records: &[Value]) -> Vec<ResourceOutcome>
where
    F: Fn(&str, &str) -> Option<ErrorClass> + Send + Sync,
{
    run(&Policy::default(), failing, creations(&failing.memory.sessions, records))
}

/// An `AssumeRole` at eight by `who`, of `role` under the session name `name`, with session tags.
fn assume(who: &Value, role: &str, name: &str, key: &str, tags: &Value) -> Value {
    let request =
        json!({"roleArn": format!("arn:aws:iam::{HERE}:role/{role}"), "roleSessionName": name, "tags": tags});
    let user = json!({"assumedRoleId": format!("AROA{role}:{name}"), "arn": format!("arn:aws:sts::{HERE}:assumed-role/{role}/{name}")});
    let response = json!({"credentials": {"accessKeyId": key, "expiration": "Mar 2, 2026, 12:00:00 PM"}, "assumedRoleUser": user});
    call("08:00:00", who, "sts:AssumeRole", &request, &response)
}

#[test]
fn a_creation_is_tagged_with_owner_principal_and_creator() {
    let memory = memory();
    let rows = rows(&memory, &[queue("09:00:00", &user("mara"), "orders")]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].status, Outcome::Tagged);
    let want = [
        ("CreatedBy", "arn:aws:iam::111122223333:user/mara"),
        ("Owner", "mara"),
        ("PrincipalId", "AIDAmara"),
    ];
    let want: BTreeMap<String, String> =
        want.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    assert_eq!(memory.tags_on(&queue_arn("orders")), want);
}

#[test]
fn the_first_writer_wins_in_any_order_of_input() {
    let first = queue("09:01:00", &user("mara"), "orders");
    let second = queue("09:05:00", &user("noor"), "orders");
    for records in [[first.clone(), second.clone()], [second.clone(), first.clone()]] {
        let memory = memory();
        let rows = rows(&memory, &records);
        assert_eq!(owner_on(&memory, &queue_arn("orders")).as_deref(), Some("mara"));
        assert_eq!(memory.writes().len(), 1);
        assert_eq!(rows[0].status, Outcome::Tagged);
        assert!(matches!(rows[1].status, Outcome::AlreadyTagged(_)), "{rows:?}");
        assert!(
            rows[1].event.time < Some("2026-03-02T09:06".into()) && rows[0].event.time < rows[1].event.time
        );
    }
    // In two deliveries, as they come.
    let memory = memory();
    assert_eq!(rows(&memory, &[first])[0].status, Outcome::Tagged);
    assert!(matches!(rows(&memory, &[second])[0].status, Outcome::AlreadyTagged(_)));
    assert_eq!(owner_on(&memory, &queue_arn("orders")).as_deref(), Some("mara"));
}

// Guards against: the order is by time alone, and CloudTrail's times are whole seconds. Within a second the order of
// the input decides, so that a plan with other `--jobs`, or an apply, may name another owner than the plan before.
#[test]
fn two_calls_of_the_same_second_end_alike_in_any_order_of_input() {
    let one = queue("09:01:00", &user("mara"), "orders");
    let two = queue("09:01:00", &user("noor"), "orders");
    let owner = |records: &[Value]| {
        let memory = memory();
        rows(&memory, records);
        owner_on(&memory, &queue_arn("orders"))
    };
    assert_eq!(owner(&[one.clone(), two.clone()]), owner(&[two, one]));
}

#[test]
fn a_copy_of_an_event_is_taken_once() {
    let one = queue("09:00:00", &user("mara"), "orders");
    let memory = memory();
    let rows = rows(&memory, &[one.clone(), one.clone(), one]);
    let ends = outcome_of(&rows, &queue_arn("orders"));
    assert_eq!(
        ends,
        [
            &Outcome::Tagged,
            &Outcome::Skipped(SkipReason::Duplicate),
            &Outcome::Skipped(SkipReason::Duplicate)
        ]
    );
    assert_eq!(memory.writes().len(), 1);
    assert_eq!(memory.writes()[0].resources.len(), 1);
}

#[test]
fn records_without_an_id_are_no_copies_of_each_other() {
    let nameless = |name: &str| with(queue("09:00:00", &user("mara"), name), "eventID", Value::Null);
    let memory = memory();
    let rows = rows(&memory, &[nameless("a"), nameless("b")]);
    assert_eq!(rows.iter().filter(|row| row.status == Outcome::Tagged).count(), 2);
}

#[test]
fn of_the_copies_of_a_call_across_accounts_the_one_that_knows_the_caller_counts() {
    let request = json!({"bucketName": "shop", "key": "a.txt"});
    let put = call("09:00:00", &user("mara"), "s3:PutObject", &request, &Value::Null);
    let bucket =
        json!([{"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop", "accountId": "444455556666"}]);
    let rich = with(with(put, "sharedEventID", json!("shared")), "resources", bucket);
    let anonymous = json!({"type": "AWSAccount", "accountId": HERE, "principalId": "AIDAmara"});
    let mut poor = with(with(rich.clone(), "userIdentity", anonymous), "eventID", json!("other"));
    poor["recipientAccountId"] = json!("444455556666");
    for records in [[rich.clone(), poor.clone()], [poor, rich]] {
        let memory = memory();
        let rows = rows(&memory, &records);
        assert_eq!(owner_on(&memory, "arn:aws:s3:::shop/a.txt").as_deref(), Some("mara"));
        let ends = outcome_of(&rows, "arn:aws:s3:::shop/a.txt");
        assert_eq!(ends, [&Outcome::Tagged, &Outcome::Skipped(SkipReason::Duplicate)]);
        let writes = memory.writes();
        assert_eq!((writes.len(), writes[0].resources.len()), (1, 1));
        assert_eq!(
            writes[0].resources[0].resource.account.as_ref().map(AccountId::as_str),
            Some("444455556666")
        );
    }
}

// Redacted trails have one id for many records.
#[test]
fn records_that_share_an_id_keep_their_callers() {
    let of = |name: &str, queue_name: &str| {
        with(queue("09:00:00", &user(name), queue_name), "eventID", json!("1"))
    };
    for records in [[of("mara", "a"), of("noor", "b")], [of("noor", "b"), of("mara", "a")]] {
        let memory = memory();
        rows(&memory, &records);
        assert_eq!(owner_on(&memory, &queue_arn("a")).as_deref(), Some("mara"));
        assert_eq!(owner_on(&memory, &queue_arn("b")).as_deref(), Some("noor"));
    }
}

// Guards against: a further copy is held against the first one only. What the second account's copy brought is
// not remembered, so a third copy of that is written and reported again.
#[test]
fn a_copy_of_the_other_accounts_copy_is_a_copy_too() {
    let here = with(table("09:00:00", &user("mara"), "orders"), "sharedEventID", json!("shared"));
    let mut there = with(here.clone(), "eventID", json!("other"));
    there["recipientAccountId"] = json!("444455556666");
    let memory = memory();
    let rows = rows(&memory, &[here.clone(), there.clone(), there, here]);
    let written: Vec<String> = memory
        .writes()
        .iter()
        .flat_map(|write| &write.resources)
        .map(|taggable| taggable.resource.display())
        .collect();
    for account in [HERE, "444455556666"] {
        let arn = format!("arn:aws:dynamodb:eu-west-1:{account}:table/orders");
        let ends = outcome_of(&rows, &arn);
        assert_eq!(ends, [&Outcome::Tagged, &Outcome::Skipped(SkipReason::Duplicate)], "{arn}");
        assert_eq!(written.iter().filter(|name| **name == arn).count(), 1, "{arn}");
    }
}

#[test]
fn a_hundred_queues_of_one_person_are_one_write() {
    let memory = memory();
    let records: Vec<Value> = (0..100).map(|n| queue("09:00:00", &user("mara"), &format!("q{n}"))).collect();
    let rows = rows(&memory, &records);
    assert!(rows.iter().all(|row| row.status == Outcome::Tagged));
    let writes = memory.writes();
    assert_eq!((writes.len(), writes[0].resources.len()), (1, 100));
}

#[test]
fn what_differs_never_shares_a_write() {
    let queues = |memory: &InMemory, change: &dyn Fn(Value, usize) -> Value| {
        let records: Vec<Value> =
            (0..6).map(|n| change(queue("09:00:00", &user("mara"), &format!("q{n}")), n)).collect();
        rows(memory, &records);
        let mut sizes: Vec<usize> = memory.writes().iter().map(|write| write.resources.len()).collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(queues(&memory(), &|record, _| record), [6]);
    let by_person = |record, n: usize| with(record, "userIdentity", user(["mara", "noor"][n % 2]));
    let persons = memory();
    assert_eq!(queues(&persons, &by_person), [3, 3]);
    for n in 0..6 {
        let owner = owner_on(&persons, &queue_arn(&format!("q{n}")));
        assert_eq!(owner.as_deref(), Some(["mara", "noor"][n % 2]));
    }
    let by_region = |record, n: usize| with(record, "awsRegion", json!(["eu-west-1", "us-east-1"][n % 2]));
    assert_eq!(queues(&memory(), &by_region), [3, 3]);
    let by_account =
        |record, n: usize| with(record, "recipientAccountId", json!([HERE, "444455556666"][n % 2]));
    assert_eq!(queues(&memory(), &by_account), [3, 3]);

    // The same role and session name, told apart by their session tags only.
    let sessions = memory();
    let as_role = |key| role("Deploy", "", "build", key);
    let keys = ["ASIAONE", "ASIATWO"];
    let teams = ["shop", "data"];
    for (key, team) in keys.iter().zip(teams) {
        let tags = json!([{"key": "Team", "value": team}]);
        let sts = with(assume(&user("mara"), "Deploy", "build", key, &tags), "eventID", json!(key));
        creations(sessions.sessions(), &[sts]);
    }
    let by_session = |record, n: usize| with(record, "userIdentity", as_role(keys[n % 2]));
    assert_eq!(queues(&sessions, &by_session), [3, 3]);
    for n in 0..6 {
        assert_eq!(tag(&sessions, &queue_arn(&format!("q{n}")), "Team").as_deref(), Some(teams[n % 2]));
    }
}

#[test]
fn one_tagging_call_takes_many_services_and_a_native_call_only_its_own() {
    let memory = memory();
    let mara = user("mara");
    let records = [
        call("09:00:00", &mara, "athena:CreateWorkGroup", &json!({"name": "w"}), &Value::Null),
        call("09:00:01", &mara, "glue:CreateJob", &json!({"name": "j"}), &json!({"name": "j"})),
        queue("09:00:02", &mara, "q"),
        table("09:00:03", &mara, "t"),
    ];
    rows(&memory, &records);
    let writes: Vec<(String, usize)> =
        memory.writes().iter().map(|write| (write.call.name().to_owned(), write.resources.len())).collect();
    assert_eq!(writes, [("tagging-api".into(), 2), ("TagQueue".into(), 1), ("TagResource".into(), 1)]);
}

#[test]
fn a_redelivery_changes_nothing() {
    let memory = memory();
    let records = [
        queue("09:00:00", &user("mara"), "orders"),
        table("09:00:01", &user("mara"), "orders"),
        instance("09:00:02", &user("noor"), "i-1", &forged()),
        group("09:00:03", &user("noor")),
        instance("09:00:04", &user("mara"), "i-2", &json!([])),
    ];
    let tags = |memory: &InMemory| {
        let arns = [queue_arn("orders"), ec2_arn("instance", "i-1"), GROUP.to_owned(), TABLE.to_owned()];
        arns.map(|arn| memory.tags_on(&arn))
    };
    rows(&memory, &records);
    let once = tags(&memory);
    assert!(once.iter().all(|tags| tags.len() >= 3), "{once:?}");
    for record in records.iter().rev() {
        let again = rows(&memory, std::slice::from_ref(record));
        assert!(again.iter().all(|row| !row.status.is_returned()), "{again:?}");
    }
    assert_eq!(tags(&memory), once);
}

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders";

fn forged() -> Value {
    json!([{"resourceType": "instance", "tags": [
        {"key": "PrincipalId", "value": "AIDAboss"}, {"key": "owner", "value": "boss"}, {"key": "Name", "value": "web"}]}])
}

#[test]
fn a_forged_identity_tag_is_replaced_and_reported() {
    let memory = memory();
    let arn = ec2_arn("instance", "i-1");
    memory.put_tags(&arn, &[("PrincipalId", "AIDAboss"), ("owner", "boss"), ("Name", "web")]);
    let rows = rows(&memory, &[instance("09:00:00", &user("mara"), "i-1", &forged())]);
    let row = row_of(&rows, &arn);
    assert_eq!(row.status, Outcome::Tagged);
    assert!(
        row.notes.contains(&Note::Forged { key: "PrincipalId".into(), replaced: true }),
        "{:?}",
        row.notes
    );
    assert!(row.reason().unwrap().contains("`PrincipalId` set by the caller is replaced"));
    assert_eq!(tag(&memory, &arn, "PrincipalId").as_deref(), Some("AIDAmara"));
    assert_eq!(owner_on(&memory, &arn).as_deref(), Some("mara"));
    assert_eq!(tag(&memory, &arn, "Name").as_deref(), Some("web"));
}

#[test]
fn a_policy_may_only_report_what_is_forged() {
    let memory = memory();
    let arn = ec2_arn("instance", "i-1");
    memory.put_tags(&arn, &[("PrincipalId", "AIDAboss")]);
    let policy = Policy::from_toml("[existing]\nforged = \"report\"\n").unwrap();
    let creations = creations(memory.sessions(), &[instance("09:00:00", &user("mara"), "i-1", &forged())]);
    let rows = run(&policy, &memory, creations);
    assert_eq!(tag(&memory, &arn, "PrincipalId").as_deref(), Some("AIDAboss"));
    let notes = &row_of(&rows, &arn).notes;
    assert!(notes.contains(&Note::Forged { key: "PrincipalId".into(), replaced: false }), "{notes:?}");
}

/// `CreateQueue` with the tags of an existing queue succeeds: a caller must not take it over by asking for its tags.
#[test]
fn whether_a_call_found_or_forged_identity_tags_is_said_where_it_cannot_be_told() {
    let memory = memory();
    memory.put_tags(&queue_arn("orders"), &[("Owner", "boss")]);
    let mut again = queue("09:00:00", &user("mallory"), "orders");
    again["requestParameters"]["tags"] = json!({"Owner": "boss"});
    let rows = rows(&memory, &[again]);
    assert!(
        matches!(rows[0].status, Outcome::AlreadyTagged(why) if why.contains("cannot be told")),
        "{rows:?}"
    );
    assert_eq!(owner_on(&memory, &queue_arn("orders")).as_deref(), Some("boss"));
    // A resource without tags has no earlier owner, whatever the call asked for.
    let fresh = self::memory();
    let mut made = queue("09:00:00", &user("mallory"), "orders");
    made["requestParameters"]["tags"] = json!({"Owner": "boss"});
    self::rows(&fresh, &[made]);
    assert_eq!(owner_on(&fresh, &queue_arn("orders")).as_deref(), Some("mallory"));
}

#[test]
fn the_users_own_tags_are_kept() {
    let memory = memory();
    let tags = json!([{"key": "Team", "value": "from-session"}, {"key": "Stage", "value": "test"}]);
    creations(memory.sessions(), &[assume(&user("mara"), "Deploy", "build", "ASIAONE", &tags)]);
    let arn = ec2_arn("instance", "i-1");
    memory.put_tags(&arn, &[("Team", "mine")]);
    let own = json!([{"resourceType": "instance", "tags": [{"key": "Team", "value": "mine"}]}]);
    let rows = rows(&memory, &[instance("09:00:00", &role("Deploy", "", "build", "ASIAONE"), "i-1", &own)]);
    assert_eq!(tag(&memory, &arn, "Team").as_deref(), Some("mine"));
    assert_eq!(tag(&memory, &arn, "Stage").as_deref(), Some("test"));
    assert!(row_of(&rows, &arn).notes.contains(&Note::Kept("Team".into())));
}

#[test]
fn session_tags_beat_role_tags_and_neither_names_the_owner() {
    let memory = memory();
    let tags = json!([{"key": "team", "value": "shop"}, {"key": "OWNER", "value": "boss"},
        {"key": "principalid", "value": "AIDAboss"}, {"key": "aws:x", "value": "1"}, {"key": "AWS:y", "value": "2"}]);
    creations(memory.sessions(), &[assume(&user("mara"), "Deploy", "build", "ASIAONE", &tags)]);
    let role_arn = format!("arn:aws:iam::{HERE}:role/Deploy");
    memory.put_principal(&role_arn, &[("Team", "ops"), ("Owner", "boss"), ("Cost", "7")]);
    let rows = rows(&memory, &[queue("09:00:00", &role("Deploy", "", "build", "ASIAONE"), "orders")]);
    assert_eq!(rows[0].owner.as_ref().and_then(|owner| owner.source), Some(OwnerSource::RoleChain));
    let there = memory.tags_on(&queue_arn("orders"));
    let there: Vec<(&str, &str)> = there.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        there,
        [
            ("Cost", "7"),
            ("CreatedBy", "arn:aws:sts::111122223333:assumed-role/Deploy/build"),
            ("Owner", "mara"),
            ("PrincipalId", "AROADeploy:build"),
            ("team", "shop"),
        ]
    );
    for key in ["aws:x", "AWS:y"] {
        assert!(rows[0].notes.contains(&Note::Reserved(key.into())), "{:?}", rows[0].notes);
    }
}

fn group(time: &str, who: &Value) -> Value {
    call(
        time,
        who,
        "autoscaling:CreateAutoScalingGroup",
        &json!({"autoScalingGroupName": "web"}),
        &Value::Null,
    )
}

fn of_group(time: &str) -> Value {
    let tags =
        json!([{"resourceType": "instance", "tags": [{"key": "aws:autoscaling:groupName", "value": "web"}]}]);
    instance(time, &auto_scaling(), "i-1", &tags)
}

const GROUP: &str = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:*:autoScalingGroupName/web";

#[test]
fn an_instance_inherits_the_owner_of_its_group() {
    let instance = ec2_arn("instance", "i-1");
    let (created, launched) = (group("09:00:00", &user("mara")), of_group("09:00:30"));
    for records in [vec![created.clone(), launched.clone()], vec![launched.clone(), created.clone()]] {
        let memory = memory();
        let rows = rows(&memory, &records);
        assert_eq!(owner_on(&memory, &instance).as_deref(), Some("mara"));
        let owner = row_of(&rows, &instance).owner.clone().unwrap();
        assert_eq!(owner.source, Some(OwnerSource::Parent));
        assert_eq!(
            tag(&memory, &instance, "PrincipalId").as_deref(),
            Some("AROAAWSServiceRoleForAutoScaling:AutoScaling"),
            "who called stays who called"
        );
    }
    // A group of last year: what counts is the tag on it.
    let memory = memory();
    memory.put_tags(GROUP, &[("Owner", "noor")]);
    rows(&memory, std::slice::from_ref(&launched));
    assert_eq!(owner_on(&memory, &instance).as_deref(), Some("noor"));
    // The owner of the group is unknown.
    let memory = self::memory();
    rows(&memory, &[launched]);
    assert_eq!(owner_on(&memory, &instance).as_deref(), Some("AWSServiceRoleForAutoScaling"));
    // A person's call is the person's, whatever the instance belongs to.
    let memory = self::memory();
    memory.put_tags(GROUP, &[("Owner", "noor")]);
    let mut by_mara = of_group("09:00:30");
    by_mara["userIdentity"] = user("mara");
    rows(&memory, &[by_mara]);
    assert_eq!(owner_on(&memory, &instance).as_deref(), Some("mara"));
}

// Guards against: an error about the group becomes the outcome of the instance. A group that was deleted since
// makes an existing instance "Gone", and it is not tagged.
#[test]
fn a_deleted_group_does_not_make_its_instance_gone() {
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, what: &str| {
            (operation == "read" && what == GROUP).then_some(ErrorClass::NotFound)
        },
    };
    let rows = failing_rows(&ports, &[of_group("09:00:30")]);
    let instance = ec2_arn("instance", "i-1");
    assert_eq!(
        row_of(&rows, &instance).status,
        Outcome::Tagged,
        "the event is an hour old, the group is gone"
    );
    assert_eq!(owner_on(&ports.memory, &instance).as_deref(), Some("AWSServiceRoleForAutoScaling"));
}

// Guards against: the same for the IAM tags of a principal that was deleted since. In a backfill this loses
// every resource of every deleted role and user.
#[test]
fn a_deleted_role_does_not_make_its_resources_gone() {
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, _: &str| (operation == "principal").then_some(ErrorClass::NotFound),
    };
    let rows = failing_rows(&ports, &[queue("09:00:00", &user("mara"), "orders")]);
    assert_eq!(rows[0].status, Outcome::Tagged);
    assert_eq!(owner_on(&ports.memory, &queue_arn("orders")).as_deref(), Some("mara"));
}

fn resource(resource_type: &str, arn: &str) -> Resource {
    let place = Scope {
        partition: Partition::default(),
        region: Region::new("eu-west-1"),
        account: AccountId::new(HERE),
    };
    let id = arn.rsplit('/').next().unwrap();
    Resource::new(resource_type, id, Some(arn.parse().unwrap()), &place)
}

#[test]
fn what_is_looked_up_gets_the_same_tags() {
    let memory = memory();
    let (volume, card) = (ec2_arn("volume", "vol-1"), ec2_arn("network-interface", "eni-1"));
    memory.attach("i-1", resource("AWS::EC2::Volume", &volume));
    memory.attach("i-1", resource("AWS::EC2::NetworkInterface", &card));
    let response = json!({"instancesSet": {"items": [
        {"instanceId": "i-1", "networkInterfaceSet": {"items": [{"networkInterfaceId": "eni-1"}]}}]}});
    let run = call("09:00:00", &user("mara"), "ec2:RunInstances", &json!({}), &response);
    let rows = rows(&memory, &[run]);
    for arn in [&volume, &card, &ec2_arn("instance", "i-1")] {
        assert_eq!(outcome_of(&rows, arn), [&Outcome::Tagged], "{arn}");
        assert_eq!(owner_on(&memory, arn).as_deref(), Some("mara"));
    }
    assert_eq!(memory.writes().len(), 1, "one CreateTags for all");
    let image = call("09:00:00", &user("mara"), "ec2:CreateImage", &json!({}), &json!({"imageId": "ami-1"}));
    let snapshot = "arn:aws:ec2:eu-west-1::snapshot/snap-1";
    memory.attach("ami-1", resource("AWS::EC2::Snapshot", snapshot));
    self::rows(&memory, &[image]);
    assert_eq!(owner_on(&memory, snapshot).as_deref(), Some("mara"));
}

// Guards against: what comes with two instances (a volume for both) is written and reported twice.
#[test]
fn what_comes_with_two_instances_is_tagged_once() {
    let memory = memory();
    let volume = ec2_arn("volume", "vol-1");
    for instance in ["i-1", "i-2"] {
        memory.attach(instance, resource("AWS::EC2::Volume", &volume));
    }
    let response = json!({"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}});
    let rows = rows(&memory, &[call("09:00:00", &user("mara"), "ec2:RunInstances", &json!({}), &response)]);
    assert_eq!(outcome_of(&rows, &volume), [&Outcome::Tagged]);
}

#[test]
fn the_tags_of_the_instance_are_not_the_volumes() {
    let memory = memory();
    let volume = ec2_arn("volume", "vol-1");
    memory.attach("i-1", resource("AWS::EC2::Volume", &volume));
    let rows = rows(&memory, &[instance("09:00:00", &user("mara"), "i-1", &forged())]);
    assert!(row_of(&rows, &volume).notes.is_empty(), "nobody forged anything on the volume");
}

// Guards against: the tags that the call asked for the *volume* are forgotten with those of the instance. A
// session tag then replaces the user's own tag on the volume, and a forged identity tag goes unreported.
#[test]
fn the_users_own_tags_on_a_volume_are_kept() {
    let memory = memory();
    let volume = ec2_arn("volume", "vol-1");
    memory.attach("i-1", resource("AWS::EC2::Volume", &volume));
    memory.put_tags(&volume, &[("Team", "mine"), ("Owner", "boss")]);
    let tags = json!([{"key": "Team", "value": "from-session"}]);
    creations(memory.sessions(), &[assume(&user("mara"), "Deploy", "build", "ASIAONE", &tags)]);
    let own = json!([{"resourceType": "volume", "tags": [{"key": "Team", "value": "mine"}, {"key": "Owner", "value": "boss"}]}]);
    let rows = rows(&memory, &[instance("09:00:00", &role("Deploy", "", "build", "ASIAONE"), "i-1", &own)]);
    assert_eq!(owner_on(&memory, &volume).as_deref(), Some("mara"));
    assert_eq!(tag(&memory, &volume, "Team").as_deref(), Some("mine"), "the user's own tag");
    let notes = &row_of(&rows, &volume).notes;
    assert!(notes.contains(&Note::Forged { key: "Owner".into(), replaced: true }), "{notes:?}");
}

#[test]
fn a_plan_without_aws_says_which_resources_it_would_look_up() {
    let memory = InMemory { backend: MemoryBackend::offline(), ..memory() };
    let creations = creations(memory.sessions(), &[instance("09:00:00", &user("mara"), "i-1", &json!([]))]);
    let plan = plan(&Policy::default(), &memory, creations);
    let row = |of_type: &str| {
        plan.resources().find(|row| row.resource_type.as_deref() == Some(of_type)).unwrap().clone()
    };
    let volume = row("AWS::EC2::Volume");
    assert!(matches!(&volume.status, Action::LookUp(why) if why.contains("i-1")), "{volume:?}");
    assert_eq!(volume.owner_name(), Some("mara"));
    assert_eq!(volume.tags.get("Owner").map(autotag_model::tags::TagValue::as_str), Some("mara"));
    assert!(matches!(row("AWS::EC2::Instance").status, Action::Tag(_)));
    assert!(memory.writes().is_empty(), "a plan writes nothing");
}

#[test]
fn a_look_up_that_fails_does_not_stop_the_rest() {
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, _: &str| (operation == "related").then_some(ErrorClass::Throttled),
    };
    let rows = failing_rows(&ports, &[instance("09:00:00", &user("mara"), "i-1", &json!([]))]);
    assert_eq!(rows.len(), 2);
    assert_eq!(row_of(&rows, &ec2_arn("instance", "i-1")).status, Outcome::Tagged);
    assert!(rows.iter().any(|row| row.status.is_retryable()), "{rows:?}");
}

#[test]
fn each_resource_of_a_write_ends_by_itself() {
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, what: &str| {
            let class = match what.rsplit(':').next()? {
                "denied" => ErrorClass::Denied,
                "missing" => ErrorClass::NotFound,
                "slow" => ErrorClass::Throttled,
                _ => return None,
            };
            (operation == "write").then_some(class)
        },
    };
    let names = ["good", "denied", "missing", "slow", "fine"];
    let records: Vec<Value> = names.iter().map(|name| queue("09:00:00", &user("mara"), name)).collect();
    let ends = |rows: &[ResourceOutcome]| names.map(|name| row_of(rows, &queue_arn(name)).status.name());
    assert_eq!(ends(&failing_rows(&ports, &records)), ["Tagged", "Refused", "Gone", "Deferred", "Tagged"]);
    let young = Failing { memory: just_after(), ..ports };
    assert_eq!(
        ends(&failing_rows(&young, &records)),
        ["Tagged", "Refused", "Deferred", "Deferred", "Tagged"]
    );
}

#[test]
fn an_outage_of_the_store_defers_and_a_missing_permission_refuses() {
    for (class, want) in [(ErrorClass::Transport, "Deferred"), (ErrorClass::Denied, "Refused")] {
        let ports = Failing {
            memory: memory(),
            fault: move |operation: &str, _: &str| (operation == "session").then_some(class),
        };
        let records = [
            queue("09:00:00", &role("Deploy", "", "build", "ASIAONE"), "by-role"),
            queue("09:00:01", &user("mara"), "by-user"),
        ];
        let rows = failing_rows(&ports, &records);
        assert_eq!(rows[0].status.name(), want);
        assert_eq!(rows[1].status, Outcome::Tagged, "users have no session to ask for");
        assert!(memory().tags_on(&queue_arn("by-role")).is_empty());
    }
}

#[test]
fn tags_that_cannot_be_read_are_not_no_tags() {
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, _: &str| (operation == "read").then_some(ErrorClass::Denied),
    };
    ports.memory.put_tags(&queue_arn("orders"), &[("Owner", "noor")]);
    let rows = failing_rows(&ports, &[queue("09:00:00", &user("mara"), "orders")]);
    assert_eq!(rows[0].status.name(), "Refused");
    assert_eq!(owner_on(&ports.memory, &queue_arn("orders")).as_deref(), Some("noor"));
}

// Guards against: what a later creation decided relies on a write that then fails. Its row says that the resource
// has an owner; it has none, and the delivery is acknowledged.
#[test]
fn after_a_failed_write_nobody_says_that_the_resource_has_an_owner() {
    for class in [ErrorClass::Throttled, ErrorClass::Denied] {
        let ports = Failing {
            memory: memory(),
            fault: move |operation: &str, _: &str| (operation == "write").then_some(class),
        };
        let records =
            [queue("09:01:00", &user("mara"), "orders"), queue("09:05:00", &user("noor"), "orders")];
        let rows = failing_rows(&ports, &records);
        assert!(ports.memory.tags_on(&queue_arn("orders")).is_empty());
        for row in &rows {
            assert!(
                row.status.is_returned(),
                "{class:?}: {} {:?}",
                row.event.time.clone().unwrap(),
                row.status
            );
        }
    }
}

// Guards against: when the first creator cannot be resolved just now, a later creation of the same batch is taken
// for the first, and keeps the resource.
#[test]
fn a_later_creation_does_not_win_because_the_first_is_deferred() {
    let records = [
        queue("09:01:00", &role("Deploy", "", "mara", "ASIAONE"), "orders"),
        queue("09:05:00", &user("noor"), "orders"),
    ];
    let down = Failing {
        memory: memory(),
        fault: |operation: &str, _: &str| (operation == "session").then_some(ErrorClass::Transport),
    };
    let rows = failing_rows(&down, &records);
    assert!(rows[0].status.is_retryable());
    // Both come back, or just those that were not done.
    let again: Vec<Value> = records
        .iter()
        .zip(&rows)
        .filter(|(_, row)| row.status.is_returned())
        .map(|(record, _)| record.clone())
        .collect();
    self::rows(&down.memory, &again);
    assert_eq!(owner_on(&down.memory, &queue_arn("orders")).as_deref(), Some("mara"));
}

// Guards against: the same between a group and its instance.
#[test]
fn an_instance_waits_for_the_owner_of_a_group_that_is_deferred() {
    let records = [group("09:00:00", &role("Deploy", "", "mara", "ASIAONE")), of_group("09:00:30")];
    let down = Failing {
        memory: memory(),
        fault: |operation: &str, what: &str| {
            (operation == "session" && what == "AROADeploy:mara").then_some(ErrorClass::Transport)
        },
    };
    let rows = failing_rows(&down, &records);
    let again: Vec<Value> = records
        .iter()
        .zip(&rows)
        .filter(|(_, row)| row.status.is_returned())
        .map(|(record, _)| record.clone())
        .collect();
    self::rows(&down.memory, &again);
    assert_eq!(owner_on(&down.memory, &ec2_arn("instance", "i-1")).as_deref(), Some("mara"));
}

// Guards against: a resource joins an older write of the same tags, which then goes out before the write that it
// was to overwrite. Here: A makes a table, B makes it anew, A makes it anew; B's tags end on A's table.
#[test]
fn the_last_of_several_creations_of_one_name_is_written_last() {
    let memory = memory();
    let records = [
        table("09:01:00", &user("mara"), "orders"),
        table("09:02:00", &user("noor"), "orders"),
        table("09:03:00", &user("mara"), "orders"),
    ];
    rows(&memory, &records);
    assert_eq!(owner_on(&memory, TABLE).as_deref(), Some("mara"));
}

fn add_replica(time: &str, who: &Value, name: &str) -> Value {
    let request = json!({"tableName": name, "replicaUpdates": [{"create": {"regionName": "eu-central-1"}}]});
    call(time, who, "dynamodb:UpdateTable", &request, &Value::Null)
}

fn made_by_replication(time: &str) -> Value {
    with(table(time, &replication(), "orders"), "awsRegion", json!("eu-central-1"))
}

const REPLICA: &str = "arn:aws:dynamodb:eu-central-1:111122223333:table/orders";

#[test]
fn a_replica_belongs_to_the_person_who_asked_for_it_in_any_order() {
    let asked = add_replica("09:00:00", &user("mara"), "orders");
    for time in ["08:59:59", "09:00:00", "09:00:05"] {
        let made = made_by_replication(time);
        for records in [[asked.clone(), made.clone()], [made.clone(), asked.clone()]] {
            let together = memory();
            rows(&together, &records);
            assert_eq!(owner_on(&together, REPLICA).as_deref(), Some("mara"), "{time}");
            let one_by_one = memory();
            for record in &records {
                rows(&one_by_one, std::slice::from_ref(record));
            }
            assert_eq!(owner_on(&one_by_one, REPLICA).as_deref(), Some("mara"), "{time}");
        }
    }
}

// Guards against: as above, with a table that the same person has made in the replica's region before.
#[test]
fn a_replica_belongs_to_the_person_also_if_he_made_a_table_there_before() {
    let memory = memory();
    let other = with(table("08:50:00", &user("mara"), "other"), "awsRegion", json!("eu-central-1"));
    rows(
        &memory,
        &[other, made_by_replication("08:59:59"), add_replica("09:00:00", &user("mara"), "orders")],
    );
    assert_eq!(owner_on(&memory, REPLICA).as_deref(), Some("mara"));
}

/// Answers for none of the resources that it is to write.
struct Silent;

#[async_trait]
impl TagWriter for Silent {
    async fn write_tags(&self, _: &TagWrite) -> Vec<Result<(), BackendError>> {
        Vec::new()
    }
}

// Guards against: rows start as `Tagged` and are only ever corrected. An answer too few leaves `Tagged`
// where nothing was written.
#[test]
fn a_resource_without_an_answer_is_not_tagged() {
    let memory = memory();
    let creations = creations(memory.sessions(), &[queue("09:00:00", &user("mara"), "orders")]);
    let plan = plan(&Policy::default(), &memory, creations);
    let rows = block_on(plan.execute(&Silent, &Execution::at(memory.now)));
    assert_ne!(rows[0].status, Outcome::Tagged);
}

#[test]
fn rows_stand_in_the_order_of_the_events() {
    let memory = memory();
    let records = [
        queue("09:03:00", &user("mara"), "c"),
        queue("09:01:00", &user("noor"), "a"),
        queue("09:02:00", &user("mara"), "b"),
    ];
    let times: Vec<Option<String>> =
        rows(&memory, &records).iter().map(|row| row.event.time.clone()).collect();
    assert!(times.is_sorted(), "{times:?}");
}
