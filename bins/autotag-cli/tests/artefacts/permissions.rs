//! Policies of the functions and of member accounts: every action exists and is needed, none is missing, each has the narrowest
//! resources, and the lengths are within AWS's limits. `needs.rs` tests the other policies.

use crate::common::autotag;
use crate::{FOLDER, deploy, installed, node_json, read, resolved, script, text};
use autotag_aws::backend::permissions::{PERMISSIONS, Whose};
use autotag_testkit::Tools;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Templates of functions and roles, with parameters that create all their policies.
const TEMPLATES: [(&str, &[&str]); 6] = [
    (
        "hub.yaml",
        &[
            "Accounts=organization",
            "MemberRoleName=autotag-member",
            "PolicyParameter=/autotag/policy",
            "AccountsParameter=/autotag/accounts:3",
            "IdentityStoreRegion=eu-west-1",
            "ExternalId=e-1",
            "TrailBucket=trail",
            "TrailKeyArn=arn:aws:kms:eu-west-1:111122223333:key/trail",
            "TableKeyArn=arn:aws:kms:eu-west-1:111122223333:key/table",
            "UseKey=true",
            "SessionTableName=autotag-sessions",
        ],
    ),
    ("member.yaml", &["HubRoleArns=arn:aws:iam::111122223333:role/autotag-tag-handler", "ReadsPeople=true"]),
    (
        "session.yaml",
        &[
            "TrailBucket=trail",
            "TrailKeyArn=arn:aws:kms:eu-west-1:111122223333:key/trail",
            "TableKeyArn=arn:aws:kms:eu-west-1:111122223333:key/table",
            "KeyArn=arn:aws:kms:eu-west-1:111122223333:key/x",
        ],
    ),
    ("region.yaml", &["HubBusArn=arn:aws:events:eu-west-1:111122223333:event-bus/autotag"]),
    ("single.yaml", &["TrailBucket=trail", "UseKey=true", "PolicyParameter=/autotag/policy"]),
    ("org.yaml", &["OrganizationId=o-exampleorgid", "IdentityStoreRegion=eu-west-1"]),
];

/// Actions besides those of the catalogue and of the adapters, each with its caller.
const BESIDES: [(&str, Caller); 13] = [
    ("dynamodb:PutItem", Caller::Ours("crates/session-store/src/dynamodb.rs", ".put_item()")),
    ("dynamodb:Query", Caller::Ours("crates/session-store/src/dynamodb/read.rs", ".query()")),
    ("sqs:SendMessage", Caller::Ours("crates/autotag-lambda/src/queue.rs", "\"SendMessage\"")),
    ("ssm:GetParameter", Caller::Ours("crates/autotag-aws/src/signed/calls.rs", "\"GetParameter\"")),
    ("sts:AssumeRole", Caller::Ours("crates/autotag-aws/src/role.rs", ".assume_role()")),
    ("sqs:ReceiveMessage", Caller::Aws("Lambda's event source mapping")),
    ("sqs:DeleteMessage", Caller::Aws("Lambda's event source mapping")),
    ("sqs:GetQueueAttributes", Caller::Aws("Lambda's event source mapping")),
    ("logs:CreateLogStream", Caller::Aws("Lambda, for what the function prints")),
    ("logs:PutLogEvents", Caller::Aws("Lambda, for what the function prints")),
    ("events:PutEvents", Caller::Aws("EventBridge, from the bus of a region to the hub's")),
    ("kms:Decrypt", Caller::Aws("SQS and DynamoDB, with a key of one's own")),
    ("kms:GenerateDataKey", Caller::Aws("SQS and DynamoDB, with a key of one's own")),
];

