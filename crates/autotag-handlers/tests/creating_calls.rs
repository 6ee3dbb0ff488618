//! Compares the catalogue's facts about the parameters of creating calls with botocore's models: where a call can
//! ask for tags, which parameter names the account of the resource, which one makes the call repeatable.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_handlers::catalog::Catalog;
use autotag_model::record::ParsedRecord;
use autotag_model::rule::Rule;
use autotag_testkit::Emulator;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;

/// Parameters that are named like the tags or the account of the new resource, and are something else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    tags_of_others: Vec<Parameter>,
    other_accounts: Vec<Parameter>,
}

/// A parameter of a call, and what it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    call: String,
    path: String,
    is: String,
}

fn reviewed() -> Reviewed {
    let reviewed: Reviewed = toml::from_str(include_str!("../conformance/parameters.toml")).unwrap();
    for one in reviewed.tags_of_others.iter().chain(&reviewed.other_accounts) {
        assert!(!one.is.is_empty(), "{} {}: say what it is", one.call, one.path);
    }
    reviewed
}

/// A creating call of the catalogue, and what botocore says about it.
struct Known {
    name: String,
    rule: Arc<Rule>,
    facts: Value,
}

impl Known {
    fn paths(&self, of: &str) -> Vec<String> {
        let paths = self.facts[of].as_array().unwrap().iter();
        paths.map(|path| path.as_str().unwrap().to_owned()).collect()
    }
}

/// All calls of the catalogue that botocore has. The other one is the service event `CreateAccountResult`.
fn calls() -> &'static [Known] {
    static CALLS: OnceLock<Vec<Known>> = OnceLock::new();
    CALLS.get_or_init(|| {
        let services = Catalog::embedded().services().unwrap();
        let rules = services.iter().flat_map(|service| {
            let source = service.source.split('.').next().unwrap();
            service.rules.iter().map(move |rule| (source.to_owned(), Arc::clone(rule)))
        });
        let rules: Vec<(String, Arc<Rule>)> = rules.collect();
        let questions = rules.iter().map(|(source, rule)| {
            let created = rule.created.as_ref().map(|path| path.to_string().replace("response.", ""));
            json!({"source": source, "event": rule.event, "created": created})
        });
        let answers = botocore(questions.collect());
        let all = rules.into_iter().zip(answers).filter(|(_, facts)| facts["error"].is_null());
        let known = all.map(|((source, rule), facts)| {
            let name = format!("{source} {}", rule.event);
            Known { name, rule, facts }
        });
        known.collect()
    })
}

/// The answers of the script beside this file to each question, in order.
fn botocore(questions: Vec<Value>) -> Vec<Value> {
    let count = questions.len();
    let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/creating_calls.py");
    let mut python =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let asking = thread::spawn(move || {
        for question in questions {
            writeln!(stdin, "{question}").unwrap();
        }
    });
    let said = python.wait_with_output().unwrap().stdout;
    asking.join().unwrap();
    let said: Vec<Value> =
        String::from_utf8(said).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(said.len(), count, "the script said less than it was asked");
    said
}

/// A record's request with `value` at `path`.
fn request(path: &str, value: &Value) -> ParsedRecord {
    let nested = path.rsplit('.').fold(value.clone(), |inside, step| match step.strip_suffix("[]") {
        Some(name) => json!({ name: [inside] }),
        None => json!({ step: inside }),
    });
    ParsedRecord { request: nested, ..ParsedRecord::default() }
}

/// Entries that are in `found` and not listed, and those that are listed and not found.
fn differences(found: &BTreeSet<(String, String)>, listed: &[Parameter]) -> Vec<String> {
    let listed: BTreeSet<(String, String)> =
        listed.iter().map(|one| (one.call.clone(), one.path.clone())).collect();
    let more = found.difference(&listed).map(|(call, path)| format!("{call}: {path} is not known"));
    let less = listed.difference(found).map(|(call, path)| format!("{call}: {path} is listed for nothing"));
    more.chain(less).collect()
}

#[test]
fn botocore_knows_the_calls() {
    assert!(calls().len() >= 349, "{}", calls().len());
}

#[test]
fn tags_are_seen_wherever_a_call_can_ask_for_them() {
    let mut unseen = BTreeSet::new();
    let mut seen = 0;
    for call in calls() {
        for place in call.facts["tags"].as_array().unwrap() {
            let path = place["path"].as_str().unwrap();
            let tags = match place["shape"].as_str().unwrap() {
                "map" => json!({"Owner": "boss"}),
                "list" => json!([{"key": "Owner", "value": "boss"}]),
                _ => json!("Owner=boss"),
            };
            let found = call.rule.requested_tags(&request(path, &tags), None);
            if found.iter().any(|(key, value)| key == "Owner" && value == "boss") {
                seen += 1;
            } else {
                unseen.insert((call.name.clone(), path.to_owned()));
            }
        }
    }
    let faults = differences(&unseen, &reviewed().tags_of_others);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen >= 250, "{seen}");
}

#[test]
fn parameters_that_name_an_account_are_known() {
    let mut unknown = BTreeSet::new();
    for call in calls() {
        let accounts: Vec<String> =
            call.rule.account.iter().map(|path| path.to_string().to_lowercase()).collect();
        for path in call.paths("accounts") {
            if !accounts.contains(&format!("request.{}", path.to_lowercase())) {
                unknown.insert((call.name.clone(), path));
            }
        }
    }
    let faults = differences(&unknown, &reviewed().other_accounts);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Of calls that AWS knows again, a record without such a token is one of a call that was not repeated.
#[test]
fn every_token_by_which_aws_knows_a_call_again_is_known() {
    let mut faults = BTreeSet::new();
    for call in calls() {
        for token in call.paths("tokens") {
            if !call.rule.has_idempotency_token(&request(&token, &json!("token-1"))) {
                faults.insert(format!("{}: {token}", call.name));
            }
        }
    }
    assert_eq!(faults, BTreeSet::new());
    assert!(!calls()[0].rule.has_idempotency_token(&request("name", &json!("token-1"))));
}

#[test]
fn times_of_creation_are_where_the_models_have_them() {
    let timed = calls().iter().filter(|call| call.rule.created.is_some());
    let (right, wrong): (Vec<&Known>, Vec<&Known>) =
        timed.partition(|call| call.facts["created"].as_bool() == Some(true));
    let wrong: Vec<String> =
        wrong.iter().map(|call| format!("{}: {}", call.name, call.rule.created.as_ref().unwrap())).collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert!(right.len() >= 43, "{}", right.len());
}
