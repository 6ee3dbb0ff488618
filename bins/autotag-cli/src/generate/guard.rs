//! `guard.yaml` and `scp*.json`: policies that protect the identity tags from forgery.
//!
//! `docs/security.md` describes what each statement prevents. A test compares its table with the statements.

use super::denials::{self, Denial, REQUEST_TAGS, denials};
use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::{Result, ensure};
use askama::Template;
use autotag_model::policy::TagTemplate;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The maximum length of a service control policy, in characters. White space of the files counts unless it is removed.
const MAX_SCP_LENGTH: usize = 5_120;

/// The roles that write tags, as the templates name them.
const TAG_HANDLER: &str = "autotag-tag-handler";
pub(super) const MEMBER: &str = "autotag-member";

/// The roles that may create and change them: a role of the user, and the roles of service-managed `StackSets`. The latter are
/// created by a service-linked role, to which SCPs do not apply, so no further exemption is needed.
const DEPLOYER: &str = "autotag-deployer";
const STACK_SETS: &str = "stacksets-exec-*";

/// Services that write tags of resources without a tag action in the catalogue.
const EXTRA_SERVICES: [&str; 2] = ["cloudformation", "tag"];

/// Tag actions without a condition key for tag keys, by IAM's service reference. They can only be allowed or denied as a whole.
const WITHOUT_CONDITIONS: [&str; 14] = [
    "clouddirectory:TagResource",
    "clouddirectory:UntagResource",
    "dax:TagResource",
    "dax:UntagResource",
    "glacier:AddTagsToVault",
    "glacier:RemoveTagsFromVault",
    "license-manager-user-subscriptions:UntagResource",
    "machinelearning:AddTags",
    "machinelearning:DeleteTags",
    "route53:ChangeTagsForResource",
    "s3:DeleteJobTagging",
    "s3:PutBucketTagging",
    "securityhub:TagResource",
    "securityhub:UntagResource",
];

/// Actions that change a role, or pass it to a service.
const ROLE_ACTIONS: [&str; 12] = [
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
];

/// The read actions of the EC2 console, to show instances and to run one.
const READ_ACTIONS: [&str; 19] = [
    "ec2:DescribeAddresses",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeKeyPairs",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribePlacementGroups",
    "ec2:DescribeRegions",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSnapshots",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcs",
];

/// The kinds of resources for which `RunInstances` needs a permission.
const RUN_INSTANCES_RESOURCES: [&str; 10] = [
    "image",
    "instance",
    "key-pair",
    "launch-template",
    "network-interface",
    "placement-group",
    "security-group",
    "snapshot",
    "subnet",
    "volume",
];

/// The kinds of resources that `RunInstances` creates, and tags on request.
const CREATED_RESOURCES: [&str; 3] = ["instance", "network-interface", "volume"];

/// The actions for the owner of an instance only.
const OWNER_ACTIONS: [&str; 4] =
    ["ec2:RebootInstances", "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances"];

/// Actions that could be used to claim another principal's instance.
const TAG_ACTIONS: [&str; 3] = ["ec2:CreateTags", "ec2:DeleteTags", "ec2:RunInstances"];

/// Actions that replace or remove the tags of an object.
const OBJECT_TAGS: [&str; 4] = [
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
];

/// Actions that set tags of an object.
const TAGGED_OBJECTS: [&str; 3] = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"];

