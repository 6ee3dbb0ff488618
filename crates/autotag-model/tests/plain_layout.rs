//! Log files in CloudTrail's layout are read by bit masks, everything else by the careful reader. Both find the same in
//! every input: this test damages log files in all ways that it knows, and compares.
//!
//! `AUTOTAG_CASES=1000000 cargo test --release -p autotag-model --test plain_layout` runs a million cases.
#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests are tests"
)]

use autotag_model::envelope::{Item, Limits, RecordReader};
use fastrand::Rng;
use std::io::Write as _;

/// The findings of a reader in an input.
#[derive(Debug, Default, PartialEq)]
struct Found {
    /// Each record that is wanted, as it was read, with its text and position, and each fault.
    items: Vec<(String, String)>,
    /// How many other records there are.
    others: u64,
    /// How many of them were passed over unparsed.
    unselected: u64,
}

fn is_wanted(source: &str, name: &str, _text: &[u8]) -> bool {
    source == "sts.amazonaws.com" || name.starts_with("Create")
}

fn read(input: &[u8], whole_bytes: usize) -> Found {
    let mut found = Found::default();
    // A long value is one of more than 3,000 bytes here.
    let limits = Limits { whole_bytes, value_bytes: 3_000, ..Limits::default() };
    RecordReader::new(limits).read(input, &mut is_wanted, &mut |item| match item {
        Item::Record(located)
            if is_wanted(
                &located.record.event_source,
                &located.record.event_name,
                located.raw.as_bytes(),
            ) =>
        {
            let record = format!("{} {:?}", located.raw, located.record);
            found.items.push((record, located.position.to_string()));
        }
        Item::Record(_) => found.others += 1,
        Item::Unselected(records) => {
            found.others += records;
            found.unselected += records;
        }
        Item::Malformed(fault) => found.items.push((fault.kind.to_string(), fault.position.to_string())),
    });
    found
}

/// Reads an input in both ways and answers how many records were passed over unparsed.
fn compare(input: &[u8], what: &str) -> u64 {
    let fast = read(input, 1 << 20);
    let careful = read(input, 0);
    assert_eq!(careful.unselected, 0, "the careful reader parses all records");
    let shown = || String::from_utf8_lossy(input).into_owned();
    assert_eq!(fast.items, careful.items, "{what}: {}", shown());
    assert_eq!(fast.others, careful.others, "{what}: {}", shown());
    fast.unselected
}

/// Members as CloudTrail writes them; `{}` is a number.
const MEMBERS: &[&str] = &[
    r#""userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/a/b{}","sessionContext":{"attributes":{"mfaAuthenticated":"false"}}}"#,
    r#""requestParameters":null"#,
    r#""requestParameters":{"filterSet":{"items":[{"name":"a","valueSet":{"items":[{"value":"{}"},{"value":"x"}]}}]}}"#,
    r#""requestParameters":{"policy":"{\"Statement\":[{\"Effect\":\"Allow\"}]}","n":-1.5e3,"e":"\u00e9\\"}"#,
    r#""requestParameters":{"eventName":"CreateTrap","eventSource":"sts.amazonaws.com","list":[[],{},"",[1,[true,null]]]}"#,
    r#""requestParameters":{"items":[{"x":1},{"eventVersion":"1.08","eventSource":"a","eventName":"CreateTrap"}]}"#,
    r#""responseElements":{"id":"i-{}","tags":[],"n":0}"#,
    r#""userAgent":"a \"quoted\" agent\\""#,
    r#""userAgent":"Zoë 中文 😀 {}""#,
    r#""readOnly":true"#,
    r#""eventCategory":"Management""#,
    r#""eventID":"{}""#,
    r#""resources":[{"ARN":"arn:aws:s3:::b","type":"AWS::S3::Bucket"}]"#,
    r#""eventID":"half a pair \ud83d""#,
    r#""requestID":"caf\u00e9""#,
    r#""apiVersion":1e999"#,
    r#""requestID":{"a":["\ud800",1e999],"\n":1}"#,
    r#""requestID":{"\udc00":[]}"#,
    r#""requestParameters":{"\udc00":[1e999,"\udc00"]}"#,
    r#""errorCode":{"\udc00":1}"#,
    r#""event\u004eame":"CreateHidden""#,
    r#""eventName":"ListRepeated""#,
    r#""eventSource":"""#,
];

/// How many of the members, from the first on, are in most records.
const COMMON: usize = 13;

const EVENTS: &[(&str, &str)] = &[
    ("ec2.amazonaws.com", "DescribeInstances"),
    ("s3.amazonaws.com", "GetObject"),
    ("sqs.amazonaws.com", "CreateQueue"),
    ("sts.amazonaws.com", "AssumeRole"),
    ("ec2.amazonaws.com", " ListBlanks "),
    ("ec2.amazonaws.com", ""),
    ("aws:sqs", "Message"),
    ("ec2.amazonaws.com", "Zoë"),
];

