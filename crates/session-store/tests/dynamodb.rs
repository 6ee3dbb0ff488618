//! The `DynamoDB` store against a real server over HTTP.
#![cfg(all(feature = "dynamodb", feature = "conformance"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use autotag_testkit::{Emulator, Fault, Proxy};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use session_store::{
    DynamoDbStore, ENTRY_VERSION, RETENTION, SessionReader as _, SessionStoreError, SessionWriter as _,
    conformance,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// An emulated `DynamoDB` behind a proxy, and tables in it.
struct Aws {
    emulator: Emulator,
    proxy: Proxy,
    config: SdkConfig,
    tables: AtomicUsize,
}

impl Aws {
    fn start() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        let retries =
            RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(5));
        let credentials = Credentials::new("testing", "testing", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(proxy.url())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(retries)
            .build();
        Self { emulator, proxy, config, tables: AtomicUsize::new(0) }
    }

    fn client(&self) -> Client {
        Client::new(&self.config)
    }

    /// A store over a new table.
    async fn store(&self) -> (DynamoDbStore, String) {
        let table = format!("sessions-{}", self.tables.fetch_add(1, Ordering::Relaxed));
        let store = DynamoDbStore::new(Client::new(&self.config), &table);
        store.create().await.unwrap();
        self.proxy.forget_calls();
        (store, table)
    }

    /// The number of requests, by operation.
    fn requests(&self) -> (u64, u64) {
        (self.proxy.count("dynamodb", "PutItem"), self.proxy.count("dynamodb", "Query"))
    }
}

fn session(key: &str) -> Session {
    let issued = "2026-03-02T09:00:00Z".parse().unwrap();
    let mut session = Session::new("AROAJUMP:mara", issued, SessionKind::AssumeRole);
    session.access_key = AccessKeyId::new(key);
    session
}

fn rich() -> Session {
    let mut rich = session("ASIAONE");
    rich.caller =
        Principal::from_value(&json!({"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA"}));
    rich.tags.push(("Team".to_owned(), "shop".to_owned()));
    rich
}

/// The copy of the same session in the role's account.
fn poor() -> Session {
    let mut poor = session("ASIAONE");
    poor.caller = Principal::from_value(&json!({"type": "AWSAccount", "accountId": "111122223333"}));
    poor.expires = Some("2026-03-02T10:00:00Z".parse().unwrap());
    poor
}

