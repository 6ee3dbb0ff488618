//! Records and backends for the tests of the crate as its users see it.

use autotag_handlers::backend::Backend;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier, Creation, Envelope};
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Execution, Plan, Planner};
use autotag_handlers::records::{ClassifiedRecords, PlanRequest};
use autotag_handlers::row::ResourceOutcome;
use autotag_model::envelope::{Limits, read_records};
use autotag_model::policy::Policy;
use futures_executor::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use session_store::{MemoryStore, SessionReader};

/// The account of the records.
pub(crate) const HERE: &str = "111122223333";

/// The embedded catalogue and the default policy.
pub(crate) fn classifier() -> Classifier {
    Classifier::new(Catalog::embedded(), Policy::default())
}

/// The class of a record.
pub(crate) fn classify(classifier: &Classifier, record: &Value) -> Classification {
    let mut all = Vec::new();
    read_records(record.to_string().as_bytes(), &Limits::default(), &mut |read| {
        let located = read.unwrap();
        let envelope = Envelope { event_bridge: located.event_bridge.as_ref(), account: None };
        all.push(classifier.classify_in(&located.record, envelope));
    });
    assert_eq!(all.len(), 1, "{record}");
    all.remove(0)
}

/// The creation that a record reports.
pub(crate) fn creation(classifier: &Classifier, record: &Value) -> Creation {
    match classify(classifier, record) {
        Classification::Creation(creation) => *creation,
        other => panic!("{other:?}"),
    }
}

/// A backend and a session store in memory, and the time of the run.
pub(crate) struct Setup {
    pub(crate) backend: MemoryBackend,
    pub(crate) sessions: MemoryStore,
    pub(crate) now: Timestamp,
}

/// An empty backend and store, five minutes after nine: an event of nine o'clock is young.
pub(crate) fn setup() -> Setup {
    let now = "2026-03-02T09:05:00Z".parse().unwrap();
    Setup { backend: MemoryBackend::new(), sessions: MemoryStore::new(), now }
}

/// Plans with a policy, as a program does that asks for rechecks, over any sessions and backend.
pub(crate) fn plan_with(
    policy: &Policy,
    sessions: &dyn SessionReader,
    backend: &dyn Backend,
    now: Timestamp,
    creations: Vec<PlanRequest>,
) -> Plan {
    let mut records = ClassifiedRecords::default();
    records.creations = creations;
    block_on(Planner::new(policy, sessions, backend, now).rechecks(true).plan(records))
}

/// Plans and executes with the default policy, over any sessions and backend.
pub(crate) fn run_over(
    sessions: &dyn SessionReader,
    backend: &dyn Backend,
    now: Timestamp,
    creations: Vec<PlanRequest>,
) -> Vec<ResourceOutcome> {
    let plan = plan_with(&Policy::default(), sessions, backend, now, creations);
    block_on(plan.execute(backend, &Execution::at(now)))
}

/// Plans and executes with the default policy.
pub(crate) fn run(setup: &Setup, creations: impl IntoIterator<Item = Creation>) -> Vec<ResourceOutcome> {
    let creations = creations.into_iter().map(PlanRequest::from).collect();
    run_over(&setup.sessions, &setup.backend, setup.now, creations)
}

/// An IAM user.
pub(crate) fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{name}"), "accountId": HERE,
        "arn": format!("arn:aws:iam::{HERE}:user/{name}")})
}

/// A session of a service-linked role.
pub(crate) fn service_linked(role: &str, service: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA{role}:session"), "accountId": HERE,
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/{role}/session"),
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"},
            "sessionIssuer": {"type": "Role", "userName": role, "principalId": format!("AROA{role}"),
                "arn": format!("arn:aws:iam::{HERE}:role/aws-service-role/{service}/{role}")}}})
}

/// A session of a role of the customer's.
pub(crate) fn role(role: &str, name: &str, key: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA{role}:{name}"), "accountId": HERE, "accessKeyId": key,
        "arn": format!("arn:aws:sts::{HERE}:assumed-role/{role}/{name}"),
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"},
            "sessionIssuer": {"type": "Role", "userName": role, "principalId": format!("AROA{role}"),
                "arn": format!("arn:aws:iam::{HERE}:role/{role}")}}})
}

/// The call `service:Name` at `second` seconds after nine, in eu-west-1.
pub(crate) fn call(second: u32, who: &Value, event: &str, request: &Value, response: &Value) -> Value {
    let (service, name) = event.split_once(':').unwrap();
    let time = format!("2026-03-02T09:{:02}:{:02}Z", second / 60, second % 60);
    json!({"eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "eventTime": time, "eventID": format!("{name}-{second}"), "recipientAccountId": HERE, "userIdentity": who,
        "requestParameters": request, "responseElements": response})
}

/// `CreateQueue`.
pub(crate) fn queue(second: u32, who: &Value, name: &str) -> Value {
    let url = format!("https://sqs.eu-west-1.amazonaws.com/{HERE}/{name}");
    call(second, who, "sqs:CreateQueue", &json!({"queueName": name}), &json!({"queueUrl": url}))
}

/// `CreateTable` in `region`.
pub(crate) fn table(second: u32, who: &Value, name: &str, region: &str) -> Value {
    let mut call = call(second, who, "dynamodb:CreateTable", &json!({"tableName": name}), &Value::Null);
    call["awsRegion"] = json!(region);
    call
}

/// `RunInstances` of one instance with these requested tags.
pub(crate) fn instance(second: u32, who: &Value, id: &str, tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let request = json!({"tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": tags}]}});
    call(second, who, "ec2:RunInstances", &request, &json!({"instancesSet": {"items": [{"instanceId": id}]}}))
}
