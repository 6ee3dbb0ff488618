//! Payload formats and answers: every format leads to the same tags, and the function acknowledges only finished work.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::lambda::DEADLINE;
use autotag_testkit::records::{batch, event, message};
use autotag_testkit::{Answer, Fault, Proxy};
use aws_sdk_ec2::types::Tag;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use common::{
    ec2, ec2_tags, emulator, new_volumes, proxy_with_iam, record, s3, start_function, start_process, volume,
};
use serde_json::{Value, json};
use std::time::Duration;

const TRAIL: &str = "trail";
const KEY: &str = "AWSLogs/123456789012/CloudTrail/eu-west-1/2026/03/02/a file+1.json";

/// Writes records to a log file of the trail.
async fn log_file(proxy: &Proxy, key: &str, records: &[Value]) {
    let s3 = s3(&proxy.url());
    let location =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    // The bucket may already exist.
    let _ = s3.create_bucket().bucket(TRAIL).create_bucket_configuration(location).send().await;
    let body = json!({"Records": records}).to_string().into_bytes();
    s3.put_object().bucket(TRAIL).key(key).body(body.into()).send().await.unwrap();
}

fn notice(key: &str) -> Value {
    let key = key.replace('+', "%2B").replace(' ', "+");
    json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "eu-west-1",
        "s3": {"bucket": {"name": TRAIL}, "object": {"key": key}}}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payload_format_leads_to_the_same_tags() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let ids = new_volumes(&ec2, 6).await;
    let function = start_function(&proxy.environment(), &[]).await;
    let mut payloads = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let record = volume(id);
        let key = format!("{KEY}-{number}.json");
        if number > 1 {
            log_file(&proxy, &key, std::slice::from_ref(&record)).await;
        }
        payloads.push(match number {
            0 => event(&record),
            1 => batch(&[record]),
            2 => notice(&key),
            3 => json!({"source": "aws.s3", "detail-type": "Object Created",
                "detail": {"bucket": {"name": TRAIL}, "object": {"key": key}}}),
            4 => json!({"Records": [message("m", &notice(&key).to_string())]}),
            _ => json!({"BatchInput": {"bucket": TRAIL}, "Items": [{"Key": key, "Size": 1}]}),
        });
    }
    for payload in &payloads {
        match function.invoke(payload).await {
            Answer::Response(answer) => assert!(
                answer["outcomes"]["Tagged"] == 1 || answer["batchItemFailures"] == json!([]),
                "{payload}: {answer}"
            ),
            other => panic!("{payload}: {other:?}\n{}", function.process.logs()),
        }
    }
    let tags = ec2_tags(&ec2, &ids).await;
    for (number, id) in ids.iter().enumerate() {
        let mut tags = tags[id].clone();
        assert_eq!(tags.remove("Name"), Some(format!("disk-{number}")));
        assert_eq!(tags["Owner"], "mara", "format {number}");
        assert_eq!(tags["PrincipalId"], "AIDAMARA", "format {number}");
        assert_eq!(tags["CreatedBy"], "arn:aws:iam::123456789012:user/mara", "format {number}");
        assert_eq!(tags.len(), 3, "format {number}: {tags:?}");
    }
}

