//! Every kind of resource that is promised: created with the real API, its record sent to the real binary, its tags read
//! back with the service's own call.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::Emulator;
use common::{FOLDER, Function, batch, emulator, proxy};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// What the emulator cannot create. A later version that can makes this test fail, so that the list is shortened.
const CANNOT_CREATE: [&str; 2] = ["DynamoDB global table", "ElastiCache snapshot: copy"];

/// What AWS cannot tag by itself; the catalogue says why.
const CANNOT_BE_TAGGED: [&str; 1] = ["DynamoDB backup"];

/// Runs the world's script; one JSON value a line.
fn world(verb: &str, endpoint: &[(&'static str, String)], input: &str) -> Vec<Value> {
    let python = Emulator::python(FOLDER).unwrap_or_else(|error| panic!("{error}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/world.py");
    let mut child = Command::new(python)
        .arg(script)
        .arg(verb)
        .envs(endpoint.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "world.py {verb}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn labels<'v>(lines: impl Iterator<Item = &'v Value>) -> BTreeSet<&'v str> {
    lines.map(|line| line["label"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promised_kind_is_tagged() {
    let emulator = emulator();
    let proxy = proxy(&emulator);
    let endpoint = proxy.environment();
    let created = world("create", &endpoint, "");
    let cannot = labels(created.iter().filter(|line| line.get("cannot").is_some()));
    assert_eq!(cannot, BTreeSet::from(CANNOT_CREATE));

    let function = Function::start(&endpoint, &[]).await;
    let records: Vec<Value> = created.iter().filter_map(|line| line.get("record").cloned()).collect();
    assert!(records.len() >= 75, "{}", records.len());
    for ten in records.chunks(10) {
        let returned = function.returned(&batch(ten)).await;
        assert!(returned.is_empty(), "{returned:?}\n{}", function.process.logs());
    }

    let lines: Vec<String> = created.iter().map(ToString::to_string).collect();
    let read = world("read", &endpoint, &lines.join("\n"));
    let mut untagged = BTreeMap::new();
    for line in read.iter().filter(|line| !cannot.contains(line["label"].as_str().unwrap())) {
        let label = line["label"].as_str().unwrap();
        let tags = &line["tags"];
        let right = tags["Owner"] == "mara"
            && tags["CreatedBy"] == "arn:aws:iam::123456789012:user/mara"
            && tags["CostCenter"] == "4711";
        if !right && !CANNOT_BE_TAGGED.contains(&label) {
            untagged.insert(label.to_owned(), line.to_string());
        }
    }
    assert!(untagged.is_empty(), "{untagged:#?}\n{}", function.process.logs());
    assert!(labels(read.iter()).contains("EC2 instance: volume"));
}
