//! The JSON schemas of `docs/schemas`, checked by a validator of others against real files and real output.

use crate::common::{autotag, lines, root, stdout};
use crate::{FOLDER, installed, script, text};
use autotag_model::policy::Policy;
use autotag_model::rule::ServiceRules;
use autotag_testkit::Tools;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The faults of each document by a schema: one list for each, empty if it is valid.
fn faults(schema: &str, documents: &[Value]) -> Vec<Vec<String>> {
    let path = root().join("docs/schemas").join(format!("{schema}.json"));
    let mut python = Command::new(installed(Tools::releases(FOLDER)).join("python3"));
    python.args(["-W", "ignore"]).arg(script("validate.py")).arg(path);
    let mut running =
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = running.stdin.take().unwrap();
    let documents = Value::from(documents.to_vec()).to_string();
    let writer = std::thread::spawn(move || input.write_all(documents.as_bytes()));
    let output = running.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    serde_json::from_str(&text(&output)).unwrap()
}

fn assert_valid(schema: &str, documents: &[(String, Value)]) {
    let values: Vec<Value> = documents.iter().map(|(_, value)| value.clone()).collect();
    for ((name, _), faults) in documents.iter().zip(faults(schema, &values)) {
        assert!(faults.is_empty(), "{name} by {schema}.json: {faults:#?}");
    }
}

fn assert_refused(schema: &str, documents: &[Value]) {
    for (document, faults) in documents.iter().zip(faults(schema, documents)) {
        assert!(!faults.is_empty(), "{schema}.json takes {document}");
    }
}

fn as_json(toml: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(toml).unwrap()).unwrap()
}

/// Every block of TOML in the documentation, with its page.
fn blocks() -> Vec<(String, String)> {
    let mut pages: Vec<PathBuf> =
        fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().path()).collect();
    pages.push(root().join("README.md"));
    let mut blocks = Vec::new();
    for page in pages.iter().filter(|page| page.extension().is_some_and(|ending| ending == "md")) {
        let text = fs::read_to_string(page).unwrap();
        let after = text.split("\n```toml\n").skip(1);
        blocks.extend(
            after.map(|rest| (page.display().to_string(), rest.split("\n```").next().unwrap().to_owned())),
        );
    }
    blocks
}

#[test]
fn rows_and_the_summary_are_as_their_schemas_say() {
    for input in ["fixtures/trail", "fixtures/odd", "fixtures/broken"] {
        let rows = lines(&autotag(&["plan", input, "--all", "--format", "jsonl"]));
        let rows: Vec<(String, Value)> =
            rows.into_iter().enumerate().map(|(at, row)| (format!("row {at} of {input}"), row)).collect();
        assert!(!rows.is_empty(), "{input}");
        assert_valid("row", &rows);
        let explained = lines(&autotag(&["explain", input, "--format", "jsonl"]));
        assert!(!explained.is_empty(), "{input}");
        let explained = explained.into_iter().enumerate();
        let explained: Vec<(String, Value)> =
            explained.map(|(at, line)| (format!("explanation {at} of {input}"), line)).collect();
        assert_valid("explanation", &explained);
        let summary = lines(&autotag(&["plan", input, "--summary-only", "--format", "json"])).remove(0);
        assert_valid("summary", &[(format!("summary of {input}"), summary)]);
    }
}

#[test]
fn schemas_have_the_keys_of_the_output_in_its_order() {
    let required = |schema: &str| -> Vec<String> {
        let schema: Value = serde_json::from_str(&stdout(&autotag(&["schema", schema]))).unwrap();
        let names = schema["required"].as_array().unwrap();
        assert_eq!(names.len(), schema["properties"].as_object().unwrap().len());
        names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let csv = stdout(&autotag(&["plan", "fixtures/trail", "--format", "csv"]));
    assert_eq!(csv.lines().next().unwrap().split(',').collect::<Vec<_>>(), required("row"));
    // The keys at the top stand at the least depth.
    let line = stdout(&autotag(&["plan", "fixtures/trail", "--summary-only", "--format", "json"]));
    let keys = required("summary");
    let places: Vec<usize> = keys.iter().map(|key| line.find(&format!("\"{key}\":")).unwrap()).collect();
    let all: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(all.as_object().unwrap().len(), keys.len(), "{line}");
    assert_eq!(places.first(), Some(&1), "{line}");
}

#[test]
fn policies_of_the_documentation_are_valid_and_wrong_ones_are_not() {
    let mut policies: Vec<(String, Value)> = blocks()
        .into_iter()
        .filter(|(_, text)| Policy::from_toml(text).is_ok())
        .map(|(page, text)| (page, as_json(&text)))
        .collect();
    assert!(policies.len() > 5, "{policies:?}");
    let folder = tempfile::tempdir().unwrap();
    crate::common::autotag_in(folder.path(), &["init"]);
    let commented = fs::read_to_string(folder.path().join("autotag.toml")).unwrap();
    let is_setting = |line: &&str| line.contains(" = ") && !line.starts_with("# ");
    let all: Vec<&str> = commented.lines().filter(|line| line.starts_with('[') || is_setting(line)).collect();
    policies.push(("init".to_owned(), as_json(&commented)));
    policies.push(("init, all settings".to_owned(), as_json(&all.join("\n").replace("\n#", "\n"))));
    assert_valid("policy", &policies);
    assert_refused(
        "policy",
        &[
            json!({"identiy": {}}),
            json!({"identity": {"Owner": 1}}),
            json!({"policy": {"profile": "prof"}}),
            json!({"copy": {"session_tags": "Team"}}),
            json!({"existing": {"replaces": true}}),
            json!({"ignore": {"accounts": ["12"]}}),
            json!({"trust": {"source_identity": ["Broker"]}}),
            json!({"tamper": {"action": "undo"}}),
            json!({"require": {"types": {"Instance": ["Name"]}}}),
        ],
    );
}

#[test]
fn rule_files_of_the_catalogue_are_valid_and_wrong_ones_are_not() {
    let folder = root().join("crates/autotag-handlers/catalog");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut rules: Vec<(String, Value)> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| (path.display().to_string(), as_json(&fs::read_to_string(&path).unwrap())))
        .filter(|(_, file)| file.get("source").is_some())
        .collect();
    assert!(rules.len() > 250, "{}", rules.len());
    let in_docs = blocks().into_iter().filter(|(_, text)| ServiceRules::from_toml(text).is_ok());
    rules.extend(in_docs.map(|(page, text)| (page, as_json(&text))));
    assert_valid("rules", &rules);
    let rule = |rule: Value| json!({"source": "sqs.amazonaws.com", "name": "SQS", "rule": [rule]});
    assert_refused(
        "rules",
        &[
            json!({"name": "SQS"}),
            json!({"source": "sqs.amazonaws.com", "name": "SQS", "rules": []}),
            json!({"source": "sqs.amazonaws.com", "name": "SQS", "limits": {"keys": "latin"}}),
            json!({"source": "sqs.amazonaws.com", "name": "SQS", "api": {"sqs": {"protocol": "json"}}}),
            rule(json!({"event": "CreateQueue", "type": "Queue", "id": "request.queueName"})),
            rule(json!({"event": "CreateQueue", "type": "AWS::SQS::Queue"})),
            rule(json!({"event": "E", "type": "A::B", "id": "request.x", "evidence": "guessed"})),
            rule(json!({"event": "E", "type": "A::B", "id": "request.x", "whenever": "request.y"})),
        ],
    );
}
