//! The plan as a value: filtered, split, serialized.

use super::*;

fn orders_twice(memory: &InMemory) -> Plan {
    let records = [queue("09:01:00", &user("mara"), "orders"), queue("09:05:00", &user("noor"), "orders")];
    plan(&Policy::default(), memory, creations(memory.sessions(), &records))
}

#[test]
fn a_plan_says_what_would_be_written_and_on_which_row_a_row_depends() {
    let memory = memory();
    let plan = orders_twice(&memory);
    assert_eq!((plan.len(), plan.writes(), memory.writes().len()), (2, 1, 0));
    let rows: Vec<&PlannedResource> = plan.resources().collect();
    assert!(matches!(rows[0].status, Action::Tag(_)));
    assert!(
        matches!(rows[1].status, Action::Settled { outcome: Outcome::AlreadyTagged(_), depends_on: Some(0) }),
        "{:?}",
        rows[1].status
    );
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(json[0]["outcome"], "WouldTag");
    assert_eq!((&json[0]["owner"], &json[0]["tags"]["Owner"]), (&json!("mara"), &json!("mara")));
    assert_eq!(json[1]["outcome"], "AlreadyTagged");
}

/// "It has an owner" holds only if the write that gives it one is done.
#[test]
fn a_row_whose_dependency_is_filtered_out_is_not_done() {
    let memory = memory();
    let plan = orders_twice(&memory).filter(|row| !matches!(row.status, Action::Tag(_)));
    let rows = execute(&memory, plan);
    assert!(rows.len() == 1 && rows[0].status.is_retryable(), "{rows:?}");
    assert!(memory.tags_on(&queue_arn("orders")).is_empty());
}

#[test]
fn the_parts_of_a_split_plan_can_be_executed_apart() {
    let memory = memory();
    let records = [queue("09:01:00", &user("mara"), "a"), queue("09:01:00", &user("noor"), "b")];
    let plan = plan(&Policy::default(), &memory, creations(memory.sessions(), &records));
    let (maras, others) = plan.split(|row| row.owner_name() == Some("mara"));
    assert_eq!(execute(&memory, maras)[0].status, Outcome::Tagged);
    assert!(memory.tags_on(&queue_arn("b")).is_empty(), "the other part is not executed yet");
    assert_eq!(execute(&memory, others)[0].status, Outcome::Tagged);
    assert_eq!(owner_on(&memory, &queue_arn("b")).as_deref(), Some("noor"));
}

/// A record that leads to no resource is in the plan, too, with the origin of its record.
#[test]
fn rejected_records_are_rows_of_the_plan() {
    let memory = memory();
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let failed = with(queue("09:01:00", &user("mara"), "orders"), "errorCode", json!("AccessDenied"));
    let text = format!("{failed}\n7");
    let records = ClassifiedRecords::read(text.as_bytes(), &classifier);
    let policy = Policy::default();
    let plan = block_on(Planner::new(&policy, &memory.sessions, &memory.backend, memory.now).plan(records));
    let names: Vec<&str> = plan.resources().map(|row| crate::row::Status::name(&row.status)).collect();
    assert_eq!(names, ["CallFailed", "Malformed"]);
    let outcomes: Vec<Outcome> = execute(&memory, plan).into_iter().map(|row| row.status).collect();
    assert!(matches!(outcomes[..], [Outcome::CallFailed(_), Outcome::Malformed(_)]), "{outcomes:?}");
}
