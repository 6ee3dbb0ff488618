//! Records and worlds for the tests of the crate as its users see it.

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier, Found, Hints};
use autotag_handlers::memory::MemoryPorts;
use autotag_model::envelope::{Limits, read_records};
use autotag_model::policy::Policy;
use serde_json::{Value, json};
use session_store::MemoryStore;

/// The account of the records.
pub(crate) const HERE: &str = "111122223333";

/// What a record turns out to be, with the embedded catalogue and the default policy.
pub(crate) fn classify(catalog: &Catalog, record: &Value) -> Classification {
    let policy = Policy::default();
    let mut outcomes = Vec::new();
    read_records(record.to_string().as_bytes(), &Limits::default(), &mut |read| {
        let classifier = Classifier { catalog, policy: &policy };
        outcomes.push(classifier.classify(&read.unwrap(), &Hints::default()));
    });
    assert_eq!(outcomes.len(), 1, "{record}");
    outcomes.remove(0)
}

/// The creation that a record reports.
pub(crate) fn creation(catalog: &Catalog, record: &Value) -> Found {
    match classify(catalog, record) {
        Classification::Creation(found) => *found,
        other => panic!("{other:?}"),
    }
}

/// An empty world, five minutes after nine: what happened at nine is young.
pub(crate) fn world() -> MemoryPorts<MemoryStore> {
    MemoryPorts::new(MemoryStore::new(), "2026-03-02T09:05:00Z".parse().unwrap())
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