/// The resources of an old file may have other owners by now, or may have been replaced under the same name.
#[tokio::test(flavor = "multi_thread")]
async fn backfill_keeps_existing_owners() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let ids = new_volumes(&ec2, 2).await;
    let owned = Tag::builder().key("Owner").value("nina").build();
    ec2.create_tags().resources(&ids[0]).tags(owned).send().await.unwrap();
    // A malformed record is counted. An error would block the following days of the backfill.
    let malformed = json!("no record");
    log_file(&proxy, KEY, &[volume(&ids[0]), volume(&ids[1]), malformed]).await;
    let function = start_function(&proxy.environment(), &[]).await;
    let payload =
        json!({"BatchInput": {"bucket": TRAIL, "backfill": true}, "Items": [{"Key": KEY, "Size": 1}]});
    match function.invoke(&payload).await {
        Answer::Response(answer) => {
            assert_eq!(
                answer["outcomes"],
                json!({"AlreadyTagged": 1, "Malformed": 1, "Tagged": 1}),
                "{answer}"
            );
        }
        other => panic!("{other:?}\n{}", function.process.logs()),
    }
    let tags = ec2_tags(&ec2, &ids).await;
    assert_eq!(tags[&ids[0]]["Owner"], "nina");
    assert_eq!(tags[&ids[1]]["Owner"], "mara");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_exactly_the_malformed_and_the_denied_go_back() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let ids = new_volumes(&ec2, 7).await;
    let denied = json!({"topicArn": "arn:aws:sns:eu-west-1:123456789012:denied"});
    let gone = record(
        "gone",
        Duration::from_mins(16),
        "ec2:CreateVolume",
        &json!({}),
        &json!({"volumeId": "vol-gone"}),
    );
    let mut records: Vec<Value> =
        vec![record("denied", Duration::ZERO, "sns:CreateTopic", &json!({}), &denied), gone];
    records.extend(ids.iter().map(|id| volume(id)));
    let mut batch = batch(&records);
    batch["Records"]
        .as_array_mut()
        .unwrap()
        .insert(0, message("malformed", "{\"detail\": {\"eventSource\": "));
    proxy.rule(|call| {
        let code = if call.mentions("topic:denied") || call.mentions(":denied") {
            Fault::Refused { status: 403, code: "AccessDenied".to_owned(), message: "no".to_owned() }
        } else if call.mentions("vol-gone") {
            Fault::NotFound(vec!["vol-gone".to_owned()])
        } else {
            return None;
        };
        Some(code)
    });
    let function = start_function(&proxy.environment(), &[]).await;
    let returned = function.returned(&batch).await;
    assert_eq!(returned, ["malformed", "denied"], "{}", function.process.logs());
    let tags = ec2_tags(&ec2, &ids).await;
    assert!(ids.iter().all(|id| tags[id]["Owner"] == "mara"), "{tags:?}");
    let logs = function.stop_and_read_logs();
    assert!(logs.contains("\"outcome\":\"Gone\""), "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_without_partial_answers_fails_as_a_whole() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    proxy.rule(|call| {
        (call.service == "ec2").then(|| Fault::Refused {
            status: 403,
            code: "UnauthorizedOperation".to_owned(),
            message: String::new(),
        })
    });
    let function = start_function(&proxy.environment(), &[]).await;
    let Answer::Error(error) = function.invoke(&event(&volume("vol-1"))).await else { panic!() };
    let text = error.to_string();
    assert!(text.contains("CreateVolume: Refused CreateTags answered UnauthorizedOperation"), "{text}");
    log_file(&proxy, KEY, &[volume("vol-1")]).await;
    assert!(matches!(function.invoke(&notice(KEY)).await, Answer::Error(_)));
    let missing = function.invoke(&json!({"bucket": TRAIL, "keys": ["AWSLogs/none.json"]})).await;
    assert!(!matches!(missing, Answer::Error(_)), "a deleted file needs no work: {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn work_stops_before_the_deadline_and_the_rest_goes_back() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let ids = new_volumes(&ec2, 2).await;
    let queue = record(
        "slow",
        Duration::ZERO,
        "sqs:CreateQueue",
        &json!({"queueName": "q"}),
        &json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/q"}),
    );
    proxy.rule(|call| (call.service == "sqs").then(|| Fault::Slow(Duration::from_secs(30))));
    let function = start_function(&proxy.environment(), &[("AUTOTAG_CALL_TIMEOUT_MS", "60000")]).await;
    let quick = [volume(&ids[0]), volume(&ids[1])];
    let answer =
        function.runtime.invoke(batch(&[&quick[..], &[queue]].concat()), Duration::from_secs(5)).await;
    let Answer::Response(answer) = answer else { panic!("{answer:?}\n{}", function.process.logs()) };
    assert_eq!(
        answer["batchItemFailures"],
        json!([{"itemIdentifier": "slow"}]),
        "{}",
        function.process.logs()
    );
    assert!(function.stop_and_read_logs().contains("OutOfTime"));
    let tags = ec2_tags(&ec2, &ids).await;
    assert!(ids.iter().all(|id| tags[id]["Owner"] == "mara"), "{tags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn last_receive_is_sent_to_the_dead_letter_queue_with_its_reason() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    proxy.rule(|call| {
        (call.service == "ec2").then(|| Fault::Refused {
            status: 403,
            code: "UnauthorizedOperation".to_owned(),
            message: String::new(),
        })
    });
    proxy.keep_bodies();
    proxy.route("/", |call| {
        (call.service == "sqs").then(|| autotag_testkit::Reply::json(200, &json!({"MessageId": "1"})))
    });
    let variables = [
        ("AUTOTAG_DEAD_LETTER_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/123456789012/dead"),
        ("AUTOTAG_MAX_RECEIVES", "3"),
    ];
    let function = start_function(&proxy.environment(), &variables).await;
    let mut batch = batch(&[volume("vol-1"), volume("vol-2")]);
    batch["Records"][1]["attributes"]["ApproximateReceiveCount"] = json!("3");
    assert_eq!(function.returned(&batch).await, ["event-vol-1"], "{}", function.process.logs());
    let sent: Vec<Value> =
        proxy.calls().iter().filter(|call| call.service == "sqs").map(autotag_testkit::Call::json).collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["MessageBody"], batch["Records"][1]["body"]);
    let attributes = &sent[0]["MessageAttributes"];
    assert_eq!(attributes["ERROR_CODE"]["StringValue"], "Refused");
    assert_eq!(attributes["ERROR_MESSAGE"]["StringValue"], "CreateTags answered UnauthorizedOperation");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_configuration_logs_every_problem() {
    let runtime = autotag_testkit::RuntimeApi::start().await.unwrap();
    let endpoint = [("AWS_REGION", "eu-west-1".to_owned())];
    let variables =
        [("AUTOTAG_CONCURENCY", "4"), ("AUTOTAG_CALL_ATTEMPTS", "many"), ("AUTOTAG_ACCOUNTS", "12")];
    let process = start_process(&runtime, &endpoint, &variables);
    let ended = async {
        while process.ended().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, ended).await.unwrap();
    assert!(!process.ended().unwrap().success());
    // The process is dead. This waits until its output is read.
    process.kill();
    let logs = process.logs();
    for part in
        ["AUTOTAG_CONCURENCY is not known", "AUTOTAG_CALL_ATTEMPTS is `many`", "AUTOTAG_ACCOUNTS has `12`"]
    {
        assert!(logs.contains(part), "{part}: {logs}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_comes_inline_or_from_a_parameter() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let ids = new_volumes(&ec2, 2).await;
    let policy = "[identity]\nBy = \"{owner}\"\n";
    let inline = start_function(&proxy.environment(), &[("AUTOTAG_POLICY", policy)]).await;
    assert!(inline.returned(&batch(&[volume(&ids[0])])).await.is_empty());
    proxy.route("/", move |call| {
        (call.operation == "GetParameter")
            .then(|| autotag_testkit::Reply::json(200, &json!({"Parameter": {"Value": policy}})))
    });
    let parameter =
        start_function(&proxy.environment(), &[("AUTOTAG_POLICY_PARAMETER", "/autotag/policy")]).await;
    assert!(parameter.returned(&batch(&[volume(&ids[1])])).await.is_empty(), "{}", parameter.process.logs());
    let tags = ec2_tags(&ec2, &ids).await;
    for id in &ids {
        assert_eq!(tags[id].get("By").map(String::as_str), Some("mara"));
        assert_eq!(tags[id].get("Owner"), None);
    }
}

/// The hub enters the accounts of the parameter and no others.
#[tokio::test]
async fn accounts_may_be_listed_in_a_parameter() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    proxy.keep_bodies();
    proxy.route("/", |call| {
        let value = json!({"Parameter": {"Value": "444455556666,777788889999\n"}});
        (call.operation == "GetParameter").then(|| autotag_testkit::Reply::json(200, &value))
    });
    let settings =
        [("AUTOTAG_ACCOUNTS_PARAMETER", "/autotag/accounts:3"), ("AUTOTAG_MEMBER_ROLE", "autotag-member")];
    let function = start_function(&proxy.environment(), &settings).await;
    let of = |account: &str| -> Value {
        let own = volume("vol-0123456789abcdef0").to_string();
        serde_json::from_str(&own.replace(autotag_testkit::records::ACCOUNT, account)).unwrap()
    };
    let returned = function.returned(&batch(&[of("444455556666")])).await;
    assert_eq!(returned.len(), 1, "moto has no such volume there");
    let calls = proxy.calls();
    let asked = calls.iter().find(|call| call.operation == "GetParameter").unwrap();
    assert_eq!(asked.json()["Name"], "/autotag/accounts:3");
    assert_eq!(proxy.count("sts", "AssumeRole"), 1);
    function.returned(&batch(&[of("111122223333")])).await;
    assert_eq!(proxy.count("sts", "AssumeRole"), 1, "{}", function.process.logs());
}
