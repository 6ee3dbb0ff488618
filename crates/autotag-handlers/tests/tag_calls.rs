//! The calls of the catalogue that change tags of resources that exist, compared with botocore's models: none is missing, and
//! each path is one of the call's parameters.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_model::record::ParsedRecord;
use autotag_model::rule::{Scope, ServiceRules};
use autotag_testkit::Emulator;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reviewed {
    not_tags_of_the_resource: BTreeMap<String, String>,
    other_names: BTreeMap<String, String>,
    other_members: BTreeMap<String, String>,
}

fn reviewed() -> Reviewed {
    toml::from_str(include_str!("../conformance/tag_calls.toml")).unwrap()
}

fn services() -> Vec<(String, ServiceRules)> {
    let services = Catalog::embedded().services().unwrap().into_iter();
    services.map(|service| (service.source.trim_end_matches(".amazonaws.com").to_owned(), service)).collect()
}

/// The calls of each service with their parameters, as the script beside this file finds them in botocore.
fn botocore(sources: &[&str]) -> Vec<BTreeMap<String, Vec<String>>> {
    let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tag_calls.py");
    let mut python =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let questions: Vec<Value> = sources.iter().map(|source| json!({ "source": source })).collect();
    let asking = thread::spawn(move || {
        for question in questions {
            writeln!(stdin, "{question}").unwrap();
        }
    });
    let said = python.wait_with_output().unwrap().stdout;
    asking.join().unwrap();
    let said = String::from_utf8(said).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_call_of_botocore_that_changes_tags_is_in_the_catalogue() {
    let (services, reviewed) = (services(), reviewed());
    let sources: Vec<&str> = services.iter().map(|(source, _)| source.as_str()).collect();
    let said = botocore(&sources);
    assert_eq!(said.len(), sources.len());
    let (mut faults, mut known, mut used) = (Vec::new(), 0, BTreeSet::new());
    for ((source, service), calls) in services.iter().zip(said) {
        let operation = |event: &str| {
            let other = reviewed.other_names.get(&format!("{source} {event}"));
            other.map_or(event, String::as_str).to_owned()
        };
        let have: BTreeSet<String> = service.tag_changes.iter().map(|call| operation(&call.event)).collect();
        for name in calls.keys().filter(|name| !have.contains(*name)) {
            let call = format!("{source} {name}");
            if !reviewed.not_tags_of_the_resource.contains_key(&call) {
                faults.push(format!("{call}: missing"));
            }
            used.insert(call);
        }
        for call in &service.tag_changes {
            let Some(members) = calls.get(&operation(&call.event)) else {
                faults.push(format!("{source} {}: botocore has no such call", call.event));
                continue;
            };
            known += 1;
            let paths = [&call.writes, &call.removes, &call.replaces, &call.resource];
            let paths = paths.into_iter().flatten().map(ToString::to_string);
            for path in paths.filter(|path| path.starts_with("request.")) {
                let other = reviewed.other_members.get(&format!("{source} {path}"));
                let member = other.cloned().unwrap_or_else(|| path.replace("request.", "").replace("[]", ""));
                if !members.iter().any(|known| known.eq_ignore_ascii_case(&member)) {
                    faults.push(format!("{source} {}: {path} is no parameter", call.event));
                }
            }
        }
    }
    let listed: BTreeSet<String> = reviewed.not_tags_of_the_resource.keys().cloned().collect();
    faults.extend(listed.difference(&used).map(|call| format!("{call}: listed for nothing")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(known >= 630, "{known}");
}

/// Every service whose resources can be tagged has calls by which tags are written and removed.
#[test]
fn every_service_has_a_call_that_takes_tags_off() {
    let without: Vec<String> = services()
        .into_iter()
        .filter(|(_, service)| !service.tag_changes.iter().any(autotag_model::rule::TagChangeCall::takes_off))
        .map(|(source, _)| source)
        .collect();
    // Snapshots of EBS are tagged by EC2.
    assert_eq!(without, ["ebs"]);
}

/// Calls that name their resource by an id lead to an ARN, so that the resource has the key that its creation has.
#[test]
fn an_id_leads_to_an_arn() {
    let scope = Scope {
        partition: Partition::default(),
        region: Region::new("eu-west-1"),
        account: AccountId::new("111122223333"),
    };
    let mut without = BTreeSet::new();
    for (source, service) in services() {
        for call in &service.tag_changes {
            let mut paths = call.resource.iter().map(ToString::to_string);
            let Some(path) =
                paths.find(|path| path.starts_with("request.") && !path.to_lowercase().contains("arn"))
            else {
                continue;
            };
            let request =
                path.trim_start_matches("request.").rsplit('.').fold(json!("some-id"), |inner, step| {
                    match step.strip_suffix("[]") {
                        Some(name) => json!({ name: [inner] }),
                        None => json!({ step: inner }),
                    }
                });
            let kinds = call.types_by.iter().flat_map(|by| by.types.keys());
            let mut parsed = ParsedRecord { request, ..ParsedRecord::default() };
            parsed.request["bucketName"] = json!("some-id");
            if let Some(kind) = kinds.last() {
                parsed.request["resourceType"] = json!(kind);
            }
            let found = call.resources(&service.rules, &parsed, &scope);
            let has_arn = found.iter().flat_map(|one| &one.candidates).any(|resource| resource.arn.is_some());
            if !has_arn {
                without.insert(format!("{source} {path}"));
            }
        }
    }
    let known: BTreeSet<String> = WITHOUT_ARN.iter().map(|(call, _)| (*call).to_owned()).collect();
    assert_eq!(without, known);
}

/// Calls by which no ARN can be made, and why.
const WITHOUT_ARN: [(&str, &str); 7] = [
    ("cloudformation request.stackName", "the ARN has a UUID; the answer names it"),
    ("connect request.contactId", "contacts are no resources of the catalogue"),
    ("iam request.serialNumber", "it is an ARN"),
    ("kinesisvideo request.streamName", "the ARN has the time of creation"),
    ("lightsail request.resourceName", "the key of the resource is its name"),
    ("s3files request.resourceId", "access points have that of their file system in their ARN"),
    ("secretsmanager request.secretId", "it is an ARN, or a name without the suffix of the ARN"),
];