#[derive(Template)]
#[template(path = "deploy/guard.yaml", escape = "none")]
struct Guard<'a> {
    /// The key of the tag with the whole `principalId`. Without it IAM cannot compare callers with owners.
    principal_key: Option<&'a str>,
    keys: &'a [&'a str],
    strict: &'a [&'a str],
    /// What the group of owners may not do.
    forged_by_owners: &'a [Denial],
    forged: &'a [Denial],
    forged_on_objects: &'a [Denial],
    read_actions: &'a [&'a str],
    run_instances_resources: &'a [&'a str],
    created_resources: &'a [&'a str],
    owner_actions: &'a [&'a str],
    object_tags: &'a [&'a str],
    role_actions: &'a [&'a str],
    tag_handler: &'a str,
    member: &'a str,
    deployer: &'a str,
    stack_sets: &'a str,
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let keys = inventory.enforced_keys();
    if keys.is_empty() {
        // Where every key may be declared, there is nothing to guard.
        return Ok(Vec::new());
    }
    let services = services(inventory);
    let strict = strict(&services);
    let principal_key = principal_key(inventory);
    let forged = forged(inventory, &services);
    let forged_by_owners = denials(inventory, "ForgeNothing", &TAG_ACTIONS.map(str::to_owned), REQUEST_TAGS);
    let forged_on_objects =
        denials(inventory, "ForgedOnObjects", &TAGGED_OBJECTS.map(str::to_owned), denials::OBJECT_TAGS);
    let template = Guard {
        principal_key,
        keys: &keys,
        strict: &strict,
        forged_by_owners: &forged_by_owners,
        forged: &forged,
        forged_on_objects: &forged_on_objects,
        read_actions: &READ_ACTIONS,
        run_instances_resources: &RUN_INSTANCES_RESOURCES,
        created_resources: &CREATED_RESOURCES,
        owner_actions: &OWNER_ACTIONS,
        object_tags: &OBJECT_TAGS,
        role_actions: &ROLE_ACTIONS,
        tag_handler: TAG_HANDLER,
        member: MEMBER,
        deployer: DEPLOYER,
        stack_sets: STACK_SETS,
    };
    let mut all = vec![
        GeneratedFile::new("guard.yaml", &template.render()?),
        control("scp.json", &identity_tags(&forged))?,
        control("scp-objects.json", &object_tags(&keys, &forged_on_objects))?,
        control(
            "scp-strict.json",
            &[deny("TagCallsWithoutConditions", &strict, &except_taggers(json!({})))],
        )?,
    ];
    if let Some(key) = principal_key {
        all.push(GeneratedFile::new("iam/owners.json", &pretty(&owners(key, &forged_by_owners))));
    }
    Ok(all)
}

/// The statements of `scp.json` about identity tags. They name the services if that fits, and otherwise those left out.
fn forged(inventory: &Inventory, services: &BTreeSet<&str>) -> Vec<Denial> {
    let calls: Vec<String> = services.iter().map(|service| format!("{service}:*")).collect();
    let named = denials(inventory, "IdentityTags", &calls, REQUEST_TAGS);
    if length(&pretty(&identity_tags(&named))) <= MAX_SCP_LENGTH {
        named
    } else {
        denials::for_all_services(inventory, named)
    }
}

/// The services whose actions have condition keys for tag keys: those of the catalogue's tag actions, and [`EXTRA_SERVICES`].
fn services(inventory: &Inventory) -> BTreeSet<&str> {
    let rules = inventory.chosen_services().flat_map(|service| &service.rules);
    let actions = rules.flat_map(|rule| rule.iam_actions());
    actions.filter_map(|action| action.split(':').next()).chain(EXTRA_SERVICES).collect()
}

/// The tag actions of these services that no condition can restrict.
fn strict(services: &BTreeSet<&str>) -> Vec<&'static str> {
    let known = |action: &&str| action.split(':').next().is_some_and(|service| services.contains(service));
    WITHOUT_CONDITIONS.into_iter().filter(known).collect()
}

/// The enforced identity key whose value IAM can compare with `${aws:userid}`.
fn principal_key(inventory: &Inventory) -> Option<&str> {
    let whole: TagTemplate = "{principal.id}".parse().ok()?;
    let policy = &inventory.policy;
    let found = policy.identity.iter().find(|(key, template)| *template == whole && policy.is_enforced(key));
    found.map(|(key, _)| key.as_str())
}

