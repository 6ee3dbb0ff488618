//! Payload formats and answers: the session of an STS record is kept from every format, and the function acknowledges only
//! kept sessions.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::records::{self, ACCOUNT, batch, session, sts, user};
use autotag_testkit::{Answer, Fault};
use common::SessionHandler;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

fn record(number: usize) -> Value {
    let issued = records::time(Duration::from_mins(5));
    let identity = session("deploy", &format!("build-{number}"), &format!("ASIA{number}"), &issued);
    sts(&identity, "AssumeRole", &user("mara"), &json!({}), &json!({}))
}

async fn kept(handler: &SessionHandler) -> Vec<String> {
    let entries = handler.table().scan().table_name(common::TABLE).send().await.unwrap().items.unwrap();
    let mut ids: Vec<String> =
        entries.iter().map(|entry| entry["role_session"].as_s().unwrap().clone()).collect();
    ids.sort();
    ids
}

/// The line of metrics. It is written before the answer, and may be read after it.
async fn metrics(handler: &SessionHandler) -> Value {
    let line = || {
        let logs = handler.function.process.logs();
        let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["_aws"].is_object())
    };
    let read = async {
        loop {
            if let Some(line) = line() {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payload_format_keeps_the_session() {
    let handler = SessionHandler::start().await;
    let put = |key: &str, records: Vec<Value>| {
        let body = json!({"Records": records}).to_string();
        let (key, url) = (key.to_owned(), handler.emulator.url());
        async move { common::put_object(&url, "trail", &key, body).await }
    };
    let key = |number: usize| format!("AWSLogs/123456789012/CloudTrail/eu-west-1/2026/03/02/{number}.json");
    put(&key(2), vec![record(2), json!({"eventSource": "ec2.amazonaws.com", "eventName": "CreateVolume"})])
        .await;
    put(&key(3), vec![record(3)]).await;
    let queue = batch(&[record(0)]);
    let event: Value =
        serde_json::from_str(batch(&[record(1)])["Records"][0]["body"].as_str().unwrap()).unwrap();
    let notice = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": key(2)}}}]});
    let map = json!({"BatchInput": {"bucket": "trail"}, "Items": [{"Key": key(3), "Size": 1}]});
    for payload in [queue, event, notice, map] {
        let answer = handler.function.invoke(&payload).await;
        let logs = handler.function.process.logs();
        assert!(matches!(answer, Answer::Response(_)), "{payload}: {answer:?}\n{logs}");
    }
    assert_eq!(
        kept(&handler).await,
        (0..4).map(|number| format!("AROAdeploy:build-{number}")).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_not_kept_goes_back() {
    let handler = SessionHandler::start().await;
    handler.proxy.rule(|call| {
        (call.service == "dynamodb" && call.mentions("build-7"))
            .then(|| Fault::refused("ThrottlingException"))
    });
    let records: Vec<Value> = (0..9).map(record).collect();
    let mut delivery = batch(&records);
    let list = delivery["Records"].as_array_mut().unwrap();
    list.push(records::message("broken", "{\"detail\":"));
    let mut forged = batch(&[record(9)])["Records"][0].clone();
    forged["body"] = json!(forged["body"].as_str().unwrap().replace("aws.sts", "shop.sts"));
    list.push(forged);
    let returned = handler.function.returned(&delivery).await;
    assert_eq!(returned, ["sts-ASIA7", "broken"]);
    let kept = kept(&handler).await;
    assert_eq!(kept.len(), 8, "{kept:?}: sessions only from events that CloudTrail sent");
    handler.proxy.repair();
    assert!(handler.function.returned(&batch(&records)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_session_are_counted_as_skipped() {
    let handler = SessionHandler::start().await;
    let mut failed = record(0);
    failed["errorCode"] = json!("AccessDenied");
    failed["responseElements"] = Value::Null;
    let service = json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"});
    let role = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
    let mut for_itself = sts(
        &session("AWSServiceRoleForConfig", "x", "ASIASVC", &records::time(Duration::ZERO)),
        "AssumeRole",
        &service,
        &json!({"roleArn": role}),
        &json!({}),
    );
    for_itself["eventID"] = json!("for-itself");
    // A task with a role of the customer: its session is kept, so that its calls are known to have no person.
    let tasks = json!({"type": "AWSService", "invokedBy": "ecs-tasks.amazonaws.com"});
    let task = sts(
        &session("task", "1111", "ASIATASK", &records::time(Duration::ZERO)),
        "AssumeRole",
        &tasks,
        &json!({}),
        &json!({}),
    );
    let other = json!({"eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity", "eventID": "who",
        "eventTime": records::time(Duration::ZERO), "recipientAccountId": ACCOUNT, "userIdentity": user("mara")});
    handler.keep(&[failed, for_itself, task, other]).await;
    assert_eq!(kept(&handler).await, ["AROAtask:1111"]);
    let metrics = metrics(&handler).await;
    let printed = version(common::PROGRAM);
    assert_eq!(
        Some(printed.as_str()),
        metrics["Version"].as_str().map(|version| format!("session-handler {version}\n")).as_deref()
    );
    assert_eq!(
        (&metrics["Received"], &metrics["Kept"], &metrics["Skipped"]),
        (&json!(4), &json!(1), &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_in_one_delivery_are_one_put() {
    let handler = SessionHandler::start().await;
    handler.keep(&[record(0), record(0), record(0), record(1)]).await;
    assert_eq!(handler.proxy.count("dynamodb", "PutItem"), 2);
}

/// The output of `--version`, without Lambda's environment.
fn version(program: impl AsRef<OsStr>) -> String {
    let output = Command::new(program).arg("--version").env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn both_functions_print_the_same_version() {
    let ours = version(common::PROGRAM);
    let number = ours.strip_prefix("session-handler ").unwrap();
    assert!(
        number.starts_with(env!("CARGO_PKG_VERSION")) || option_env!("AUTOTAG_BUILD_VERSION").is_some(),
        "{ours}"
    );
    assert_eq!(version(common::tag_handler()), format!("tag-handler {number}"));
}
