//! Policies of the functions and of member accounts (others: `needs.rs`): every action exists and is needed, none is missing, each is on what it
//! can be on, and AWS takes them as they are.

use crate::{FOLDER, deploy, installed, read, resolved, script, text};
use autotag_aws::backend::permissions::{PERMISSIONS, Whose};
use autotag_testkit::Tools;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Templates of functions and roles, with parameters with which all their policies are there.
const TEMPLATES: [(&str, &[&str]); 4] = [
    (
        "hub.yaml",
        &[
            "Accounts=organization",
            "MemberRoleName=autotag-member",
            "PolicyParameter=/autotag/policy",
            "IdentityStoreRegion=eu-west-1",
            "ExternalId=e-1",
            "TrailBucket=trail",
            "TrailKeyArn=arn:aws:kms:eu-west-1:111122223333:key/trail",
            "TableKeyArn=arn:aws:kms:eu-west-1:111122223333:key/table",
            "UseKey=true",
            "SessionTableName=autotag-sessions",
        ],
    ),
    ("member.yaml", &["HubRoleArn=arn:aws:iam::111122223333:role/autotag-tag-handler", "ReadsPeople=true"]),
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
];

/// What is needed besides the catalogue and the ports: by which file of ours and what stands in it, or by which of AWS's
/// services in the name of the role.
const BESIDES: [(&str, Caller); 14] = [
    ("dynamodb:PutItem", Caller::Ours("crates/session-store/src/dynamodb.rs", ".put_item()")),
    ("dynamodb:Query", Caller::Ours("crates/session-store/src/dynamodb.rs", ".query()")),
    (
        "organizations:DescribeAccount",
        Caller::Ours("crates/autotag-aws/src/organizations.rs", ".describe_account()"),
    ),
    ("sqs:SendMessage", Caller::Ours("crates/autotag-lambda/src/queue.rs", "signed::SQS")),
    ("ssm:GetParameter", Caller::Ours("bins/tag-handler/src/work.rs", "\"GetParameter\"")),
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

/// Who needs an action.
#[derive(Clone, Copy)]
pub(crate) enum Caller {
    /// A file of ours, and what stands in it where it calls.
    Ours(&'static str, &'static str),
    /// A service of AWS, in the name of the role.
    Aws(&'static str),
    /// People, to do this.
    People(&'static str),
}

impl Caller {
    /// Stops where a file of ours does not call what it should.
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

/// What parliament says and is accepted, and why.
const ACCEPTED: &[(&str, &str)] = &[
    ("RESOURCE_MISMATCH {'action': 'es:AddTags', 'required_format': 'arn:*:opensearch:", ONE_SERVICE),
    ("RESOURCE_MISMATCH {'action': 'es:ListTags', 'required_format': 'arn:*:opensearch:", ONE_SERVICE),
];

const ONE_SERVICE: &str =
    "it wants a resource of each service that an action is for; applications are no rule's";

/// Where parliament's data knows no such kind of resource for the action, and is behind AWS's service reference, or that is
/// behind the service.
const NEWER: &[(&str, &str)] = &[
    ("apigateway:POST on arn:aws:apigateway:*::/tags/*", TAGS_PATH),
    ("cloudwatch:ListTagsForResource on arn:aws:cloudwatch::111122223333:dashboard/*", BEHIND),
    ("cloudwatch:ListTagsForResource on arn:aws:cloudwatch:*:111122223333:metric-stream/*", BEHIND),
    ("cloudwatch:TagResource on arn:aws:cloudwatch::111122223333:dashboard/*", BEHIND),
    ("cloudwatch:TagResource on arn:aws:cloudwatch:*:111122223333:metric-stream/*", BEHIND),
    ("rds:AddTagsToResource on arn:aws:rds::111122223333:*", BEHIND),
    ("rds:ListTagsForResource on arn:aws:rds::111122223333:*", BEHIND),
    ("s3:ListTagsForResource on arn:aws:s3:*:111122223333:accesspoint/*", BEHIND),
    ("s3:TagResource on arn:aws:s3:*:111122223333:accesspoint/*", BEHIND),
    ("s3:TagResource on arn:aws:s3:::*", BEHIND),
];

const TAGS_PATH: &str =
    "version 2's tags have the path that version 1's have; the reference knows PUT on it only";
const BEHIND: &str =
    "the service reference has it by now: dashboards, metric streams, global clusters, buckets";

/// Not what a role of ours may do: who may assume one, and what people may do.
const NO_ROLES: [&str; 6] = [
    "iam/member-trust.json",
    "iam/owners.json",
    "iam/forward-trust.json",
    "iam/bus-policy.json",
    "iam/tag-queue-policy.json",
    "iam/session-queue-policy.json",
];

/// Documents by their names.
pub(crate) type Policies = Map<String, Value>;

/// The policies of a folder that say what a role may do: those alone, and those of the templates.
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

/// The policies of a template that say what a role or a group may do. Those of queues, buses, keys, buckets and trust say who
/// may come in.
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

/// The policies whose names begin so.
fn named(policies: &Policies, beginning: &str) -> Policies {
    let named = policies.iter().filter(|(name, _)| name.starts_with(beginning));
    named.map(|(name, document)| (name.clone(), document.clone())).collect()
}

/// What the rules need, by the catalogue as users see it.
fn of_catalogue(member: &str) -> BTreeSet<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_autotag")).args(["catalog", "--format", "json"]).output().unwrap();
    let rules: Vec<Value> = serde_json::from_str(&text(&output)).unwrap();
    rules.iter().flat_map(|rule| texts(&rule[member])).collect()
}

/// What tagging needs in any account: of the rules and of the ports.
fn needed_anywhere() -> BTreeSet<String> {
    let of_ports = PERMISSIONS.iter().filter(|one| one.whose == Whose::Any).map(|one| one.action.to_owned());
    let of_rules = of_catalogue("iam_actions").into_iter().chain(of_catalogue("read_actions"));
    of_rules.chain(of_ports).collect()
}

/// Parliament's word.
#[derive(serde::Deserialize)]
struct Word {
    findings: Vec<String>,
    /// How many kinds of resources each action takes; `None` for one that does not exist.
    actions: BTreeMap<String, Option<usize>>,
    /// Actions on ARNs of a kind that they do not take.
    misplaced: Vec<String>,
}

fn judged(policies: &Policies) -> Word {
    let mut python = Command::new(installed(Tools::start(FOLDER)).python());
    python.args(["-W", "ignore"]).arg(script("permissions.py"));
    let mut running =
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(json!(policies).to_string().as_bytes()).unwrap();
    serde_json::from_str(&text(&running.wait_with_output().unwrap())).unwrap()
}

/// Actions that nothing needs.
fn needless(policies: &Policies, needed: &BTreeSet<String>) -> Vec<String> {
    let ports = PERMISSIONS.iter().map(|one| one.action);
    let besides: BTreeSet<&str> = BESIDES.iter().map(|(action, _)| *action).chain(ports).collect();
    let granted = grants(policies).into_keys();
    granted.filter(|action| !needed.contains(action) && !besides.contains(action.as_str())).collect()
}

/// Actions on `*` that could be on less, and those on less that could only be on `*`.
fn badly_placed(policies: &Policies, word: &Word) -> Vec<String> {
    let grants = grants(policies);
    let wrong = grants.iter().filter(|(action, resources)| {
        let takes_any = word.actions[*action] == Some(0);
        resources.contains("*") != takes_any || (takes_any && resources.len() > 1)
    });
    wrong.map(|(action, resources)| format!("{action} on {resources:?}")).collect()
}

/// What is found and not known, and what is known and not found any more.
fn surprises(found: &[String], known: &[(&str, &str)], same: impl Fn(&str, &str) -> bool) -> Vec<String> {
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
    let word = judged(&policies);
    let unknown: Vec<_> =
        word.actions.iter().filter(|(_, kinds)| kinds.is_none()).map(|(action, _)| action).collect();
    assert!(unknown.is_empty(), "IAM has no {unknown:?}");
    let new = surprises(&word.findings, ACCEPTED, |found, known| found.contains(known));
    assert!(new.is_empty(), "{new:#?}");
    // The same statements as everywhere, with an account in them.
    let alone = judged(&named(&policies, "member.yaml"));
    let new = surprises(&alone.misplaced, NEWER, |found, known| found == known);
    assert!(new.is_empty(), "{new:#?}");
}

#[test]
fn parliament_finds_what_is_wrong() {
    let word = judged(&one("sqs:TagQueues", "arn:aws:sqs:*:111122223333:*"));
    assert_eq!(word.actions["sqs:TagQueues"], None::<usize>);
    let word = judged(&one("sqs:TagQueue", "arn:aws:sns:*:111122223333:*"));
    assert!(word.findings[0].contains("RESOURCE_MISMATCH"), "{:?}", word.findings);
    assert_eq!(word.misplaced, ["sqs:TagQueue on arn:aws:sns:*:111122223333:*"]);
    let new = surprises(&word.misplaced, &[("other", "why")], |found, known| found == known);
    assert_eq!(new, ["sqs:TagQueue on arn:aws:sns:*:111122223333:*", "no longer: other (why)"]);
}

#[test]
fn every_action_is_needed_and_none_is_missing() {
    let folder = deploy(None);
    let policies = policies(folder.path());
    let needed = needed_anywhere();
    assert_eq!(needless(&policies, &needed), <[String; 0]>::default(), "no rule and no call needs these");
    // Each way to the same permissions: the files alone, the hub's own account, a member account.
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
fn an_action_that_nothing_needs_is_found() {
    assert_eq!(needless(&one("sqs:DeleteQueue", "*"), &needed_anywhere()), ["sqs:DeleteQueue"]);
    assert_eq!(needless(&one("sqs:TagQueue", "*"), &needed_anywhere()), <[String; 0]>::default());
}

/// What stands in the table above is called where it says, and stands in some policy.
#[test]
fn what_is_needed_besides_is_called_somewhere() {
    let folder = deploy(None);
    let granted = grants(&policies(folder.path()));
    for (action, caller) in BESIDES {
        assert!(granted.contains_key(action), "{action} stands in no policy any more");
        caller.calls(action);
    }
}

#[test]
fn no_action_is_a_star_and_resources_are_narrowed() {
    let folder = deploy(None);
    let policies = policies(folder.path());
    for (action, resources) in grants(&policies) {
        assert!(!action.contains('*'), "{action} on {resources:?}");
    }
    let wrong = badly_placed(&policies, &judged(&policies));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn an_action_on_too_much_is_found() {
    for (action, resource) in [("sqs:TagQueue", "*"), ("tag:TagResources", "arn:aws:tag:*:*:x")] {
        let policies = one(action, resource);
        assert_eq!(badly_placed(&policies, &judged(&policies)).len(), 1, "{action} on {resource}");
    }
}

/// Tag and read permissions are for the role's own account. Where ARNs name none, a condition does, or nobody else's
/// resources can be meant.
#[test]
fn no_resource_of_another_account_is_meant() {
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
fn aws_takes_them() {
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
    let hub = format!("HubRoleArn={role}");
    let template = folder.path().join("deploy/member.yaml");
    let trust = resolved(&template, &[&hub, "ExternalId=e-1"])["MemberRoleTrust"].clone();
    let expected = |id: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": role}, "StringEquals": {"sts:ExternalId": id}},
        }]})
    };
    assert_eq!(trust, expected("e-1"));
    assert_eq!(read(folder.path(), "iam/member-trust.json"), expected("the-external-id"));
    assert!(
        resolved(&template, &[&hub]).as_object().unwrap().keys().all(|name| name != "MemberRole"),
        "no people"
    );
}

/// What a document says, but for names of resources: effect, principals, actions, and of conditions operator and key.
fn said_by(documents: &[&Value]) -> BTreeSet<String> {
    let statements = documents.iter().flat_map(|document| document["Statement"].as_array().unwrap());
    let said = statements.flat_map(|statement| {
        let conditions: Vec<String> = statement["Condition"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(operator, keys)| {
                let keys = keys.as_object().unwrap().keys();
                // One name has no star in it, so that both mean the same.
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
    said.collect()
}

/// The same by references and by names: nothing stands in a template that those miss who take the files alone.
#[test]
fn files_alone_say_what_the_templates_say() {
    let folder = deploy(None);
    let of = |template: &str, parameters: &[&str]| {
        resolved(&folder.path().join("deploy").join(template), parameters)
    };
    let hub = of(
        "hub.yaml",
        &["Accounts=111122223333", "MemberRoleName=autotag-member", "ExternalId=e-1", "SenderAccounts="],
    );
    let session = of("session.yaml", &[]);
    let region = of("region.yaml", &["HubBusArn=arn:aws:events:eu-west-1:111122223333:event-bus/autotag"]);
    let alone = |name: &str| read(folder.path(), &format!("iam/{name}.json"));
    for (file, template, names) in [
        ("tag-handler", &hub, &["TagHandlerRole", "TagHandlerRole#2"][..]),
        ("session-handler", &session, &["SessionHandlerRole"]),
        ("forward", &region, &["ForwardRole"]),
        ("forward-trust", &region, &["ForwardRoleTrust"]),
        ("bus-policy", &hub, &["BusPolicy"]),
        ("tag-queue-policy", &hub, &["TagQueuePolicy"]),
        ("session-queue-policy", &session, &["SessionQueuePolicy"]),
    ] {
        let documents: Vec<&Value> = names.iter().map(|name| &template[*name]).collect();
        assert_eq!(said_by(&[&alone(file)]), said_by(&documents), "{file}");
    }
}
