//! A ledger is the same in the end, in whatever order, and however often, the entries come.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![expect(clippy::indexing_slicing, reason = "a test that panics has failed")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Execution, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_handlers::row::ResourceOutcome;
use autotag_handlers::whois::{Asked, answer};
use autotag_ledger::{Entry, LedgerReader as _, LedgerSource, LedgerWriter as _, MemoryLedger, State};
use autotag_model::policy::Policy;
use futures_executor::block_on;
use proptest::prelude::*;
use serde_json::{Value, json};
use session_store::{MemoryStore, SessionWriter as _};

/// A creation of a queue by the session `ci` of a role.
fn creation(number: usize) -> Value {
    let name = format!("queue-{}", number % 5);
    json!({"eventVersion": "1.11", "eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue",
        "eventTime": format!("2026-03-02T09:{:02}:00Z", number % 60), "eventID": format!("event-{number}"),
        "requestID": format!("request-{number}"), "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "AssumedRole", "principalId": "AROACI:ci", "accountId": "111122223333",
            "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci", "accessKeyId": format!("ASIA{number:016}"),
            "sessionContext": {"sessionIssuer": {"type": "Role", "principalId": "AROACI", "userName": "deploy",
                "arn": "arn:aws:iam::111122223333:role/deploy", "accountId": "111122223333"},
                "attributes": {"creationDate": "2026-03-02T08:59:00Z", "mfaAuthenticated": "false"}}},
        "requestParameters": {"queueName": name},
        "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}")}})
}

/// The STS record of the session of a creation.
fn assume_role(number: usize) -> Value {
    json!({"eventVersion": "1.11", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
        "eventTime": "2026-03-02T08:59:00Z", "eventID": format!("sts-{number}"), "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
            "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/mara"},
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/deploy", "roleSessionName": "ci"},
        "responseElements": {"assumedRoleUser": {"assumedRoleId": "AROACI:ci",
            "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci"},
            "credentials": {"accessKeyId": format!("ASIA{number:016}"), "expiration": "Mar 2, 2026, 9:59:00 AM"}}})
}

fn read(records: &[Value]) -> ClassifiedRecords {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    ClassifiedRecords::read(json!({ "Records": records }).to_string().as_bytes(), &classifier)
}

/// One invocation: the rows of the executed plan of these records, over the sessions that are known by then.
fn invocation(records: &[Value], sessions: &MemoryStore, backend: &MemoryBackend) -> Vec<ResourceOutcome> {
    let now = "2026-03-02T10:00:00Z".parse().unwrap();
    let policy = Policy::default();
    let planner = Planner::new(&policy, sessions, backend, now);
    block_on(async {
        let plan = planner.plan(read(records)).await;
        plan.execute(backend, &Execution::at(now)).await
    })
}

fn put(ledger: &MemoryLedger, entry: &Entry) {
    block_on(ledger.put(entry)).unwrap();
}

/// The entries that a trail with all records gives.
fn imported(numbers: &[usize]) -> Vec<Entry> {
    let records: Vec<Value> =
        numbers.iter().flat_map(|number| [creation(*number), assume_role(*number)]).collect();
    let (sessions, backend, policy) = (MemoryStore::new(), MemoryBackend::offline(), Policy::default());
    let planner = Planner::new(&policy, &sessions, &backend, "2026-03-02T10:00:00Z".parse().unwrap());
    let plan = block_on(planner.plan(read(&records)));
    plan.into_resources().filter_map(|row| Entry::recorded(&row, Some("trail"))).collect()
}

