//! The policies that protect the tags, evaluated by a third-party simulator.
//!
//! `@cloud-copilot/iam-simulate` evaluates identity policies and service control policies with their conditions, policy
//! variables and `ForAnyValue`. It refuses actions, resources and condition keys that AWS does not have. These tests tell it which
//! requests AWS checks for a call (two for a call that creates with tags), and which condition keys a request has. The keys are
//! those of AWS's service reference, which may lack a key, or list one that some calls do not set. The exemptions of service-linked
//! roles and of the management account are documented by AWS, and not simulated.

use crate::common::autotag;
use crate::{deploy, generate, node_json, read, resolved};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const ACCOUNT: &str = "111122223333";

/// The policy that AWS Organizations attaches by default.
fn full_access() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

const ALL: [&str; 3] = ["ScpTargets=r-exmp", "ScpObjects=yes", "ScpStrict=yes"];

/// The policies of `guard.yaml`.
struct Guards {
    owners: Value,
    controls: Value,
    objects: Value,
    strict: Value,
}

impl Guards {
    fn of(folder: &Path) -> Self {
        let mut all = resolved(&folder.join("deploy/guard.yaml"), &ALL);
        Self {
            owners: all["OwnersPolicy"].take(),
            controls: all["IdentityTagsPolicy"].take(),
            objects: all["ObjectTagsPolicy"].take(),
            strict: all["StrictPolicy"].take(),
        }
    }
}

/// A principal with its policies.
struct Actor<'a> {
    name: &'a str,
    arn: &'a str,
    /// `aws:PrincipalArn`.
    principal: &'a str,
    /// `aws:userid`.
    id: &'a str,
    policies: Vec<&'a Value>,
    controls: Vec<&'a Value>,
}

/// One request that AWS checks for a call: action, resource, condition keys.
type Request = (&'static str, &'static str, Value);

impl Actor<'_> {
    fn simulation(&self, (action, resource, context): &Request) -> Value {
        let mut context = context.clone();
        context["aws:PrincipalArn"] = json!(self.principal);
        context["aws:userid"] = json!(self.id);
        let named = |policies: &[&Value]| -> Vec<Value> {
            policies
                .iter()
                .zip(1..)
                .map(|(policy, n)| json!({"name": format!("p{n}"), "policy": policy}))
                .collect()
        };
        let full = full_access();
        let mut controls = vec![&full];
        controls.extend(&self.controls);
        json!({
            "request": {
                "principal": self.arn, "action": action,
                "resource": {"resource": resource, "accountId": ACCOUNT},
                "contextVariables": context,
            },
            "identityPolicies": named(&self.policies),
            "serviceControlPolicies": [{"orgIdentifier": "r-exmp", "policies": named(&controls)}],
            "resourceControlPolicies": [],
        })
    }
}

const INSTANCE: &str = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";
const BUCKET: &str = "arn:aws:s3:::example";
const OBJECT: &str = "arn:aws:s3:::example/report";
const ZONE: &str = "arn:aws:route53:::hostedzone/Z0123456789EXAMPLE";
const MEMBER: &str = "arn:aws:iam::111122223333:role/autotag-member";
const STACK_SETS: &str = "arn:aws:iam::111122223333:role/stacksets-exec-0123456789abcdef0";

/// The requests of `RunInstances` with tags: to create the instance, and to tag it.
fn run_with(key: &str, value: &str) -> Vec<Request> {
    let (tag, keys) = (format!("aws:RequestTag/{key}"), [key]);
    let tagging = json!({&tag: value, "aws:TagKeys": keys, "ec2:CreateAction": "RunInstances"});
    vec![
        ("ec2:RunInstances", INSTANCE, json!({tag: value, "aws:TagKeys": keys})),
        ("ec2:CreateTags", INSTANCE, tagging),
    ]
}

/// A change of Alice's instance.
fn to_hers(action: &'static str, mut context: Value) -> Vec<Request> {
    context["aws:ResourceTag/PrincipalId"] = json!("AIDAEXAMPLEALICE");
    context["ec2:ResourceTag/PrincipalId"] = json!("AIDAEXAMPLEALICE");
    vec![(action, INSTANCE, context)]
}

