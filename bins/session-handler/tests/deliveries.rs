//! The ways in, and what goes back: whatever brings an STS record, the session is kept, and nothing is acknowledged that
//! was not.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::{Answer, Fault};
use common::{World, at, batch, session, sts, user};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::process::Command;
use std::time::Duration;

fn record(number: usize) -> Value {
    let issued = at(Duration::from_mins(5));
    let identity = session("deploy", &format!("build-{number}"), &format!("ASIA{number}"), &issued);
    sts(&identity, "AssumeRole", &user("mara"), &json!({}), &json!({}))
}

fn message(id: &str, body: &str) -> Value {
    json!({"messageId": id, "receiptHandle": "r", "body": body, "eventSource": "aws:sqs",
        "attributes": {"ApproximateReceiveCount": "5"}})
}

async fn kept(world: &World) -> Vec<String> {
    let entries = world.table().scan().table_name(common::TABLE).send().await.unwrap().items.unwrap();
    let mut ids: Vec<String> =
        entries.iter().map(|entry| entry["role_session"].as_s().unwrap().clone()).collect();
    ids.sort();
    ids
}

/// The line of metrics, which is written before the answer and may be read after it.
async fn metrics(world: &World) -> Value {
    let line = || {
        let logs = world.sessions.process.logs();
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
async fn every_way_in_keeps_the_session() {
    let world = World::start(&[]).await;
    let put = |key: &str, records: Vec<Value>| {
        let body = json!({"Records": records}).to_string();
        let (key, url) = (key.to_owned(), world.emulator.url());
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
        let answer = world.sessions.invoke(&payload).await;
        let logs = world.sessions.process.logs();
        assert!(matches!(answer, Answer::Response(_)), "{payload}: {answer:?}\n{logs}");
    }
    assert_eq!(
        kept(&world).await,
        (0..4).map(|number| format!("AROAdeploy:build-{number}")).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_not_kept_goes_back() {
    let world = World::start(&[]).await;
    world.proxy.rule(|call| {
        (call.service == "dynamodb" && call.mentions("build-7"))
            .then(|| Fault::refused("ThrottlingException"))
    });
    let records: Vec<Value> = (0..9).map(record).collect();
    let mut delivery = batch(&records);
    let list = delivery["Records"].as_array_mut().unwrap();
    list.push(message("broken", "{\"detail\":"));
    let mut forged = batch(&[record(9)])["Records"][0].clone();
    forged["body"] = json!(forged["body"].as_str().unwrap().replace("aws.sts", "shop.sts"));
    list.push(forged);
    let returned = world.sessions.returned(&delivery).await;
    assert_eq!(returned, ["7-sts-ASIA7", "broken"]);
    let kept = kept(&world).await;
    assert_eq!(kept.len(), 8, "{kept:?}: nothing of what CloudTrail did not send");
    world.proxy.repair();
    assert!(world.sessions.returned(&batch(&records)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_session_is_counted_and_passed_over() {
    let world = World::start(&[]).await;
    let mut failed = record(0);
    failed["errorCode"] = json!("AccessDenied");
    failed["responseElements"] = Value::Null;
    let service = json!({"type": "AWSService", "invokedBy": "config.amazonaws.com"});
    let role = "arn:aws:iam::123456789012:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
    let mut for_itself = sts(
        &session("AWSServiceRoleForConfig", "x", "ASIASVC", &at(Duration::ZERO)),
        "AssumeRole",
        &service,
        &json!({"roleArn": role}),
        &json!({}),
    );
    for_itself["eventID"] = json!("for-itself");
    // A task of the customer's role: whoever reads its calls has to know that no person is behind them.
    let tasks = json!({"type": "AWSService", "invokedBy": "ecs-tasks.amazonaws.com"});
    let task = sts(
        &session("task", "1111", "ASIATASK", &at(Duration::ZERO)),
        "AssumeRole",
        &tasks,
        &json!({}),
        &json!({}),
    );
    let other = json!({"eventSource": "sts.amazonaws.com", "eventName": "GetCallerIdentity", "eventID": "who",
        "eventTime": at(Duration::ZERO), "recipientAccountId": common::ACCOUNT, "userIdentity": user("mara")});
    world.keep(&[failed, for_itself, task, other]).await;
    assert_eq!(kept(&world).await, ["AROAtask:1111"]);
    let metrics = metrics(&world).await;
    let said = version(env!("CARGO_BIN_EXE_session-handler"));
    assert_eq!(
        Some(said.as_str()),
        metrics["Version"].as_str().map(|version| format!("session-handler {version}\n")).as_deref()
    );
    assert_eq!(
        (&metrics["Received"], &metrics["Kept"], &metrics["Skipped"]),
        (&json!(4), &json!(1), &json!(2))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_in_one_delivery_are_one_request() {
    let world = World::start(&[]).await;
    world.keep(&[record(0), record(0), record(0), record(1)]).await;
    assert_eq!(world.proxy.count("dynamodb", "PutItem"), 2);
}

/// What a program says that is started like a tool, without anything of Lambda's around it.
fn version(program: impl AsRef<OsStr>) -> String {
    let output = Command::new(program).arg("--version").env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn both_functions_say_which_build_they_are() {
    let ours = version(env!("CARGO_BIN_EXE_session-handler"));
    let number = ours.strip_prefix("session-handler ").unwrap();
    assert!(
        number.starts_with(env!("CARGO_PKG_VERSION")) || option_env!("AUTOTAG_BUILD_VERSION").is_some(),
        "{ours}"
    );
    assert_eq!(version(common::tag_handler()), format!("tag-handler {number}"));
}
