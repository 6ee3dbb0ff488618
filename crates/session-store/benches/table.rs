//! Sessions stored and found per second with a local server in place of `DynamoDB`: the store, the bare client with the same
//! requests, and the memory store. Run with `cargo bench -p session-store --features dynamodb`; without `--bench` it
//! runs once with few sessions, as a test.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark is not a library: it stops where it cannot go on, and prints"
)]

use autotag_model::identity::{AccessKeyId, Principal};
use autotag_model::session::{Session, SessionKind};
use autotag_testkit::{Proxy, Reply};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_types::SdkConfig;
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_store::{DynamoDbStore, MemoryStore, SessionReader as _, SessionWriter as _};
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The number of concurrent requests, as in `session-handler`.
const AT_ONCE: usize = 16;

#[tokio::main]
async fn main() {
    let asked = |name: &str| std::env::args().any(|arg| arg == name);
    let (count, rounds) = if asked("--bench") && !asked("--test") {
        (5_000, 3)
    } else {
        println!("a test run: it says whether all is done, and nothing about speed");
        (50, 1)
    };
    println!(
        "{:52} {:>10} {:>10} {:>8}",
        format!("{count} sessions, {AT_ONCE} at once"),
        "ours",
        "bare",
        "ours is"
    );
    measure(count, rounds).await;
}

async fn measure(count: usize, rounds: usize) {
    // The server answers at once, so that only the client's cost is measured.
    let stub = Proxy::stub(Duration::ZERO).unwrap();
    // The sessions put first are found.
    let first: Arc<OnceLock<Value>> = Arc::default();
    let known = Arc::clone(&first);
    stub.route("/", move |call| {
        if call.operation == "PutItem" {
            known.get_or_init(|| call.json()["Item"].clone());
        }
        let found = || json!({"Items": [known.get()], "Count": 1, "ScannedCount": 1});
        (call.operation == "Query").then(|| Reply::json(200, &found()))
    });
    let (config, sessions) = (config(&stub.url()), sessions(count));
    let (store, bare) = (DynamoDbStore::new(Client::new(&config), "sessions"), Client::new(&config));
    let memory = MemoryStore::new();
    store.put(sessions.first().unwrap()).await.unwrap();
    let item = first.get().unwrap();
    stub.forget_calls();
    let text = |name: &str| AttributeValue::S(item[name]["S"].as_str().unwrap().to_owned());
    let number = |name: &str| AttributeValue::N(item[name]["N"].as_str().unwrap().to_owned());

    let ours =
        fastest(rounds, || all(&sessions, |session| async { store.put(session).await.unwrap() })).await;
    let puts = stub.count("dynamodb", "PutItem");
    let theirs = fastest(rounds, || {
        all(&sessions, |_| async {
            let put = bare
                .put_item()
                .table_name("sessions")
                .condition_expression("attribute_not_exists(role_session)");
            let put = put.item("role_session", text("role_session")).item("issued", text("issued"));
            let put = put.item("expires_at", number("expires_at")).item("version", number("version"));
            put.item("session", text("session")).send().await.map(drop).unwrap();
        })
    })
    .await;
    line("stored a second", count, ours, theirs);
    let issued = sessions.first().unwrap().issued;
    let between = issued..=issued;
    let ours = fastest(rounds, || {
        all(&sessions, |_| async {
            assert_eq!(store.find_issued("AROAJUMP:mara-0", &between).await.unwrap().len(), 1);
        })
    })
    .await;
    let finds = stub.count("dynamodb", "Query");
    let theirs = fastest(rounds, || {
        all(&sessions, |_| async {
            let query = bare.query().table_name("sessions").key_condition_expression("role_session = :id");
            query.expression_attribute_values(":id", text("role_session")).send().await.map(drop).unwrap();
        })
    })
    .await;
    line("found a second", count, ours, theirs);
    let wanted = u64::try_from(count * rounds).unwrap();
    println!("    requests for {wanted} puts: {puts}, for {wanted} finds: {finds}");
    assert_eq!((puts, finds), (wanted, wanted), "one request a put and one a find");
    let memory_puts =
        fastest(rounds, || all(&sessions, |session| async { memory.put(session).await.unwrap() })).await;
    println!("{:52} {:>10.0}", "    stored a second in memory", count as f64 / memory_puts.as_secs_f64());
}

fn line(what: &str, count: usize, ours: Duration, bare: Duration) {
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    println!("{what:52} {:>10.0} {:>10.0} {:>7.2}x", rate(ours), rate(bare), rate(ours) / rate(bare));
}

/// The fastest of several rounds, because other work of the machine only slows them.
async fn fastest<F: Future<Output = Duration>>(rounds: usize, run: impl Fn() -> F) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..rounds {
        best = best.min(run().await);
    }
    best
}

async fn all<'s, F: Future<Output = ()>>(
    sessions: &'s [Session],
    one: impl Fn(&'s Session) -> F,
) -> Duration {
    let start = Instant::now();
    let work: Vec<_> = sessions.iter().map(one).collect();
    stream::iter(work).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    start.elapsed()
}

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("bench", "bench", None, None, "bench");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Sessions like those of pipelines: a few tags, and a caller in full.
fn sessions(count: usize) -> Vec<Session> {
    let start: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    let caller = Principal::from_value(
        &json!({"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
        "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/mara", "accessKeyId": "AKIAEXAMPLE"}),
    );
    let one = |number: usize| {
        let issued = start + SignedDuration::from_secs(i64::try_from(number).unwrap());
        let mut session = Session::new(&format!("AROAJUMP:mara-{number}"), issued, SessionKind::AssumeRole);
        session.access_key = AccessKeyId::new(&format!("ASIA{number}"));
        session.role_arn = Some("arn:aws:iam::111122223333:role/jump".to_owned());
        session.tags = (0..5).map(|tag| (format!("Key{tag}"), format!("value-{number}"))).collect();
        session.caller = caller.clone();
        session
    };
    (0..count).map(one).collect()
}
