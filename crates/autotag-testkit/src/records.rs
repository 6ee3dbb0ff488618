//! Builders of CloudTrail records, and of the EventBridge events, SQS messages and batches that deliver them.
//!
//! Records are made in the account of the emulator, in eu-west-1. Change a field with `record["field"] = ...`.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";

/// The present time. The functions compare records with their own clock, so records of their tests need real times.
#[expect(clippy::disallowed_methods, reason = "the functions compare records with their own clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The time `ago` before now, in CloudTrail's format.
pub fn time(ago: Duration) -> String {
    let time = SignedDuration::try_from(ago).map_or_else(|_| Timestamp::MIN, |ago| now() - ago);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The identity of the IAM user `name`. Its user id is `AIDA` and the name in upper case.
pub fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{}", name.to_uppercase()),
        "accountId": ACCOUNT, "accessKeyId": "AKIAEXAMPLE", "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}")})
}

/// The identity of the session `name` of `role`, issued at `issued` with the access key `key`. The role's id is `AROA` and its
/// name.
pub fn session(role: &str, name: &str, key: &str, issued: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA{role}:{name}"), "accountId": ACCOUNT,
        "accessKeyId": key, "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"),
        "sessionContext": {"attributes": {"creationDate": issued, "mfaAuthenticated": "false"},
            "sessionIssuer": {"type": "Role", "principalId": format!("AROA{role}"), "userName": role,
                "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}")}}})
}

/// The record of a call of `event` (`ec2:CreateVolume`) that `identity` made `ago`.
pub fn call(
    id: &str,
    ago: Duration,
    event: &str,
    identity: &Value,
    request: &Value,
    response: &Value,
) -> Value {
    let (service, name) = event.split_once(':').unwrap_or((event, ""));
    json!({"eventVersion": "1.11", "eventID": id, "eventTime": time(ago),
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT, "readOnly": false, "requestParameters": request, "responseElements": response,
        "userIdentity": identity})
}

/// The record of the volume `id` that `identity` created `ago`. Its event id is `event-` and the volume's id.
pub fn volume(id: &str, identity: &Value, ago: Duration) -> Value {
    call(&format!("event-{id}"), ago, "ec2:CreateVolume", identity, &json!({}), &json!({"volumeId": id}))
}

/// The STS record of the session with this `identity` (see [`session`]), obtained by `caller` with the call `event`. The
/// fields of `request` and `response` are added to the usual ones. Its event id is `sts-` and the session's access key.
pub fn sts(identity: &Value, event: &str, caller: &Value, request: &Value, response: &Value) -> Value {
    let text = |value: &Value, path: &str| {
        value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let principal = text(identity, "/principalId");
    let (role, name) = principal.split_once(':').unwrap_or((&principal, ""));
    let role = role.strip_prefix("AROA").unwrap_or(role);
    let key = text(identity, "/accessKeyId");
    let request = merged(
        json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "roleSessionName": name,
            "durationSeconds": 3600}),
        request,
    );
    let response = merged(
        json!({"assumedRoleUser": {"assumedRoleId": principal, "arn": text(identity, "/arn")},
            "credentials": {"accessKeyId": key, "sessionToken": "CANARY-session-token-must-never-be-printed"}}),
        response,
    );
    json!({"eventVersion": "1.08", "eventSource": "sts.amazonaws.com", "eventName": event,
        "eventID": format!("sts-{key}"), "eventTime": text(identity, "/sessionContext/attributes/creationDate"),
        "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT, "readOnly": true, "userIdentity": caller,
        "requestParameters": request, "responseElements": response})
}

/// `object` with the fields of `more`.
fn merged(object: Value, more: &Value) -> Value {
    let fields = |value: Value| if let Value::Object(fields) = value { fields } else { Map::new() };
    let mut all = fields(object);
    all.extend(fields(more.clone()));
    Value::Object(all)
}

/// The EventBridge event that delivers `record`.
pub fn event(record: &Value) -> Value {
    let field = |name: &str| record.get(name).cloned().unwrap_or_default();
    let source = field("eventSource");
    let service = source.as_str().and_then(|source| source.split('.').next()).unwrap_or_default();
    json!({"version": "0", "id": field("eventID"), "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{service}"), "account": field("recipientAccountId"), "time": field("eventTime"),
        "region": field("awsRegion"), "resources": [], "detail": record})
}

/// The message `id` of a queue, received for the first time.
pub fn message(id: &str, body: &str) -> Value {
    json!({"messageId": id, "receiptHandle": "r", "body": body, "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSourceARN": format!("arn:aws:sqs:eu-west-1:{ACCOUNT}:tag")})
}

/// The payload of an invocation by a queue: each record in an event, each event in a message. The id of a message is that of
/// its event. If an event id is repeated, the second message is `ID#2`, the third `ID#3`, and so on.
pub fn batch(records: &[Value]) -> Value {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let messages = records.iter().map(|record| {
        let id = record.get("eventID").and_then(Value::as_str).unwrap_or_default();
        let count = seen.entry(id).or_default();
        *count += 1;
        let id = if *count == 1 { id.to_owned() } else { format!("{id}#{count}") };
        message(&id, &event(record).to_string())
    });
    json!({"Records": messages.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_gives_each_message_its_own_id() {
        let one = volume("vol-1", &user("mara"), Duration::ZERO);
        let other = volume("vol-2", &user("mara"), Duration::ZERO);
        let batch = batch(&[one.clone(), other, one]);
        let ids: Vec<&str> = batch["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["messageId"].as_str().unwrap())
            .collect();
        assert_eq!(ids, ["event-vol-1", "event-vol-2", "event-vol-1#2"]);
    }

    #[test]
    fn sts_record_describes_the_session_of_the_identity() {
        let identity = session("deploy", "build", "ASIAEXAMPLE", "2026-03-02T09:00:00Z");
        let tags = json!({"tags": [{"key": "Team", "value": "shop"}]});
        let record = sts(&identity, "AssumeRole", &user("mara"), &tags, &json!({}));
        assert_eq!(record["eventTime"], "2026-03-02T09:00:00Z");
        assert_eq!(record["requestParameters"]["roleArn"], "arn:aws:iam::123456789012:role/deploy");
        assert_eq!(record["requestParameters"]["tags"][0]["value"], "shop");
        assert_eq!(record["responseElements"]["assumedRoleUser"]["assumedRoleId"], "AROAdeploy:build");
        assert_eq!(record["responseElements"]["credentials"]["accessKeyId"], "ASIAEXAMPLE");
        assert_eq!(record["userIdentity"]["principalId"], "AIDAMARA");
    }
}
