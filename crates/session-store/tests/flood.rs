//! Measures a read from a table in which somebody wrote many sessions of one role and name. Only Linux tells how
//! much memory a process has taken at most.
#![cfg(all(feature = "dynamodb", target_os = "linux"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use autotag_testkit::{Proxy, Reply};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_store::{ANY_TIME, DynamoDbStore, SessionReader as _, SessionStoreError};
use std::ops::RangeInclusive;
use std::time::Duration;

const ID: &str = "AROAOPS:shift";
const NINE: &str = "2026-03-02T09:00:00Z";
/// The number of sessions of a page: about a megabyte, as DynamoDB has it.
const PAGE: usize = 1_000;

/// The most memory that this process has had, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() >> 10
}

/// A session of `caller` in the second that everybody chose.
fn session(key: &str, caller: &str) -> Session {
    let mut session = Session::new(ID, NINE.parse().unwrap(), SessionKind::AssumeRole);
    session.access_key = AccessKeyId::new(key);
    session.role_arn = Some("arn:aws:iam::111122223333:role/ops".to_owned());
    session.tags = (0..5).map(|tag| (format!("Key{tag}"), format!("value-{tag}"))).collect();
    session.caller = Principal::from_value(&json!({"type": "IAMUser", "userName": caller,
        "principalId": format!("AIDA{caller}"), "accountId": "111122223333",
        "arn": format!("arn:aws:iam::111122223333:user/{caller}"), "accessKeyId": "AKIAEXAMPLE"}));
    session
}

fn entry(session: &Session) -> Value {
    let key = session.access_key.as_ref().unwrap().reveal();
    let json = serde_json::to_string(session).unwrap();
    json!({"role_session": {"S": session.role_session}, "issued": {"S": format!("{NINE}#{key}")},
        "expires_at": {"N": "1774000000"}, "version": {"N": "1"}, "session": {"S": json}})
}

/// A table with the session of anna, among sessions of mallory on `pages` pages. One key is asked for: that entry alone.
fn flooded(pages: usize) -> (Proxy, DynamoDbStore) {
    let stub = Proxy::stub(Duration::ZERO).unwrap();
    let of_anna = entry(&session("ASIAVICTIM", "anna"));
    let of_mallory: Vec<Value> =
        (0..PAGE).map(|number| entry(&session(&format!("ASIAFLOOD{number:07}"), "mallory"))).collect();
    stub.route("/", move |call| {
        let asked = call.json();
        let values = &asked["ExpressionAttributeValues"];
        let page = asked["ExclusiveStartKey"]["issued"]["S"].as_str().map_or(0, |page| page.parse().unwrap());
        let items = match &values[":issued"]["S"] {
            Value::Null => of_mallory.clone(),
            issued if *issued == of_anna["issued"]["S"] => vec![of_anna.clone()],
            _ => Vec::new(),
        };
        let mut answer = json!({"Items": items, "Count": items.len(), "ScannedCount": items.len()});
        if values[":issued"].is_null() && page + 1 < pages {
            answer["LastEvaluatedKey"] =
                json!({"role_session": {"S": ID}, "issued": {"S": (page + 1).to_string()}});
        }
        (call.operation == "Query").then(|| Reply::json(200, &answer))
    });
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(stub.url())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    (stub, DynamoDbStore::new(Client::new(&config), "sessions"))
}

fn around_nine() -> RangeInclusive<Timestamp> {
    let nine: Timestamp = NINE.parse().unwrap();
    nine - SignedDuration::from_secs(60)..=nine + SignedDuration::from_secs(60)
}

fn is_too_many(found: &Result<Vec<Session>, SessionStoreError>) -> bool {
    matches!(found, Err(SessionStoreError::TooMany { max: 1_000, .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_pages_end_in_bounded_memory() {
    let (stub, store) = flooded(usize::MAX);
    let before = peak();
    let found = tokio::time::timeout(Duration::from_secs(20), store.find_issued(ID, &around_nine())).await;
    let (taken, pages) = (peak() - before, stub.count("dynamodb", "Query"));
    println!("{taken} MiB for {pages} pages");
    assert!(found.is_ok_and(|found| is_too_many(&found)), "not ended after {pages} pages and {taken} MiB");
    assert!(taken < 64, "{taken} MiB for {pages} pages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_sessions_are_not_all_read() {
    let (stub, store) = flooded(100);
    let before = peak();
    let found = store.find_issued(ID, &around_nine()).await;
    let (taken, pages) = (peak() - before, stub.count("dynamodb", "Query"));
    println!("{taken} MiB for {pages} pages");
    assert_eq!(pages, 2);
    assert!(is_too_many(&found), "{:?} sessions, {taken} MiB", found.map(|found| found.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_an_access_key_is_found_however_many_others_there_are() {
    let (stub, store) = flooded(usize::MAX);
    let key = |key: &str| AccessKeyId::new(key).unwrap();
    let found = store.find_by_key(ID, &around_nine(), &key("ASIAVICTIM")).await.unwrap();
    assert_eq!(found, Some(session("ASIAVICTIM", "anna")));
    assert_eq!(stub.count("dynamodb", "Query"), 1, "the second that the call names is asked for first");
    let nobody = store.find_by_key(ID, &around_nine(), &key("ASIALATE")).await.unwrap();
    assert_eq!((nobody, stub.count("dynamodb", "Query")), (None, 122), "each second of two minutes");
    // Of a call that names no time all pages are read, to a bound.
    let error = store.find_by_key(ID, &ANY_TIME, &key("ASIAVICTIM")).await.unwrap_err();
    assert!(matches!(error, SessionStoreError::TooMany { .. }), "{error:?}");
}
