//! Tests of row facts besides the tags: the tags that the call asked for, and required keys that are missing.

use super::*;
use crate::row::Row;

/// A cost center for everything, a name for queues.
fn policy(more: &str) -> Policy {
    let text = format!(
        "[static]\nManagedBy = \"autotag\"\n[require]\nkeys = [\"Owner\", \"CostCenter\", \"Team\", \"ManagedBy\"]\n\
         [require.types]\n\"AWS::SQS::*\" = [\"Name\", \"Team\"]\n{more}"
    );
    Policy::from_toml(&text).unwrap()
}

fn tagged_queue(time: &str, name: &str, tags: &Value) -> Value {
    with(queue(time, &user("ana"), name), "requestParameters", json!({"queueName": name, "tags": tags}))
}

fn planned(memory: &InMemory, policy: &Policy, records: &[Value]) -> Vec<PlannedResource> {
    plan(policy, memory, creations(memory.sessions(), records)).into_resources().collect()
}

fn line<S: crate::row::Status>(row: &Row<S>) -> Value {
    serde_json::to_value(row).unwrap()
}

#[test]
fn a_required_key_is_missing_if_nobody_asks_for_it_or_writes_it() {
    let memory = just_after();
    let record = tagged_queue("09:00:00", "orders", &json!({"Team": "shop", "costcenter": "7"}));
    let rows = planned(&memory, &policy(""), &[record]);
    let line = line(&rows[0]);
    assert_eq!(line["requested_tags"], json!({"Team": "shop", "costcenter": "7"}));
    // Owner and ManagedBy are written. To AWS, `costcenter` is another key.
    assert_eq!(line["missing_tags"], json!(["CostCenter", "Name"]));
    let without = planned(&memory, &Policy::default(), &[queue("09:00:00", &user("ana"), "orders")]);
    assert_eq!(
        (without[0].requested_tags(), without[0].missing_tags()),
        (Some(BTreeMap::new()), Some(vec![]))
    );
}

#[test]
fn a_key_of_the_resource_or_of_the_session_is_not_missing() {
    let memory = just_after();
    memory.put_tags(&queue_arn("orders"), &[("Name", "orders"), ("Team", "")]);
    let tags = json!([{"key": "CostCenter", "value": "7"}]);
    let assume = assume(&user("ana"), "Deploy", "work", "ASIAONE", &tags);
    let record = queue("09:00:00", &role("Deploy", "", "work", "ASIAONE"), "orders");
    let rows = planned(&memory, &policy(""), &[assume, record]);
    assert_eq!(rows.last().unwrap().missing_tags(), Some(vec![]));
}

#[test]
fn what_is_not_written_is_missing() {
    let memory = just_after();
    memory.put_tags(&queue_arn("orders"), &[("Owner", "first"), ("Name", "x")]);
    let rows =
        run(&policy(""), &memory, creations(memory.sessions(), &[queue("09:00:00", &user("ana"), "orders")]));
    assert!(matches!(rows[0].status, Outcome::AlreadyTagged(_)), "{:?}", rows[0].status);
    assert_eq!(rows[0].missing_tags(), Some(vec!["CostCenter", "Team", "ManagedBy"]));

    let failing = Failing {
        memory: just_after(),
        fault: |operation: &str, _: &str| (operation == "write").then_some(ErrorClass::Denied),
    };
    let creations = creations(failing.memory.sessions(), &[queue("09:00:00", &user("ana"), "orders")]);
    let planned = plan(&policy(""), &failing, creations);
    let before = planned.resources().next().unwrap().missing_tags().map(|keys| keys.len());
    assert_eq!(before, Some(3), "Owner and ManagedBy would be written");
    let rows = execute(&failing, planned);
    assert!(matches!(rows[0].status, Outcome::Refused(_)), "{:?}", rows[0].status);
    assert_eq!(rows[0].missing_tags(), Some(vec!["Owner", "CostCenter", "Team", "ManagedBy", "Name"]));
}

#[test]
fn of_a_row_that_nobody_decided_nothing_is_said() {
    let event = std::sync::Arc::default();
    let row = Row::of_event(event, Outcome::Uncovered);
    let line = line(&row);
    for key in ["owner_arn", "owner_account", "person", "tool", "requested_tags", "missing_tags"] {
        assert_eq!(line.get(key), Some(&Value::Null), "{key}");
    }
}

#[test]
fn of_a_key_that_the_call_asks_for_twice_the_first_one_is_shown() {
    let mut row = Row::of_event(std::sync::Arc::default(), Outcome::Uncovered);
    row.requested = Some([("Team", "one"), ("Team", "two")].map(|(k, v)| (k.into(), v.into())).to_vec());
    assert_eq!(row.requested_tags(), Some(BTreeMap::from([("Team", "one")])));
    assert!(serde_json::to_string(&row).unwrap().contains("\"requested_tags\":{\"Team\":\"one\"}"));
}

#[test]
fn an_alias_of_the_policy_is_the_owner_that_is_written() {
    let policy =
        Policy::from_toml("[people]\n\"ana@example.com\" = [\"arn:aws:iam::111122223333:user/ana\"]")
            .unwrap();
    let memory = just_after();
    let records = [
        queue("09:00:00", &user("ana"), "orders"),
        queue("09:00:01", &role("Dev", "", "ana", "ASIAONE"), "other"),
    ];
    let rows = run(&policy, &memory, creations(memory.sessions(), &records));
    assert_eq!(owner_on(&memory, &queue_arn("orders")).as_deref(), Some("ana@example.com"));
    assert_eq!(rows[0].person(), Some("ana@example.com"));
    assert_eq!(
        owner_on(&memory, &queue_arn("other")).as_deref(),
        Some("ana"),
        "a session name proves nothing"
    );
    assert_eq!(rows[1].person(), None);
}
