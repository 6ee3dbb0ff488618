use super::*;
use autotag_model::arn::AccountId;
use autotag_model::envelope::EventBridgeEnvelope;
use autotag_model::policy::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};

const HERE: &str = "111122223333";
const THERE: &str = "444455556666";

fn record(event: &str, request: &Value, response: &Value) -> Value {
    let (service, name) = event.split_once(':').unwrap();
    json!({"eventID": "d1", "eventTime": "2026-03-02T09:00:00Z", "eventName": name,
        "eventSource": format!("{service}.amazonaws.com"), "awsRegion": "eu-west-1", "recipientAccountId": HERE,
        "userIdentity": {"type": "IAMUser", "userName": "mara", "accountId": HERE,
            "arn": format!("arn:aws:iam::{HERE}:user/mara"), "principalId": "AIDAMARA"},
        "requestParameters": request, "responseElements": response, "readOnly": false})
}

fn deleted_in(record: &Value, envelope: Envelope<'_>) -> Vec<Deletion> {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let text = record.to_string();
    let record: Record<'_> = serde_json::from_str(&text).unwrap();
    Deletions::of_catalog(&classifier).of(&record, envelope)
}

/// The resources that a record deletes, as texts.
fn deleted(record: &Value) -> Vec<String> {
    let found = deleted_in(record, Envelope::default());
    found.iter().map(|found| found.resource.key().to_string()).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "calls with `json!` are short")]
fn gone(event: &str, request: Value, response: Value) -> Vec<String> {
    deleted(&record(event, &request, &response))
}

#[test]
fn a_record_of_a_documentation_that_leaves_ids_out_deletes_nothing() {
    for id in ["...", "…"] {
        assert_eq!(
            gone("ec2:DeleteVolume", json!({"volumeId": id}), Value::Null),
            Vec::<String>::new(),
            "{id}"
        );
    }
    assert_eq!(gone("ec2:DeleteVolume", json!({"volumeId": "vol-1"}), Value::Null).len(), 1);
}

#[test]
fn resources_are_found_in_every_form_of_a_record() {
    let here = |service: &str, rest: &str| format!("- arn:aws:{service}:eu-west-1:{HERE}:{rest}");
    let null = Value::Null;
    for (event, request, response, expected) in [
        (
            "ec2:TerminateInstances",
            json!({"instancesSet": {"items": [{"instanceId": "i-1"}, {"instanceId": "i-2"}]}}),
            json!({"instancesSet": {"items": [{"instanceId": "i-1", "currentState": {"code": 32}},
                {"instanceId": "i-2", "currentState": {"code": 32}}]}}),
            vec![here("ec2", "instance/i-1"), here("ec2", "instance/i-2")],
        ),
        (
            "ec2:DeleteFlowLogs",
            json!({"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1", "tag": 1}}}),
            json!({"DeleteFlowLogsResponse": {"unsuccessful": ""}}),
            vec![here("ec2", "vpc-flow-log/fl-1")],
        ),
        (
            "ec2:DeleteFlowLogs",
            json!({"flowLogId": ["fl-1", "fl-2", "fl-1"]}),
            json!({"unsuccessful": []}),
            vec![here("ec2", "vpc-flow-log/fl-1"), here("ec2", "vpc-flow-log/fl-2")],
        ),
        (
            "ec2:DeleteTransitGatewayVpcAttachment",
            json!({"DelTGwVpcAttachReq": {"TransitGatewayAttachmentId": "tgw-attach-1"}}),
            json!({"DeleteTransitGatewayVpcAttachmentResponse":
                {"transitGatewayVpcAttachment": {"transitGatewayAttachmentId": "tgw-attach-1", "state": "deleting"}}}),
            vec![here("ec2", "transit-gateway-attachment/tgw-attach-1")],
        ),
        (
            "ec2:DeleteVolume",
            json!({"volumeId": "vol-1"}),
            json!({"_return": true}),
            vec![here("ec2", "volume/vol-1")],
        ),
        (
            "rds:DeleteDBInstance",
            json!({"dBInstanceIdentifier": "Shop"}),
            null.clone(),
            vec![here("rds", "db:shop")],
        ),
        (
            "lambda:DeleteFunction20150331",
            json!({"functionName": "f"}),
            null.clone(),
            vec![here("lambda", "function:f")],
        ),
        (
            "lambda:DeleteFunction20150331",
            json!({"functionName": format!("arn:aws:lambda:eu-west-1:{HERE}:function:f")}),
            null.clone(),
            vec![here("lambda", "function:f")],
        ),
        (
            "events:DeleteRule",
            json!({"name": "r", "eventBusName": "orders"}),
            null.clone(),
            vec![here("events", "rule/orders/r")],
        ),
        (
            "events:DeleteRule",
            json!({"name": "r", "eventBusName": "default"}),
            null.clone(),
            vec![here("events", "rule/r")],
        ),
        ("events:DeleteRule", json!({"name": "r"}), null.clone(), vec![here("events", "rule/r")]),
        (
            "monitoring:DeleteAlarms",
            json!({"alarmNames": ["a", "b"]}),
            null.clone(),
            vec![here("cloudwatch", "alarm:a"), here("cloudwatch", "alarm:b")],
        ),
        (
            "iam:DeleteRole",
            json!({"roleName": "deploy"}),
            null.clone(),
            vec![format!("- arn:aws:iam::{HERE}:role/deploy")],
        ),
        (
            "secretsmanager:DeleteSecret",
            json!({"secretId": "db", "forceDeleteWithoutRecovery": true}),
            json!({"aRN": format!("arn:aws:secretsmanager:eu-west-1:{HERE}:secret:db-AbCdEf"), "name": "db"}),
            vec![here("secretsmanager", "secret:db-AbCdEf")],
        ),
        (
            "lightsail:DeleteInstance",
            json!({"instanceName": "web"}),
            null.clone(),
            vec![format!("- {HERE} eu-west-1 AWS::Lightsail::Instance web")],
        ),
    ] {
        assert_eq!(gone(event, request.clone(), response), expected, "{event} {request}");
    }
}

