//! Logs contain no token, no whole access key and no payload. The records have canary texts in the places of such values.
#![expect(clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::Fault;
use autotag_testkit::records::{batch, event, message};
use common::{proxy_with_iam, record, start_function, volume};
use serde_json::{Value, json};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

/// A text that must not appear in logs.
const CANARY: &str = "canary7f3a";

fn canary(field: &str) -> String {
    format!("{CANARY}{field}")
}

/// Records with a canary in every field that may hold a secret.
fn records() -> Vec<Value> {
    let mut run = record(
        "run",
        NOW,
        "ec2:RunInstances",
        &json!({"userData": canary("userdata"), "tagSpecificationSet": {"items": [{"resourceType": "instance",
            "tags": [{"key": "Secret", "value": canary("tag")}, {"key": "Owner", "value": canary("owner")}]}]}}),
        &json!({"instancesSet": {"items": [{"instanceId": "i-1", "privateDnsName": canary("dns")}]}}),
    );
    run["userIdentity"]["accessKeyId"] = json!("AKIACANARY7F3AWHOLEK");
    run["sourceIPAddress"] = json!(canary("ip"));
    run["userAgent"] = json!(canary("agent"));
    run["additionalEventData"] = json!({"x": canary("additional")});
    let database = record(
        "database",
        NOW,
        "rds:CreateDBInstance",
        &json!({"dBInstanceIdentifier": "db", "masterUserPassword": canary("password")}),
        &json!({"dBInstanceArn": "arn:aws:rds:eu-west-1:123456789012:db:db", "pendingModifiedValues": canary("pending")}),
    );
    let mut assume = record(
        "assume",
        NOW,
        "sts:AssumeRole",
        &json!({"roleArn": "arn:aws:iam::123456789012:role/r", "roleSessionName": "s",
            "tags": [{"key": "k", "value": canary("session-tag")}], "externalId": canary("external")}),
        &json!({"credentials": {"accessKeyId": "ASIACANARY7F3AWHOLEK", "sessionToken": canary("token"),
            "expiration": "Mar 2, 2030, 10:00:00 AM"}, "assumedRoleUser": {"assumedRoleId": "AROAX:s",
            "arn": "arn:aws:sts::123456789012:assumed-role/r/s"}}),
    );
    assume["userIdentity"]["accessKeyId"] = json!("AKIACANARY7F3AWHOLEK");
    let failed = {
        let mut failed = volume("vol-2");
        failed["errorCode"] = json!("Client.UnauthorizedOperation");
        failed["errorMessage"] = json!(canary("message"));
        failed
    };
    let odd = record(
        "odd",
        NOW,
        "ec2:CreateVolume",
        &json!(canary("odd-request")),
        &json!([canary("odd-response")]),
    );
    let uncovered = record(
        "uncovered",
        NOW,
        "finspace:CreateEnvironment",
        &json!({"name": canary("uncovered")}),
        &json!({}),
    );
    vec![run, database, assume, failed, odd, uncovered, volume("vol-3")]
}

fn assert_no_canary(logs: &str) {
    let logs = logs.to_lowercase();
    let line = logs.lines().find(|line| line.contains(CANARY));
    assert_eq!(line, None);
    assert!(!logs.contains("canary7f3awholek"), "a whole access key");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_record_is_logged() {
    let emulator = common::emulator();
    let proxy = proxy_with_iam(&emulator);
    for level in ["info", "trace"] {
        let function = start_function(&proxy.environment(), &[("AUTOTAG_LOG", level)]).await;
        let mut batch = batch(&records());
        let messages = batch["Records"].as_array_mut().unwrap();
        for broken in [
            format!("{{\"detail\": \"{}\"", canary("cut")),
            canary("no-json"),
            format!("{{\"{}\": 1}}", canary("no-record")),
            json!({"Records": [canary("a-text")]}).to_string(),
        ] {
            messages.push(message(&format!("broken-{}", messages.len()), &broken));
        }
        let returned = function.returned(&batch).await;
        assert!(returned.len() >= 4, "{returned:?}\n{}", function.process.logs());
        // Payloads that fail as a whole, and refused calls.
        function.invoke(&json!({"bucket": 1, "keys": [canary("key")]})).await;
        let _ = function.invoke(&json!(canary("a-text"))).await;
        proxy.rule(|call| {
            let message = canary("from-aws");
            (call.service == "ec2").then(|| Fault::Refused {
                status: 400,
                code: "InvalidParameterValue".to_owned(),
                message,
            })
        });
        for record in records() {
            let _ = function.invoke(&event(&record)).await;
        }
        proxy.repair();
        let logs = function.stop_and_read_logs();
        assert!(logs.lines().filter(|line| line.contains("\"outcome\"")).count() > 10, "{logs}");
        assert_no_canary(&logs);
    }
}
