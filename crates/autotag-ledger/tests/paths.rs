//! Roles, users and instance profiles with a path: the calls that delete them name no path.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classifier, Envelope};
use autotag_handlers::deletion::Deletions;
use autotag_handlers::event::EventSummary;
use autotag_handlers::whois::{Answer, Asked, answer};
use autotag_ledger::{
    Action, CreatingCall, Entry, EntryResource, LedgerReader as _, LedgerSource, LedgerWriter as _,
    MemoryLedger,
};
use autotag_model::policy::Policy;
use autotag_model::record::Record;
use futures_executor::block_on;
use serde_json::{Value, json};

const HERE: &str = "111122223333";
const THERE: &str = "444455556666";

fn arn(account: &str, resource: &str) -> String {
    format!("arn:aws:iam::{account}:{resource}")
}

fn created(ledger: &MemoryLedger, account: &str, resource_type: &str, resource: &str, by: &str) {
    let mut event = EventSummary::default();
    event.id = Some(format!("creates-{account}-{resource}"));
    event.dedup_id.clone_from(&event.id);
    event.time = Some("2026-03-02T09:00:00Z".to_owned());
    "iam.amazonaws.com".clone_into(&mut event.source);
    "Create".clone_into(&mut event.name);
    let mut entry = Entry::of_event(&event, Action::Created);
    let resource = json!({"type": resource_type, "id": arn(account, resource), "arn": arn(account, resource),
        "account": account, "region": "us-east-1", "version": null});
    entry.resource = serde_json::from_value(resource).unwrap();
    entry.call = CreatingCall::New;
    entry.owner = serde_json::from_value(json!({"name": by, "source": "iam-user", "proof": "person", "claimed": null,
        "account": account, "arn": null, "person": null, "workload": null, "channel": null, "tool": null, "chain": [],
        "knowledge": {"is_evaluated": true, "is_settled": true, "sessions": []}}))
    .unwrap();
    block_on(ledger.put(&entry)).unwrap();
}

/// Puts the entries of a deletion, as `tag-handler` does.
fn deleted(ledger: &MemoryLedger, account: &str, event: &str, request: &Value) {
    let record = json!({"eventSource": "iam.amazonaws.com", "eventName": event, "eventID": format!("{event}-{request}"),
        "eventTime": "2026-03-03T09:00:00Z", "awsRegion": "us-east-1", "recipientAccountId": account,
        "userIdentity": {"type": "IAMUser", "userName": "eve", "accountId": account}, "requestParameters": request})
    .to_string();
    let record: Record<'_> = serde_json::from_str(&record).unwrap();
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let gone = Deletions::of_catalog(&classifier).of(&record, Envelope::default());
    assert_eq!(gone.len(), 1, "{event} deletes one resource");
    for deletion in gone {
        let mut entry = Entry::of_event(&deletion.event, Action::Deleted);
        entry.resource = Some(EntryResource::from(&deletion.resource));
        entry.is_by_name = deletion.is_by_name;
        block_on(ledger.put(&entry)).unwrap();
    }
}

fn whois(ledger: &MemoryLedger, account: &str, resource: &str) -> Answer {
    let asked = Asked::parse(&arn(account, resource)).unwrap();
    block_on(answer(&asked, &LedgerSource::new(ledger)))
}

const KINDS: [(&str, &str, &str, &str); 4] = [
    ("AWS::IAM::Role", "role", "DeleteRole", "roleName"),
    ("AWS::IAM::User", "user", "DeleteUser", "userName"),
    ("AWS::IAM::InstanceProfile", "instance-profile", "DeleteInstanceProfile", "instanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "policy", "DeletePolicy", "policyArn"),
];

#[test]
fn a_deletion_by_name_closes_what_has_a_path_and_nothing_else() {
    for (resource_type, kind, event, parameter) in KINDS {
        let ledger = MemoryLedger::default();
        let [meant, other, pathless] =
            ["team/web/app", "team/web/other", "plain"].map(|name| format!("{kind}/{name}"));
        for (account, resource) in [(HERE, &meant), (HERE, &other), (HERE, &pathless), (THERE, &meant)] {
            created(&ledger, account, resource_type, resource, "mara");
        }
        let name = if parameter == "policyArn" { arn(HERE, &meant) } else { "app".to_owned() };
        deleted(&ledger, HERE, event, &json!({parameter: name}));
        let is_closed = |account, resource: &str| {
            let answer = whois(&ledger, account, resource);
            assert_eq!(answer.owner().and_then(|owner| owner.name.as_deref()), Some("mara"), "{answer:?}");
            answer.deletion.is_some()
        };
        assert!(is_closed(HERE, &meant), "{kind}");
        for (account, resource) in [(HERE, &other), (HERE, &pathless), (THERE, &meant)] {
            assert!(!is_closed(account, resource), "{kind} {account} {resource}");
        }
        // A reader that asks by the key of the entries, such as the tamper watch, finds both.
        let entry =
            block_on(ledger.named(if parameter == "policyArn" { "team/web/app" } else { "app" })).unwrap();
        let key = entry.iter().find(|entry| entry.action == Action::Deleted).unwrap().key().resource;
        let actions: Vec<Action> =
            block_on(ledger.of_resource(&key)).unwrap().iter().map(|entry| entry.action).collect();
        assert_eq!(actions, [Action::Created, Action::Deleted], "{kind}");
    }
}

#[test]
fn a_role_that_is_made_again_under_another_path_is_another_role() {
    let ledger = MemoryLedger::default();
    created(&ledger, HERE, "AWS::IAM::Role", "role/team/app", "mara");
    deleted(&ledger, HERE, "DeleteRole", &json!({"roleName": "other"}));
    assert!(whois(&ledger, HERE, "role/team/app").deletion.is_none());
    deleted(&ledger, HERE, "DeleteRole", &json!({"roleName": "app"}));
    assert!(whois(&ledger, HERE, "role/team/app").deletion.is_some());
    assert!(whois(&ledger, HERE, "role/app").creation.is_none(), "nobody made it");
}