#[test]
fn calls_that_leave_the_resource_there_delete_nothing() {
    for (event, request, response) in [
        (
            "secretsmanager:DeleteSecret",
            json!({"secretId": "db", "recoveryWindowInDays": 7}),
            json!({"aRN": format!("arn:aws:secretsmanager:eu-west-1:{HERE}:secret:db-AbCdEf")}),
        ),
        ("lambda:DeleteFunction20150331", json!({"functionName": "f", "qualifier": "7"}), json!(null)),
        ("kms:ScheduleKeyDeletion", json!({"keyId": "1234"}), json!({"keyState": "PendingDeletion"})),
        ("ecs:DeregisterTaskDefinition", json!({"taskDefinition": "web:1"}), json!(null)),
        (
            "s3:DeleteObject",
            json!({"bucketName": "shop", "key": "a"}),
            json!({"x-amz-delete-marker": "true", "x-amz-version-id": "m1"}),
        ),
        (
            "ec2:DeleteFlowLogs",
            json!({"flowLogId": ["fl-1"]}),
            json!({"unsuccessful": [{"resourceId": "fl-1", "error": {"code": "InvalidFlowLogId.NotFound"}}]}),
        ),
        (
            "bedrock:DeleteGuardrail",
            json!({"guardrailIdentifier": "g1", "guardrailVersion": "2"}),
            json!(null),
        ),
        // The name of a stack is that of several, one after the other. Its ARN is not.
        ("cloudformation:DeleteStack", json!({"stackName": "shop"}), json!(null)),
        (
            "cloudformation:DeleteStack",
            json!({"stackName": format!("arn:aws:iam::{HERE}:role/Admin")}),
            json!(null),
        ),
        ("ec2:DeleteVolume", json!({"volumeId": {"a": 1}}), json!(null)),
        ("ec2:DeleteVolume", json!(null), json!(null)),
        ("sqs:PurgeQueue", json!({"queueUrl": "https://sqs/1/q"}), json!(null)),
    ] {
        assert_eq!(gone(event, request.clone(), response), Vec::<String>::new(), "{event} {request}");
    }
}

#[test]
fn an_object_is_known_by_its_version() {
    let object = |request: Value| gone("s3:DeleteObject", request, Value::Null);
    assert_eq!(object(json!({"bucketName": "shop", "key": "a/b"})), ["- arn:aws:s3:::shop/a/b"]);
    let versioned = json!({"bucketName": "shop", "key": "a/b", "versionId": "v1"});
    assert_eq!(object(versioned), ["v1 arn:aws:s3:::shop/a/b"]);
    let null = json!({"bucketName": "shop", "key": "a/b", "versionId": "null"});
    assert_eq!(object(null), ["- arn:aws:s3:::shop/a/b"]);
    assert_eq!(
        object(json!({"bucketName": "shop", "key": "arn:aws:s3:::other/a"})),
        ["- arn:aws:s3:::shop/arn:aws:s3:::other/a"]
    );
}