/// The caller of an action.
#[derive(Clone, Copy)]
pub(crate) enum Caller {
    /// A file of this repository, and the text of the call in it.
    Ours(&'static str, &'static str),
    /// A service of AWS that uses the role.
    Aws(&'static str),
    /// People, for this purpose.
    People(&'static str),
}

impl Caller {
    /// Asserts that the caller calls the action, as far as a file of this repository shows it.
    pub(crate) fn calls(self, action: &str) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        match self {
            Self::Ours(file, call) => {
                let source = fs::read_to_string(root.join(file)).unwrap();
                assert!(source.contains(call), "{file} does not call {action}: no {call} in it");
            }
            Self::Aws(why) | Self::People(why) => assert!(!why.is_empty()),
        }
    }
}

/// Accepted findings of parliament, with the reasons.
const ACCEPTED: &[(&str, &str)] = &[];

/// Actions on kinds of resources that AWS's service reference does not list for them.
const NEWER: &[(&str, &str)] = &[("apigateway:POST on arn:aws:apigateway:*::/tags/*", TAGS_PATH)];

const TAGS_PATH: &str =
    "version 2's tags have the path that version 1's have; the reference knows PUT on it only";

/// Policies that are not attached to a role of autotag: trust and resource policies, and the policy of people.
const NO_ROLES: [&str; 8] = [
    "iam/member-trust.json",
    "iam/owners.json",
    "iam/forward-trust.json",
    "iam/bus-policy.json",
    "iam/tag-queue-policy.json",
    "iam/session-queue-policy.json",
    "iam/trail-bucket-policy.json",
    "iam/trail-key-policy.json",
];

/// Documents by their names.
pub(crate) type Policies = Map<String, Value>;

/// The policies of roles: the files, and those of the templates.
fn policies(folder: &Path) -> Policies {
    let mut all = Policies::new();
    for entry in fs::read_dir(folder.join("deploy/iam")).unwrap() {
        let name = format!("iam/{}", entry.unwrap().file_name().to_str().unwrap());
        if !NO_ROLES.contains(&name.as_str()) {
            all.insert(name.clone(), read(folder, &name));
        }
    }
    for (template, parameters) in TEMPLATES {
        let of_template = of_template(folder, template, parameters);
        all.extend(of_template.into_iter().map(|(name, document)| (format!("{template} {name}"), document)));
    }
    all
}

/// The policies of roles and groups in a template: all without principals, which resource and trust policies have.
pub(crate) fn of_template(folder: &Path, template: &str, parameters: &[&str]) -> Policies {
    let Value::Object(all) = resolved(&folder.join("deploy").join(template), parameters) else {
        panic!("{template} has no policies")
    };
    let granting = |document: &Value| {
        document["Statement"].as_array().is_some_and(|all| all.iter().all(|one| one["Principal"].is_null()))
    };
    all.into_iter().filter(|(_, document)| granting(document)).collect()
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Actions with their resources.
fn grants(policies: &Policies) -> BTreeMap<String, BTreeSet<String>> {
    let mut grants: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in policies.values().flat_map(|document| document["Statement"].as_array().unwrap()) {
        for action in texts(&statement["Action"]) {
            grants.entry(action).or_default().extend(texts(&statement["Resource"]));
        }
    }
    grants
}

/// The policies whose names have this prefix.
fn named(policies: &Policies, beginning: &str) -> Policies {
    let named = policies.iter().filter(|(name, _)| name.starts_with(beginning));
    named.map(|(name, document)| (name.clone(), document.clone())).collect()
}

/// The actions of the rules, by the output of `autotag catalog`.
fn of_catalogue(member: &str) -> BTreeSet<String> {
    let output = autotag(&["catalog", "--format", "json"]);
    let rules: Vec<Value> = serde_json::from_str(&text(&output)).unwrap();
    rules.iter().flat_map(|rule| texts(&rule[member])).collect()
}

/// The actions that tagging needs in any account: those of the rules and of the adapters. Those of `CodeBuild` change more than tags, and
/// the built-in policy does not opt in to them.
fn needed_anywhere() -> BTreeSet<String> {
    let of_ports = PERMISSIONS.iter().filter(|one| one.whose == Whose::Any).map(|one| one.action.to_owned());
    let of_rules = of_catalogue("iam_actions").into_iter().chain(of_catalogue("read_actions"));
    of_rules.chain(of_ports).filter(|action| !action.starts_with("codebuild:Update")).collect()
}

/// Findings of two programs about policies.
struct Report {
    /// The findings of parliament.
    findings: Vec<String>,
    kinds: Kinds,
}

/// The kinds of resources by AWS's service reference.
#[derive(serde::Deserialize)]
struct Kinds {
    /// The number of kinds of resources of each action; `None` if the action does not exist.
    actions: BTreeMap<String, Option<usize>>,
    /// Actions on ARNs of a kind that they do not support.
    misplaced: Vec<String>,
}

fn report(policies: &Policies) -> Report {
    let mut python = Command::new(installed(Tools::start(FOLDER)).python());
    python.args(["-W", "ignore"]).arg(script("permissions.py"));
    let mut running =
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(json!(policies).to_string().as_bytes()).unwrap();
    let findings = serde_json::from_str(&text(&running.wait_with_output().unwrap())).unwrap();
    Report { findings, kinds: kinds(policies) }
}

fn kinds(policies: &Policies) -> Kinds {
    serde_json::from_value(node_json("kinds.cjs", &json!(policies))).unwrap()
}

/// Actions without a caller.
fn unneeded(policies: &Policies, needed: &BTreeSet<String>) -> Vec<String> {
    let ports = PERMISSIONS.iter().map(|one| one.action);
    let besides: BTreeSet<&str> = BESIDES.iter().map(|(action, _)| *action).chain(ports).collect();
    let granted = grants(policies).into_keys();
    granted.filter(|action| !needed.contains(action) && !besides.contains(action.as_str())).collect()
}

/// Actions on `*` with resource-level permissions, and actions on ARNs without.
fn badly_placed(policies: &Policies, kinds: &Kinds) -> Vec<String> {
    let grants = grants(policies);
    let wrong = grants.iter().filter(|(action, resources)| {
        let takes_any = kinds.actions[*action] == Some(0);
        resources.contains("*") != takes_any || (takes_any && resources.len() > 1)
    });
    wrong.map(|(action, resources)| format!("{action} on {resources:?}")).collect()
}

/// New findings, and known ones that are not found any more.
fn differences(found: &[String], known: &[(&str, &str)], same: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let new = found.iter().filter(|found| !known.iter().any(|(text, _)| same(found, text)));
    let gone = known.iter().filter(|(text, _)| !found.iter().any(|found| same(found, text)));
    new.cloned().chain(gone.map(|(text, why)| format!("no longer: {text} ({why})"))).collect()
}

/// A policy with one statement.
fn one(action: &str, resource: &str) -> Policies {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    Policies::from_iter([("x".to_owned(), json!({"Version": "2012-10-17", "Statement": [statement]}))])
}

#[test]
fn every_action_exists_and_parliament_passes() {
    let folder = deploy(None);
    let policies = policies(folder.path());
    let report = report(&policies);
    let unknown: Vec<_> =
        report.kinds.actions.iter().filter(|(_, kinds)| kinds.is_none()).map(|(action, _)| action).collect();
    assert!(unknown.is_empty(), "IAM has no action {unknown:?}");
    let new = differences(&report.findings, ACCEPTED, |found, known| found.contains(known));
    assert!(new.is_empty(), "{new:#?}");
    // The statements of member.yaml are those of the other policies, with an account in them.
    let alone = kinds(&named(&policies, "member.yaml"));
    let new = differences(&alone.misplaced, NEWER, |found, known| found == known);
    assert!(new.is_empty(), "{new:#?}");
}

#[test]
fn parliament_finds_wrong_actions_and_resources() {
    let unknown = kinds(&one("sqs:TagQueues", "arn:aws:sqs:*:111122223333:*"));
    assert_eq!(unknown.actions["sqs:TagQueues"], None::<usize>);
    let report = report(&one("sqs:TagQueue", "arn:aws:sns:*:111122223333:*"));
    let invalid = self::report(&one("sqs:TagQueue", "sqs"));
    assert!(invalid.findings[0].contains("INVALID_ARN"), "{:?}", invalid.findings);
    assert_eq!(report.kinds.misplaced, ["sqs:TagQueue on arn:aws:sns:*:111122223333:*"]);
    let new = differences(&report.kinds.misplaced, &[("other", "why")], |found, known| found == known);
    assert_eq!(new, ["sqs:TagQueue on arn:aws:sns:*:111122223333:*", "no longer: other (why)"]);
}

#[test]
fn every_action_is_needed_and_none_is_missing() {
    let folder = deploy(None);
    let policies = policies(folder.path());
    let needed = needed_anywhere();
    assert_eq!(unneeded(&policies, &needed), <[String; 0]>::default(), "no rule and no call needs these");
    // The same permissions in three forms: the files, the hub's own account, a member account.
    for (begins, others) in
        [("iam/tag-", "iam/read-"), ("hub.yaml TagPermissions", "-"), ("member.yaml MemberPermissions", "-")]
    {
        let mut granting = named(&policies, begins);
        granting.extend(named(&policies, others));
        granting.remove("iam/tag-handler.json");
        let granted: BTreeSet<String> = grants(&granting).into_keys().collect();
        assert_eq!(granted, needed, "{begins}");
    }
}

#[test]
fn an_unneeded_action_is_found() {
    assert_eq!(unneeded(&one("sqs:DeleteQueue", "*"), &needed_anywhere()), ["sqs:DeleteQueue"]);
    assert_eq!(unneeded(&one("sqs:TagQueue", "*"), &needed_anywhere()), <[String; 0]>::default());
}

/// Each action of the table is called as it says, and is in some policy.
#[test]
fn other_actions_have_callers() {
    let folder = deploy(None);
    let granted = grants(&policies(folder.path()));
    for (action, caller) in BESIDES {
        assert!(granted.contains_key(action), "{action} is in no policy any more");
        caller.calls(action);
    }
}

#[test]
fn actions_have_no_wildcards_and_resources_are_narrow() {
    let folder = deploy(None);
    let policies = policies(folder.path());
    for (action, resources) in grants(&policies) {
        assert!(!action.contains('*'), "{action} on {resources:?}");
    }
    let wrong = badly_placed(&policies, &kinds(&policies));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_action_on_too_many_resources_is_found() {
    for (action, resource) in [("sqs:TagQueue", "*"), ("tag:TagResources", "arn:aws:tag:*:*:x")] {
        let policies = one(action, resource);
        assert_eq!(badly_placed(&policies, &kinds(&policies)).len(), 1, "{action} on {resource}");
    }
}

/// Tag and read permissions are for the role's own account: by the ARN, by a condition, or because the service finds only resources of
/// the account.
#[test]
fn permissions_are_limited_to_the_own_account() {
    let folder = deploy(None);
    let policies = named(&policies(folder.path()), "member.yaml");
    for (name, document) in &policies {
        for statement in document["Statement"].as_array().unwrap() {
            for resource in texts(&statement["Resource"]).iter().filter(|resource| *resource != "*") {
                let account = resource.split(':').nth(4).unwrap();
                let service = resource.split(':').nth(2).unwrap();
                let condition = statement["Condition"]["StringEquals"]["aws:ResourceAccount"].as_str();
                let of_account = account == "111122223333"
                    || condition == Some("${aws:PrincipalAccount}")
                    // Their ARNs name no account, and only the account's own ids are found.
                    || ["apigateway", "ec2", "identitystore", "route53"].contains(&service);
                assert!(of_account, "{name}: {resource}");
            }
        }
    }
}

#[test]
fn policies_are_within_the_limits_of_aws() {
    let folder = deploy(None);
    let policies = policies(folder.path());
    for (name, document) in &policies {
        let size = document.to_string().chars().filter(|c| !c.is_whitespace()).count();
        assert!(size <= 6_144, "{name} has {size} characters");
    }
    for begins in ["hub.yaml TagPermissions", "member.yaml MemberPermissions"] {
        let count = named(&policies, begins).len();
        assert!((1..=10).contains(&count), "{begins}: {count} managed policies");
    }
}

#[test]
fn only_the_hub_assumes_the_role_of_a_member() {
    let folder = deploy(None);
    let role = "arn:aws:iam::111122223333:role/autotag-tag-handler";
    let hub = format!("HubRoleArns={role}");
    let template = folder.path().join("deploy/member.yaml");
    let trust = resolved(&template, &[&hub, "ExternalId=e-1"])["MemberRoleTrust"].clone();
    let expected = |accounts: &Value, roles: &Value, id: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": accounts},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": roles}, "StringEquals": {"sts:ExternalId": id}},
        }]})
    };
    let account = "arn:aws:iam::111122223333:root";
    assert_eq!(trust, expected(&json!([account]), &json!([role]), "e-1"));
    let file = read(folder.path(), "iam/member-trust.json");
    assert_eq!(file, expected(&json!(account), &json!(role), "the-external-id"));
    // With the hub of a standby region, and one in another account.
    let others = [
        role,
        "arn:aws:iam::111122223333:role/autotag-standby-tag-handler",
        "arn:aws:iam::444455556666:role/x/y",
    ];
    let hubs = format!("HubRoleArns={}", others.join(","));
    let trust = resolved(&template, &[&hubs, "ExternalId=e-1"])["MemberRoleTrust"].clone();
    let accounts = json!([account, account, "arn:aws:iam::444455556666:root"]);
    assert_eq!(trust, expected(&accounts, &json!(others), "e-1"));
    assert!(
        resolved(&template, &[&hub]).as_object().unwrap().keys().all(|name| name != "MemberRole"),
        "no people"
    );
}