/// Calls of an attacker or a user, each with its requests.
fn actions() -> Vec<(&'static str, Vec<Request>)> {
    let naming = |key: &str| json!({"aws:TagKeys": [key]});
    let setting = |key: &str| json!({format!("aws:RequestTag/{key}"): "x", "aws:TagKeys": [key]});
    vec![
        ("run an instance without tags", vec![("ec2:RunInstances", INSTANCE, json!({}))]),
        ("run an instance with a tag `Team`", run_with("Team", "search")),
        ("run an instance with somebody's `PrincipalId`", run_with("PrincipalId", "AIDAEXAMPLEBOB")),
        ("run an instance with `owner`, in another case", run_with("owner", "bob")),
        (
            "run an instance with `Owner` = `IoTDeviceTester`, as AWS expects",
            run_with("Owner", "IoTDeviceTester"),
        ),
        ("run an instance with a declared `CreatedBy`", run_with("CreatedBy", "EC2 Image Builder")),
        ("add `Team` to Alice's instance", to_hers("ec2:CreateTags", setting("Team"))),
        ("change `Owner` of Alice's instance", to_hers("ec2:CreateTags", setting("Owner"))),
        ("add `PRINCIPALID` to Alice's instance", to_hers("ec2:CreateTags", setting("PRINCIPALID"))),
        ("remove `PrincipalId` from Alice's instance", to_hers("ec2:DeleteTags", naming("PrincipalId"))),
        ("remove all tags of Alice's instance, naming none", to_hers("ec2:DeleteTags", json!({}))),
        ("stop Alice's instance", to_hers("ec2:StopInstances", json!({}))),
        ("terminate Alice's instance", to_hers("ec2:TerminateInstances", json!({}))),
        ("stop an instance that has no owner", vec![("ec2:StopInstances", INSTANCE, json!({}))]),
        (
            "create a queue with a tag `Owner`",
            vec![("sqs:CreateQueue", QUEUE, setting("Owner")), ("sqs:TagQueue", QUEUE, setting("Owner"))],
        ),
        (
            "change `Owner` of a queue, by the tagging API",
            vec![("tag:TagResources", "*", json!({})), ("sqs:TagQueue", QUEUE, setting("Owner"))],
        ),
        ("remove `PrincipalId` from a queue", vec![("sqs:UntagQueue", QUEUE, naming("PrincipalId"))]),
        ("remove `CreatedBy` from a queue", vec![("sqs:UntagQueue", QUEUE, naming("CreatedBy"))]),
        ("replace the tags of a bucket", vec![("s3:PutBucketTagging", BUCKET, json!({}))]),
        ("change the tags of a hosted zone", vec![("route53:ChangeTagsForResource", ZONE, json!({}))]),
        (
            "write an object with a tag `Owner`",
            vec![
                ("s3:PutObject", OBJECT, json!({"s3:RequestObjectTagKeys": ["Owner"]})),
                ("s3:PutObjectTagging", OBJECT, json!({"s3:RequestObjectTagKeys": ["Owner"]})),
            ],
        ),
        (
            "remove the tags of an object that has an owner",
            vec![("s3:DeleteObjectTagging", OBJECT, json!({"s3:ExistingObjectTag/Owner": "alice"}))],
        ),
        ("make a role called `autotag-member`", vec![("iam:CreateRole", MEMBER, json!({}))]),
        (
            "give that role to a function of one's own",
            vec![("iam:PassRole", MEMBER, json!({"iam:PassedToService": "lambda.amazonaws.com"}))],
        ),
        (
            "change the trust policy of the role of StackSets",
            vec![("iam:UpdateAssumeRolePolicy", STACK_SETS, json!({}))],
        ),
    ]
}

/// The tag actions of the catalogue.
fn tag_actions() -> BTreeSet<String> {
    let output = autotag(&["catalog", "--format", "json"]);
    let rules: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let actions = rules.iter().flat_map(|rule| rule["iam_actions"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn allow(actions: &BTreeSet<String>) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})
}

