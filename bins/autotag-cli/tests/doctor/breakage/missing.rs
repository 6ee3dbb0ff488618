//! Missing resources.

use super::suite::{BreakageSuite, with};
use crate::names::{HUB, SESSION_HANDLER};
use autotag_aws::signed::{EVENTS, SQS};
use serde_json::json;

/// One check reports a missing resource. The checks that depend on it are unknown.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_resource_is_reported_once() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let url = suite.deployment.url("autotag-session");
    client.json(SQS, "DeleteQueue", HUB, json!({"QueueUrl": url})).await;
    let hanging = ["queue.policy", "queue.key", "queue.redrive", "queue.visibility", "queue.age"]
        .map(|check| format!("{check} @ autotag-session"));
    let mut hanging: Vec<&str> = hanging.iter().map(String::as_str).collect();
    hanging.push("function.receives @ autotag-session-handler");
    suite.check("queue missing", &with(&["queue @ autotag-session"], &hanging));
    assert!(suite.wrong.is_empty(), "{:?}", suite.wrong);

    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    client.lambda("DELETE", &format!("/{SESSION_HANDLER}"), json!({})).await;
    let hanging = ["alias", "source", "environment", "receives", "errors", "concurrency"]
        .map(|check| format!("function.{check} @ {SESSION_HANDLER}"));
    let mut hanging: Vec<&str> = hanging.iter().map(String::as_str).collect();
    hanging.extend(["queue.visibility @ autotag-session", "permission.working @ autotag-session-handler"]);
    suite.check("function missing", &with(&["function @ autotag-session-handler"], &hanging));
    assert!(suite.wrong.is_empty(), "{:?}", suite.wrong);

    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    for (name, _) in suite.deployment.all_patterns() {
        let rule = json!({"Name": name, "Rule": name, "EventBusName": "autotag", "Ids": ["queue"]});
        client.json(EVENTS, "RemoveTargets", HUB, rule.clone()).await;
        client.json(EVENTS, "DeleteRule", HUB, rule).await;
    }
    client.json(EVENTS, "DeleteEventBus", HUB, json!({"Name": "autotag"})).await;
    let hub = [
        "policy",
        "creations",
        "creations.pattern",
        "creations.target",
        "sessions",
        "sessions.pattern",
        "sessions.target",
        "invocations",
    ]
    .map(|check| format!("bus.{check} @ eu-west-1 autotag"));
    let mut hanging: Vec<&str> = hub.iter().map(String::as_str).collect();
    hanging.push("rule.dead-letters @ eu-west-1 autotag");
    suite.check("bus missing", &with(&["bus @ eu-west-1 autotag"], &hanging));
    assert!(suite.wrong.is_empty(), "{:?}", suite.wrong);
}