/// The contents of documents without the names of resources: effect, principals, actions, and operators and keys of conditions.
fn outline(documents: &[&Value]) -> BTreeSet<String> {
    let statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
    let outline = statements.flat_map(|statement| {
        let conditions: Vec<String> = statement["Condition"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(operator, keys)| {
                let keys = keys.as_object().unwrap().keys();
                // Both operators mean the same for a name without a wildcard.
                keys.map(|key| format!("{}:{key}", operator.replace("ArnEquals", "ArnLike")))
                    .collect::<Vec<_>>()
            })
            .collect();
        let service = texts(&statement["Principal"]["Service"]);
        let account = texts(&statement["Principal"]["AWS"]);
        texts(&statement["Action"]).into_iter().map(move |action| {
            format!("{} {action} {service:?} {account:?} {conditions:?}", statement["Effect"])
        })
    });
    outline.collect()
}

/// The files name the resources to which the templates refer, and are otherwise the same.
#[test]
fn files_and_templates_have_the_same_policies() {
    let folder = deploy(None);
    let of = |template: &str, parameters: &[&str]| {
        resolved(&folder.path().join("deploy").join(template), parameters)
    };
    let hub = of(
        "hub.yaml",
        &["Accounts=111122223333", "MemberRoleName=autotag-member", "ExternalId=e-1", "SenderAccounts="],
    );
    let watching = of(
        "hub.yaml",
        &[
            "Accounts=111122223333",
            "MemberRoleName=autotag-member",
            "ExternalId=e-1",
            "CreateLedger=true",
            "WatchTags=true",
        ],
    );
    let session = of("session.yaml", &[]);
    let region = of("region.yaml", &["HubBusArn=arn:aws:events:eu-west-1:111122223333:event-bus/autotag"]);
    let alone = |name: &str| read(folder.path(), &format!("iam/{name}.json"));
    for (file, template, names) in [
        ("tag-handler", &hub, &["TagHandlerRole", "TagHandlerRole#2"][..]),
        ("ledger", &watching, &["TagHandlerRole#3"]),
        ("ledger-read", &watching, &["TagHandlerRole#4"]),
        ("session-handler", &session, &["SessionHandlerRole"]),
        ("forward", &region, &["ForwardRole"]),
        ("forward-trust", &region, &["ForwardRoleTrust"]),
        ("bus-policy", &hub, &["BusPolicy"]),
        ("tag-queue-policy", &hub, &["TagQueuePolicy"]),
        ("session-queue-policy", &session, &["SessionQueuePolicy"]),
    ] {
        let documents: Vec<&Value> = names.iter().map(|name| &template[*name]).collect();
        assert_eq!(outline(&[&alone(file)]), outline(&documents), "{file}");
    }
}