/// A user in the group of owners.
fn user<'a>(name: &'a str, of: [&'a str; 2], guards: &'a Guards, controls: Vec<&'a Value>) -> Actor<'a> {
    let [arn, id] = of;
    Actor { name, arn, principal: arn, id, policies: vec![&guards.owners], controls }
}

const ALICE: [&str; 2] = ["arn:aws:iam::111122223333:user/alice", "AIDAEXAMPLEALICE"];
const BOB: [&str; 2] = ["arn:aws:iam::111122223333:user/bob", "AIDAEXAMPLEBOB"];
const CAROL: &str = "arn:aws:sts::111122223333:assumed-role/admin/carol";
const ADMIN: &str = "arn:aws:iam::111122223333:role/admin";

/// The table of `docs/security.md`: which principal may make which call.
fn table() -> String {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let (full, tagging) = (full_access(), allow(&tag_actions()));
    let admin = |name, controls| Actor {
        name,
        arn: CAROL,
        principal: ADMIN,
        id: "AROAEXAMPLEADMIN:carol",
        policies: vec![&full],
        controls,
    };
    let all = || vec![&guards.controls, &guards.objects, &guards.strict];
    let actors = [
        user("Alice", ALICE, &guards, vec![]),
        user("Bob", BOB, &guards, vec![]),
        admin("administrator", vec![]),
        user("Alice, SCP", ALICE, &guards, vec![&guards.controls]),
        admin("administrator, SCP", vec![&guards.controls]),
        admin("administrator, all SCPs", all()),
        Actor {
            name: "tagger, all SCPs",
            arn: "arn:aws:sts::111122223333:assumed-role/autotag-member/autotag",
            principal: MEMBER,
            id: "AROAEXAMPLEMEMBER:autotag",
            policies: vec![&tagging],
            controls: all(),
        },
    ];
    let actions = actions();
    let requests: Vec<Value> = actions
        .iter()
        .flat_map(|(_, requests)| actors.iter().map(move |actor| (actor, requests)))
        .flat_map(|(actor, requests)| requests.iter().map(|request| actor.simulation(request)))
        .collect();
    let decisions = node_json("simulate.cjs", &json!(requests));
    let mut decisions = decisions.as_array().unwrap().iter().map(|decision| decision.as_str().unwrap());
    let mut table = String::from("| |");
    for actor in &actors {
        write!(table, " {} |", actor.name).unwrap();
    }
    writeln!(table, "\n|---|{}", "---|".repeat(actors.len())).unwrap();
    for (name, requests) in &actions {
        write!(table, "| {name} |").unwrap();
        for _ in &actors {
            let answers: Vec<&str> = decisions.by_ref().take(requests.len()).collect();
            // A call succeeds if all its requests are allowed.
            let answer = answers.iter().find(|answer| **answer != "yes").unwrap_or(&"yes");
            write!(table, " {} |", answer.trim_start_matches("no (").trim_end_matches(')')).unwrap();
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_documented_table_is_correct() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
    let page = fs::read_to_string(page).unwrap();
    let table = table();
    assert!(page.contains(&table), "docs/security.md does not have this table:\n\n{table}");
}

/// No other principal may create or change these roles.
#[test]
fn stack_sets_and_the_deployer_may_create_the_tagging_roles() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let full = full_access();
    let requests: Vec<Value> =
        ["stacksets-exec-0123456789abcdef0", "autotag-deployer", "admin", "autotag-member"]
            .iter()
            .map(|role| {
                let principal = format!("arn:aws:iam::111122223333:role/{role}");
                let arn = format!("arn:aws:sts::111122223333:assumed-role/{role}/x");
                let controls = vec![&guards.controls];
                Actor { name: "", arn: &arn, principal: &principal, id: "x", policies: vec![&full], controls }
                    .simulation(&("iam:CreateRole", MEMBER, json!({})))
            })
            .collect();
    assert_eq!(node_json("simulate.cjs", &json!(requests)), json!(["yes", "yes", "no (SCP)", "no (SCP)"]));
}

/// The actions of an element of a statement, which is a list or one of them.
fn actions_of(element: &Value) -> Vec<String> {
    let all = element.as_array().cloned().unwrap_or_else(|| vec![element.clone()]);
    all.iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// The actions of the services that `scp.json` is about, by AWS's service reference.
fn known_actions(controls: &Value) -> Vec<Value> {
    let statements = controls["Statement"].as_array().unwrap().iter();
    let of_keys = statements.filter(|one| one["Sid"].as_str().unwrap().starts_with("IdentityTags"));
    let services: BTreeSet<String> = of_keys
        .flat_map(|one| match one.get("NotAction") {
            // It denies the calls of all services but these; what counts are those of the catalogue.
            Some(_) => {
                tag_actions().into_iter().chain(["cloudformation:*".to_owned(), "tag:*".to_owned()]).collect()
            }
            None => actions_of(&one["Action"]),
        })
        .map(|action| action.split(':').next().unwrap().to_owned())
        .collect();
    node_json("actions.cjs", &json!(services)).as_array().unwrap().clone()
}

fn has_key(action: &Value, key: &str) -> bool {
    action["keys"].as_array().unwrap().iter().any(|known| known == key)
}

/// Covers all tag calls, untag calls and creations of every service: hundreds.
#[test]
fn only_tagging_roles_may_set_identity_tags() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let full = full_access();
    let actor = |arn, principal| Actor {
        name: "",
        arn,
        principal,
        id: "AROAEXAMPLE:x",
        policies: vec![&full],
        controls: vec![&guards.controls],
    };
    let admin = actor(CAROL, ADMIN);
    let handler = actor(
        "arn:aws:sts::111122223333:assumed-role/autotag-tag-handler/autotag-tag-handler",
        "arn:aws:iam::111122223333:role/autotag-tag-handler",
    );
    let known = known_actions(&guards.controls);
    let (calls, ambiguous): (Vec<&Value>, Vec<&Value>) = known
        .iter()
        .filter(|action| has_key(action, "aws:TagKeys"))
        .partition(|action| !action["resource"].is_null());
    // Two of their types have ARNs of one form, and the simulator asks which is meant.
    let ambiguous: Vec<&str> = ambiguous.iter().map(|action| action["action"].as_str().unwrap()).collect();
    assert_eq!(ambiguous, ["rtbfabric:TagResource", "rtbfabric:UntagResource"]);
    assert!(calls.len() > 700, "only {} calls of the covered services can name tags", calls.len());
    for (actor, key, want) in [
        (&admin, "principalid", "no (SCP)"),
        (&admin, "Owner", "no (SCP)"),
        (&admin, "CreatedBy", "yes"),
        (&admin, "Team", "yes"),
        (&handler, "Owner", "yes"),
    ] {
        let requests: Vec<Value> = calls
            .iter()
            .map(|call| {
                let (action, resource) =
                    (call["action"].as_str().unwrap(), call["resource"].as_str().unwrap());
                let mut simulation = actor.simulation(&("", "", json!({"aws:TagKeys": [key]})));
                simulation["request"]["action"] = json!(action);
                simulation["request"]["resource"]["resource"] = json!(resource);
                if action.starts_with("kms:") {
                    // A key needs a key policy; the default one delegates to IAM.
                    simulation["resourcePolicy"] = json!({"Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                        "Action": "kms:*", "Resource": "*",
                    }]});
                }
                simulation
            })
            .collect();
        let decisions = node_json("simulate.cjs", &json!(requests));
        for (call, decision) in calls.iter().zip(decisions.as_array().unwrap()) {
            assert_eq!(decision, want, "{} with `{key}`", call["action"]);
        }
    }
}

