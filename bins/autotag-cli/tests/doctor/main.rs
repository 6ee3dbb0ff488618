//! `autotag doctor` over a whole deployment in an emulated AWS: all is well; and for each way to break it, exactly the
//! broken link is named.
#![allow(
    unreachable_pub,
    missing_debug_implementations,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    clippy::missing_panics_doc,
    reason = "helpers of tests are tests"
)]

mod breaks;
mod deployment;
mod flight;
mod simulator;

use deployment::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Output;

/// What doctor says, as programs see it.
pub fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The checks in a state, each with its place.
pub fn named(report: &Value, state: &str) -> BTreeSet<String> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == state);
    let name = |check: &Value| {
        format!("{} @ {}", check["check"].as_str().unwrap(), check["place"].as_str().unwrap())
    };
    checks.map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_and_nothing_is_changed() {
    let world = World::new().await;
    world.proxy.forget_calls();
    let output = world.doctor(&["--format", "json", "--strict"]);
    let report = report(&output);
    assert_eq!(named(&report, "broken"), BTreeSet::new(), "{report:#}");
    assert_eq!(named(&report, "unknown"), BTreeSet::new(), "{report:#}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(report["ok"], report["checks"].as_array().unwrap().len());
    for ((service, operation), _) in world.proxy.counts() {
        let verb = operation.rsplit(' ').next().unwrap();
        let reads = ["Get", "List", "Describe", "Simulate"].iter().any(|read| verb.starts_with(read))
            || operation.starts_with("GET ")
            || operation == "AssumeRole";
        assert!(reads, "{service} {operation} changes something");
    }
    let text = world.doctor(&[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.ends_with(", 0 broken, 0 unknown\n"), "{text}");
    assert_eq!(
        text.lines().count(),
        report["checks"].as_array().unwrap().len() + 1,
        "a line a check: {text}"
    );
}

/// Whatever doctor may not ask is unknown, with the permission that is missing: never broken, and no end of doctor.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_asked_is_unknown() {
    let world = World::new().await;
    world.proxy.forget_calls();
    assert_eq!(world.doctor(&[]).status.code(), Some(0));
    // Where a name comes from and what a rule's tag says is worth having, and no link.
    let aside = [
        "DescribeStackResources",
        "DescribeStacks",
        "ListTagsForResource",
        "GetCallerIdentity",
        "AssumeRole",
    ];
    let asked: Vec<(String, String)> = world.proxy.counts().into_keys().collect();
    assert!(asked.len() > 20, "{asked:?}");
    for (service, operation) in asked {
        let (of, refused) = (service.clone(), operation.clone());
        world.proxy.rule(move |call| {
            (call.service == of && call.operation == refused)
                .then(|| autotag_testkit::Fault::refused("AccessDeniedException"))
        });
        let output = world.doctor(&["--format", "json"]);
        world.proxy.repair();
        let report = report(&output);
        if operation == "GetCallerIdentity" {
            assert_eq!(named(&report, "broken").len(), 1, "without credentials there is nothing to look at");
            assert_eq!(output.status.code(), Some(1));
            continue;
        }
        assert_eq!(named(&report, "broken"), BTreeSet::new(), "{service} {operation} is refused: {report:#}");
        assert_eq!(output.status.code(), Some(0), "{service} {operation}");
        let unknown = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "unknown");
        let unknown: Vec<&Value> = unknown.collect();
        if aside.contains(&operation.as_str()) {
            continue;
        }
        let fix = |check: &&Value| check["fix"].as_str().is_some_and(|fix| fix.starts_with("allow `"));
        assert!(unknown.iter().any(fix), "{service} {operation} is refused, and nobody says it: {report:#}");
    }
}

/// Without a role to look in with, what is in other accounts is not known, and not called broken.
#[tokio::test(flavor = "multi_thread")]
async fn other_accounts_are_unknown_from_outside() {
    let world = World::new().await;
    world.proxy.rule(|call| {
        let member = call.operation == "AssumeRole" && call.mentions("autotag-member");
        member.then(|| autotag_testkit::Fault::refused("AccessDenied"))
    });
    let mut command = std::process::Command::new(deployment::BIN);
    command.args(["doctor", "--format", "json"]).envs(world.proxy.environment());
    let output = command.output().unwrap();
    let report = report(&output);
    assert_eq!(named(&report, "broken"), BTreeSet::new(), "{report:#}");
    let member = &world.member_account;
    let wanted =
        ["member.role", "member.tagging", "member.reading"].map(|check| format!("{check} @ {member}"));
    assert_eq!(named(&report, "unknown"), BTreeSet::from(wanted));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(command.arg("--strict").output().unwrap().status.code(), Some(1));
}

#[test]
fn wrong_usage() {
    let run = |args: &[&str]| {
        std::process::Command::new(deployment::BIN).arg("doctor").args(args).output().unwrap().status.code()
    };
    assert_eq!(run(&["--regions", "Ireland"]), Some(2));
    assert_eq!(run(&["--wait", "5"]), Some(2), "it is the canary that is waited for");
    assert_eq!(run(&["--rules", "/nowhere.toml"]), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_told_only_when_asked_and_never_their_payload() {
    let world = World::new().await;
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let body = json!({"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "account": "123456789012",
        "region": "eu-west-1", "detail": {"eventSource": "ec2.amazonaws.com", "eventName": "CreateVolume",
        "eventID": "e-1", "eventTime": "2026-03-02T09:00:00Z", "recipientAccountId": "123456789012",
        "requestParameters": {"secret": "canary-in-the-payload"}}});
    let reason = json!({"ERROR_CODE": text("Refused"), "ERROR_MESSAGE": text("CreateTags answered UnauthorizedOperation")});
    world.send("autotag-tag-dead", &body.to_string(), reason).await;
    let unasked = String::from_utf8(world.doctor(&[]).stdout).unwrap();
    assert!(!unasked.contains("CreateVolume"), "{unasked}");
    assert_eq!(world.proxy.count("sqs", "ReceiveMessage"), 0);
    let told = String::from_utf8(world.doctor(&["--peek"]).stdout).unwrap();
    let wanted = "ec2.amazonaws.com CreateVolume e-1 (Refused: CreateTags answered UnauthorizedOperation)";
    assert!(told.contains(wanted), "{told}");
    assert!(!told.contains("canary-in-the-payload"), "{told}");
    // It is there for whoever looks next.
    assert!(String::from_utf8(world.doctor(&["--peek"]).stdout).unwrap().contains(wanted));
}
