//! Healthy variants of a deployment: no false alarm.

use crate::breakage::suite::{BreakageSuite, compare, only};
use crate::deployment::{Deployment, Overrides, Stack};
use crate::names::{HUB, TAG_HANDLER};
use autotag_aws::signed::{EVENTS, SSM};
use serde_json::json;

/// A name, what AWS answers then, and the options of doctor.
type Variant = (&'static str, fn(&mut Overrides), &'static [&'static str]);

fn stack(
    name: &'static str,
    parameters: &[(&'static str, &'static str)],
    logical: &[(&'static str, &str)],
) -> Stack {
    let resources = logical.iter().map(|(logical, physical)| (*logical, (*physical).to_owned())).collect();
    Stack { name, status: "UPDATE_COMPLETE", parameters: parameters.to_vec(), resources }
}

const ALARMS: [(&str, &str); 2] =
    [("AlarmErrors", "autotag-errors"), ("AlarmDeadLetters", "autotag-dead-letters")];

fn hub_stack(parameters: &[(&'static str, &'static str)]) -> Stack {
    stack(
        "autotag-hub",
        parameters,
        &[("Bus", "autotag"), ("TagHandler", "autotag-tag-handler"), ALARMS[0], ALARMS[1]],
    )
}

const VARIANTS: &[Variant] = &[
    ("without stacks", |_| {}, &[]),
    (
        "hub and session stacks",
        |aws| {
            let session = stack("autotag-session", &[], &[("SessionHandler", "autotag-session-handler")]);
            aws.stacks = vec![hub_stack(&[]), session];
        },
        &[],
    ),
    (
        "one stack",
        |aws| {
            let both = [
                ("TagHandler", "autotag-tag-handler"),
                ("SessionHandler", "autotag-session-handler"),
                ALARMS[0],
                ALARMS[1],
            ];
            aws.stacks = vec![stack("autotag", &[("Name", "autotag")], &both)];
        },
        &[],
    ),
    (
        "a stack of another name",
        |aws| aws.stacks = vec![Stack { name: "tagging", ..hub_stack(&[]) }],
        &["--stack", "tagging"],
    ),
    (
        "paused",
        |aws| {
            aws.stacks = vec![hub_stack(&[("Invoke", "false")])];
            aws.mappings[0]["State"] = json!("Disabled");
        },
        &[],
    ),
    ("an error of an hour ago", |aws| aws.metrics = vec![("Errors", vec![(3600, 50.0)])], &[]),
    ("one error of a start", |aws| aws.metrics = vec![("Errors", vec![(60, 1.0)])], &[]),
    (
        "few errors of many calls",
        |aws| aws.metrics = vec![("Errors", vec![(60, 5.0)]), ("Invocations", vec![(60, 10_000.0)])],
        &[],
    ),
    ("throttled an hour ago", |aws| aws.metrics = vec![("Throttles", vec![(3600, 9.0)])], &[]),
    (
        "a stack set whose instances are current",
        |aws| aws.instances = vec![("CURRENT", ""), ("CURRENT", "")],
        &[],
    ),
    (
        "a rule that delivers again",
        |aws| {
            aws.failing = vec![(HUB, "autotag-creations-1", None)];
            aws.metrics = vec![
                ("FailedInvocations", vec![(7200, 4.0)]),
                ("Invocations", vec![(7200, 4.0), (900, 2.0)]),
            ];
        },
        &[],
    ),
    (
        "a failing rule of somebody else",
        |aws| {
            aws.failing = vec![(HUB, "nightly", None), (HUB, "autotag-creations-1", Some("other"))];
            aws.metrics = vec![("FailedInvocations", vec![(60, 9.0)])];
        },
        &[],
    ),
    ("reserved concurrency", |aws| aws.reserved = Some(10), &[]),
    (
        "a mapping without a limit in a new account",
        |aws| {
            aws.unreserved = 10;
            for mapping in &mut aws.mappings {
                mapping["ScalingConfig"] = json!(null);
            }
        },
        &[],
    ),
    ("one of two subscriptions is pending", |aws| aws.subscriptions.push("PendingConfirmation"), &[]),
    (
        "an alarm that another service acts on",
        |aws| {
            aws.alarms[0]["AlarmActions"] =
                json!(["arn:aws:ssm-incidents::123456789012:response-plan/on-call"]);
        },
        &[],
    ),
    ("too little data for an alarm", |aws| aws.alarms[0]["StateValue"] = json!("INSUFFICIENT_DATA"), &[]),
    (
        "a region without rules in which nothing is created",
        |aws| {
            aws.history = vec![(
                "ap-south-1",
                json!({"EventSource": "ec2.amazonaws.com", "EventName": "StopInstances"}),
            )];
        },
        &[],
    ),
    ("chosen regions", |_| {}, &["--regions", "eu-west-1,us-east-1"]),
    ("services subset", |_| {}, &["--services", "ec2,s3,lambda,ssm"]),
    ("no other account in the sample", |_| {}, &["--sample", "0"]),
    ("all other accounts in the sample", |_| {}, &["--sample", "5"]),
    ("only its own account", |_| {}, &["--accounts", "own"]),
    ("a mapping that is being updated", |aws| aws.mappings[0]["State"] = json!("Updating"), &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn healthy_variants_raise_no_false_alarm() {
    let mut suite = BreakageSuite::new().await;
    for (name, varies, options) in VARIANTS {
        let mappings = suite.deployment.overrides.lock().unwrap().mappings.clone();
        varies(&mut suite.deployment.overrides.lock().unwrap());
        suite.healthy_with(name, options);
        *suite.deployment.overrides.lock().unwrap() = Overrides { mappings, ..Overrides::default() };
    }
    suite.finish();
}

/// Names of partitions are in every ARN, and not every partition has the endpoints of the others.
#[tokio::test(flavor = "multi_thread")]
async fn deployments_of_other_partitions_raise_no_false_alarm() {
    for regions in [["cn-north-1", "cn-northwest-1"], ["us-gov-west-1", "us-gov-east-1"]] {
        let deployment = Deployment::in_regions(regions).await;
        let output = deployment.doctor(&["--format", "json", "--regions", &regions.join(",")]);
        let report = crate::report(&output);
        assert_eq!(compare(&report, &only(&[])), Ok(()), "{regions:?}");
        let seen = crate::named(&report, "ok");
        assert!(seen.contains(&format!("rule.creations @ {}", regions[1])), "{seen:?}");
        assert!(!report.to_string().contains("arn:aws:"), "{report:#}");
    }
}

/// A function in subnets of the user's.
#[tokio::test(flavor = "multi_thread")]
async fn functions_in_a_network_raise_no_false_alarm() {
    let mut suite = BreakageSuite::new().await;
    let path = format!("/{TAG_HANDLER}/configuration");
    let mut config = suite.deployment.hub.lambda("GET", &path, json!({})).await;
    config["VpcConfig"] =
        json!({"VpcId": "vpc-1", "SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]});
    suite.deployment.overrides.lock().unwrap().function = Some((TAG_HANDLER.to_owned(), config));
    suite.healthy("functions in a network");
    suite.deployment.overrides.lock().unwrap().function = None;
    suite.finish();
}

/// Rules of a second deployment in the account are not those of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_hub_in_the_account_is_another_deployment() {
    let mut suite = BreakageSuite::new().await;
    let rule = json!({"Name": "autotag-test-creations-1", "EventPattern": "{\"source\": [\"aws.ec2\"]}", "State": "DISABLED"});
    suite.deployment.hub.json(EVENTS, "PutRule", HUB, rule).await;
    suite.healthy("two hubs");
    suite.finish();
}

/// Messages that came long ago are not a fault of today; a new one is.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_count_while_they_grow() {
    let mut suite = BreakageSuite::new().await;
    suite.deployment.send("autotag-tag-dead", "{}", json!({})).await;
    let visible = |values: &[(u64, f64)]| vec![("ApproximateNumberOfMessagesVisible", values.to_vec())];
    suite.deployment.overrides.lock().unwrap().metrics = visible(&[(80_000, 1.0), (600, 1.0)]);
    suite.healthy("old dead letters");
    suite.deployment.overrides.lock().unwrap().metrics = visible(&[(80_000, 0.0), (600, 1.0)]);
    suite.check("a new dead letter", &only(&["dead-letters @ autotag-tag-dead"]));
    let mut metrics = visible(&[(80_000, 1.0), (600, 1.0)]);
    metrics.push(("ApproximateAgeOfOldestMessage", vec![(60, 300_000.0)]));
    suite.deployment.overrides.lock().unwrap().metrics = metrics;
    // The queue of these tests keeps messages for four days.
    suite.check(
        "dead letters that are deleted soon",
        &only(&["dead-letters @ autotag-tag-dead", "queue.age @ autotag-tag", "queue.age @ autotag-session"]),
    );
    assert!(suite.wrong.is_empty(), "{:?}", suite.wrong);
}

/// The policy in a parameter: pinned and valid is healthy; everything else is not.
#[tokio::test(flavor = "multi_thread")]
async fn the_policy_in_a_parameter_is_valid_and_pinned() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let mut needs = suite.deployment.needs("autotag-tag-handler");
    needs.as_array_mut().unwrap().push(json!({"Effect": "Allow", "Action": "ssm:GetParameter",
        "Resource": "arn:aws:ssm:eu-west-1:123456789012:parameter/autotag/policy"}));
    client.allow("autotag-tag-handler", needs).await;
    let put = async |text: &str| {
        let input = json!({"Name": "/autotag/policy", "Type": "String", "Value": text, "Overwrite": true});
        client.json(SSM, "PutParameter", HUB, input).await;
    };
    put("[static]\nTeam = \"web\"\n").await;
    let parameter = async |value: &str| {
        suite.deployment.tell("autotag-tag-handler", json!({"AUTOTAG_POLICY_PARAMETER": value})).await;
    };
    parameter("/autotag/policy:1").await;
    suite.healthy("policy parameter");
    suite
        .deployment
        .tell("autotag-tag-handler", json!({"AUTOTAG_POLICY_PARAMETER": "/autotag/policy"}))
        .await;
    suite.check("policy without a version", &only(&["policy.parameter @ eu-west-1 /autotag/policy"]));
    put("[stat\n").await;
    suite
        .deployment
        .tell("autotag-tag-handler", json!({"AUTOTAG_POLICY_PARAMETER": "/autotag/policy:2"}))
        .await;
    suite.check("policy that is no policy", &only(&["policy.parameter @ eu-west-1 /autotag/policy:2"]));
    assert!(suite.wrong.is_empty(), "{:?}", suite.wrong);
}

/// With a ledger, its table, its rules and its permissions are needed.
#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_needs_its_table_rules_and_permissions() {
    let suite = BreakageSuite::new().await;
    let changes = json!({"AUTOTAG_LEDGER_TABLE": "autotag-ledger",
        "AUTOTAG_OWN_ROLES": "arn:aws:iam::123456789012:role/autotag-tag-handler"});
    suite.deployment.tell("autotag-tag-handler", changes).await;
    let report = crate::report(&suite.deployment.doctor(&["--format", "json"]));
    let broken = crate::named(&report, "broken");
    for wanted in [
        "ledger @ eu-west-1 autotag-ledger",
        "rule.deletions @ eu-west-1",
        "rule.deletions @ us-east-1",
        "rule.tag-changes @ us-east-1",
        "rule.tag-events @ us-east-1",
        "bus.deletions @ eu-west-1 autotag",
        "bus.tag-changes @ eu-west-1 autotag",
        "bus.tag-events @ eu-west-1 autotag",
        "queue.policy @ autotag-tag",
        "permission.working @ autotag-tag-handler",
    ] {
        assert!(broken.contains(wanted), "{wanted}: {broken:?}");
    }
}