/// Tag calls that `scp.json` cannot restrict are denied by the other two, or are listed here.
#[test]
fn the_tag_calls_without_conditions_are_known() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let listed = |policy: &Value| -> BTreeSet<String> {
        let actions = policy["Statement"].as_array().unwrap().iter().map(|statement| &statement["Action"]);
        actions
            .flat_map(|actions| actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]))
            .map(|action| action.as_str().unwrap().to_owned())
            .collect()
    };
    let closed: BTreeSet<String> = listed(&guards.objects).union(&listed(&guards.strict)).cloned().collect();
    let open: BTreeSet<String> = known_actions(&guards.controls)
        .iter()
        .filter(|action| {
            action["access"].as_str().unwrap().contains("Tagging") && !has_key(action, "aws:TagKeys")
        })
        .map(|action| action["action"].as_str().unwrap().to_owned())
        .filter(|action| !closed.contains(action))
        .collect();
    let want = [
        // It only reads.
        "bcm-pricing-calculator:ListTagsForResource",
        // Resources that autotag does not tag.
        "chime:TagAttendee",
        "chime:UntagAttendee",
        "chime:UntagMeeting",
        "codedeploy:AddTagsToOnPremisesInstances",
        "codedeploy:RemoveTagsFromOnPremisesInstances",
        "s3:DeleteStorageLensConfigurationTagging",
        // S3 replication uses a role of its own.
        "s3:ReplicateTags",
        // AWS also checks the tag action of the service.
        "tag:TagResources",
        "tag:UntagResources",
    ];
    assert_eq!(open, want.map(str::to_owned).into(), "tag calls that no policy denies");
}

