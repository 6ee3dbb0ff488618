//! The guards of the tags, decided by a simulator that is not ours.
//!
//! `@cloud-copilot/iam-simulate` evaluates identity policies and service control policies with their conditions, policy
//! variables and the sets `ForAnyValue`; it refuses actions, resources and condition keys that AWS does not have. What it
//! does not do, and what therefore stands here as an input: which requests AWS makes of a call (a call that creates with
//! tags is asked for twice), and which condition keys a request really carries. The latter are those of AWS's service
//! reference, in which a key may be missing or said to be there for calls that do not set it. That service-linked roles and
//! the management account are outside of service control policies is AWS's word, and not simulated.

use crate::{deploy, generate, judged, read, resolved};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const ACCOUNT: &str = "111122223333";

/// What AWS Organizations attaches to everything.
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

/// Somebody who asks for something.
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

/// One request that AWS makes of a call: action, resource, what stands in it.
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

/// `RunInstances` with tags, as EC2 asks for it: to make the instance, and to tag it.
fn run_with(key: &str, value: &str) -> Vec<Request> {
    let (tag, keys) = (format!("aws:RequestTag/{key}"), [key]);
    let tagging = json!({&tag: value, "aws:TagKeys": keys, "ec2:CreateAction": "RunInstances"});
    vec![
        ("ec2:RunInstances", INSTANCE, json!({tag: value, "aws:TagKeys": keys})),
        ("ec2:CreateTags", INSTANCE, tagging),
    ]
}

/// A change of an instance that Alice has made.
fn to_hers(action: &'static str, mut context: Value) -> Vec<Request> {
    context["aws:ResourceTag/PrincipalId"] = json!("AIDAEXAMPLEALICE");
    context["ec2:ResourceTag/PrincipalId"] = json!("AIDAEXAMPLEALICE");
    vec![(action, INSTANCE, context)]
}

/// What somebody may try.
fn deeds() -> Vec<(&'static str, Vec<Request>)> {
    let naming = |key: &str| json!({"aws:TagKeys": [key]});
    let setting = |key: &str| json!({format!("aws:RequestTag/{key}"): "x", "aws:TagKeys": [key]});
    vec![
        ("run an instance without tags", vec![("ec2:RunInstances", INSTANCE, json!({}))]),
        ("run an instance with a tag `Team`", run_with("Team", "search")),
        ("run an instance with somebody's `PrincipalId`", run_with("PrincipalId", "AIDAEXAMPLEBOB")),
        ("run an instance with `owner`, in another case", run_with("owner", "bob")),
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
            "change whom the role of StackSets trusts",
            vec![("iam:UpdateAssumeRolePolicy", STACK_SETS, json!({}))],
        ),
    ]
}

/// What the tagger may do in an account: the tag actions of the catalogue.
fn tag_actions() -> BTreeSet<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_autotag")).args(["catalog", "--format", "json"]).output().unwrap();
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

/// Who may do what, as it is printed in `docs/security.md`.
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
    let deeds = deeds();
    let asked: Vec<Value> = deeds
        .iter()
        .flat_map(|(_, requests)| actors.iter().map(move |actor| (actor, requests)))
        .flat_map(|(actor, requests)| requests.iter().map(|request| actor.simulation(request)))
        .collect();
    let verdicts = judged("simulate.cjs", &json!(asked));
    let mut verdicts = verdicts.as_array().unwrap().iter().map(|verdict| verdict.as_str().unwrap());
    let mut table = String::from("| |");
    for actor in &actors {
        write!(table, " {} |", actor.name).unwrap();
    }
    writeln!(table, "\n|---|{}", "---|".repeat(actors.len())).unwrap();
    for (name, requests) in &deeds {
        write!(table, "| {name} |").unwrap();
        for _ in &actors {
            let answers: Vec<&str> = verdicts.by_ref().take(requests.len()).collect();
            // The call succeeds if all that is asked for it is allowed.
            let answer = answers.iter().find(|answer| **answer != "yes").unwrap_or(&"yes");
            write!(table, " {answer} |").unwrap();
        }
        table.push('\n');
    }
    table
}

#[test]
fn who_may_do_what_is_as_the_documentation_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
    let page = fs::read_to_string(page).unwrap();
    let table = table();
    assert!(page.contains(&table), "docs/security.md does not have this table:\n\n{table}");
}

/// They are guarded from all others, and have to be made by somebody.
#[test]
fn the_roles_of_the_tagger_are_made_by_stack_sets_and_the_deployer() {
    let folder = deploy(None);
    let guards = Guards::of(folder.path());
    let full = full_access();
    let asked: Vec<Value> =
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
    assert_eq!(judged("simulate.cjs", &json!(asked)), json!(["yes", "yes", "no (SCP)", "no (SCP)"]));
}

/// Actions of the services that `scp.json` names, as AWS's service reference has them.
fn known_actions(controls: &Value) -> Vec<Value> {
    let actions = controls["Statement"][0]["Action"].as_array().unwrap();
    let services: Vec<&str> =
        actions.iter().map(|action| action.as_str().unwrap().strip_suffix(":*").unwrap()).collect();
    judged("actions.cjs", &json!(services)).as_array().unwrap().clone()
}

fn has_key(action: &Value, key: &str) -> bool {
    action["keys"].as_array().unwrap().iter().any(|known| known == key)
}

