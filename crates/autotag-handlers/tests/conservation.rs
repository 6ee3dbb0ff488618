//! Every record of every input is counted once, whatever the input is.
//!
//! `PROPTEST_CASES` sets how many inputs are made. The inputs are the project's fixtures, changed as damage and attackers change them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::records::{self, ClassifiedRecords, Collector as _};
use autotag_model::envelope::{Limits, read_records};
use autotag_model::policy::Policy;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The contents of all fixtures, compressed ones as they are.
static CORPUS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    files(&fixtures(), &mut paths);
    paths.sort();
    assert!(paths.len() > 40, "the fixtures are gone: {paths:?}");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
});

/// The records in the fixtures.
static RECORDS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut records = Vec::new();
    for bytes in CORPUS.iter() {
        read_records(bytes.as_slice(), &Limits::default(), &mut |item| {
            records.extend(item.ok().and_then(|located| serde_json::from_str(located.raw).ok()));
        });
    }
    assert!(records.len() > 200, "{}", records.len());
    records
});

static CLASSIFIER: LazyLock<Classifier> =
    LazyLock::new(|| Classifier::new(Catalog::embedded(), Policy::default()));

/// Reads an input, and counts what is in it without the engine's counters.
fn check(input: &[u8]) {
    let mut collected = ClassifiedRecords::default();
    records::read(input, &CLASSIFIER, None, &mut collected);
    let counts = collected.counts;
    let (mut read, mut foreign, mut faults, mut shown) = (0, 0, 0, 0);
    read_records(input, &Limits::default(), &mut |item| match item {
        Ok(_) => read += 1,
        Err(fault) => {
            shown += 1;
            let counter = if fault.not_from_cloudtrail().is_some() { &mut foreign } else { &mut faults };
            *counter += fault.parts();
        }
    });
    let show = || format!("{counts:?}\n{}", String::from_utf8_lossy(input));
    assert!(counts.adds_up() && collected.adds_up(), "{}", show());
    assert_eq!((counts.records, counts.unreadable), (read + foreign, faults), "{}", show());
    assert!(shown <= 24, "{shown} faults are shown: {}", show());
    assert_eq!(counts.sessions, collected.sessions.len() as u64, "{}", show());
    // Each record that is not of no interest is there: as a session, as a creation, or with a row.
    let rows = collected.rejected.iter();
    let malformed =
        rows.clone().filter(|row| row.event.name.is_empty() && is_fault(&row.status)).count() as u64;
    let of_records = rows.len() as u64 - malformed;
    let with_rows = counts.uncovered + counts.failed + counts.skipped - foreign + counts.rejected;
    let creations = collected.creations.len() as u64;
    assert!(creations + of_records >= counts.creations + with_rows, "a record has no row: {}", show());
    let uncovered = rows.clone().filter(|row| row.status == Outcome::Uncovered).count() as u64;
    let failed = rows.filter(|row| matches!(row.status, Outcome::CallFailed(_))).count() as u64;
    assert_eq!((uncovered, failed), (counts.uncovered, counts.failed), "{}", show());
}

fn is_fault(status: &Outcome) -> bool {
    matches!(status, Outcome::Malformed(_) | Outcome::Skipped(SkipReason::NotFromCloudTrail(_)))
}

#[test]
fn the_fixtures_add_up() {
    for input in CORPUS.iter() {
        check(input);
    }
}

/// One change of a record or of the text around it.
#[derive(Debug, Clone)]
enum Change {
    /// The value of a member is of another type.
    Retype(usize, Value),
    /// A member is there twice.
    Repeat(usize),
    /// A member is missing.
    Remove(usize),
    /// A member is nested deeply.
    Deepen(usize, usize),
    /// The text ends here, in thousandths of its length.
    Cut(usize),
    /// A byte is replaced.
    Replace(usize, u8),
    /// The text is wrapped.
    Wrap(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let values = prop_oneof![
        Just(Value::Null),
        Just(json!(17)),
        Just(json!("")),
        Just(json!(true)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"x": [1]}])),
        Just(json!({"items": [{"x": "y"}]})),
        Just(json!("HIDDEN_DUE_TO_SECURITY_REASONS")),
        Just(json!("{\"createAccountStatus\":")),
    ];
    prop_oneof![
        4 => (any::<usize>(), values).prop_map(|(member, value)| Change::Retype(member, value)),
        1 => any::<usize>().prop_map(Change::Repeat),
        2 => any::<usize>().prop_map(Change::Remove),
        1 => (any::<usize>(), 1..400_usize).prop_map(|(member, depth)| Change::Deepen(member, depth)),
        1 => (0..1_000_usize).prop_map(Change::Cut),
        2 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        3 => (0..9_usize).prop_map(Change::Wrap),
    ]
}

/// The members of a record as text, so that one may be there twice.
fn members(record: &Value) -> Vec<(String, String)> {
    let object = record.as_object().unwrap();
    object.iter().map(|(name, value)| (name.clone(), value.to_string())).collect()
}

fn wrapped(text: &str, kind: usize) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    let event = |source: &str, detail: &Value| json!({"source": source, "detail-type": "AWS API Call via CloudTrail", "account": "111122223333", "detail": detail});
    match kind {
        0 => format!("{{\"Records\":[{text},{text}]}}"),
        1 => format!("[{text},{{}},7,{text}]"),
        2 => event("com.evil", &value).to_string(),
        3 => event("aws.ec2", &event("aws.sqs", &value)).to_string(),
        4 => json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": text}]}).to_string(),
        5 => json!({"Type": "Notification", "Message": text}).to_string(),
        6 => json!({"Sns": {"Message": text}, "detail": value}).to_string(),
        7 => json!({"awslogs": {"data": text}}).to_string(),
        _ => format!("{text}\n{}{text}", "{}\n".repeat(30)),
    }
}

fn changed(record: &Value, changes: &[Change]) -> Vec<u8> {
    let mut members = members(record);
    let nth = |number: usize, members: &[(String, String)]| number % members.len().max(1);
    for change in changes {
        match change {
            Change::Retype(number, value) => {
                let at = nth(*number, &members);
                members[at].1 = value.to_string();
            }
            Change::Repeat(number) => members.push(members[nth(*number, &members)].clone()),
            Change::Remove(number) if members.len() > 1 => {
                members.remove(nth(*number, &members));
            }
            Change::Deepen(number, depth) => {
                let at = nth(*number, &members);
                members[at].1 = format!("{}{}", "[".repeat(*depth), "]".repeat(*depth));
            }
            _ => {}
        }
    }
    let inner: Vec<String> = members.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    let mut text = format!("{{{}}}", inner.join(",")).into_bytes();
    for change in changes {
        match change {
            Change::Cut(part) => text.truncate(text.len() * part / 1_000),
            Change::Replace(at, byte) if !text.is_empty() => {
                let at = at % text.len();
                text[at] = *byte;
            }
            Change::Wrap(kind) => text = wrapped(&String::from_utf8_lossy(&text), *kind).into_bytes(),
            _ => {}
        }
    }
    text
}

proptest! {
    #[test]
    fn changed_records_add_up(
        picked in proptest::collection::vec((any::<prop::sample::Index>(), proptest::collection::vec(change(), 0..5)), 1..6)
    ) {
        let texts = picked.iter().map(|(index, changes)| changed(index.get(&RECORDS), changes));
        check(&texts.collect::<Vec<_>>().join(&b'\n'));
    }

    #[test]
    fn damaged_files_add_up(
        index in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6)
    ) {
        let mut bytes = index.get(&CORPUS).clone();
        for (at, byte, how) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        check(&bytes);
    }
}