#[test]
fn every_tag_action_of_the_catalogue_is_covered() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let known = known_actions(&guards.controls);
    let names: BTreeSet<&str> = known.iter().map(|action| action["action"].as_str().unwrap()).collect();
    for action in tag_actions() {
        assert!(
            names.contains(action.as_str()),
            "{action} does not exist, or scp.json does not name its service"
        );
    }
}

#[test]
fn files_and_template_have_the_same_policies() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    for (file, policy) in [
        ("iam/owners.json", &guards.owners),
        ("scp.json", &guards.controls),
        ("scp-objects.json", &guards.objects),
        ("scp-strict.json", &guards.strict),
    ] {
        assert_eq!(read(folder.path(), file), *policy, "{file} and guard.yaml");
    }
}

#[test]
fn without_targets_no_service_control_policy_is_created() {
    let folder = deploy(None);
    let made = resolved(&folder.path().join("deploy/guard.yaml"), &["ScpObjects=yes", "ScpStrict=yes"]);
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["OwnersPolicy"]);
}

#[test]
fn parameters_restrict_the_exempt_roles() {
    let folder = deploy(None);
    let parameters = ["ScpTargets=r-exmp", "HubAccount=999988887777", "Exempt=service-role/Backup,Copy*"];
    let made = resolved(&folder.path().join("deploy/guard.yaml"), &parameters);
    let statements = &made["IdentityTagsPolicy"]["Statement"];
    assert_eq!(
        statements[0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"],
        json!([
            "arn:aws:iam::999988887777:role/autotag-tag-handler",
            "arn:aws:iam::*:role/autotag-member",
            "arn:*:iam::*:role/service-role/Backup",
            "arn:*:iam::*:role/Copy*",
        ])
    );
    let of = |sid: &str| statements.as_array().unwrap().iter().find(|one| one["Sid"] == sid).unwrap();
    let roles = of("TaggerRoles")["Resource"].to_string();
    assert!(!roles.contains("Backup"), "other principals must be able to pass it: {roles}");
    // A principal that may create a role of this name would be exempt.
    let exempt = of("ExemptRole");
    assert_eq!(
        exempt["Resource"],
        json!(["arn:*:iam::*:role/service-role/Backup", "arn:*:iam::*:role/Copy*"])
    );
    let actions = exempt["Action"].to_string();
    assert!(actions.contains("iam:CreateRole") && !actions.contains("iam:PassRole"), "{actions}");
}

/// Otherwise an administrator of a member account switches the tagger off there.
#[test]
fn only_who_deploys_the_tagger_may_switch_it_off() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let full = full_access();
    let actor = |arn, principal| Actor {
        name: "",
        arn,
        principal,
        id: "x",
        policies: vec![&full],
        controls: vec![&guards.controls],
    };
    let admin = actor(CAROL, ADMIN);
    let stack_sets =
        actor("arn:aws:sts::111122223333:assumed-role/stacksets-exec-0123456789abcdef0/x", STACK_SETS);
    let own: [Request; 8] = [
        ("events:DisableRule", "arn:aws:events:eu-west-1:111122223333:rule/autotag-creations-1", json!({})),
        ("events:RemoveTargets", "arn:aws:events:eu-west-1:111122223333:rule/autotag-sessions", json!({})),
        ("sqs:PurgeQueue", "arn:aws:sqs:eu-west-1:111122223333:autotag-forward-dead", json!({})),
        (
            "lambda:UpdateFunctionCode",
            "arn:aws:lambda:eu-west-1:111122223333:function:autotag-tag-handler",
            json!({}),
        ),
        (
            "iam:CreatePolicyVersion",
            "arn:aws:iam::111122223333:policy/StackSet-autotag-member-1-MemberPermissions1-A",
            json!({}),
        ),
        ("iam:DeleteRolePolicy", "arn:aws:iam::111122223333:role/autotag-forward-eu-west-1", json!({})),
        (
            "cloudformation:DeleteStack",
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/StackSet-autotag-region-1/2",
            json!({}),
        ),
        (
            "cloudwatch:DeleteAlarms",
            "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:autotag-errors",
            json!({}),
        ),
    ];
    let others: [Request; 3] = [
        ("events:DisableRule", "arn:aws:events:eu-west-1:111122223333:rule/nightly", json!({})),
        ("sqs:PurgeQueue", QUEUE, json!({})),
        (
            "cloudformation:DeleteStack",
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/2",
            json!({}),
        ),
    ];
    let requests: Vec<Value> = own
        .iter()
        .flat_map(|request| [admin.simulation(request), stack_sets.simulation(request)])
        .chain(others.iter().map(|request| admin.simulation(request)))
        .collect();
    let expected: Vec<&str> = ["no (SCP)", "yes"].repeat(8).into_iter().chain(["yes"; 3]).collect();
    assert_eq!(node_json("simulate.cjs", &json!(requests)), json!(expected));
}

