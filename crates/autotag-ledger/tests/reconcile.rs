//! Events that were never delivered are found in the trail, by the ledger, and only their resources are written.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::plan::{Execution, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_ledger::{Entry, LedgerWriter as _, MemoryLedger, State, leave_out_done};
use autotag_model::policy::Policy;
use futures_executor::block_on;
use jiff::Timestamp;
use serde_json::{Value, json};
use session_store::MemoryStore;
use std::collections::BTreeSet;

const EVENTS: usize = 10_000;

/// The creation of a queue by one of twenty people.
fn creation(number: usize) -> Value {
    let (name, who) = (format!("queue-{number}"), format!("user-{}", number % 20));
    let time: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    let time = time + jiff::SignedDuration::from_secs(i64::try_from(number).unwrap());
    json!({"eventVersion": "1.11", "eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue",
        "eventTime": time.to_string(), "eventID": format!("event-{number}"), "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "userName": who, "principalId": format!("AIDA{who}"),
            "accountId": "111122223333", "arn": format!("arn:aws:iam::111122223333:user/{who}")},
        "requestParameters": {"queueName": name},
        "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}")}})
}

fn read(numbers: impl Iterator<Item = usize>) -> ClassifiedRecords {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let records: Vec<Value> = numbers.map(creation).collect();
    ClassifiedRecords::read(json!({ "Records": records }).to_string().as_bytes(), &classifier)
}

/// Plans and executes, and keeps the entries. Answers the ids of the queues that were written.
fn run(
    records: ClassifiedRecords,
    backfill: bool,
    backend: &MemoryBackend,
    ledger: &MemoryLedger,
) -> BTreeSet<String> {
    let (policy, sessions) = (Policy::default(), MemoryStore::new());
    let now = "2026-03-02T06:00:00Z".parse().unwrap();
    block_on(async {
        let plan = Planner::new(&policy, &sessions, backend, now).backfill(backfill).plan(records).await;
        let rows = plan.execute(backend, &Execution::at(now)).await;
        for row in &rows {
            ledger.put(&Entry::of_row(row, None).unwrap()).await.unwrap();
        }
        let written = rows.iter().filter(|row| row.status == Outcome::Tagged);
        written.filter_map(|row| Some(row.resource.as_ref()?.id.clone())).collect()
    })
}

#[test]
fn of_ten_thousand_events_the_lost_percent_is_found_and_nothing_else_is_touched() {
    // A fixed sequence without a pattern in the numbers: about one event of a hundred is lost.
    let lost: BTreeSet<usize> =
        (0..EVENTS).filter(|number| (number * 7_919 + number * number * 31) % 9_973 < 100).collect();
    assert!((60..160).contains(&lost.len()), "{}", lost.len());
    let (backend, ledger) = (MemoryBackend::new(), MemoryLedger::default());
    let delivered: Vec<usize> = (0..EVENTS).filter(|number| !lost.contains(number)).collect();
    for batch in delivered.chunks(500) {
        run(read(batch.iter().copied()), false, &backend, &ledger);
    }
    let mut records = read(0..EVENTS);
    let done = block_on(leave_out_done(&ledger, &mut records.creations)).unwrap();
    assert_eq!(done, EVENTS - lost.len());
    assert_eq!(records.creations.len(), lost.len());
    let found = run(records, true, &backend, &ledger);
    let ids: BTreeSet<String> = found.iter().map(|id| id.rsplit('/').next().unwrap().to_owned()).collect();
    assert_eq!(ids, lost.iter().map(|number| format!("queue-{number}")).collect());
    let entries = ledger.entries();
    assert_eq!(entries.len(), EVENTS);
    for entry in &entries {
        let id = entry.name().unwrap();
        let number: usize = id.strip_prefix("queue-").unwrap().parse().unwrap();
        let owner = format!("user-{}", number % 20);
        assert_eq!(entry.tagging.state, State::Tagged, "{entry:?}");
        assert_eq!(entry.tagging.tags.get("Owner"), Some(&owner), "{entry:?}");
    }
    let mut again = read(0..EVENTS);
    assert_eq!(block_on(leave_out_done(&ledger, &mut again.creations)).unwrap(), EVENTS);
    assert_eq!(again.creations, [], "the next run has nothing to do");
}

/// `CreateQueue` succeeds for a queue that exists. If its tags are gone since, a lost call of that kind is not its creation.
#[test]
fn a_lost_call_that_found_the_resource_there_does_not_change_its_owner() {
    let (backend, ledger) = (MemoryBackend::new(), MemoryLedger::default());
    run(read(std::iter::once(7)), false, &backend, &ledger);
    let arn = "arn:aws:sqs:eu-west-1:111122223333:queue-7";
    backend.remove_tags(arn, &["Owner", "PrincipalId", "CreatedBy"]);
    let mut lost = creation(7);
    lost["eventID"] = "lost".into();
    lost["eventTime"] = "2026-03-02T05:00:00Z".into();
    lost["userIdentity"]["userName"] = "eve".into();
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let mut records = ClassifiedRecords::read(lost.to_string().as_bytes(), &classifier);
    assert_eq!(records.creations.len(), 1);
    assert_eq!(block_on(leave_out_done(&ledger, &mut records.creations)).unwrap(), 1);
    assert_eq!(records.creations, []);
}
