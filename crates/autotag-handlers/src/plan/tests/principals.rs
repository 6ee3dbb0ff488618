//! Tests of questions about the caller: tags of their session and of IAM, and their name.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn tags_on(memory: &InMemory, name: &str) -> Vec<(String, String)> {
    let identity = ["Owner", "PrincipalId", "CreatedBy"];
    memory
        .tags_on(&queue_arn(name))
        .into_iter()
        .filter(|(key, _)| !identity.contains(&key.as_str()))
        .collect()
}

fn owned(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn tags_of_the_session_beat_those_of_its_role_in_every_alphabet() {
    let memory = memory();
    let tags = json!([{"key": "team", "value": "shop"}, {"key": "ÉQUIPE", "value": "boutique"}]);
    creations(memory.sessions(), &[assume(&user("mara"), "Deploy", "build", "ASIAONE", &tags)]);
    // The role's path is in the record, and in no ARN of a session.
    memory.put_principal(
        &format!("arn:aws:iam::{HERE}:role/ops/Deploy"),
        &[("Team", "ops"), ("équipe", "ops"), ("Cost", "7")],
    );
    memory.put_principal(&format!("arn:aws:iam::{HERE}:role/Deploy"), &[("Cost", "of another role")]);
    memory.put_principal(&format!("arn:aws:iam::{HERE}:user/mara"), &[("Cost", "of the caller")]);
    rows(&memory, &[queue("09:00:00", &role("Deploy", "ops/", "build", "ASIAONE"), "orders")]);
    assert_eq!(tags_on(&memory, "orders"), owned(&[("Cost", "7"), ("team", "shop"), ("ÉQUIPE", "boutique")]));
}

#[test]
fn a_federated_user_has_the_tags_of_his_token_and_of_the_user_who_asked_for_it() {
    let memory = memory();
    let credentials = json!({"accessKeyId": "ASIAFED", "expiration": "Mar 2, 2026, 12:00:00 PM"});
    let arn = format!("arn:aws:sts::{HERE}:federated-user/dana");
    let token = call(
        "08:00:00",
        &user("broker"),
        "sts:GetFederationToken",
        &json!({"name": "dana", "tags": [{"key": "TEAM", "value": "reports"}]}),
        &json!({"credentials": credentials, "federatedUser": {"federatedUserId": format!("{HERE}:dana"), "arn": arn}}),
    );
    memory.put_principal(
        &format!("arn:aws:iam::{HERE}:user/broker"),
        &[("Team", "it"), ("Cost", "7"), ("Owner", "boss")],
    );
    let dana = json!({"type": "FederatedUser", "principalId": format!("{HERE}:dana"), "accountId": HERE, "arn": arn,
        "accessKeyId": "ASIAFED", "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"},
            "sessionIssuer": {"type": "IAMUser", "userName": "broker", "principalId": "AIDAbroker", "accountId": HERE,
                "arn": format!("arn:aws:iam::{HERE}:user/broker")}}});
    rows(&memory, &[token, queue("09:00:00", &dana, "orders")]);
    assert_eq!(tags_on(&memory, "orders"), owned(&[("Cost", "7"), ("TEAM", "reports")]));
    assert_eq!(owner_on(&memory, &queue_arn("orders")).as_deref(), Some("broker"));
}

fn person(user_id: &str) -> Value {
    json!({"type": "IdentityCenterUser", "accountId": HERE,
        "onBehalfOf": {"userId": user_id, "identityStoreArn": "arn:aws:identitystore::111122223333:identitystore/d-1"}})
}

#[test]
fn a_person_is_asked_for_once_whatever_many_resources_he_makes() {
    let asked = AtomicUsize::new(0);
    let ports = Failing {
        memory: memory(),
        fault: |operation: &str, _: &str| {
            asked.fetch_add(usize::from(operation == "user"), Ordering::SeqCst);
            None
        },
    };
    ports.memory.put_user("user-1", "ana@example.com");
    let names = ["a", "b", "c", "d"];
    let by = |n: usize| person(if n == 3 { "user-2" } else { "user-1" });
    let records: Vec<Value> =
        names.iter().enumerate().map(|(n, name)| queue("09:00:00", &by(n), name)).collect();
    failing_rows(&ports, &records);
    let owners = names.map(|name| owner_on(&ports.memory, &queue_arn(name)).unwrap());
    assert_eq!(owners, ["ana@example.com", "ana@example.com", "ana@example.com", "user-2"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "once for each");
}

#[test]
fn a_person_whose_name_cannot_be_asked_for_gets_nothing_yet_and_is_not_called_by_an_id() {
    for (class, want) in [
        (ErrorClass::Throttled, "Deferred"),
        (ErrorClass::Transport, "Deferred"),
        (ErrorClass::Denied, "Refused"),
    ] {
        let ports = Failing {
            memory: memory(),
            fault: move |operation: &str, _: &str| (operation == "user").then_some(class),
        };
        let records =
            [queue("09:00:00", &person("user-1"), "hers"), queue("09:00:01", &user("mara"), "maras")];
        let rows = failing_rows(&ports, &records);
        assert_eq!(row_of(&rows, &queue_arn("hers")).status.name(), want, "{class:?}");
        assert!(ports.memory.tags_on(&queue_arn("hers")).is_empty());
        assert_eq!(row_of(&rows, &queue_arn("maras")).status, Outcome::Tagged, "others do not wait for her");
    }
}

/// A user who creates something and is deleted right after it has no IAM tags any more; the owner is known all the same.
#[test]
fn a_caller_who_was_deleted_since_does_not_hold_up_the_tags_of_what_they_made() {
    let ports = Failing {
        memory: just_after(),
        fault: |operation: &str, _: &str| (operation == "principal").then_some(ErrorClass::NotFound),
    };
    let rows = failing_rows(&ports, &[queue("09:00:00", &user("mara"), "orders")]);
    assert_eq!(rows[0].status, Outcome::Tagged);
    assert_eq!(owner_on(&ports.memory, &queue_arn("orders")).as_deref(), Some("mara"));
}