fn record(rng: &mut Rng) -> String {
    let member = |rng: &mut Rng| {
        let common = if rng.u8(..10) == 0 { MEMBERS.len() } else { COMMON };
        MEMBERS[rng.usize(..common)].replace("{}", &rng.u16(..).to_string())
    };
    let common = if rng.u8(..8) == 0 { EVENTS.len() } else { 4 };
    let (source, name) = EVENTS[rng.usize(..common)];
    let mut members = vec![r#""eventVersion":"1.09""#.to_owned()];
    members.extend((0..rng.usize(..3)).map(|_| member(rng)));
    members.push(format!(r#""eventSource":"{source}","eventName":"{name}""#));
    members.extend((0..rng.usize(..5)).map(|_| member(rng)));
    if rng.u8(..30) == 0 {
        members.push(format!(r#""long":"{}""#, "x".repeat(3_000)));
    }
    format!("{{{}}}", members.join(","))
}

fn log_file(rng: &mut Rng) -> Vec<u8> {
    let records: Vec<String> = (0..rng.usize(..6)).map(|_| record(rng)).collect();
    let end = ["]}", "]}", "]}", "]}\n", "]} \n", r#"],"more":[1]}"#, "]}{}"][rng.usize(..7)];
    format!(r#"{{"Records":[{}{end}"#, records.join(",")).into_bytes()
}

/// Bytes that mean something in JSON, and some that mean nothing.
const BYTES: &[u8] = b"{}[]\"\",,::\\\\ \n\t0-1.eutfn/\x00\x1f\x7f\xff\xc3x";

fn damage(rng: &mut Rng, file: &mut Vec<u8>) {
    if file.is_empty() {
        return;
    }
    let at = rng.usize(..file.len());
    let end = file.len().min(at + 1 + rng.usize(..40));
    let byte = BYTES[rng.usize(..BYTES.len())];
    match rng.u8(..10) {
        0 | 1 => file[at] = byte,
        2 => file[at] ^= 1 << rng.u8(..8),
        3 | 4 => file.insert(at, byte),
        5 => {
            file.remove(at);
        }
        6 => {
            file.drain(at..end);
        }
        7 => {
            let part = file[at..end].to_vec();
            let to = rng.usize(..=file.len());
            file.splice(to..to, part);
        }
        8 if rng.u8(..4) == 0 => file.truncate(at),
        _ => {
            // A structural byte rather than one inside a text.
            let places: Vec<usize> =
                (0..file.len()).filter(|at| b"{}[],:\"\\".contains(&file[*at])).collect();
            if !places.is_empty() {
                file[places[rng.usize(..places.len())]] = byte;
            }
        }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn cases() -> u64 {
    std::env::var("AUTOTAG_CASES").map_or(20_000, |cases| cases.parse().unwrap())
}

#[test]
fn both_readers_find_the_same_in_damaged_files() {
    let mut unselected = 0;
    for seed in 0..cases() {
        let mut rng = Rng::with_seed(seed);
        let mut file = log_file(&mut rng);
        for _ in 0..rng.u8(..4) {
            damage(&mut rng, &mut file);
        }
        unselected += compare(&file, &format!("seed {seed}"));
    }
    assert!(unselected > cases() / 4, "nearly all files went through the careful reader: {unselected}");
}

#[test]
fn both_readers_find_the_same_in_gzipped_files() {
    let mut unselected = 0;
    for seed in 0..cases() / 10 {
        let mut rng = Rng::with_seed(seed);
        let file = log_file(&mut rng);
        let mut zipped = gzip(&file);
        match rng.u8(..8) {
            0 => zipped.extend(gzip(&log_file(&mut rng))),
            // The same member twice has the same check sum and size.
            1 => zipped.extend(zipped.clone()),
            2 => {
                let middle = rng.usize(..file.len());
                zipped = [gzip(&file[..middle]), gzip(&file[middle..])].concat();
            }
            3 => zipped.extend([0; 8]),
            4 => damage(&mut rng, &mut zipped),
            5 => {
                let at = zipped.len() - 8 + rng.usize(..8);
                zipped[at] ^= 1;
            }
            _ => {}
        }
        unselected += compare(&zipped, &format!("seed {seed}"));
    }
    assert!(unselected > cases() / 50, "{unselected}");
}

/// Every byte of a log file, replaced by every byte that means something.
#[test]
fn both_readers_find_the_same_whatever_byte_is_wrong() {
    let members = MEMBERS[..12].join(",");
    let text = format!(
        r#"{{"Records":[{{"eventSource":"a.b","eventName":"ListA"}},{{"eventSource":"a.b","eventName":"ListB",{members}}},{{"eventSource":"a.b","eventName":"CreateC"}}]}}"#
    );
    assert_eq!(compare(text.as_bytes(), "undamaged"), 2);
    for at in 0..text.len() {
        for byte in BYTES {
            let mut file = text.clone().into_bytes();
            file[at] = *byte;
            compare(&file, &format!("byte {at}"));
        }
    }
}

#[test]
fn records_of_no_interest_are_passed_over_unparsed() {
    let mut rng = Rng::with_seed(1);
    let record = |rng: &mut Rng, name: &str| {
        let long = "y".repeat(rng.usize(..200));
        format!(
            r#"{{"eventVersion":"1.09","userIdentity":{{"type":"Root","x":"{long}"}},"eventTime":"2026-03-02T08:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"{name}","requestParameters":{{"policy":"{{\"a\":\"b\\\\\"}}","name":"Zoë"}},"readOnly":true}}"#
        )
    };
    let names = ["DescribeInstances", "CreateVpc", "ListBuckets"];
    let records: Vec<String> = (0..300).map(|number| record(&mut rng, names[number % 3])).collect();
    let found = read(&gzip(format!(r#"{{"Records":[{}]}}"#, records.join(",")).as_bytes()), 1 << 20);
    assert_eq!((found.items.len(), found.others, found.unselected), (100, 200, 200));
    assert!(found.items[99].0.starts_with(&records[298]), "{}", found.items[99].0);
    assert!(found.items[99].1.starts_with("record 299, byte "), "{}", found.items[99].1);
}