/// A control tag of an AWS service may be let through, and not beside a forged principal.
#[test]
fn values_of_a_parameter_may_be_set_by_anybody() {
    let folder = deploy(None);
    let parameters = ["ScpTargets=r-exmp", "ExemptValues1=shared,HyperPod Inference"];
    let mut made = resolved(&folder.path().join("deploy/guard.yaml"), &parameters);
    let controls = made["IdentityTagsPolicy"].take();
    let full = full_access();
    let admin = Actor {
        name: "",
        arn: CAROL,
        principal: ADMIN,
        id: "AROAEXAMPLEADMIN:carol",
        policies: vec![&full],
        controls: vec![&controls],
    };
    let owner = |action, resource, value: &str, keys: &[&str]| {
        admin.simulation(&(action, resource, json!({"aws:RequestTag/Owner": value, "aws:TagKeys": keys})))
    };
    let requests = [
        owner("sqs:CreateQueue", QUEUE, "HyperPod Inference", &["Owner"]),
        owner("ec2:RunInstances", INSTANCE, "shared", &["Owner"]),
        owner("ec2:RunInstances", INSTANCE, "IoTDeviceTester", &["Owner"]),
        owner("sqs:CreateQueue", QUEUE, "boss", &["Owner"]),
        owner("sqs:CreateQueue", QUEUE, "shared", &["Owner", "PrincipalId"]),
        owner("ec2:RunInstances", INSTANCE, "shared", &["Owner", "PrincipalId"]),
    ];
    let expected = json!(["yes", "yes", "yes", "no (SCP)", "no (SCP)", "no (SCP)"]);
    assert_eq!(node_json("simulate.cjs", &json!(requests)), expected);
}

