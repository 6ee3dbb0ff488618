//! Each event of the catalogue matches exactly one rule, and other events match none. Two third-party matchers check it: that of
//! moto, and that of LocalStack, whose authors compare it with AWS. AWS's own matcher is Java, and in none of the registries that
//! this project uses. Neither limits the length of a pattern or the combinations of an `$or`; the tests of `generate/patterns.rs` do.

use crate::common::autotag;
use crate::{FOLDER, generated, generated_for, installed, resources, said, script};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::records::{Collector as _, read};
use autotag_handlers::row::OriginId;
use autotag_handlers::sessions::CollectedSessions;
use autotag_model::policy::Policy;
use autotag_testkit::Emulator;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// (event source, event name).
type Pair = (String, String);

/// The events of the catalogue, by the output of the program, not by the code that generates the patterns.
fn catalogue() -> BTreeSet<Pair> {
    let output = autotag(&["catalog", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "event_source"), text(row, "event_name"))).collect()
}

/// The texts of the files for creations.
fn files(folder: &Path) -> Vec<String> {
    let read =
        |number| fs::read_to_string(folder.join(format!("event-patterns/creations-{number}.json"))).ok();
    (1..).map_while(read).collect()
}

fn sessions(folder: &Path) -> String {
    fs::read_to_string(folder.join("event-patterns/sessions.json")).unwrap()
}

fn event((source, name): &Pair) -> Value {
    let service = source.split('.').next().unwrap();
    json!({"version": "0", "id": "6a7e8feb", "detail-type": "AWS API Call via CloudTrail", "source": format!("aws.{service}"),
        "account": "111122223333", "time": "2026-03-02T09:00:00Z", "region": "eu-west-1", "resources": [],
        "detail": {"eventVersion": "1.11", "eventSource": source, "eventName": name, "awsRegion": "eu-west-1",
            "readOnly": false, "eventType": "AwsApiCall", "userIdentity": {"type": "IAMUser", "userName": "mara"},
            "requestParameters": {"name": "x"}, "responseElements": null}})
}

/// For each event, the number of matching patterns. Both matchers must agree.
fn matches(patterns: &[String], events: &[Value]) -> Vec<usize> {
    let asked = json!({"patterns": patterns, "events": events});
    let by = |python, matcher: &str| -> Vec<Vec<usize>> {
        let said = said(Command::new(python).arg(script("matchers.py")).arg(matcher), &asked);
        serde_json::from_value(said).unwrap()
    };
    let moto = by(installed(Emulator::python_with_stacks(FOLDER)), "moto");
    let localstack = by(installed(Emulator::second_matcher(FOLDER)), "localstack");
    assert_eq!(moto, localstack, "the matchers disagree");
    moto.iter().map(Vec::len).collect()
}

/// Numbers that are the same in every run: the high bits of a linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }
}

const VERBS: &[&str] = &[
    "Associate",
    "Attach",
    "Batch",
    "Cancel",
    "Copy",
    "Create",
    "Delete",
    "Describe",
    "Disable",
    "Enable",
    "Get",
    "Import",
    "List",
    "Modify",
    "Put",
    "Register",
    "Reset",
    "Restore",
    "Run",
    "Start",
    "Stop",
    "Tag",
    "Untag",
    "Update",
];

const OTHER_SERVICES: &[&str] = &[
    "account",
    "amplify",
    "appflow",
    "application-autoscaling",
    "appsync",
    "cloud9",
    "cloudshell",
    "config",
    "connect",
    "detective",
    "devicefarm",
    "finspace",
    "health",
    "imagebuilder",
    "inspector2",
    "ivs",
    "kendra",
    "lakeformation",
    "lex",
    "macie2",
    "mgn",
    "pipes",
    "polly",
    "quicksight",
    "ram",
    "scheduler",
    "servicecatalog",
    "ses",
    "signin",
    "sso",
    "sts",
    "xray",
];

