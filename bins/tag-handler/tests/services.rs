//! Every documented resource type: created with the real API, its record sent to the real binary, its tags read back with
//! the service's own call.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod common;

use autotag_testkit::Emulator;
use autotag_testkit::records::batch;
use common::{FOLDER, emulator, proxy, start_function};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Resources that the emulator cannot create. When a later version can, this test fails and the list gets shorter.
const CANNOT_CREATE: [&str; 2] = ["DynamoDB global table", "ElastiCache snapshot: copy"];

/// Resources that AWS cannot tag. The catalogue explains each.
const CANNOT_BE_TAGGED: [&str; 1] = ["DynamoDB backup"];

/// Runs `resources.py`, which prints one JSON value a line.
fn resources(verb: &str, endpoint: &[(&'static str, String)], input: &str) -> Vec<Value> {
    let python = Emulator::python(FOLDER).unwrap_or_else(|error| panic!("{error}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/resources.py");
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
    assert!(output.status.success(), "resources.py {verb}");
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
    let created = resources("create", &endpoint, "");
    let cannot = labels(created.iter().filter(|line| line.get("cannot").is_some()));
    assert_eq!(cannot, BTreeSet::from(CANNOT_CREATE));

    let function = start_function(&endpoint, &[]).await;
    let records: Vec<Value> = created.iter().filter_map(|line| line.get("record").cloned()).collect();
    assert!(records.len() >= 75, "{}", records.len());
    for ten in records.chunks(10) {
        let returned = function.returned(&batch(ten)).await;
        assert!(returned.is_empty(), "{returned:?}\n{}", function.process.logs());
    }

    let lines: Vec<String> = created.iter().map(ToString::to_string).collect();
    let read = resources("read", &endpoint, &lines.join("\n"));
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