#[test]
fn kms_deletes_keys_itself() {
    let arn = format!("arn:aws:kms:eu-west-1:{HERE}:key/1234");
    for (response, details) in [(json!({"keyId": arn}), Value::Null), (Value::Null, json!({"keyId": "1234"}))]
    {
        let mut service = record("kms:DeleteKey", &Value::Null, &response);
        service["userIdentity"] = json!({"accountId": HERE, "invokedBy": "AWS Internal"});
        service["eventType"] = json!("AwsServiceEvent");
        service["serviceEventDetails"] = details;
        assert_eq!(deleted(&service), [format!("- {arn}")]);
    }
}

#[test]
fn a_resource_of_another_account_or_region_is_not_deleted() {
    let topic =
        |region: &str, account: &str| json!({"topicArn": format!("arn:aws:sns:{region}:{account}:t")});
    assert_eq!(gone("sns:DeleteTopic", topic("eu-west-1", HERE), Value::Null).len(), 1);
    assert!(gone("sns:DeleteTopic", topic("eu-west-1", THERE), Value::Null).is_empty());
    assert!(gone("sns:DeleteTopic", topic("us-east-1", HERE), Value::Null).is_empty());
    let mut nobody = record("sqs:DeleteQueue", &json!({"queueUrl": "https://sqs/1/q"}), &Value::Null);
    nobody.as_object_mut().unwrap().remove("recipientAccountId");
    nobody["userIdentity"] = json!({"type": "AWSService", "invokedBy": "x.amazonaws.com"});
    assert!(deleted(&nobody).is_empty(), "no account says whose queue it was");
}

#[test]
fn a_record_is_believed_only_as_it_was_delivered() {
    let record = record("sqs:DeleteQueue", &json!({"queueUrl": "https://sqs/1/q"}), &Value::Null);
    let event = |account: &str, source: &str, detail_type: &str| {
        let mut event = EventBridgeEnvelope::default();
        (event.account, event.source) = (account.to_owned(), source.to_owned());
        (event.detail_type, event.region) = (detail_type.to_owned(), "eu-west-1".to_owned());
        event
    };
    for (event, expected) in [
        (event(HERE, "aws.sqs", "AWS API Call via CloudTrail"), 1),
        (event(THERE, "aws.sqs", "AWS API Call via CloudTrail"), 0),
        (event(HERE, "my.app", "AWS API Call via CloudTrail"), 0),
        (event(HERE, "aws.sqs", "Anything else"), 0),
    ] {
        let envelope = Envelope { event_bridge: Some(&event), ..Envelope::default() };
        assert_eq!(deleted_in(&record, envelope).len(), expected, "{event:?}");
    }
}

#[test]
fn old_records_are_of_the_account_of_their_file() {
    let mut old = record("sqs:DeleteQueue", &json!({"queueUrl": "https://sqs/1/q"}), &Value::Null);
    old.as_object_mut().unwrap().remove("recipientAccountId");
    let account = AccountId::new(THERE);
    let found = deleted_in(&old, Envelope { account: account.as_ref(), ..Envelope::default() });
    assert_eq!(found[0].resource.display(), format!("arn:aws:sqs:eu-west-1:{THERE}:q"));
}

#[test]
fn a_record_with_many_ids_deletes_a_bounded_number() {
    let ids: Vec<Value> = (0..5_000).map(|id| json!({"instanceId": format!("i-{id}")})).collect();
    let request = json!({"instancesSet": {"items": ids}});
    assert_eq!(gone("ec2:TerminateInstances", request, Value::Null).len(), MOST);
}

proptest! {
    /// Whatever the parameters are, nothing panics, and nothing of another account is deleted.
    #[test]
    fn any_text_is_a_name_or_nothing(text in ".{0,80}", which in 0_usize..6) {
        let (event, request) = [
            ("sqs:DeleteQueue", json!({"queueUrl": text})),
            ("sns:DeleteTopic", json!({"topicArn": text})),
            ("lambda:DeleteFunction20150331", json!({"functionName": text})),
            ("s3:DeleteObject", json!({"bucketName": text, "key": text, "versionId": text})),
            ("events:DeleteRule", json!({"name": text, "eventBusName": text})),
            ("cloudformation:DeleteStack", json!({"stackName": text})),
        ][which].clone();
        for found in deleted_in(&record(event, &request, &Value::Null), Envelope::default()) {
            let account = found.resource.arn.as_ref().map(|arn| arn.account_field().to_owned()).unwrap_or_default();
            prop_assert!(account.is_empty() || account == HERE, "{found:?}");
        }
    }
}
