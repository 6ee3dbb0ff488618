//! `autotag report --fix`, by the real program: the plan has exactly the tags that are missing, and nothing of the inventory's texts.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod common;

use common::{autotag, lines, stderr};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::Output;
use tempfile::TempDir;

/// An account that the trail does not have.
const OTHER: &str = "777788889999";

/// Tags by resource.
type Tags = BTreeMap<String, BTreeMap<String, String>>;

fn tags_of(tags: &Map<String, Value>) -> BTreeMap<String, String> {
    tags.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// The tags that the plan of the shipped trail writes to each resource whose owner is proven.
fn planned() -> Tags {
    let rows = lines(&autotag(&["plan", "fixtures/trail", "--format", "jsonl"]));
    let proven = rows.iter().filter(|row| row["proof"] == "person" || row["proof"] == "workload");
    let written = proven.filter(|row| row["outcome"] == "WouldTag" && row["arn"].is_string());
    written
        .map(|row| (row["arn"].as_str().unwrap().to_owned(), tags_of(row["tags"].as_object().unwrap())))
        .collect()
}

/// A folder with an inventory.
struct Estate {
    folder: TempDir,
}

impl Estate {
    fn new(inventory: &str) -> Self {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("inventory.jsonl"), inventory).unwrap();
        Self { folder }
    }

    fn of(lines: &[Value]) -> Self {
        Self::new(&lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn fix(&self, more: &[&str]) -> Output {
        let (inventory, plan) = (self.path("inventory.jsonl"), self.path("plan.jsonl"));
        let args = [
            "report",
            "--trail",
            "fixtures/trail",
            "--inventory",
            &inventory,
            "--fix",
            &plan,
            "--format",
            "csv",
        ];
        autotag(&[&args, more].concat())
    }

    /// The tags that the plan writes.
    fn plan(&self) -> Tags {
        let text = fs::read_to_string(self.path("plan.jsonl")).unwrap();
        let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (head, rest) = all.split_first().unwrap();
        let (end, rows) = rest.split_last().unwrap();
        assert!(text.starts_with("{\"autotag_plan\":1,") && head["program"].is_string(), "{head}");
        assert_eq!(*end, json!({"resources": rows.len(), "not_in_plan": 0}));
        let pair = |tag: &Value| {
            (tag["key"].as_str().unwrap().to_owned(), tag["value"].as_str().unwrap().to_owned())
        };
        let tags = |row: &Value| row["tags"].as_array().unwrap().iter().map(pair).collect();
        let named = |row: &Value| (row["resource"]["arn"].as_str().unwrap().to_owned(), tags(row));
        let by_arn: Tags = rows.iter().map(named).collect();
        assert_eq!(by_arn.len(), rows.len(), "one row a resource");
        by_arn
    }
}

#[test]
fn the_plan_has_exactly_the_resources_that_lack_tags() {
    let planned = planned();
    assert!(planned.len() > 50, "{}", planned.len());
    let (mut inventory, mut expected) = (Vec::new(), Tags::new());
    for (at, (arn, tags)) in planned.iter().enumerate() {
        let (there, missing) = match at % 5 {
            0 => (json!({}), tags.clone()),
            1 => (json!(tags), BTreeMap::new()),
            2 => (json!({"Owner": "boss", "Name": "x"}), BTreeMap::new()),
            // The present tags are planned, too, so that `apply` sees if they have changed.
            3 => (json!({"Owner": tags["Owner"]}), tags.clone()),
            // Not in the inventory.
            _ => continue,
        };
        inventory.push(json!({"arn": arn, "tags": there}));
        if !missing.is_empty() {
            expected.insert(arn.clone(), missing);
        }
    }
    inventory.push(json!({"arn": "arn:aws:sqs:eu-west-1:111122223333:older", "tags": {}}));
    let estate = Estate::of(&inventory);
    let output = estate.fix(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(estate.plan(), expected);
    let told = stderr(&output);
    let count = expected.len();
    assert!(told.contains(&format!("plan {count} resources; wrote `")), "{told}");
    assert!(told.contains("left out: another owner or identity tag is there, and stays"), "{told}");
    assert!(lines_of(&output) > planned.len(), "the report is there as well");
}

fn lines_of(output: &Output) -> usize {
    common::stdout(output).lines().count()
}

#[test]
fn a_repaired_estate_needs_no_plan() {
    let repaired: Vec<Value> =
        planned().iter().map(|(arn, tags)| json!({"arn": arn, "tags": tags})).collect();
    let estate = Estate::of(&repaired);
    assert_eq!(estate.fix(&[]).status.code(), Some(0));
    assert_eq!(estate.plan(), Tags::new());
}

#[test]
fn an_inventory_and_a_trail_are_needed() {
    let estate = Estate::of(&[]);
    let (inventory, plan) = (estate.path("inventory.jsonl"), estate.path("plan.jsonl"));
    for (args, told) in [
        (&["--trail", "fixtures/trail", "--fix", &plan][..], "--fix needs an --inventory"),
        (&["--inventory", &inventory, "--fix", &plan], "--fix needs a --trail"),
        (
            &["--trail", "fixtures/trail", "--inventory", &inventory, "--fix", &inventory],
            "reads this file: write to another one",
        ),
        (
            &["--trail", "fixtures/trail", "--inventory", &inventory, "--fix", &plan, "--out", &plan],
            "--out and --fix both name",
        ),
    ] {
        let output = autotag(&[&["report"], args].concat());
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(stderr(&output).contains(told), "{args:?}: {}", stderr(&output));
        assert!(!fs::exists(&plan).unwrap());
    }
    assert_eq!(fs::read_to_string(&inventory).unwrap(), "", "it is as it was");
    let output = estate.fix(&["--fail-on", "unknown"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let nowhere = estate.path("no/such/folder/plan.jsonl");
    let output =
        autotag(&["report", "--trail", "fixtures/trail", "--inventory", &inventory, "--fix", &nowhere]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("--fix: cannot write"), "{}", stderr(&output));
}

/// The author of an inventory chooses which resources of the trail are tagged, and no tag.
#[test]
fn no_text_of_the_inventory_reaches_the_plan() {
    let planned = planned();
    let arns: Vec<&String> = planned.keys().collect();
    let hostile = "<script>\u{202e}\"},{\"resources\":0}\n";
    let lines = [
        json!({"arn": arns[0], "tags": {hostile: hostile, "aws:Owner": "boss"}, "type": hostile, "region": hostile}),
        json!({"arn": arns[1], "tags": [{"Key": "Owner", "Value": hostile}]}),
        json!({"arn": arns[2], "tags": {"OWNER": 7}}),
        json!({"arn": arns[3], "tags": [{"Key": "owner"}]}),
        // The same name in another account.
        json!({"arn": arns[4].replace("111122223333", OTHER).replace("444455556666", OTHER), "tags": {}}),
        json!({"arn": hostile, "tags": {}}),
        json!({"id": hostile, "account": "111122223333", "tags": {}}),
    ];
    let estate = Estate::of(&lines);
    let output = estate.fix(&[]);
    assert_eq!(output.status.code(), Some(1), "a row cannot be read: {}", stderr(&output));
    let expected = Tags::from([(arns[0].clone(), planned[arns[0]].clone())]);
    assert_eq!(estate.plan(), expected);
    let text = fs::read_to_string(estate.path("plan.jsonl")).unwrap();
    assert!(!text.contains("script") && !text.contains("boss"), "{text}");
}
