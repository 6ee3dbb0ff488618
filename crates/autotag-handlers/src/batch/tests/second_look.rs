//! The second look at a creation whose session was not known at the first.

use super::*;

const NINE: &str = "2026-03-02T09:00:00Z";

fn assumed() -> Value {
    json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventID": "sts",
        "eventTime": "2026-03-02T08:00:00Z", "recipientAccountId": HERE, "userIdentity": user("mara"),
        "requestParameters": {"tags": [{"key": "Team", "value": "shop"}]},
        "responseElements": {"assumedRoleUser": {"assumedRoleId": "AROADeploy:build"},
            "credentials": {"accessKeyId": "ASIAONE"}}})
}

fn caller() -> Value {
    role("Deploy", "", "build", "ASIAONE")
}

/// Looks at a record; a second time with the tags of the first.
fn look(world: &World, record: &Value, ours: Option<&TagSet>) -> Vec<Row> {
    block_on(run(&Policy::default(), world, CONCURRENCY, looked(world, record, ours)))
}

fn looked(world: &World, record: &Value, ours: Option<&TagSet>) -> Vec<Found> {
    let mut found = creations(world.sessions(), std::slice::from_ref(record));
    if let Some(ours) = ours {
        for found in &mut found {
            let ours = ours.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
            (found.second_look, found.ours) = (true, ours.collect());
        }
    }
    found
}

/// `CreateQueue` also succeeds for a queue that is there: the first writer wins, but he may correct himself.
#[test]
fn an_owner_that_the_first_look_has_written_is_replaced() {
    let world = just_after();
    let record = queue(NINE, &caller(), "orders");
    let first = look(&world, &record, None);
    assert!(first[0].owner.as_ref().unwrap().awaited.is_some());
    assert_eq!(tag(&world, &queue_arn("orders"), "Owner").as_deref(), Some("build"));
    creations(world.sessions(), &[assumed()]);
    let second = look(&world, &record, Some(&first[0].decided));
    assert_eq!(second[0].outcome, Outcome::Tagged);
    assert!(second[0].notes.is_empty(), "nobody has forged anything: {:?}", second[0].notes);
    assert_eq!(tag(&world, &queue_arn("orders"), "Owner").as_deref(), Some("mara"));
    assert_eq!(tag(&world, &queue_arn("orders"), "Team").as_deref(), Some("shop"));
}

/// The first look was cut off between its write and its message, and came again.
#[test]
fn a_first_look_that_is_repeated_still_knows_what_is_ours() {
    let world = just_after();
    let record = queue(NINE, &caller(), "orders");
    look(&world, &record, None);
    let again = look(&world, &record, None);
    assert!(matches!(again[0].outcome, Outcome::AlreadyTagged(_)), "{:?}", again[0].outcome);
    creations(world.sessions(), &[assumed()]);
    look(&world, &record, Some(&again[0].decided));
    assert_eq!(tag(&world, &queue_arn("orders"), "Owner").as_deref(), Some("mara"));
}

#[test]
fn an_owner_of_somebody_else_stays() {
    let world = just_after();
    let record = queue(NINE, &caller(), "orders");
    world.put_tags(&queue_arn("orders"), &[("Owner", "ana")]);
    let first = look(&world, &record, None);
    assert!(matches!(first[0].outcome, Outcome::AlreadyTagged(_)));
    creations(world.sessions(), &[assumed()]);
    let second = look(&world, &record, Some(&first[0].decided));
    assert!(matches!(second[0].outcome, Outcome::AlreadyTagged(_)), "{:?}", second[0].outcome);
    assert_eq!(tag(&world, &queue_arn("orders"), "Owner").as_deref(), Some("ana"));
}

#[test]
fn what_a_user_has_changed_since_stays_and_what_the_first_look_copied_does_not() {
    let world = just_after();
    world.put_principal(
        &format!("arn:aws:iam::{HERE}:role/Deploy"),
        &[("Team", "platform"), ("Stage", "prod")],
    );
    let record = table(NINE, &caller(), "orders");
    let arn = format!("arn:aws:dynamodb:eu-west-1:{HERE}:table/orders");
    let first = look(&world, &record, None);
    world.put_tags(&arn, &[("Stage", "mine")]);
    creations(world.sessions(), &[assumed()]);
    look(&world, &record, Some(&first[0].decided));
    let has = |key: &str| tag(&world, &arn, key);
    assert_eq!((has("Team").as_deref(), has("Stage").as_deref()), (Some("shop"), Some("mine")));
    assert_eq!(has("Owner").as_deref(), Some("mara"));
}

/// A message that was thought lost is in the batch beside the second look at the same event.
#[test]
fn a_copy_of_the_first_beside_the_second_changes_nothing() {
    for first_copy_leads in [true, false] {
        let world = just_after();
        let record = queue(NINE, &caller(), "orders");
        let first = look(&world, &record, None);
        creations(world.sessions(), &[assumed()]);
        let mut both = looked(&world, &record, None);
        both.extend(looked(&world, &record, Some(&first[0].decided)));
        if !first_copy_leads {
            both.reverse();
        }
        let rows = block_on(run(&Policy::default(), &world, CONCURRENCY, both));
        assert!(rows.iter().all(|row| !row.outcome.is_returned()), "{rows:?}");
        assert_eq!(tag(&world, &queue_arn("orders"), "Owner").as_deref(), Some("mara"));
    }
}

#[test]
fn what_is_still_unknown_is_left_as_it_is() {
    let world = just_after();
    let record = queue(NINE, &caller(), "orders");
    let first = look(&world, &record, None);
    let writes = world.writes().len();
    let second = look(&world, &record, Some(&first[0].decided));
    assert!(matches!(second[0].outcome, Outcome::AlreadyTagged(_)), "{:?}", second[0].outcome);
    assert_eq!(world.writes().len(), writes, "nothing is written twice");
}