#[test]
fn behaves_as_the_memory() {
    let runtime = Runtime::new().unwrap();
    let aws = Aws::start();
    let make = || runtime.block_on(aws.store()).0;
    conformance::check(make, 48, |work| runtime.block_on(work));
    conformance::check_racing(make, 8, |work| runtime.block_on(work));
    drop(aws.emulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_copies_become_one_entry_in_either_order() {
    let aws = Aws::start();
    let mut kept = Vec::new();
    for copies in [[rich(), poor()], [poor(), rich()]] {
        let (store, table) = aws.store().await;
        for copy in &copies {
            store.put(copy).await.unwrap();
        }
        let entries = aws.client().scan().table_name(table).send().await.unwrap().items.unwrap();
        assert_eq!(entries.len(), 1, "{entries:?}");
        kept.push(entries);
        let mut merged = rich();
        merged.merge(poor());
        assert_eq!(store.find("AROAJUMP:mara").await.unwrap(), [merged]);
    }
    assert_eq!(kept[0], kept[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_a_put_and_one_a_find() {
    let aws = Aws::start();
    let (store, _) = aws.store().await;
    store.put(&rich()).await.unwrap();
    assert_eq!(aws.requests(), (1, 0));
    store.put(&rich()).await.unwrap();
    assert_eq!(aws.requests(), (2, 0), "a repetition");
    store.find("AROAJUMP:mara").await.unwrap();
    store.find("AROAJUMP:nobody").await.unwrap();
    assert_eq!(aws.requests(), (2, 2));
    store.put(&poor()).await.unwrap();
    assert_eq!(aws.requests(), (4, 2), "a copy that knows something else");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_what_the_table_needs_and_holds_no_credential() {
    let aws = Aws::start();
    let (store, table) = aws.store().await;
    aws.proxy.keep_bodies();
    let record = json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole",
        "eventTime": "2026-03-02T09:00:00Z", "userIdentity": {"type": "IAMUser", "userName": "mara"},
        "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/jump", "roleSessionName": "mara"},
        "responseElements": {"assumedRoleUser": {"assumedRoleId": "AROAJUMP:mara"},
            "credentials": {"accessKeyId": "ASIAONE", "sessionToken": "canary-token",
                "secretAccessKey": "canary-secret", "expiration": "Mar 2, 2026, 10:00:00 AM"}}})
    .to_string();
    let mut read = Vec::new();
    autotag_model::envelope::read_records(
        record.as_bytes(),
        &autotag_model::envelope::Limits::default(),
        &mut |item| {
            read.push(Session::read(&item.unwrap().record).unwrap());
        },
    );
    let autotag_model::session::SessionReading::Session(session) = read.remove(0) else { panic!() };
    store.put(&session).await.unwrap();
    for call in aws.proxy.calls() {
        assert!(!call.mentions("canary"), "{call:?}");
    }
    let entries = aws.client().scan().table_name(table).send().await.unwrap().items.unwrap();
    let entry = &entries[0];
    let text = |name: &str| entry[name].as_s().unwrap().as_str();
    let number = |name: &str| entry[name].as_n().unwrap().parse::<i64>().unwrap();
    assert_eq!(text("role_session"), "AROAJUMP:mara");
    assert_eq!(text("issued"), "2026-03-02T09:00:00Z#ASIAONE");
    let end: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
    assert_eq!(number("expires_at"), (end + RETENTION).as_second());
    assert_eq!(number("version"), i64::from(ENTRY_VERSION));
    assert_eq!(entry.len(), 5, "{entry:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_version_wrote_is_refused_clearly() {
    let aws = Aws::start();
    let (store, table) = aws.store().await;
    store.put(&rich()).await.unwrap();
    let entries = aws.client().scan().table_name(&table).send().await.unwrap().items.unwrap();
    let mut entry = entries[0].clone();
    entry.insert("version".to_owned(), AttributeValue::N("9".to_owned()));
    aws.client().put_item().table_name(&table).set_item(Some(entry.clone())).send().await.unwrap();
    for error in [store.find("AROAJUMP:mara").await.unwrap_err(), store.put(&poor()).await.unwrap_err()] {
        assert!(matches!(error, SessionStoreError::UnknownVersion { found: 9, .. }), "{error:?}");
        assert!(!error.is_retryable() && error.to_string().contains("version 9"), "{error}");
    }
    entry.remove("version");
    aws.client().put_item().table_name(&table).set_item(Some(entry)).send().await.unwrap();
    let error = store.find("AROAJUMP:mara").await.unwrap_err();
    assert!(matches!(error, SessionStoreError::Damaged { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_with_its_time_to_live_and_once() {
    let aws = Aws::start();
    let (store, table) = aws.store().await;
    let answer = aws.client().describe_time_to_live().table_name(&table).send().await.unwrap();
    let ttl = answer.time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name.as_deref(), Some("expires_at"));
    assert!(!store.create().await.unwrap_err().is_retryable(), "it is there already");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out_and_an_outage_is_an_error_and_never_none() {
    let aws = Aws::start();
    let (store, _) = aws.store().await;
    let tries = AtomicUsize::new(0);
    aws.proxy.rule(move |_| {
        let first = tries.fetch_add(1, Ordering::Relaxed) % 3 != 2;
        first.then(|| Fault::refused("ProvisionedThroughputExceededException"))
    });
    store.put(&rich()).await.unwrap();
    assert_eq!(store.find("AROAJUMP:mara").await.unwrap(), [rich()]);
    aws.proxy.repair();
    for fault in [
        Fault::refused("ThrottlingException"),
        Fault::refused("ProvisionedThroughputExceededException"),
        Fault::refused("InternalServerError"),
        Fault::Unavailable,
        Fault::Reset,
    ] {
        let kind = fault.clone();
        aws.proxy.rule(move |_| Some(kind.clone()));
        for error in [store.find("AROAJUMP:mara").await.unwrap_err(), store.put(&poor()).await.unwrap_err()] {
            assert!(error.is_retryable(), "{fault:?}: {error:?}");
        }
        aws.proxy.repair();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_to_repair() {
    let aws = Aws::start();
    let (store, _) = aws.store().await;
    aws.proxy.rule(|_| Some(Fault::refused("AccessDeniedException")));
    let error = store.find("AROAJUMP:mara").await.unwrap_err();
    assert!(matches!(error, SessionStoreError::Denied { .. }), "{error:?}");
    aws.proxy.repair();
    let nowhere = DynamoDbStore::new(Client::new(&aws.config), "nowhere");
    for error in [nowhere.find("AROAJUMP:mara").await.unwrap_err(), nowhere.put(&rich()).await.unwrap_err()] {
        assert!(!error.is_retryable(), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("`nowhere`") && text.contains("no such table"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_of_one_name_only_those_of_the_time_are_read() {
    let aws = Aws::start();
    let (store, _) = aws.store().await;
    let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    for minute in 0..300 {
        let issued = start + SignedDuration::from_mins(minute);
        store
            .put(&Session::new("AROACI:GitHubActions", issued, SessionKind::AssumeRoleWithWebIdentity))
            .await
            .unwrap();
    }
    aws.proxy.keep_bodies();
    let about = start + SignedDuration::from_mins(100);
    let between = about..=about;
    let found = store.find_issued("AROACI:GitHubActions", &between).await.unwrap();
    assert_eq!(found.iter().map(|session| session.issued).collect::<Vec<_>>(), [about]);
    let calls = aws.proxy.calls();
    let asked = calls[0].json();
    assert_eq!(calls.len(), 1);
    assert_eq!(asked["KeyConditionExpression"], "#id = :id AND #issued BETWEEN :first AND :last");
    let values = &asked["ExpressionAttributeValues"];
    assert_eq!(
        (&values[":first"]["S"], &values[":last"]["S"]),
        (&json!("2026-03-02T10:40:00"), &json!("2026-03-02T10:40:00~"))
    );
    assert_eq!(store.sample(10).await.unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_find_goes_on_over_all_pages() {
    let aws = Aws::start();
    let (store, _) = aws.store().await;
    let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    // A page is a megabyte.
    for minute in 0..6 {
        let mut large =
            Session::new("AROACI:job", start + SignedDuration::from_mins(minute), SessionKind::AssumeRole);
        large.tags.push(("Note".to_owned(), "x".repeat(300_000)));
        store.put(&large).await.unwrap();
    }
    aws.proxy.forget_calls();
    assert_eq!(store.find("AROACI:job").await.unwrap().len(), 6);
    assert!(aws.requests().1 >= 2, "{:?}", aws.requests());
}
