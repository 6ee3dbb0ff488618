//! `autotag doctor` on a whole deployment in an emulated AWS. A working one is ok. For each breakage, doctor reports exactly the
//! broken link.
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

mod breakage;
mod canary;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod deployment;
mod generated;
mod names;
mod simulator;
mod variants;

use deployment::Deployment;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Output;

/// The report in JSON.
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
async fn a_working_deployment_is_ok_and_not_changed() {
    let deployment = Deployment::new().await;
    deployment.proxy.forget_calls();
    let output = deployment.doctor(&["--format", "json", "--strict"]);
    let report = report(&output);
    assert_eq!(named(&report, "broken"), BTreeSet::new(), "{report:#}");
    assert_eq!(named(&report, "unknown"), BTreeSet::new(), "{report:#}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(report["ok"], report["checks"].as_array().unwrap().len());
    for ((service, operation), _) in deployment.proxy.counts() {
        let verb = operation.rsplit(' ').next().unwrap();
        let reads =
            ["Get", "List", "Describe", "Simulate", "Lookup"].iter().any(|read| verb.starts_with(read))
                || operation.starts_with("GET ")
                || operation == "AssumeRole";
        assert!(reads, "{service} {operation} changes something");
    }
    let text = deployment.doctor(&[]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.ends_with(", 0 broken, 0 unknown\n"), "{text}");
    assert_eq!(
        text.lines().count(),
        report["checks"].as_array().unwrap().len() + 1,
        "one line for each check: {text}"
    );
}

/// A check without permission is unknown, with the missing permission: never broken, and doctor goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_denied_query_makes_its_check_unknown() {
    let deployment = Deployment::new().await;
    deployment.proxy.forget_calls();
    assert_eq!(deployment.doctor(&[]).status.code(), Some(0));
    // Optional queries: names, tags of rules, and credentials.
    let optional = [
        "ListTagsForResource",
        "ListAttachedRolePolicies",
        "ListRolePolicies",
        "GetRolePolicy",
        "GetCallerIdentity",
        "AssumeRole",
    ];
    let asked: Vec<(String, String)> = deployment.proxy.counts().into_keys().collect();
    assert!(asked.len() > 20, "{asked:?}");
    for (service, operation) in asked {
        let (of, refused) = (service.clone(), operation.clone());
        deployment.proxy.rule(move |call| {
            (call.service == of && call.operation == refused)
                .then(|| autotag_testkit::Fault::refused("AccessDeniedException"))
        });
        let output = deployment.doctor(&["--format", "json"]);
        deployment.proxy.repair();
        let report = report(&output);
        if operation == "GetCallerIdentity" {
            assert_eq!(named(&report, "broken").len(), 1, "without credentials there are no other checks");
            assert_eq!(output.status.code(), Some(1));
            continue;
        }
        assert_eq!(named(&report, "broken"), BTreeSet::new(), "{service} {operation} is refused: {report:#}");
        assert_eq!(output.status.code(), Some(0), "{service} {operation}");
        let unknown = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "unknown");
        let unknown: Vec<&Value> = unknown.collect();
        if optional.contains(&operation.as_str()) {
            continue;
        }
        let fix = |check: &&Value| check["fix"].as_str().is_some_and(|fix| fix.starts_with("allow `"));
        assert!(unknown.iter().any(fix), "{service} {operation} is refused, and no fix names it: {report:#}");
    }
}

/// Without a role to inspect other accounts, their checks are unknown, not broken.
#[tokio::test(flavor = "multi_thread")]
async fn other_accounts_are_unknown_without_a_role_to_inspect_them() {
    let deployment = Deployment::new().await;
    deployment.proxy.rule(|call| {
        let member = call.operation == "AssumeRole" && call.mentions("autotag-member");
        member.then(|| autotag_testkit::Fault::refused("AccessDenied"))
    });
    let mut command = std::process::Command::new(names::BIN);
    command.args(["doctor", "--format", "json"]).envs(deployment.proxy.environment());
    let output = command.output().unwrap();
    let report = report(&output);
    assert_eq!(named(&report, "broken"), BTreeSet::new(), "{report:#}");
    let member = &deployment.member_account;
    let wanted =
        ["member.role", "member.tagging", "member.reading"].map(|check| format!("{check} @ {member}"));
    assert_eq!(named(&report, "unknown"), BTreeSet::from(wanted));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(command.arg("--strict").output().unwrap().status.code(), Some(1));
}

#[test]
fn wrong_usage() {
    let run = |args: &[&str]| {
        std::process::Command::new(names::BIN).arg("doctor").args(args).output().unwrap().status.code()
    };
    assert_eq!(run(&["--regions", "Ireland"]), Some(2));
    assert_eq!(run(&["--wait", "5"]), Some(2), "`--wait` needs `--canary`");
    assert_eq!(run(&["--rules", "/nowhere.toml"]), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_shown_only_on_request_and_without_payload() {
    let deployment = Deployment::new().await;
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let body = json!({"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "account": "123456789012",
        "region": "eu-west-1", "detail": {"eventSource": "ec2.amazonaws.com", "eventName": "CreateVolume",
        "eventID": "e-1", "eventTime": "2026-03-02T09:00:00Z", "recipientAccountId": "123456789012",
        "requestParameters": {"secret": "canary-in-the-payload"}}});
    let reason = json!({"ERROR_CODE": text("Refused"), "ERROR_MESSAGE": text("CreateTags answered UnauthorizedOperation")});
    deployment.send("autotag-tag-dead", &body.to_string(), reason).await;
    let default = String::from_utf8(deployment.doctor(&[]).stdout).unwrap();
    assert!(!default.contains("CreateVolume"), "{default}");
    assert_eq!(deployment.proxy.count("sqs", "ReceiveMessage"), 0);
    let shown = String::from_utf8(deployment.doctor(&["--show-messages"]).stdout).unwrap();
    let wanted = "ec2.amazonaws.com CreateVolume e-1 (Refused: CreateTags answered UnauthorizedOperation)";
    assert!(shown.contains(wanted), "{shown}");
    assert!(!shown.contains("canary-in-the-payload"), "{shown}");
    // The message stays visible.
    assert!(String::from_utf8(deployment.doctor(&["--show-messages"]).stdout).unwrap().contains(wanted));
}