/// Tag calls, untag calls and creations of every service: hundreds.
#[test]
fn nobody_but_the_tagger_names_an_identity_tag_in_any_call_of_a_covered_service() {
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
    let calls: Vec<&Value> = known.iter().filter(|action| has_key(action, "aws:TagKeys")).collect();
    assert!(calls.len() > 700, "only {} calls of the covered services can name tags", calls.len());
    for (who, key, want) in [
        (&admin, "createdby", "no (SCP)"),
        (&admin, "Owner", "no (SCP)"),
        (&admin, "Team", "yes"),
        (&handler, "Owner", "yes"),
    ] {
        let asked: Vec<Value> = calls
            .iter()
            .map(|call| {
                let (action, resource) =
                    (call["action"].as_str().unwrap(), call["resource"].as_str().unwrap());
                let mut simulation = who.simulation(&("", "", json!({"aws:TagKeys": [key]})));
                simulation["request"]["action"] = json!(action);
                simulation["request"]["resource"]["resource"] = json!(resource);
                if action.starts_with("kms:") {
                    // A key counts on its own policy; the usual one leaves it to IAM.
                    simulation["resourcePolicy"] = json!({"Version": "2012-10-17", "Statement": [{
                        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                        "Action": "kms:*", "Resource": "*",
                    }]});
                }
                simulation
            })
            .collect();
        let verdicts = judged("simulate.cjs", &json!(asked));
        for (call, verdict) in calls.iter().zip(verdicts.as_array().unwrap()) {
            assert_eq!(verdict, want, "{} with `{key}`", call["action"]);
        }
    }
}

/// What `scp.json` cannot narrow is closed by the other two, or is said to stay open.
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
        // Not what autotag tags.
        "codedeploy:AddTagsToOnPremisesInstances",
        "codedeploy:RemoveTagsFromOnPremisesInstances",
        "s3:DeleteStorageLensConfigurationTagging",
        // Replication copies tags, with a role of its own.
        "s3:ReplicateTags",
        // The service's own tag action is asked for too.
        "tag:TagResources",
        "tag:UntagResources",
    ];
    assert_eq!(open, want.map(str::to_owned).into(), "tag calls that no policy closes");
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
            "{action} is of no service that scp.json names, or does not exist"
        );
    }
}

#[test]
fn files_and_templates_say_the_same() {
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
fn nothing_of_an_organization_is_made_where_no_targets_are_named() {
    let folder = deploy(None);
    let made = resolved(&folder.path().join("deploy/guard.yaml"), &["ScpObjects=yes", "ScpStrict=yes"]);
    assert_eq!(made.as_object().unwrap().keys().collect::<Vec<_>>(), ["OwnersPolicy"]);
}

#[test]
fn an_exempt_role_and_the_account_of_the_hub_are_where_they_belong() {
    let folder = deploy(None);
    let parameters = ["ScpTargets=r-exmp", "HubAccount=999988887777", "Exempt=service-role/Backup"];
    let made = resolved(&folder.path().join("deploy/guard.yaml"), &parameters);
    let statements = &made["IdentityTagsPolicy"]["Statement"];
    assert_eq!(
        statements[0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"],
        json!([
            "arn:aws:iam::999988887777:role/autotag-tag-handler",
            "arn:aws:iam::*:role/autotag-member",
            "arn:aws:iam::*:role/service-role/Backup",
        ])
    );
    let of = |sid: &str| statements.as_array().unwrap().iter().find(|one| one["Sid"] == sid).unwrap();
    let roles = of("TaggerRoles")["Resource"].to_string();
    assert!(!roles.contains("Backup"), "others have to be able to pass it: {roles}");
    // Who could make a role of this name would be exempt himself.
    let exempt = of("ExemptRole");
    assert_eq!(exempt["Resource"], "arn:aws:iam::*:role/service-role/Backup");
    let actions = exempt["Action"].to_string();
    assert!(actions.contains("iam:CreateRole") && !actions.contains("iam:PassRole"), "{actions}");
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

/// Without the whole id on the resource, IAM has nothing to compare with `${aws:userid}`.
#[test]
fn without_principal_ids_there_is_no_group_of_owners() {
    let folder = deploy(Some("[identity]\nOwner = \"{owner}\"\n"));
    let made = resolved(&folder.path().join("deploy/guard.yaml"), &ALL);
    let names: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(names, ["IdentityTagsPolicy", "ObjectTagsPolicy", "StrictPolicy"]);
    assert!(!folder.path().join("deploy/iam/owners.json").exists());
}

#[test]
fn too_many_identity_keys_for_a_control_are_refused_in_so_many_words() {
    let folder = TempDir::new().unwrap();
    let keys: String = (0..60).fold(String::from("[identity]\n"), |mut text, n| {
        writeln!(text, "\"a-rather-long-identity-key-{n}\" = \"{{owner}}\"").unwrap();
        text
    });
    fs::write(folder.path().join("autotag.toml"), keys).unwrap();
    let output = generate(folder.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains("a service control policy at most 5120"), "{said}");
}

#[test]
fn controls_fit_into_organizations() {
    let folder = deploy(None);
    for name in ["scp.json", "scp-objects.json", "scp-strict.json"] {
        let length = fs::read_to_string(folder.path().join("deploy").join(name)).unwrap().chars().count();
        assert!(length <= 5_120, "{name} has {length} characters");
    }
}