/// Events that are similar to those of the catalogue: other verbs, names of another service, other case and endings.
fn others(catalogue: &BTreeSet<Pair>, count: usize) -> Vec<Pair> {
    let known: Vec<&Pair> = catalogue.iter().collect();
    let other_services: Vec<String> =
        OTHER_SERVICES.iter().map(|name| format!("{name}.amazonaws.com")).collect();
    let mut numbers = Numbers(6);
    let mut found = BTreeSet::new();
    while found.len() < count {
        let (source, name) = numbers.of(&known);
        let words = name.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(0);
        let noun = name[words..].find(|c: char| c.is_ascii_uppercase()).map_or("", |at| &name[words + at..]);
        let pair = match numbers.below(6) {
            0 | 1 => (source.clone(), format!("{}{noun}", numbers.of(VERBS))),
            2 => (numbers.of(&known).0.clone(), name.clone()),
            3 => (numbers.of(&other_services).clone(), name.clone()),
            4 => (
                source.clone(),
                format!("{name}{}", numbers.of(&["s", "V2", "Batch", "20260301", "ForRegion"])),
            ),
            _ => match numbers.below(3) {
                0 => (source.clone(), name.to_lowercase()),
                1 => (source.to_uppercase(), name.clone()),
                _ => (source.clone(), name[..name.len() - 1].to_owned()),
            },
        };
        if !catalogue.contains(&pair) && !pair.1.is_empty() {
            found.insert(pair);
        }
    }
    found.into_iter().collect()
}

/// The differences between the patterns' matches and the expected ones.
fn faults(patterns: &[String], catalogue: &BTreeSet<Pair>, others: &[Pair]) -> Vec<String> {
    // (event, description, number of patterns that must match)
    let mut asked: Vec<(Value, String, usize)> = Vec::new();
    for pair in catalogue {
        let (whole, what) = (event(pair), format!("{}:{}", pair.0, pair.1));
        let with = |pointer: &str, value: Value| {
            let mut event = whole.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            event.pointer_mut(parent).unwrap()[key] = value;
            event
        };
        asked.push((
            with("/detail-type", json!("AWS Service Event via CloudTrail")),
            format!("{what}, a service event"),
            1,
        ));
        asked.push((with("/detail/errorCode", json!("AccessDenied")), format!("{what}, failed"), 0));
        asked.push((with("/source", json!("com.example")), format!("{what}, not from AWS"), 0));
        asked.push((with("/detail-type", json!("Something Else")), format!("{what}, of another kind"), 0));
        asked.push((whole, what, 1));
    }
    asked.extend(others.iter().map(|pair| (event(pair), format!("{}:{}", pair.0, pair.1), 0)));
    let events: Vec<Value> = asked.iter().map(|(event, ..)| event.clone()).collect();
    let counts = matches(patterns, &events);
    let wrong = asked.iter().zip(counts).filter(|((.., wanted), count)| wanted != count);
    wrong
        .map(|((_, what, wanted), count)| format!("{what} matches {count} patterns and not {wanted}"))
        .collect()
}

#[test]
fn catalogue_events_match_one_rule_and_5000_others_none() {
    let folder = generated();
    let (catalogue, patterns) = (catalogue(), files(&folder));
    let others = others(&catalogue, 5_000);
    assert!(catalogue.len() > 300 && others.len() == 5_000, "{} {}", catalogue.len(), others.len());
    let faults = faults(&patterns, &catalogue, &others);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let sizes: Vec<usize> = patterns.iter().map(|pattern| pattern.trim_end().chars().count()).collect();
    println!("{} events in {} patterns of {sizes:?} characters", catalogue.len(), patterns.len());
    assert!(sizes.iter().all(|size| *size <= 2_048), "longer than EventBridge allows: {sizes:?}");
}

#[test]
fn wrong_patterns_are_found() {
    let folder = generated();
    let (whole, right) = (catalogue(), files(&folder));
    let others = others(&whole, 500);
    // A few events show each fault. The matchers take minutes for the whole catalogue.
    let catalogue: BTreeSet<Pair> =
        whole.into_iter().filter(|(_, name)| name == "CreateVolume" || name == "CreateQueue").collect();
    let change = |from: &str, to: &str| -> Vec<String> {
        let changed: Vec<String> = right.iter().map(|pattern| pattern.replace(from, to)).collect();
        assert_ne!(changed, right, "{from}");
        faults(&changed, &catalogue, &others)
    };
    let said = |faults: &[String], text: &str| {
        assert!(faults.iter().any(|fault| fault.contains(text)), "{text}: {faults:?}");
    };
    said(
        &change("\"CreateVolume\"", "\"CreateVolumes\""),
        "ec2.amazonaws.com:CreateVolume matches 0 patterns",
    );
    said(&change("\"errorCode\":[{\"exists\":false}],", ""), ", failed matches 1 patterns and not 0");
    said(&change("\"source\":[{\"prefix\":\"aws.\"}],", ""), ", not from AWS matches 1");
    // Three services have an event of this name; any other name of theirs matches now.
    said(&change("\"CreateQueue\"", "{\"prefix\":\"\"}"), " matches 1 patterns and not 0");
    let of_volumes = right.iter().find(|pattern| pattern.contains("\"CreateVolume\"")).unwrap();
    let twice = [right.clone(), vec![of_volumes.clone()]].concat();
    said(&faults(&twice, &catalogue, &others), "matches 2 patterns and not 1");
}

