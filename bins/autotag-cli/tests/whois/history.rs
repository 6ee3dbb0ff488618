//! Over an event history that keeps the rules of `LookupEvents`: one attribute, 50 events a page, 90 days, two calls a second.

use super::{BIN, TABLE, assert_as_planned, lines, planned, root, stderr};
use autotag_testkit::{Call, Fault, Proxy, Reply};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The account of the caller, as the stub of STS says.
const OWN: &str = "123456789012";
const DAY: i64 = 24 * 60 * 60;

/// One event of a history.
struct Event {
    account: String,
    region: String,
    seconds: i64,
    names: HashSet<String>,
    record: Value,
}

impl Event {
    fn of(record: Value) -> Option<Self> {
        if record["eventCategory"] == "Data" {
            return None;
        }
        let time: jiff::Timestamp = record["eventTime"].as_str()?.parse().ok()?;
        let mut names = HashSet::new();
        for part in ["requestParameters", "responseElements", "resources"] {
            texts(&record[part], &mut names);
        }
        Some(Self {
            account: record["recipientAccountId"].as_str()?.to_owned(),
            region: record["awsRegion"].as_str()?.replace("global", "us-east-1"),
            seconds: time.as_second(),
            names,
            record,
        })
    }
}

fn texts(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::String(text) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// An event history.
struct History {
    events: Vec<Event>,
    /// The present time, in seconds.
    now: i64,
    /// The calls of the last second, by account and region.
    recent: Mutex<HashMap<(String, String), VecDeque<Instant>>>,
}

impl History {
    /// Newest first, each event once.
    fn of(records: impl IntoIterator<Item = Value>, now: &str) -> Self {
        let mut seen = HashSet::new();
        let records = records.into_iter().filter(|record| seen.insert(record["eventID"].to_string()));
        let mut events: Vec<Event> = records.filter_map(Event::of).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.seconds));
        let now: jiff::Timestamp = now.parse().unwrap();
        Self { events, now: now.as_second(), recent: Mutex::default() }
    }

    fn answer(&self, call: &Call) -> Reply {
        let refused =
            |code: &str| Reply::json(400, &json!({"__type": code, "message": "refused by the stub"}));
        let account = call.access_key.strip_prefix("ASIA").unwrap_or(OWN).to_owned();
        if self.is_too_fast((account.clone(), call.region.clone())) {
            return refused("ThrottlingException");
        }
        let input: Value = serde_json::from_slice(&call.body).unwrap();
        let [attribute] = &**input["LookupAttributes"].as_array().unwrap() else {
            return refused("InvalidLookupAttributesException");
        };
        if attribute["AttributeKey"] != "ResourceName" {
            return refused("InvalidLookupAttributesException");
        }
        let page = input["MaxResults"].as_u64().unwrap_or(50);
        if !(1..=50).contains(&page) {
            return refused("InvalidMaxResultsException");
        }
        let name = attribute["AttributeValue"].as_str().unwrap();
        let time = |key: &str| input[key].as_f64();
        #[expect(clippy::cast_precision_loss, reason = "seconds of this century fit")]
        let is_wanted = |event: &&Event| {
            event.account == account
                && event.region == call.region
                && event.names.contains(name)
                && event.seconds > self.now - 90 * DAY
                && time("StartTime").is_none_or(|start| event.seconds as f64 >= start)
                && time("EndTime").is_none_or(|end| event.seconds as f64 <= end)
        };
        let first: usize = input["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let page = usize::try_from(page).unwrap();
        let found: Vec<&Event> = self.events.iter().filter(is_wanted).collect();
        let events: Vec<Value> = found.iter().skip(first).take(page).map(|event| described(event)).collect();
        let mut answer = json!({"Events": events});
        if first + page < found.len() {
            answer["NextToken"] = json!((first + page).to_string());
        }
        Reply::json(200, &answer)
    }

    fn is_too_fast(&self, key: (String, String)) -> bool {
        let (now, mut recent) = (Instant::now(), self.recent.lock().unwrap());
        let calls = recent.entry(key).or_default();
        // A little less than a second: calls that were sent half a second apart may arrive closer.
        calls.retain(|call| now.duration_since(*call) < Duration::from_millis(900));
        if calls.len() >= 2 {
            return true;
        }
        calls.push_back(now);
        false
    }
}

fn described(event: &Event) -> Value {
    json!({"EventId": event.record["eventID"], "EventName": event.record["eventName"],
        "EventSource": event.record["eventSource"], "EventTime": event.seconds,
        "CloudTrailEvent": event.record.to_string()})
}

