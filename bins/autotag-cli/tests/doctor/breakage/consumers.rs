//! Broken queues, functions and tables.

use super::suite::{BreakageSuite, only, with};
use crate::deployment::{queue_arn, rules_send};
use crate::names::{ACCOUNT, HUB, SESSION_HANDLER, TAG_HANDLER};
use autotag_aws::signed::{DYNAMODB, KMS, SQS};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn broken_queues_are_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let arn = queue_arn(HUB, ACCOUNT, "autotag-tag");
    let rules =
        |rules: &str| rules_send(&arn, &format!("arn:aws:events:{HUB}:{ACCOUNT}:rule/{rules}")).to_string();
    suite.deployment.set("autotag-tag", json!({"Policy": ""})).await;
    suite.check("queue policy missing", &only(&["queue.policy @ autotag-tag"]));
    suite.deployment.set("autotag-tag", json!({"Policy": rules("other/*")})).await;
    suite.check("queue policy for other rules", &only(&["queue.policy @ autotag-tag"]));
    suite.deployment.set("autotag-tag", json!({"Policy": rules("autotag/autotag-creations-*")})).await;

    suite.deployment.set("autotag-tag", json!({"VisibilityTimeout": "60"})).await;
    suite.check("visibility too short", &only(&["queue.visibility @ autotag-tag"]));
    suite.deployment.set("autotag-tag", json!({"VisibilityTimeout": "360"})).await;

    let redrive = |dead: &str| json!({"RedrivePolicy": json!({"deadLetterTargetArn": queue_arn(HUB, ACCOUNT, dead), "maxReceiveCount": 5}).to_string()});
    suite.deployment.set("autotag-session", redrive("autotag-tag-dead")).await;
    suite.check("dead letters to another queue", &only(&["queue.redrive @ autotag-session"]));
    suite.deployment.set("autotag-session", redrive("autotag-session-dead")).await;

    for (how, queue, check) in [
        ("full dead-letter queue", "autotag-tag-dead", "dead-letters @ autotag-tag-dead"),
        ("full dead-letter queue of sessions", "autotag-session-dead", "dead-letters @ autotag-session-dead"),
        (
            "full dead-letter queue of the hub's rules",
            "autotag-rule-dead",
            "rule.dead-letters @ eu-west-1 autotag autotag-rule-dead",
        ),
        (
            "full dead-letter queue of a region's rules",
            "autotag-forward-dead",
            "rule.dead-letters @ eu-west-1 autotag-forward-dead",
        ),
    ] {
        suite.deployment.send(queue, "{}", json!({})).await;
        suite.check(how, &only(&[check]));
        client.json(SQS, "PurgeQueue", HUB, json!({"QueueUrl": suite.deployment.url(queue)})).await;
    }
    let policy = client
        .json(
            SQS,
            "GetQueueAttributes",
            HUB,
            json!({"QueueUrl": suite.deployment.url("autotag-rule-dead"), "AttributeNames": ["Policy"]}),
        )
        .await;
    suite.deployment.set("autotag-rule-dead", json!({"Policy": ""})).await;
    suite.check(
        "policy of a rule's dead-letter queue missing",
        &only(&["rule.dead-letters.policy @ eu-west-1 autotag autotag-rule-dead"]),
    );
    suite.deployment.set("autotag-rule-dead", json!({"Policy": policy["Attributes"]["Policy"]})).await;

    // EventBridge may not use a new key by default.
    let key = client.json(KMS, "CreateKey", HUB, json!({})).await["KeyMetadata"]["KeyId"].clone();
    suite.deployment.set("autotag-tag", json!({"KmsMasterKeyId": key})).await;
    suite.check("key that EventBridge may not use", &only(&["queue.key @ autotag-tag"]));
    suite.deployment.set("autotag-tag", json!({"KmsMasterKeyId": ""})).await;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_old_messages_is_reported() {
    let mut suite = BreakageSuite::new().await;
    suite
        .deployment
        .metric("AWS/SQS", "ApproximateAgeOfOldestMessage", ("QueueName", "autotag-tag"), 9000.0)
        .await;
    suite.check("the oldest message is too old", &only(&["queue.age @ autotag-tag"]));
    suite.deployment.overrides.lock().unwrap().metrics = vec![("Errors", vec![(60, 3.0)])];
    suite.check(
        "and the functions fail",
        &only(&[
            "queue.age @ autotag-tag",
            "function.errors @ autotag-tag-handler",
            "function.errors @ autotag-session-handler",
        ]),
    );
    assert!(suite.wrong.is_empty(), "{:?}", suite.wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_functions_are_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    let alias = format!("/{TAG_HANDLER}/aliases/live");
    let version = client.lambda("GET", &alias, json!({})).await["FunctionVersion"].clone();
    client.lambda("PUT", &alias, json!({"FunctionVersion": "$LATEST"})).await;
    suite.check("alias to $LATEST", &only(&["function.alias @ autotag-tag-handler"]));
    client.lambda("DELETE", &alias, json!({})).await;
    suite.check("alias missing", &only(&["function.alias @ autotag-tag-handler"]));
    client
        .lambda(
            "POST",
            &format!("/{TAG_HANDLER}/aliases"),
            json!({"Name": "live", "FunctionVersion": version}),
        )
        .await;

    for (how, name, value, check) in [
        ("event source mapping disabled", "State", json!("Disabled"), "function.source"),
        (
            "event source mapping to $LATEST",
            "FunctionArn",
            json!(format!("arn:aws:lambda:{HUB}:{ACCOUNT}:function:{TAG_HANDLER}")),
            "function.source",
        ),
        ("no partial batch responses", "FunctionResponseTypes", json!([]), "function.answers"),
    ] {
        let before = {
            let mut overrides = suite.deployment.overrides.lock().unwrap();
            std::mem::replace(&mut overrides.mappings[0][name], value)
        };
        suite.check(how, &only(&[&format!("{check} @ {TAG_HANDLER}")]));
        suite.deployment.overrides.lock().unwrap().mappings[0][name] = before;
    }
    let mapping = suite.deployment.overrides.lock().unwrap().mappings.remove(0);
    let source = ["function.source @ autotag-tag-handler"];
    suite.check(
        "no event source mapping",
        &with(
            &source,
            &["function.answers @ autotag-tag-handler", "function.concurrency @ autotag-tag-handler"],
        ),
    );
    suite.deployment.overrides.lock().unwrap().mappings.insert(0, mapping);

    for (how, function, name, value, check) in [
        (
            "environment names another table",
            TAG_HANDLER,
            "AUTOTAG_SESSION_TABLE",
            "sessions",
            "function.environment",
        ),
        (
            "environment of session-handler names another region",
            SESSION_HANDLER,
            "AUTOTAG_SESSION_REGION",
            "us-east-1",
            "function.environment",
        ),
        (
            "environment names another dead-letter queue",
            TAG_HANDLER,
            "AUTOTAG_DEAD_LETTER_QUEUE_URL",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/old",
            "function.environment",
        ),
        ("another number of receives", TAG_HANDLER, "AUTOTAG_MAX_RECEIVES", "9", "function.receives"),
    ] {
        suite.deployment.tell(function, json!({name: value})).await;
        suite.check(how, &only(&[&format!("{check} @ {function}")]));
        suite.deployment.tell(function, json!({})).await;
    }

    let mut config = client.lambda("GET", &format!("/{TAG_HANDLER}/configuration"), json!({})).await;
    config["State"] = "Failed".into();
    config["StateReason"] = "the role cannot be assumed".into();
    suite.deployment.overrides.lock().unwrap().function = Some((TAG_HANDLER.to_owned(), config.clone()));
    suite.check("function failed", &only(&["function @ autotag-tag-handler"]));
    config["State"] = "Active".into();
    config["LastUpdateStatus"] = "Failed".into();
    suite.deployment.overrides.lock().unwrap().function = Some((TAG_HANDLER.to_owned(), config));
    suite.check("update of the function failed", &only(&["function @ autotag-tag-handler"]));
    suite.deployment.overrides.lock().unwrap().function = None;
    suite.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_table_is_reported() {
    let mut suite = BreakageSuite::new().await;
    let client = suite.deployment.hub.clone();
    suite.deployment.expiry(false).await;
    suite.check("table without TTL", &only(&["table.expiry @ eu-west-1 autotag-sessions"]));
    client.json(DYNAMODB, "DeleteTable", HUB, json!({"TableName": "autotag-sessions"})).await;
    let (table, expiry) = ("table @ eu-west-1 autotag-sessions", "table.expiry @ eu-west-1 autotag-sessions");
    suite.check("table missing", &with(&[table], &[expiry]));
    let input = json!({"TableName": "autotag-sessions", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]});
    client.json(DYNAMODB, "CreateTable", HUB, input).await;
    suite.deployment.expiry(true).await;
    suite.check("table with other keys", &only(&[table]));
    client.json(DYNAMODB, "DeleteTable", HUB, json!({"TableName": "autotag-sessions"})).await;
    suite.deployment.table().await;
    suite.finish();
}
