//! The ledger in `DynamoDB` against a real server over HTTP: it has what the ledger in memory has.
#![cfg(feature = "dynamodb")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_handlers::event::EventSummary;
use autotag_handlers::owner::{Proof, SessionCertainty};
use autotag_ledger::{
    Action, DynamoDbLedger, Entry, EntryOwner, LedgerError, LedgerReader as _, LedgerWriter as _,
    MemoryLedger, State, put_all,
};
use autotag_testkit::{Emulator, Fault, Proxy};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use std::num::NonZeroUsize;
use std::time::Duration;

/// An emulated `DynamoDB` behind a proxy, with a table in it.
struct Table {
    _emulator: Emulator,
    proxy: Proxy,
    ledger: DynamoDbLedger,
}

impl Table {
    async fn start() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        let retries =
            RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::from_millis(5));
        let credentials = Credentials::new("testing", "testing", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(proxy.url())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(retries)
            .build();
        let ledger = DynamoDbLedger::new(Client::new(&config), "ledger");
        ledger.create().await.unwrap();
        proxy.forget_calls();
        Self { _emulator: emulator, proxy, ledger }
    }

    async fn all(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let take = |entry| {
            entries.push(entry);
            Ok::<(), LedgerError>(())
        };
        self.ledger.each(take).await.unwrap();
        entries.sort_by_key(Entry::key);
        entries
    }
}

/// The creation of a queue. The more sessions were known, the better its owner.
fn entry(number: usize, known: SessionCertainty, state: State) -> Entry {
    let mut event = EventSummary::default();
    event.dedup_id = Some(format!("event-{number}"));
    event.time = Some(format!("2026-03-02T09:00:{number:02}Z"));
    "sqs.amazonaws.com".clone_into(&mut event.source);
    "CreateQueue".clone_into(&mut event.name);
    let mut entry = Entry::of_event(&event, Action::Created);
    entry.resource = serde_json::from_value(
        serde_json::json!({"type": "AWS::SQS::Queue", "id": format!("q{}", number % 3),
        "arn": format!("arn:aws:sqs:eu-west-1:111122223333:q{}", number % 3), "account": "111122223333",
        "region": "eu-west-1", "version": null}),
    )
    .unwrap();
    let mut owner = EntryOwner::default();
    owner.name = Some(if known == SessionCertainty::Certain { "mara" } else { "ci" }.to_owned());
    owner.proof = Some(if known == SessionCertainty::Certain { Proof::Person } else { Proof::NameOnly });
    owner.knowledge.is_evaluated = true;
    owner.knowledge.sessions = vec![known];
    entry.tagging.state = state;
    entry.tagging.knowledge = owner.knowledge.clone();
    entry.owner = owner;
    entry
}

/// Every entry several times, from worse to better and back.
fn entries() -> Vec<Entry> {
    use SessionCertainty::{Ambiguous, ByTime, Certain, Unknown};
    let mut entries = Vec::new();
    for number in 0..12 {
        for (known, state) in [
            (Unknown, State::Tagged),
            (Certain, State::Recorded),
            (ByTime, State::Refused),
            (Ambiguous, State::Deferred),
        ] {
            entries.push(entry(number, known, state));
        }
    }
    let again = entries.clone();
    entries.extend(again.into_iter().rev());
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_at_the_same_time_leave_what_the_memory_has() {
    let table = Table::start().await;
    let memory = MemoryLedger::default();
    let entries = entries();
    for result in put_all(&table.ledger, &entries, NonZeroUsize::new(8).unwrap()).await {
        result.unwrap();
    }
    for entry in entries.iter().rev() {
        memory.put(entry).await.unwrap();
    }
    assert_eq!(table.all().await, memory.entries());
    for name in ["q0", "q1", "q2", "other", ""] {
        assert_eq!(table.ledger.named(name).await.unwrap(), memory.named(name).await.unwrap(), "{name}");
    }
    let arn = "arn:aws:sqs:eu-west-1:111122223333:q1";
    let found = table.ledger.of_resource(arn).await.unwrap();
    assert_eq!(found, memory.of_resource(arn).await.unwrap());
    assert_eq!((found.len(), found[0].owner.name.as_deref()), (4, Some("mara")));
    // An owner who is known better has left the index of the earlier name.
    let of = async |owner, since: Option<&str>, until: Option<&str>| {
        let time = |text: Option<&str>| text.map(|text| text.parse().unwrap());
        table.ledger.of_owner(owner, time(since), time(until)).await.unwrap().len()
    };
    assert_eq!(
        (of("ci", None, None).await, of("mara", None, None).await, of("", None, None).await),
        (0, 12, 0)
    );
    assert_eq!(of("mara", Some("2026-03-02T09:00:03Z"), None).await, 9);
    assert_eq!(of("mara", None, Some("2026-03-02T09:00:03Z")).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_costs_one_request_and_a_better_one_two() {
    let table = Table::start().await;
    let puts = || table.proxy.count("dynamodb", "PutItem");
    let worse = entry(1, SessionCertainty::ByTime, State::Tagged);
    table.ledger.put(&worse).await.unwrap();
    table.ledger.put(&worse).await.unwrap();
    assert_eq!(puts(), 2);
    table.ledger.put(&entry(1, SessionCertainty::Certain, State::Tagged)).await.unwrap();
    assert_eq!(puts(), 4);
    table.ledger.put(&worse).await.unwrap();
    assert_eq!((puts(), table.all().await.len()), (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_told_apart() {
    let table = Table::start().await;
    let entry = entry(1, SessionCertainty::Certain, State::Tagged);
    table.proxy.rule(|call| (call.service == "dynamodb").then(|| Fault::refused("AccessDeniedException")));
    let denied = table.ledger.put(&entry).await.unwrap_err();
    assert!(matches!(denied, LedgerError::Denied { .. }), "{denied:?}");
    assert!(denied.to_string().contains("grant dynamodb:PutItem on the table"), "{denied}");
    let denied = table.ledger.named("q1").await.unwrap_err();
    assert!(denied.to_string().contains("dynamodb:Query"), "{denied}");
    table.proxy.repair();
    table.proxy.rule(|call| {
        (call.service == "dynamodb").then(|| Fault::refused("ProvisionedThroughputExceededException"))
    });
    let throttled = table.ledger.put(&entry).await.unwrap_err();
    assert!(matches!(throttled, LedgerError::Unavailable { .. }), "{throttled:?}");
    table.proxy.repair();
    assert_eq!(table.all().await, [], "a refused entry is not there");
}

/// Names, event ids and owners are chosen by others, and longer than a key of the table may be.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_any_length_have_a_key() {
    let table = Table::start().await;
    let long = |text: &str| text.repeat(3_000);
    let mut hostile = entry(1, SessionCertainty::Certain, State::Tagged);
    hostile.owner.name = Some(long("\u{202e}m"));
    hostile.event.shared_id = Some(long("#"));
    hostile.event.name = long("x");
    if let Some(resource) = &mut hostile.resource {
        resource.arn = Some(format!("arn:aws:s3:::bucket/{}", long("k")));
        resource.version = Some(long("v"));
    }
    let mut other = hostile.clone();
    other.event.shared_id = Some(format!("{}2", long("#")));
    table.ledger.put(&hostile).await.unwrap();
    table.ledger.put(&other).await.unwrap();
    assert_eq!(table.all().await.len(), 2);
    let found = table.ledger.of_resource(&hostile.key().resource).await.unwrap();
    assert_eq!(found.len(), 2);
}