fn stub(history: History) -> Proxy {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    proxy.route("/", move |call| (call.operation == "LookupEvents").then(|| history.answer(call)));
    proxy
}

fn calls(proxy: &Proxy) -> u64 {
    proxy.count("cloudtrail", "LookupEvents")
}

fn whois(proxy: &Proxy, args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.arg("whois").args(args).current_dir(root()).envs(proxy.environment()).output().unwrap()
}

/// The records of the shipped trail.
fn records() -> Vec<Value> {
    let mut records = Vec::new();
    let mut paths: Vec<PathBuf> = vec![root().join("fixtures/trail")];
    while let Some(path) = paths.pop() {
        if path.is_dir() && !path.ends_with("CloudTrail-Digest") {
            paths.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() {
            let mut text = String::new();
            let file = fs::File::open(&path).unwrap();
            if path.extension().is_some_and(|ending| ending == "gz") {
                // The file is small; the program's own reader is not used, so that the stub is independent of it.
                let bytes = fs::read(&path).unwrap();
                let length = u32::from_le_bytes(bytes[bytes.len() - 4..].try_into().unwrap());
                let mut out = vec![0; usize::try_from(length).unwrap()];
                libdeflater::Decompressor::new().gzip_decompress(&bytes, &mut out).unwrap();
                text = String::from_utf8(out).unwrap();
            } else {
                std::io::BufReader::new(file).read_to_string(&mut text).unwrap();
            }
            let log: Value = serde_json::from_str(&text).unwrap();
            records.extend(log["Records"].as_array().unwrap().iter().cloned());
        }
    }
    records
}

const IN_BOTH: [&str; 4] = ["--accounts", "111122223333,444455556666", "--member-role", "audit"];

/// One resource of each owner and source.
fn one_of_each(rows: &BTreeMap<String, Vec<Value>>) -> Vec<String> {
    let mut kinds = HashSet::new();
    let mut firsts = Vec::new();
    for (arn, rows) in rows.iter().filter(|(arn, _)| !arn.starts_with("arn:aws:s3:")) {
        if kinds.insert((rows[0]["owner"].to_string(), rows[0]["owner_source"].to_string())) {
            firsts.push(arn.clone());
        }
    }
    firsts
}

#[test]
fn the_owner_is_that_of_the_plan_with_nothing_deployed() {
    let rows = planned();
    let asked = one_of_each(&rows);
    assert!(asked.len() >= 15, "{asked:?}");
    let proxy = stub(History::of(records(), "2026-03-10T00:00:00Z"));
    let mut args: Vec<&str> = asked.iter().map(String::as_str).collect();
    args.extend(IN_BOTH);
    let output = whois(&proxy, &args);
    let answers = lines(&output);
    assert_eq!(answers.len(), asked.len(), "{}", stderr(&output));
    let mut known = 0;
    for answer in &answers {
        if answer["answer"] == "known" {
            known += 1;
            assert_as_planned(answer, &rows[answer["asked"].as_str().unwrap()]);
        } else {
            assert!(!answer["reasons"].as_array().unwrap().is_empty(), "{answer}");
        }
    }
    assert!(known + 2 >= asked.len(), "{known} of {}: {}", asked.len(), super::stdout(&output));
    let told: u64 = answers.iter().map(|answer| answer["calls"].as_u64().unwrap()).sum();
    assert_eq!(told, calls(&proxy), "every call is told");
}

#[test]
fn a_chain_of_three_roles_in_two_accounts_takes_a_call_for_each_record() {
    let proxy = stub(History::of(records(), "2026-03-10T00:00:00Z"));
    let output = whois(&proxy, &[&[TABLE][..], &IN_BOTH].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer = lines(&output).remove(0);
    assert_eq!((&answer["owner"], &answer["proof"]), (&"mara".into(), &"person".into()));
    let hops = answer["hops"].as_array().unwrap().len() as u64;
    // One AssumeRole went across accounts: it has a record in both.
    assert_eq!((hops, calls(&proxy)), (3, hops + 2 + 1));
}

fn mara(number: u32, name: &str) -> Value {
    json!({"eventID": format!("{name}-{number}"), "eventTime": format!("2026-03-02T09:{:02}:{:02}Z", number / 60, number % 60),
        "eventName": name, "eventSource": "dynamodb.amazonaws.com", "awsRegion": "eu-west-1",
        "recipientAccountId": OWN, "readOnly": false, "userIdentity": {"type": "IAMUser", "userName": "mara",
            "principalId": "AIDAMARA", "accountId": OWN, "arn": format!("arn:aws:iam::{OWN}:user/mara")}})
}

fn table() -> (String, Value) {
    let arn = format!("arn:aws:dynamodb:eu-west-1:{OWN}:table/orders");
    let mut record = mara(0, "CreateTable");
    record["requestParameters"] = json!({"tableName": "orders"});
    record["responseElements"] = json!({"tableDescription": {"tableArn": arn}});
    (arn, record)
}

#[test]
fn pages_are_read_to_their_end() {
    let (arn, created) = table();
    let changes = (1..=120).map(|number| {
        let mut record = mara(number, "UntagResource");
        record["requestParameters"] = json!({"resourceArn": arn, "tagKeys": ["Owner"]});
        record
    });
    let proxy = stub(History::of(changes.chain([created]), "2026-03-10T00:00:00Z"));
    let output = whois(&proxy, &[&arn]);
    let answer = lines(&output).remove(0);
    assert_eq!(answer["owner"], "mara", "{}", stderr(&output));
    assert_eq!(answer["tag_changes"].as_array().unwrap().len(), 120);
    // One page by the name, three by the ARN.
    assert_eq!((answer["calls"].as_u64(), calls(&proxy)), (Some(4), 4));
}

#[test]
fn a_creation_of_more_than_90_days_ago_is_unknown() {
    let (arn, created) = table();
    let proxy = stub(History::of([created], "2026-07-01T00:00:00Z"));
    let output = whois(&proxy, &[&arn]);
    assert_eq!(output.status.code(), Some(1));
    let answer = lines(&output).remove(0);
    assert_eq!(answer["reasons"], json!(["no creation in the last 90 days names it"]));
    assert_eq!(answer["asked_for"].as_array().unwrap().len(), 2, "{answer}");
}

#[test]
fn an_account_out_of_scope_is_named() {
    let proxy = stub(History::of(records(), "2026-03-10T00:00:00Z"));
    let output = whois(&proxy, &[TABLE]);
    assert_eq!(output.status.code(), Some(1));
    let answer = lines(&output).remove(0);
    assert!(answer["reasons"].to_string().contains("444455556666"), "{answer}");
    assert_eq!(calls(&proxy), 0);
}

#[test]
fn a_denied_call_is_named() {
    let (arn, created) = table();
    let proxy = stub(History::of([created], "2026-03-10T00:00:00Z"));
    proxy.rule(|call| (call.operation == "LookupEvents").then(|| Fault::refused("AccessDeniedException")));
    let output = whois(&proxy, &[&arn]);
    assert_eq!(output.status.code(), Some(1));
    let answer = lines(&output).remove(0);
    let expected = format!("denied: cloudtrail:LookupEvents in eu-west-1 of {OWN} (AccessDeniedException)");
    assert_eq!(answer["reasons"], json!([expected]));
    assert_eq!(calls(&proxy), 1, "a denied call is not made again");
}

/// The first calls fail, and the answer is the same.
#[test]
fn throttled_and_broken_calls_are_made_again() {
    for fault in [Fault::Throttled, Fault::Reset, Fault::AnswerLost, Fault::Unavailable] {
        let (arn, created) = table();
        let proxy = stub(History::of([created], "2026-03-10T00:00:00Z"));
        let (failed, injected) = (AtomicU64::new(0), fault.clone());
        proxy.rule(move |call| {
            let is_early = call.operation == "LookupEvents" && failed.fetch_add(1, Ordering::Relaxed) < 2;
            is_early.then(|| injected.clone())
        });
        let output = whois(&proxy, &[&arn]);
        assert_eq!(output.status.code(), Some(0), "{fault:?}: {}", super::stdout(&output));
        let answer = lines(&output).remove(0);
        assert_eq!((&answer["owner"], answer["calls"].as_u64()), (&"mara".into(), Some(4)), "{fault:?}");
        assert_eq!(calls(&proxy), 4, "{fault:?}");
    }
}

#[test]
fn a_history_that_never_answers_is_named() {
    for (fault, why) in [(Fault::Throttled, "throttled"), (Fault::Reset, "no answer")] {
        let (arn, created) = table();
        let proxy = stub(History::of([created], "2026-03-10T00:00:00Z"));
        proxy.rule(move |call| (call.operation == "LookupEvents").then(|| fault.clone()));
        let output = whois(&proxy, &[&arn]);
        assert_eq!(output.status.code(), Some(1));
        let answer = lines(&output).remove(0);
        assert_eq!(answer["answer"], "unknown");
        assert!(answer["reasons"][0].as_str().unwrap().starts_with(why), "{answer}");
        assert_eq!(calls(&proxy), 6);
    }
}
