//! The function with a ledger: an entry for each resource, also after failures, and a deletion closes the entries before it.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use autotag_handlers::whois::{Asked, answer};
use autotag_ledger::{Action, DynamoDbLedger, Entry, LedgerError, LedgerSource, State};
use autotag_testkit::records::{self, batch, message};
use autotag_testkit::{Call, Emulator, Fault, Proxy};
use aws_sdk_dynamodb::Client;
use common::{ec2, emulator, new_volumes, proxy_with_iam, record, start_function, volume};
use serde_json::{Value, json};
use std::time::Duration;

/// The environment of a function with a ledger.
const VARIABLES: [(&str, &str); 1] = [("AUTOTAG_LEDGER_TABLE", "ledger")];

async fn ledger(endpoint: &str) -> DynamoDbLedger {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    let ledger = DynamoDbLedger::new(Client::from_conf(config), "ledger");
    ledger.create().await.unwrap();
    ledger
}

async fn entries(ledger: &DynamoDbLedger) -> Vec<Entry> {
    let mut entries = Vec::new();
    let take = |entry| {
        entries.push(entry);
        Ok::<(), LedgerError>(())
    };
    ledger.each(take).await.unwrap();
    entries.sort_by_key(|entry| entry.key().event);
    entries
}

async fn start() -> (Emulator, Proxy, DynamoDbLedger) {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ledger = ledger(&emulator.url()).await;
    (emulator, proxy, ledger)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_has_an_entry_with_its_tags() {
    let (emulator, proxy, ledger) = start().await;
    let volumes = new_volumes(&ec2(&emulator.url()), 2).await;
    let backup = record(
        "backup",
        Duration::ZERO,
        "dynamodb:CreateBackup",
        &json!({"tableName": "orders", "backupName": "b"}),
        &json!({"backupDetails": {"backupArn": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/backup/01"}}),
    );
    let function = start_function(&proxy.environment(), &VARIABLES).await;
    let payload = batch(&[volume(&volumes[0]), volume(&volumes[1]), backup]);
    assert_eq!(function.returned(&payload).await, [""; 0], "{}", function.process.logs());
    let entries = entries(&ledger).await;
    assert_eq!(entries.len(), 3, "{entries:?}");
    for entry in &entries {
        assert_eq!(entry.owner.name.as_deref(), Some("mara"), "{entry:?}");
        assert!(entry.origin.is_some(), "the message is named: {entry:?}");
    }
    let of = |kind: &str| {
        let is = move |entry: &&Entry| {
            entry.resource.as_ref().is_some_and(|resource| resource.resource_type == kind)
        };
        entries.iter().filter(is).collect::<Vec<_>>()
    };
    for entry in of("AWS::EC2::Volume") {
        assert_eq!(entry.tagging.state, State::Tagged);
        assert_eq!(entry.tagging.tags.get("Owner").map(String::as_str), Some("mara"));
    }
    assert_eq!(of("AWS::DynamoDB::Backup")[0].tagging.state, State::Untaggable);
    assert!(function.process.logs().contains("LedgerEntries"));
}

/// The tags are written, and the message comes back until its entry is written as well.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_ledger_returns_the_message_and_keeps_no_tag_away() {
    let (emulator, proxy, ledger) = start().await;
    let volumes = new_volumes(&ec2(&emulator.url()), 2).await;
    let is_put = |call: &Call| call.service == "dynamodb" && call.operation == "PutItem";
    proxy.rule(move |call| is_put(call).then(|| Fault::refused("ProvisionedThroughputExceededException")));
    let function = start_function(&proxy.environment(), &VARIABLES).await;
    let payload = batch(&[volume(&volumes[0]), volume(&volumes[1])]);
    let returned = function.returned(&payload).await;
    assert_eq!(returned.len(), 2, "{}", function.process.logs());
    let tags = common::ec2_tags(&ec2(&emulator.url()), &volumes).await;
    assert!(volumes.iter().all(|id| tags[id]["Owner"] == "mara"), "{tags:?}");
    assert_eq!(entries(&ledger).await, []);
    proxy.repair();
    assert_eq!(function.returned(&payload).await, [""; 0], "{}", function.process.logs());
    let entries = entries(&ledger).await;
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry.tagging.state, State::Tagged, "the tags of the first try count");
        assert_eq!(entry.tagging.tags.get("Owner").map(String::as_str), Some("mara"));
    }
}

/// A call on a queue by somebody.
fn queue(id: &str, who: &str, event: &str, second: u64) -> Value {
    let ago = Duration::from_secs(60 - second);
    let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
    let (request, response) = if event.ends_with("CreateQueue") {
        (json!({"queueName": "orders"}), json!({"queueUrl": url}))
    } else {
        (json!({"queueUrl": url}), Value::Null)
    };
    records::call(id, ago, event, &records::user(who), &request, &response)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_used_twice_has_two_owners() {
    let (_emulator, proxy, ledger) = start().await;
    let function = start_function(&proxy.environment(), &VARIABLES).await;
    let events = [
        queue("3", "tomas", "sqs:CreateQueue", 30),
        queue("1", "mara", "sqs:CreateQueue", 10),
        queue("2", "priya", "sqs:DeleteQueue", 20),
    ];
    for event in &events {
        let _ =
            function.returned(&json!({"Records": [message("m", &records::event(event).to_string())]})).await;
    }
    let entries = entries(&ledger).await;
    let told: Vec<_> = entries.iter().map(|entry| (entry.action, entry.owner.name.as_deref())).collect();
    assert_eq!(
        told,
        [(Action::Created, Some("mara")), (Action::Deleted, Some("priya")), (Action::Created, Some("tomas"))],
        "{}",
        function.process.logs()
    );
    let found = answer(&Asked::parse("orders").unwrap(), &LedgerSource::new(&ledger)).await;
    assert_eq!(
        found.creation.as_ref().and_then(|creation| creation.owner_name()),
        Some("tomas"),
        "{found:?}"
    );
}

/// A call by which somebody takes the owner off a volume.
fn untag(id: &str, volume: &str) -> Value {
    let request =
        json!({"resourcesSet": {"items": [{"resourceId": volume}]}, "tagSet": {"items": [{"key": "Owner"}]}});
    records::call(
        id,
        Duration::ZERO,
        "ec2:DeleteTags",
        &records::user("eve"),
        &request,
        &json!({"_return": true}),
    )
}

/// The policy, the roles and the alarm of a tamper watch, through the real binary.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_is_taken_off_is_written_again_until_that_is_undone_twice() {
    let (emulator, proxy, ledger) = start().await;
    let ec2 = ec2(&emulator.url());
    let volumes = new_volumes(&ec2, 1).await;
    let variables = [
        VARIABLES[0],
        ("AUTOTAG_POLICY", "[tamper]\naction = \"repair\"\n"),
        ("AUTOTAG_OWN_ROLES", "arn:aws:iam::123456789012:role/autotag-tag-handler"),
    ];
    let function = start_function(&proxy.environment(), &variables).await;
    assert_eq!(
        function.returned(&batch(&[volume(&volumes[0])])).await,
        [""; 0],
        "{}",
        function.process.logs()
    );
    let owner = async || common::ec2_tags(&ec2, &volumes).await[&volumes[0]].get("Owner").cloned();
    assert_eq!(owner().await.as_deref(), Some("mara"));
    for (round, expected) in [(1, Some("mara")), (2, Some("mara")), (3, None)] {
        let tag = aws_sdk_ec2::types::Tag::builder().key("Owner").build();
        ec2.delete_tags().resources(&volumes[0]).tags(tag).send().await.unwrap();
        // Records are of a second: a repair has to be before the next change.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let payload = batch(&[untag(&format!("untag-{round}"), &volumes[0])]);
        assert_eq!(function.returned(&payload).await, [""; 0], "{}", function.process.logs());
        assert_eq!(owner().await.as_deref(), expected, "{round}: {}", function.process.logs());
    }
    let logs = function.process.logs();
    assert!(logs.contains("user/eve has undone 2 repairs") && logs.contains("ignore_tags"), "{logs}");
    let changes = entries(&ledger).await;
    let changes: Vec<&Entry> = changes.iter().filter(|entry| entry.action == Action::TagsChanged).collect();
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(changes.iter().all(|entry| entry.owner.name.as_deref() == Some("eve")), "{changes:?}");
}
