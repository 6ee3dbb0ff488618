//! Breaks of what only AWS's answers show: alarms, concurrency, mappings, metrics, regions and stacks. One table.

use super::suite::{BreakageSuite, only};
use crate::deployment::{Overrides, Stack};
use crate::names::{ACCOUNT, HUB};
use serde_json::json;

/// A name, what AWS answers then, and the checks that are broken.
type Break = (&'static str, fn(&mut Overrides), &'static [&'static str]);

const BOTH_CONCURRENCY: &[&str] =
    &["function.concurrency @ autotag-tag-handler", "function.concurrency @ autotag-session-handler"];
const BOTH_ERRORS: &[&str] =
    &["function.errors @ autotag-tag-handler", "function.errors @ autotag-session-handler"];
const SOURCE: &[&str] = &["function.source @ autotag-tag-handler"];

const BREAKS: &[Break] = &[
    (
        "an alarm without an action",
        |aws| aws.alarms[0]["AlarmActions"] = json!([]),
        &["alarms.actions @ eu-west-1"],
    ),
    (
        "actions of an alarm disabled",
        |aws| aws.alarms[1]["ActionsEnabled"] = json!(false),
        &["alarms.actions @ eu-west-1"],
    ),
    (
        "a subscription not confirmed",
        |aws| aws.subscriptions = vec!["PendingConfirmation"],
        &["alarms.topic @ eu-west-1"],
    ),
    ("a topic without a subscription", |aws| aws.subscriptions = Vec::new(), &["alarms.topic @ eu-west-1"]),
    ("an alarm is raised", |aws| aws.alarms[0]["StateValue"] = json!("ALARM"), &["alarms.state @ eu-west-1"]),
    ("reserved concurrency is 0", |aws| aws.reserved = Some(0), BOTH_CONCURRENCY),
    ("less reserved than the mapping asks for", |aws| aws.reserved = Some(5), BOTH_CONCURRENCY),
    ("the account runs too few at once", |aws| aws.unreserved = 5, BOTH_CONCURRENCY),
    ("throttled now", |aws| aws.metrics = vec![("Throttles", vec![(60, 5.0)])], BOTH_ERRORS),
    ("errors now", |aws| aws.metrics = vec![("Errors", vec![(60, 3.0)])], BOTH_ERRORS),
    (
        "many errors of many calls",
        |aws| aws.metrics = vec![("Errors", vec![(60, 30.0)]), ("Invocations", vec![(60, 1000.0)])],
        BOTH_ERRORS,
    ),
    (
        "a filter of the mapping",
        |aws| aws.mappings[0]["FilterCriteria"] = json!({"Filters": [{"Pattern": "{}"}]}),
        SOURCE,
    ),
    (
        "the mapping has a problem",
        |aws| aws.mappings[0]["LastProcessingResult"] = json!("PROBLEM: Function call failed"),
        SOURCE,
    ),
    (
        "a region in use that forwards nothing",
        |aws| {
            let event = json!({"EventSource": "ec2.amazonaws.com", "EventName": "RunInstances"});
            aws.history = vec![("ap-south-1", event)];
        },
        &["regions @ 123456789012"],
    ),
    (
        "the hub's stack was rolled back",
        |aws| aws.stacks = vec![hub("UPDATE_ROLLBACK_COMPLETE")],
        &["stack @ autotag-hub"],
    ),
    (
        "an outdated instance of the stack set",
        |aws| {
            aws.instances =
                vec![("CURRENT", ""), ("OUTDATED", "User initiated operation"), ("INOPERABLE", "")];
        },
        &["stack-sets @ autotag-region"],
    ),
    (
        "a region's rule that cannot deliver",
        |aws| {
            aws.failing = vec![("us-east-1", "autotag-creations-2", None)];
            aws.metrics = vec![
                ("FailedInvocations", vec![(7200, 1.0), (600, 4.0)]),
                ("Invocations", vec![(7200, 9.0), (600, 4.0)]),
            ];
        },
        // The emulator has one answer for the accounts of this region.
        &["rule.invocations @ us-east-1", "rule.invocations @ MEMBER us-east-1"],
    ),
    (
        "a rule of the hub's bus that cannot deliver",
        |aws| {
            aws.failing = vec![(HUB, "autotag-sessions", Some("autotag"))];
            aws.metrics = vec![("FailedInvocations", vec![(60, 1.0)])];
        },
        &["bus.invocations @ eu-west-1 autotag"],
    ),
    ("a paused mapping without a paused stack", |aws| aws.mappings[0]["State"] = json!("Disabled"), SOURCE),
];

/// The hub's stack, with its alarms.
pub fn hub(status: &'static str) -> Stack {
    let alarms = ["autotag-errors", "autotag-dead-letters"].map(|name| ("Alarm", name.to_owned()));
    let resources = [
        ("Bus", "autotag".to_owned()),
        ("AlarmErrors", alarms[0].1.clone()),
        ("AlarmDeadLetters", alarms[1].1.clone()),
    ];
    Stack { name: "autotag-hub", status, parameters: Vec::new(), resources: resources.to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_broken_setting_is_reported() {
    let mut suite = BreakageSuite::new().await;
    for (how, breaks, broken) in BREAKS {
        let mappings = suite.deployment.overrides.lock().unwrap().mappings.clone();
        breaks(&mut suite.deployment.overrides.lock().unwrap());
        let member = suite.deployment.member_account.clone();
        let broken: Vec<String> = broken.iter().map(|check| check.replace("MEMBER", &member)).collect();
        let broken: Vec<&str> = broken.iter().map(String::as_str).collect();
        suite.check(how, &only(&broken));
        *suite.deployment.overrides.lock().unwrap() = Overrides { mappings, ..Overrides::default() };
    }
    suite.finish();
}

/// If nothing is deployed, one line says so, with the command that deploys.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_deployment_is_one_line() {
    let suite = BreakageSuite::new().await;
    let output = suite.deployment.doctor(&["--format", "json", "--region", "eu-central-1"]);
    let report = crate::report(&output);
    assert_eq!(crate::named(&report, "broken").into_iter().collect::<Vec<_>>(), ["stack @ autotag-hub"]);
    assert_eq!(report["checks"].as_array().unwrap().len(), 2, "credentials and the stack: {report:#}");
    let fix = report["checks"][1]["fix"].as_str().unwrap();
    assert!(fix.starts_with("autotag deploy --packages dist --region eu-central-1;"), "{fix}");
    assert!(fix.contains("in another region"), "doctor may ask in a region without the hub: {fix}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((ACCOUNT, HUB), ("123456789012", "eu-west-1"), "the names in the table");
}