#[test]
fn ignored_events_match_no_rule() {
    let folder = generated_for("[ignore]\nservices = [\"sns\"]\nevents = [\"ec2:CreateVolume\"]\n");
    let ignored = |(source, name): &Pair| {
        source == "sns.amazonaws.com" || (source == "ec2.amazonaws.com" && name == "CreateVolume")
    };
    let (ignored, kept): (BTreeSet<Pair>, BTreeSet<Pair>) = catalogue().into_iter().partition(ignored);
    assert_eq!(ignored.len(), 2);
    let ignored: Vec<Pair> = ignored.into_iter().collect();
    let faults = faults(&files(folder.path()), &kept, &ignored);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn session_calls_match_only_the_session_rule() {
    let folder = generated();
    let sts = |name: &str| ("sts.amazonaws.com".to_owned(), name.to_owned());
    let wanted =
        ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetFederationToken"]
            .map(sts);
    let others =
        ["GetCallerIdentity", "GetSessionToken", "DecodeAuthorizationMessage", "AssumeRoleWith"].map(sts);
    let wanted = wanted.into_iter().collect();
    let all = faults(&[sessions(&folder)], &wanted, &others);
    assert!(all.is_empty(), "{}", all.join("\n"));
    let sts: Vec<Value> = wanted.iter().map(event).collect();
    assert_eq!(matches(&files(&folder), &sts), [0; 5]);
    // In CloudTrail, AssumeRole is a read.
    let mut read = event(&wanted.first().unwrap().clone());
    read["detail"]["readOnly"] = json!(true);
    assert_eq!(matches(&[sessions(&folder)], &[read]), [1]);
}

#[test]
fn templates_and_files_have_the_same_patterns() {
    let folder = generated();
    let parsed = |texts: Vec<String>| -> Vec<Value> {
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    };
    let (creations, sessions) = (parsed(files(&folder)), parsed(vec![sessions(&folder)]));
    let rules = |template: &str, prefix: &str| -> Vec<Value> {
        let resources = resources(&folder.join(template));
        let rules = resources
            .iter()
            .filter(|(id, resource)| resource["Type"] == "AWS::Events::Rule" && id.starts_with(prefix));
        // In the order of their numbers.
        let rules: BTreeMap<(usize, &String), &Value> =
            rules.map(|(id, resource)| ((id.len(), id), &resource["Properties"]["EventPattern"])).collect();
        rules.into_values().cloned().collect()
    };
    assert_eq!(rules("hub.yaml", "Creations"), creations);
    assert_eq!(rules("region.yaml", "Creations"), creations);
    for (template, rule) in [("session.yaml", "SessionRule"), ("region.yaml", "Sessions")] {
        let mut rules = rules(template, rule);
        let excluded = rules[0]["detail"].as_object_mut().unwrap().remove("$or");
        assert_eq!(rules, sessions, "{template}");
        assert!(excluded.is_some(), "{template}");
    }
}

/// The pattern of the rule for sessions of a template.
fn session_pattern(folder: &Path, template: &str, rule: &str) -> String {
    resources(&folder.join(template))[rule]["Properties"]["EventPattern"].to_string()
}

const SESSION_RULES: [(&str, &str); 2] = [("session.yaml", "SessionRule"), ("region.yaml", "Sessions")];

/// The event of an STS call by AWS or by a user.
fn sts_call(by_aws: bool, name: &str, request: Value) -> Value {
    let mut call = event(&("sts.amazonaws.com".to_owned(), name.to_owned()));
    call["detail"]["requestParameters"] = request;
    if by_aws {
        call["detail"]["userIdentity"] = json!({"type": "AWSService", "invokedBy": "events.amazonaws.com"});
    }
    call
}

/// Sessions of service-linked roles cost nothing behind the rules. Roles with a similar name stay, and so do other callers.
#[test]
fn sessions_of_service_linked_roles_do_not_come_in() {
    let folder = generated();
    let linked = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let left_out = [
        linked,
        "arn:aws-us-gov:iam::123456789012:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS",
    ]
    .map(|role| sts_call(true, "AssumeRole", json!({"roleArn": role})));
    let by_aws = [
        "arn:aws:iam::123456789012:role/teams/aws-service-role/ops",
        "arn:aws:iam::123456789012:role/aws-service-role-ops",
        "arn:aws:iam::123456789012:role/service-role/build",
    ]
    .map(|role| sts_call(true, "AssumeRole", json!({"roleArn": role})));
    let others = [
        sts_call(false, "AssumeRole", json!({"roleArn": linked})),
        sts_call(false, "AssumeRoleWithSAML", json!({"roleArn": "arn:aws:iam::123456789012:role/ops"})),
        sts_call(false, "AssumeRoot", json!({"targetPrincipal": "123456789012"})),
        sts_call(false, "GetFederationToken", json!({"name": "mara"})),
    ];
    let events: Vec<Value> = left_out.into_iter().chain(by_aws).chain(others).collect();
    for (template, rule) in SESSION_RULES {
        let pattern = session_pattern(&folder, template, rule);
        assert_eq!(matches(&[pattern], &events), [0, 0, 1, 1, 1, 1, 1, 1, 1], "{template}");
    }
}

/// `EventBridge` assumes a role to forward an event. Forwarding the event of that call would loop for ever, also between two
/// deployments in one account.
#[test]
fn forwarding_does_not_loop() {
    let folder = generated();
    let roles =
        ["autotag-forward-eu-west-1", "autotag-test-forward-us-east-1", "tools/autotag-forward-eu-west-1"];
    let role = |name: &str| json!({"roleArn": format!("arn:aws:iam::123456789012:role/{name}")});
    let mut calls: Vec<Value> = roles.map(|name| sts_call(true, "AssumeRole", role(name))).into();
    calls.push(sts_call(true, "AssumeRole", role("ops")));
    // People who could assume the role would be seen.
    calls.push(sts_call(false, "AssumeRole", role("autotag-forward-eu-west-1")));
    for (template, rule) in SESSION_RULES {
        let pattern = session_pattern(&folder, template, rule);
        assert_eq!(matches(&[pattern], &calls), [0, 0, 0, 1, 1], "{template}");
    }
    let forward = resources(&folder.join("region.yaml"))["ForwardRole"]["Properties"]["RoleName"].clone();
    assert_eq!(forward["Fn::Sub"], "${Name}-forward-${AWS::Region}");
}

/// Each session that session-handler would keep comes in: by the records of the fixtures, and by the code of the function.
#[test]
fn no_session_that_is_kept_is_left_out() {
    let folder = generated();
    let classifier = Classifier::new(Catalog::empty(), Policy::default());
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sts/records.jsonl");
    let records = fs::read_to_string(fixtures).unwrap();
    let records = records.lines().filter(|line| line.contains("\"sts.amazonaws.com\""));
    let kept: Vec<Value> = records
        .filter(|record| {
            let mut found = CollectedSessions::new(OriginId::default());
            read(record.as_bytes(), &classifier, None, &mut found);
            !found.sessions.is_empty()
        })
        .map(|record| {
            json!({"source": "aws.sts", "detail-type": "AWS API Call via CloudTrail",
                "detail": serde_json::from_str::<Value>(record).unwrap()})
        })
        .collect();
    assert!(kept.len() > 40, "{} sessions", kept.len());
    for (template, rule) in SESSION_RULES {
        let pattern = session_pattern(&folder, template, rule);
        let counts = matches(&[pattern], &kept);
        let lost = kept.iter().zip(counts).filter(|(_, count)| *count == 0);
        let lost: Vec<&Value> = lost.map(|(event, _)| &event["detail"]["userAgent"]).collect();
        assert!(lost.is_empty(), "{template}: {lost:?}");
    }
}
