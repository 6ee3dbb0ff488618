//! Broken links of events: trails, rules and their targets.

use super::suite::{BreakageSuite, only, with};
use crate::deployment::{bus_arn, select};
use crate::names::{ACCOUNT, HUB, REGIONS};
use autotag_aws::signed::{CLOUDTRAIL, EVENTS};
use serde_json::{Value, json};

/// Without a trail the checks of both regions fail, and those of STS records depend on them.
const NO_TRAIL: [&str; 2] = ["trail @ eu-west-1", "trail @ us-east-1"];
const NO_STS: [&str; 2] = ["trail.sessions @ eu-west-1", "trail.sessions @ us-east-1"];

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_trail_is_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let named = json!({"Name": "everything"});
    client.json(CLOUDTRAIL, "StopLogging", HUB, named.clone()).await;
    suite.check("trail not logging", &with(&NO_TRAIL, &NO_STS));
    client.json(CLOUDTRAIL, "StartLogging", HUB, named.clone()).await;

    select(&client, json!([{"ReadWriteType": "All", "IncludeManagementEvents": false}])).await;
    suite.check("trail without management events", &with(&NO_TRAIL, &NO_STS));
    select(&client, json!([{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true}])).await;
    suite.check("trail without reads, as AssumeRole is one", &only(&NO_STS));
    select(&client, json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])).await;

    client.json(CLOUDTRAIL, "DeleteTrail", HUB, named.clone()).await;
    suite.check("no trail", &with(&NO_TRAIL, &NO_STS));
    let input = json!({"Name": "everything", "S3BucketName": format!("trail-of-{ACCOUNT}"), "IsMultiRegionTrail": false});
    client.json(CLOUDTRAIL, "CreateTrail", HUB, input).await;
    client.json(CLOUDTRAIL, "StartLogging", HUB, named.clone()).await;
    select(&client, json!([{"ReadWriteType": "All", "IncludeManagementEvents": true}])).await;
    suite.check("trail of one region", &with(&[NO_TRAIL[1]], &[NO_STS[1]]));
    let input = json!({"Name": "everything", "IsMultiRegionTrail": true});
    client.json(CLOUDTRAIL, "UpdateTrail", HUB, input).await;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_are_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let rule = |name: &str, bus: &str| json!({"Name": name, "EventBusName": bus});
    for (how, name, bus, at, check) in [
        ("rule disabled", "autotag-creations-1", "default", "us-east-1", "rule.creations @ us-east-1"),
        ("STS rule disabled", "autotag-sessions", "default", "us-east-1", "rule.sessions @ us-east-1"),
        ("hub's rule disabled", "autotag-creations-2", "autotag", HUB, "bus.creations @ eu-west-1 autotag"),
        ("hub's STS rule disabled", "autotag-sessions", "autotag", HUB, "bus.sessions @ eu-west-1 autotag"),
    ] {
        client.json(EVENTS, "DisableRule", at, rule(name, bus)).await;
        suite.check(how, &only(&[check]));
        client.json(EVENTS, "EnableRule", at, rule(name, bus)).await;
    }
    let member = suite.deployment.member.clone();
    member.json(EVENTS, "DisableRule", HUB, rule("autotag-creations-1", "default")).await;
    let place = format!("rule.creations @ {} eu-west-1", suite.deployment.member_account);
    suite.check("rule disabled in a member account", &only(&[&place]));
    member.json(EVENTS, "EnableRule", HUB, rule("autotag-creations-1", "default")).await;

    // An older catalogue knew fewer events.
    let pattern = suite.deployment.patterns[0].clone();
    for (how, bus, check) in [
        ("stale rule pattern", "default", "rule.creations.pattern @ eu-west-1"),
        ("stale pattern of the hub's rule", "autotag", "bus.creations.pattern @ eu-west-1 autotag"),
    ] {
        let mut old = pattern.clone();
        old["detail"]["$or"][0]["eventName"].as_array_mut().unwrap().pop();
        let put = |pattern: &Value| {
            json!({"Name": "autotag-creations-1", "EventBusName": bus,
            "State": "ENABLED", "EventPattern": pattern.to_string()})
        };
        client.json(EVENTS, "PutRule", HUB, put(&old)).await;
        suite.check(how, &only(&[check]));
        client.json(EVENTS, "PutRule", HUB, put(&pattern)).await;
    }
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_targets_and_their_permissions_are_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    for (how, bus, id, check) in [
        ("target missing", "default", "hub", "rule.creations.target @ eu-west-1"),
        ("target of the hub's rule missing", "autotag", "queue", "bus.creations.target @ eu-west-1 autotag"),
    ] {
        let name = json!({"Rule": "autotag-creations-1", "EventBusName": bus});
        let targets = client.json(EVENTS, "ListTargetsByRule", HUB, name.clone()).await["Targets"].clone();
        let mut removed = name.clone();
        removed["Ids"] = json!([id]);
        client.json(EVENTS, "RemoveTargets", HUB, removed).await;
        suite.check(how, &only(&[check]));
        let mut back = name;
        back["Targets"] = targets;
        client.json(EVENTS, "PutTargets", HUB, back).await;
    }
    // All rules of the account have the same role.
    client.allow("autotag-forward", json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:eu-west-1:123456789012:event-bus/other"}])).await;
    let everywhere = [
        "rule.creations.role @ eu-west-1",
        "rule.creations.role @ us-east-1",
        "rule.sessions.role @ eu-west-1",
        "rule.sessions.role @ us-east-1",
    ];
    // The simulator of these tests does not distinguish the member's role of the same name.
    let member = &suite.deployment.member_account;
    let there =
        ["creations", "sessions"].map(|kind| REGIONS.map(|at| format!("rule.{kind}.role @ {member} {at}")));
    let there = there.concat();
    let both: Vec<&str> = everywhere.iter().copied().chain(there.iter().map(String::as_str)).collect();
    suite.check("the rules' role may not put events on the hub's bus", &only(&both));
    client
        .allow(
            "autotag-forward",
            json!([{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus_arn()}]),
        )
        .await;

    suite.deployment.bus_policy(&[ACCOUNT]).await;
    suite.check("bus policy without the member account", &only(&["bus.policy @ eu-west-1 autotag"]));
    suite.deployment.bus_policy(&[ACCOUNT, &suite.deployment.member_account]).await;
    suite.finish();
}