/// The owners of a ledger, and all else that follows from the records.
fn facts(ledger: &MemoryLedger) -> Vec<Value> {
    let fact = |entry: Entry| {
        json!({"key": [entry.key().resource, entry.key().event], "resource": entry.resource, "event": entry.event,
            "owner": entry.owner, "call": entry.call})
    };
    ledger.entries().into_iter().map(fact).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Each step is an invocation with some creations, of which earlier ones may come again, before or after their STS
    /// records are known. An invocation can be killed before its entries are all written.
    #[test]
    fn live_in_any_order_is_the_import_of_the_trail(
        steps in proptest::collection::vec((0usize..12, any::<bool>(), 0usize..3), 1..40),
        seed in any::<u64>(),
    ) {
        let (sessions, backend) = (MemoryStore::new(), MemoryBackend::new());
        let live = MemoryLedger::default();
        for (number, with_session, written) in steps {
            let record = assume_role(number);
            if with_session {
                let session = read(&[record]).sessions.remove(0);
                block_on(sessions.put(&session)).unwrap();
            }
            let rows = invocation(&[creation(number), creation((number + 1) % 12)], &sessions, &backend);
            for row in rows.iter().take(written) {
                put(&live, &Entry::of_row(row, Some("message")).unwrap());
            }
        }
        // In the end every message was handled, with all sessions known.
        let numbers: Vec<usize> = (0..12).collect();
        for number in &numbers {
            block_on(sessions.put(&read(&[assume_role(*number)]).sessions.remove(0))).unwrap();
        }
        let all: Vec<Value> = numbers.iter().map(|number| creation(*number)).collect();
        for row in invocation(&all, &sessions, &backend) {
            put(&live, &Entry::of_row(&row, Some("message")).unwrap());
        }
        let of_trail = MemoryLedger::default();
        let mut entries = imported(&numbers);
        let length = entries.len();
        for step in 0..length {
            entries.swap(step, usize::try_from(seed % length as u64).unwrap());
        }
        for entry in entries.iter().chain(&entries) {
            put(&of_trail, entry);
        }
        prop_assert_eq!(facts(&live), facts(&of_trail));
        // The import adds nothing to what was written live, and takes nothing away.
        let before = live.entries();
        for entry in &mut entries {
            entry.origin = None;
            put(&live, entry);
        }
        prop_assert_eq!(live.entries(), before);
    }

    /// Merging has no order.
    #[test]
    fn entries_merge_in_any_order(order in Just((0usize..6).collect::<Vec<_>>()).prop_shuffle()) {
        let variants = variants();
        let expected = variants.iter().cloned().reduce(|mut one, other| { one.merge(other); one }).unwrap();
        let shuffled = order.iter().map(|at| variants[*at].clone());
        let merged = shuffled.reduce(|one, mut other| { other.merge(one); other }).unwrap();
        prop_assert_eq!(&merged, &expected);
        let mut again = merged.clone();
        again.merge(merged.clone());
        prop_assert_eq!(again, merged);
    }
}

/// Entries of one event: before and after the STS record is known, planned, tagged, and refused.
fn variants() -> Vec<Entry> {
    let (sessions, backend) = (MemoryStore::new(), MemoryBackend::new());
    let mut rows = invocation(&[creation(1)], &sessions, &backend);
    rows.extend(invocation(&[creation(1)], &sessions, &backend));
    block_on(sessions.put(&read(&[assume_role(1)]).sessions.remove(0))).unwrap();
    let known = invocation(&[creation(1)], &sessions, &backend);
    let mut entries: Vec<Entry> =
        rows.iter().chain(&known).filter_map(|row| Entry::of_row(row, Some("m"))).collect();
    entries.extend(known.iter().filter_map(|row| Entry::recorded(row, Some("trail"))));
    let mut refused = entries[0].clone();
    refused.tagging.state = State::Refused;
    let mut claimed = entries[0].clone();
    claimed.owner.claimed = Some("somebody".to_owned());
    entries.extend([refused, claimed]);
    entries
}

#[test]
fn a_provisional_owner_is_replaced_by_the_one_that_is_known_later() {
    let entries = variants();
    assert_eq!(entries[0].owner.name.as_deref(), Some("ci"));
    let mut merged = entries[0].clone();
    merged.merge(entries[2].clone());
    assert_eq!(merged.owner.name.as_deref(), Some("mara"));
    let mut other_way = entries[2].clone();
    other_way.merge(entries[0].clone());
    assert_eq!(merged, other_way);
    assert_eq!(merged.event.request_id.as_deref(), Some("request-1"));
}

#[test]
fn whois_answers_from_the_ledger() {
    let ledger = MemoryLedger::default();
    for entry in imported(&[0, 1, 2]) {
        put(&ledger, &entry);
    }
    let source = LedgerSource::new(&ledger);
    for asked in [
        "queue-1",
        "arn:aws:sqs:eu-west-1:111122223333:queue-1",
        "https://sqs.eu-west-1.amazonaws.com/111122223333/queue-1",
    ] {
        let answer = block_on(answer(&Asked::parse(asked).unwrap(), &source));
        let creation = answer.creation.as_ref().unwrap_or_else(|| panic!("{asked}: {answer:?}"));
        assert_eq!(creation.owner_name(), Some("mara"), "{asked}");
        assert_eq!(creation.event.id.as_deref(), Some("event-1"));
    }
    let unknown = block_on(answer(&Asked::parse("queue-9").unwrap(), &source));
    assert!(unknown.creation.is_none() && !unknown.failed);
    assert_eq!(block_on(ledger.named("queue-2")).unwrap().len(), 1);
}
