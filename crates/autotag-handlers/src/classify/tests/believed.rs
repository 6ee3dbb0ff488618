//! Tests of trusted senders of events, and of calls whose records are incomplete.

use super::*;
use crate::records::ClassifiedRecords;

fn read(input: &str) -> ClassifiedRecords {
    ClassifiedRecords::read(input.as_bytes(), &Classifier::new(Catalog::embedded(), Policy::default()))
}

/// An event that anybody may put on a bus, with an event of CloudTrail inside.
fn nested(detail: Value) -> Value {
    let outer = with(with(event(&queue()), "source", json!("com.evil")), "account", json!("999988887777"));
    with(outer, "detail", detail)
}

#[test]
fn a_wrapped_event_is_not_believed() {
    let inner = event(&queue());
    let sts = with(event(&assume_role()), "source", json!("aws.sts"));
    for detail in [
        inner.clone(),
        sts,
        json!({"body": inner.to_string()}),
        json!({"Message": inner.to_string()}),
        json!({"Records": [queue()]}),
        json!({"Records": [{"body": inner.to_string()}]}),
    ] {
        for (source, account) in [("com.evil", "999988887777"), ("aws.sqs", "111122223333")] {
            let outer =
                with(with(nested(detail.clone()), "source", json!(source)), "account", json!(account));
            let queued =
                json!({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": outer.to_string()}]});
            for delivery in [outer.to_string(), queued.to_string()] {
                let records = read(&delivery);
                assert!(records.creations.is_empty() && records.sessions.is_empty(), "{delivery}");
                let [row] = records.rejected.as_slice() else { panic!("{delivery}: {:?}", records.rejected) };
                assert!(
                    matches!(row.status, Outcome::Skipped(SkipReason::NotFromCloudTrail(_))),
                    "{delivery}: {row:?}"
                );
                assert_eq!((records.counts.records, records.counts.skipped), (1, 1));
            }
        }
    }
}

#[test]
fn an_event_inside_the_messages_of_a_topic_and_a_queue_is_believed() {
    let topic = json!({"Type": "Notification", "Message": event(&queue()).to_string()});
    let batch = json!({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": topic.to_string()}]});
    assert_eq!(read(&batch.to_string()).creations.len(), 1);
}

#[test]
fn an_event_of_a_partner_or_of_another_service_is_not_believed() {
    for source in ["aws.partner/evil.example/x", "aws.partner/sqs", "aws.sqs/x", "aws.sns", "aws."] {
        let outcome = outcome(classify(&with(event(&queue()), "source", json!(source))));
        assert!(
            matches!(outcome, Outcome::Skipped(SkipReason::NotFromCloudTrail(_))),
            "{source}: {outcome:?}"
        );
        let sts = classify(&with(event(&assume_role()), "source", json!(source)));
        assert!(!matches!(sts, Classification::Session(_)), "{source}");
    }
    let alarm =
        record("monitoring.amazonaws.com", "PutMetricAlarm", json!({"alarmName": "high"}), Value::Null);
    for source in ["aws.monitoring", "aws.cloudwatch"] {
        let believed = classify(&with(event(&alarm), "source", json!(source)));
        assert!(matches!(believed, Classification::Creation(_)), "{source}: {believed:?}");
    }
}

#[test]
fn what_an_event_says_of_itself_is_short_in_an_outcome() {
    let long = with(event(&queue()), "source", json!("x".repeat(1 << 20)));
    assert!(outcome(classify(&long)).reason().unwrap().len() < 500);
}

#[test]
fn an_error_code_of_another_type_is_a_failure() {
    for code in [json!(["AccessDenied"]), json!({"code": "AccessDenied"}), json!(403), json!(false)] {
        for member in ["errorCode", "errorMessage"] {
            let failed = outcome(classify(&with(queue(), member, code.clone())));
            assert!(matches!(failed, Outcome::CallFailed(_)), "{member} {code}: {failed:?}");
        }
    }
    for nothing in [json!(""), json!({}), json!([]), Value::Null] {
        for member in ["errorCode", "errorMessage"] {
            let made = creation(classify(&with(queue(), member, nothing.clone())));
            assert_eq!(made.targets.len(), 1, "{member} {nothing}");
        }
    }
}

#[test]
fn an_error_message_alone_is_a_failure() {
    let message = "User is not authorized to perform sqs:CreateQueue on secret-queue";
    let answered = with(queue(), "errorMessage", json!(message));
    for record in [answered.clone(), with(answered, "responseElements", Value::Null)] {
        let failed = outcome(classify(&record));
        assert!(matches!(&failed, Outcome::CallFailed(why) if !why.contains("secret-queue")), "{failed:?}");
    }
}

#[test]
fn an_account_whose_details_cannot_be_read_has_a_row() {
    let result = |details: Value| {
        let result = record("organizations.amazonaws.com", "CreateAccountResult", Value::Null, Value::Null);
        with(with(result, "eventType", json!("AwsServiceEvent")), "serviceEventDetails", details)
    };
    for details in [
        json!("{\"createAccountStatus\":{"),
        json!(17),
        json!([]),
        json!({}),
        json!("{}"),
        json!([{"createAccountStatus": {"state": "SUCCEEDED", "accountId": "444455556666"}}]),
        Value::Null,
        json!("text"),
        json!({"createAccountStatus": {}}),
        json!({"createAccountStatus": []}),
        json!({"createAccountStatus": "SUCCEEDED"}),
        json!({"createAccountStatus": {"state": {}}}),
        json!({"createAccountStatus": {"accountId": "444455556666"}}),
        json!({"other": 1}),
    ] {
        let outcome = outcome(classify(&result(details.clone())));
        assert!(
            matches!(&outcome, Outcome::Malformed(why) if why.contains("serviceEventDetails")),
            "{details}"
        );
    }
    let failed = json!({"createAccountStatus": {"state": "FAILED", "failureReason": "EMAIL_ALREADY_EXISTS"}});
    assert_eq!(classify(&result(failed)), Classification::Other, "nothing was made");
    let made = json!({"createAccountStatus": {"state": "SUCCEEDED", "accountId": "444455556666"}});
    assert!(!matches!(classify(&result(made)), Classification::Other));
}

#[test]
fn an_input_of_nothing_but_faults_has_few_rows_and_counts_all() {
    let empty = format!("[{}{{}}]", "{},".repeat(99_999));
    let records = read(&empty);
    assert_eq!((records.rejected.len(), records.counts.unreadable), (11, 100_000));
    assert_eq!(records.counts.unreadable_without_row, 99_989);
    let foreign = format!(
        "{}\n",
        with(event(&queue()), "detail", json!({"awslogs": {"data": "H4sI"}}))
            .to_string()
            .replace("aws.sqs", "com.evil")
    );
    let records = read(&foreign.repeat(1_000));
    assert_eq!((records.rejected.len(), records.counts.skipped, records.counts.records), (11, 1_000, 1_000));
    assert_eq!(records.counts.skipped_without_row, 989);
}

/// A mask is a mask only in a field that AWS hides.
#[test]
fn a_resource_that_is_named_like_a_mask_is_tagged() {
    for name in ["HIDDEN_DUE_TO_SECURITY_REASONS", "***", "[REDACTED]"] {
        for (source, event, request, response) in [
            ("logs", "CreateLogGroup", json!({"logGroupName": name}), Value::Null),
            ("autoscaling", "CreateAutoScalingGroup", json!({"autoScalingGroupName": name}), Value::Null),
            ("ssm", "PutParameter", json!({"name": name, "value": "***"}), json!({"version": 1})),
            ("s3", "PutObject", json!({"bucketName": "b", "key": name}), json!({})),
        ] {
            let call = record(&format!("{source}.amazonaws.com"), event, request, response);
            let found = creation(classify(&call));
            assert!(
                found.targets[0].resource.display().contains(name),
                "{event} {name}: {:?}",
                found.targets
            );
        }
    }
}