/// Requests that an administrator under the service control policy of a tag policy may make: action, resource, key
/// and value of a tag.
fn may_tag(folder: &Path, calls: &[(&'static str, &'static str, &str, &str)]) -> Value {
    let guards = Guards::of(folder);
    let full = full_access();
    let admin = Actor {
        name: "",
        arn: CAROL,
        principal: ADMIN,
        id: "AROAEXAMPLEADMIN:carol",
        policies: vec![&full],
        controls: vec![&guards.controls],
    };
    let requests: Vec<Value> = calls
        .iter()
        .map(|(action, resource, key, value)| {
            let context = json!({format!("aws:RequestTag/{key}"): value, "aws:TagKeys": [key]});
            admin.simulation(&(action, resource, context))
        })
        .collect();
    node_json("simulate.cjs", &json!(requests))
}

const GLUE: &str = "arn:aws:glue:eu-west-1:111122223333:session/work";
const SNAPSHOT: &str = "arn:aws:ec2:eu-west-1::snapshot/snap-0123456789abcdef0";

#[test]
fn what_aws_expects_on_resources_of_a_service_is_not_denied_there() {
    let answers = may_tag(
        deploy(None).path(),
        &[
            ("ec2:RunInstances", INSTANCE, "Owner", "IoTDeviceTester"),
            ("sqs:CreateQueue", QUEUE, "Owner", "IoTDeviceTester"),
            ("ec2:RunInstances", INSTANCE, "Owner", "boss"),
            ("glue:CreateSession", GLUE, "owner", "AROAEXAMPLEADMIN:carol"),
            ("glue:CreateSession", GLUE, "owner", "AROAEXAMPLEVICTIM:boss"),
            ("ec2:CreateSnapshot", SNAPSHOT, "CreatedBy", "EC2 Image Builder"),
        ],
    );
    assert_eq!(answers, json!(["yes", "no (SCP)", "no (SCP)", "yes", "no (SCP)", "yes"]));
}

#[test]
fn a_role_of_the_customer_may_set_what_aws_expects_although_the_key_is_enforced() {
    let all = "[existing]\nenforce = [\"Owner\", \"PrincipalId\", \"CreatedBy\"]\n";
    let answers = may_tag(
        deploy(Some(all)).path(),
        &[
            ("ec2:CreateSnapshot", SNAPSHOT, "CreatedBy", "EC2 Image Builder"),
            ("ec2:CreateSnapshot", SNAPSHOT, "CreatedBy", "carol"),
            ("sqs:CreateQueue", QUEUE, "CreatedBy", "EC2 Image Builder"),
            ("ec2:CreateSnapshot", SNAPSHOT, "PrincipalId", "EC2 Image Builder"),
        ],
    );
    assert_eq!(answers, json!(["yes", "no (SCP)", "no (SCP)", "no (SCP)"]));
}

#[test]
fn the_profile_declared_guards_the_principal_alone() {
    let folder = deploy(Some("[policy]\nprofile = \"declared\"\n"));
    let answers = may_tag(
        folder.path(),
        &[
            ("sqs:CreateQueue", QUEUE, "Owner", "team-shop"),
            ("sqs:CreateQueue", QUEUE, "PrincipalId", "AIDAEXAMPLEBOB"),
        ],
    );
    assert_eq!(answers, json!(["yes", "no (SCP)"]));
    let owners = read(folder.path(), "iam/owners.json").to_string();
    assert!(owners.contains("ec2:ResourceTag/PrincipalId") && !owners.contains("\"Owner\""), "{owners}");
    let ignored = fs::read_to_string(folder.path().join("deploy/terraform/ignore-tags.hcl")).unwrap();
    assert!(ignored.contains("\"PrincipalId\"") && !ignored.contains("\"Owner\""), "{ignored}");
}

#[test]
fn without_enforced_keys_there_are_no_guards() {
    let folder = deploy(Some("[existing]\nenforce = []\n"));
    let list = fs::read_to_string(folder.path().join("deploy/generated-files.txt")).unwrap();
    // A source identity is not a tag: that policy does not depend on the keys.
    let guards = list.replace("scp-source-identity.json", "");
    assert!(!guards.contains("scp") && !guards.contains("guard.yaml"), "{list}");
    let module = fs::read_to_string(folder.path().join("deploy/terraform/main.tf")).unwrap();
    assert!(!module.contains("\"guard\", "), "the module uploads no guard.yaml: {module}");
}