/// The policy of the group of owners.
fn owners(key: &str, forged: &[Denial]) -> Vec<Value> {
    let arns = |kinds: &[&str]| -> Vec<String> {
        kinds.iter().map(|kind| format!("arn:aws:ec2:*:*:{kind}/*")).collect()
    };
    let mut all = vec![
        json!({"Sid": "SeeAll", "Effect": "Allow", "Action": READ_ACTIONS, "Resource": "*"}),
        json!({"Sid": "RunNew", "Effect": "Allow", "Action": "ec2:RunInstances", "Resource": arns(&RUN_INSTANCES_RESOURCES)}),
        json!({
            "Sid": "TagNew", "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": arns(&CREATED_RESOURCES),
            "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        }),
        json!({
            "Sid": "ManageOwn", "Effect": "Allow", "Action": OWNER_ACTIONS, "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringEquals": {format!("ec2:ResourceTag/{key}"): "${aws:userid}"}},
        }),
    ];
    all.extend(forged.iter().map(|one| statement(one, &one.condition())));
    all.push(deny("RemoveNotAll", &["ec2:DeleteTags"], &naming_none()));
    all
}

/// The statements for services with the condition key `aws:TagKeys`.
fn identity_tags(forged: &[Denial]) -> Vec<Value> {
    let roles = |names: &[&str]| -> Vec<String> { names.iter().map(|name| role(name)).collect() };
    let mut all: Vec<Value> =
        forged.iter().map(|one| statement(one, &except_taggers(one.condition()))).collect();
    all.push(deny("AllTagsAtOnce", &["ec2:DeleteTags"], &except_taggers(naming_none())));
    all.push(json!({
        "Sid": "TaggerRoles", "Effect": "Deny", "Action": ROLE_ACTIONS,
        "Resource": roles(&[TAG_HANDLER, MEMBER, DEPLOYER, STACK_SETS]),
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": roles(&[DEPLOYER, STACK_SETS])}},
    }));
    all
}

/// The statements for objects of S3, which has condition keys of its own.
fn object_tags(keys: &[&str], forged: &[Denial]) -> Vec<Value> {
    let mut all: Vec<Value> =
        forged.iter().map(|one| statement(one, &except_taggers(one.condition()))).collect();
    for (key, number) in keys.iter().zip(1..) {
        let tagged = json!({"Null": {format!("s3:ExistingObjectTag/{key}"): "false"}});
        all.push(deny(&format!("ObjectsWith{number}"), &OBJECT_TAGS, &except_taggers(tagged)));
    }
    all
}

fn statement(denial: &Denial, condition: &Value) -> Value {
    let actions: Vec<&str> = denial.actions.iter().map(String::as_str).collect();
    denied(&denial.sid, denial.element, &actions, condition)
}

pub(super) fn deny(sid: &str, actions: &[&str], condition: &Value) -> Value {
    denied(sid, "Action", actions, condition)
}

fn denied(sid: &str, element: &str, actions: &[&str], condition: &Value) -> Value {
    // A single action is written without a list, as is usual.
    let actions = if let [action] = actions { json!(action) } else { json!(actions) };
    json!({"Sid": sid, "Effect": "Deny", element: actions, "Resource": "*", "Condition": condition})
}

/// The condition that the call names no tag key, and so affects all tags.
fn naming_none() -> Value {
    json!({"Null": {"aws:TagKeys": "true"}})
}

/// The condition, restricted to callers other than the roles that write tags.
fn except_taggers(mut condition: Value) -> Value {
    if let Some(operators) = condition.as_object_mut() {
        let taggers = json!({"aws:PrincipalArn": [role(TAG_HANDLER), role(MEMBER)]});
        operators.insert("ArnNotLike".to_owned(), taggers);
    }
    condition
}

/// The ARN pattern of a role in any account, because the files have no parameters. The statement `TaggerRoles` protects the role in
/// all accounts.
fn role(name: &str) -> String {
    format!("arn:aws:iam::*:role/{name}")
}

pub(super) fn control(path: &str, statements: &[Value]) -> Result<GeneratedFile> {
    let text = pretty(statements);
    let length = length(&text);
    ensure!(
        length <= MAX_SCP_LENGTH,
        "`{path}` would have {length} characters, but a service control policy may have only {MAX_SCP_LENGTH}; use fewer or \
         shorter identity keys in the tag policy"
    );
    Ok(GeneratedFile::new(path, &text))
}

/// The length of a document as AWS counts it.
fn length(text: &str) -> usize {
    text.chars().count()
}

/// The document with one line for each statement: short, and still readable.
fn pretty(statements: &[Value]) -> String {
    let lines: Vec<String> = statements.iter().map(Value::to_string).collect();
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n{}\n]}}", lines.join(",\n"))
}