#[test]
fn a_strict_policy_permits_the_tagger_its_keys_alone() {
    let folder = deploy(Some("[policy]\ncopy = \"strict\"\n[copy]\nallow = [\"Team\"]\n"));
    let permissions: Vec<Value> = fs::read_dir(folder.path().join("deploy/iam"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("tag-") && name != "tag-handler.json" && !name.contains("queue"))
        .map(|name| read(folder.path(), &format!("iam/{name}")))
        .collect();
    let tagger = Actor {
        name: "",
        arn: "arn:aws:sts::111122223333:assumed-role/autotag-member/autotag",
        principal: MEMBER,
        id: "AROAEXAMPLEMEMBER:autotag",
        policies: permissions.iter().collect(),
        controls: vec![],
    };
    let naming = |keys: &[&str]| tagger.simulation(&("sqs:TagQueue", QUEUE, json!({"aws:TagKeys": keys})));
    let requests =
        [naming(&["Owner", "PrincipalId", "Team"]), naming(&["Owner", "Environment"]), naming(&["team"])];
    assert_eq!(node_json("simulate.cjs", &json!(requests)), json!(["yes", "no", "no"]));
}

#[test]
fn identity_keys_are_those_of_the_policy() {
    let folder = deploy(Some(
        "[identity]\n\"team:made-by\" = \"{owner}\"\nMadeBy = \"{principal.id}\"\n[static]\nManaged = \"autotag\"\n",
    ));
    let guards = Guards::of(folder.path());
    let keys =
        &guards.controls["Statement"][0]["Condition"]["ForAnyValue:StringEqualsIgnoreCase"]["aws:TagKeys"];
    assert_eq!(*keys, json!(["team:made-by", "MadeBy"]));
    assert!(guards.owners.to_string().contains("\"ec2:ResourceTag/MadeBy\":\"${aws:userid}\""));
    assert!(guards.objects.to_string().contains("s3:ExistingObjectTag/team:made-by"));
    for (file, policy) in [("iam/owners.json", &guards.owners), ("scp-objects.json", &guards.objects)] {
        assert_eq!(read(folder.path(), file), *policy, "{file} and guard.yaml");
    }
    let ignored = fs::read_to_string(folder.path().join("deploy/terraform/ignore-tags.hcl")).unwrap();
    assert!(ignored.contains("\"team:made-by\",\n      \"MadeBy\",\n      \"Managed\",\n"), "{ignored}");
}

/// Without the principal id as a tag, IAM cannot compare owners with `${aws:userid}`.
#[test]
fn without_principal_ids_there_is_no_group_of_owners() {
    let folder = deploy(Some("[identity]\nOwner = \"{owner}\"\n"));
    let made = resolved(&folder.path().join("deploy/guard.yaml"), &ALL);
    let names: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(names, ["IdentityTagsPolicy", "ObjectTagsPolicy", "StrictPolicy"]);
    assert!(!folder.path().join("deploy/iam/owners.json").exists());
}

#[test]
fn too_many_identity_keys_for_a_control_are_an_error() {
    let folder = TempDir::new().unwrap();
    let keys: String = (0..150).fold(String::from("[identity]\n"), |mut text, n| {
        writeln!(text, "\"a-rather-long-identity-key-{n}\" = \"{{owner}}\"").unwrap();
        text
    });
    fs::write(folder.path().join("autotag.toml"), keys).unwrap();
    let output = generate(folder.path());
    let message = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(message.contains("a service control policy may have only 10240"), "{message}");
}

#[test]
fn service_control_policies_are_within_the_limit() {
    let folder = deploy(None);
    for name in ["scp.json", "scp-objects.json", "scp-strict.json"] {
        let length = fs::read_to_string(folder.path().join("deploy").join(name)).unwrap().chars().count();
        assert!(length <= 10_240, "{name} has {length} characters");
    }
}
