//! `guard.yaml` and `scp*.json`: what keeps the tags worth something.
//!
//! What each statement stops is said in `docs/security.md`, and there is the table that its test compares.

use super::Artefact;
use super::inventory::Inventory;
use anyhow::{Result, ensure};
use askama::Template;
use autotag_model::policy::TagTemplate;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What AWS Organizations takes for a service control policy, in characters. The files are written with their white
/// space, which counts where they are not minified.
const SCP_LIMIT: usize = 5_120;

/// The roles of the tagger, as the templates name them.
const TAG_HANDLER: &str = "autotag-tag-handler";
pub(super) const MEMBER: &str = "autotag-member";

/// Who may make and change them: a role of the user's, and those that service-managed `StackSets` work with. The latter are
/// made by a service-linked role, which no service control policy concerns, so that nobody else has to be let.
const DEPLOYER: &str = "autotag-deployer";
const STACK_SETS: &str = "stacksets-exec-*";

/// Services that write tags of resources, and are not named by a tag action of the catalogue.
const ALSO: [&str; 2] = ["cloudformation", "tag"];

/// Tag calls without any condition key that names tags, by IAM's service reference. They can be left alone or closed.
const WITHOUT_CONDITIONS: [&str; 5] = [
    "dax:TagResource",
    "dax:UntagResource",
    "route53:ChangeTagsForResource",
    "s3:DeleteJobTagging",
    "s3:PutBucketTagging",
];

/// All that gives a role to somebody, or something to a role.
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

/// What the console of EC2 asks to show instances and to run one.
const SEE: [&str; 19] = [
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

/// What `RunInstances` is asked for.
const RUN: [&str; 10] = [
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

/// What it makes, and tags if asked to.
const MADE: [&str; 3] = ["instance", "network-interface", "volume"];

/// What only the owner may do.
const OWN: [&str; 4] =
    ["ec2:RebootInstances", "ec2:StartInstances", "ec2:StopInstances", "ec2:TerminateInstances"];

/// Calls by which he could become the owner of what is not his.
const FORGE: [&str; 3] = ["ec2:CreateTags", "ec2:DeleteTags", "ec2:RunInstances"];

/// Calls that replace or remove the tags of an object.
const OBJECT_TAGS: [&str; 4] = [
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
];

/// Calls that put tags on an object.
const TAGGED_OBJECTS: [&str; 3] = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"];

#[derive(Template)]
#[template(path = "deploy/guard.yaml", escape = "none")]
struct Guard<'a> {
    /// The key that holds the whole `principalId`; without one nobody can be given what is his.
    principal_key: Option<&'a str>,
    keys: &'a [&'a str],
    services: &'a BTreeSet<&'a str>,
    strict: &'a [&'a str],
    see: &'a [&'a str],
    run: &'a [&'a str],
    made: &'a [&'a str],
    own: &'a [&'a str],
    forge: &'a [&'a str],
    object_tags: &'a [&'a str],
    tagged_objects: &'a [&'a str],
    role_actions: &'a [&'a str],
    tag_handler: &'a str,
    member: &'a str,
    deployer: &'a str,
    stack_sets: &'a str,
}

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let keys = inventory.identity_keys();
    let services = services(inventory);
    let strict = strict(&services);
    let principal_key = principal_key(inventory);
    let template = Guard {
        principal_key,
        keys: &keys,
        services: &services,
        strict: &strict,
        see: &SEE,
        run: &RUN,
        made: &MADE,
        own: &OWN,
        forge: &FORGE,
        object_tags: &OBJECT_TAGS,
        tagged_objects: &TAGGED_OBJECTS,
        role_actions: &ROLE_ACTIONS,
        tag_handler: TAG_HANDLER,
        member: MEMBER,
        deployer: DEPLOYER,
        stack_sets: STACK_SETS,
    };
    let mut all = vec![
        Artefact::new("guard.yaml", &template.render()?),
        control("scp.json", &identity_tags(&keys, &services))?,
        control("scp-objects.json", &object_tags(&keys))?,
        control("scp-strict.json", &[deny("TagCallsWithoutConditions", &strict, &but_taggers(json!({})))])?,
    ];
    if let Some(key) = principal_key {
        all.push(Artefact::new("iam/owners.json", &pretty(&owners(key, &keys))));
    }
    Ok(all)
}

/// The services whose calls can name tags: those of the catalogue's tag actions, and a few more.
fn services(inventory: &Inventory) -> BTreeSet<&str> {
    let rules = inventory.services.iter().flat_map(|service| &service.rules);
    let actions = rules.flat_map(|rule| rule.iam_actions());
    actions.filter_map(|action| action.split(':').next()).chain(ALSO).collect()
}

/// The tag calls of these services that no condition can narrow.
fn strict(services: &BTreeSet<&str>) -> Vec<&'static str> {
    let known = |action: &&str| action.split(':').next().is_some_and(|service| services.contains(service));
    WITHOUT_CONDITIONS.into_iter().filter(known).collect()
}

/// The identity key that IAM can compare with `${aws:userid}`.
fn principal_key(inventory: &Inventory) -> Option<&str> {
    let whole: TagTemplate = "{principal.id}".parse().ok()?;
    inventory.policy.identity.iter().find(|(_, template)| *template == whole).map(|(key, _)| key.as_str())
}

/// The group's policy.
fn owners(key: &str, keys: &[&str]) -> Vec<Value> {
    let arns = |kinds: &[&str]| -> Vec<String> {
        kinds.iter().map(|kind| format!("arn:aws:ec2:*:*:{kind}/*")).collect()
    };
    vec![
        json!({"Sid": "SeeAll", "Effect": "Allow", "Action": SEE, "Resource": "*"}),
        json!({"Sid": "RunNew", "Effect": "Allow", "Action": "ec2:RunInstances", "Resource": arns(&RUN)}),
        json!({
            "Sid": "TagNew", "Effect": "Allow", "Action": "ec2:CreateTags", "Resource": arns(&MADE),
            "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
        }),
        json!({
            "Sid": "ManageOwn", "Effect": "Allow", "Action": OWN, "Resource": "arn:aws:ec2:*:*:instance/*",
            "Condition": {"StringEquals": {format!("ec2:ResourceTag/{key}"): "${aws:userid}"}},
        }),
        deny("ForgeNothing", &FORGE, &naming("aws:TagKeys", keys)),
        deny("RemoveNotAll", &["ec2:DeleteTags"], &naming_none()),
    ]
}

/// What holds on every service that has the condition keys.
fn identity_tags(keys: &[&str], services: &BTreeSet<&str>) -> Vec<Value> {
    let calls: Vec<String> = services.iter().map(|service| format!("{service}:*")).collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    let roles = |names: &[&str]| -> Vec<String> { names.iter().map(|name| role(name)).collect() };
    vec![
        deny("IdentityTags", &calls, &but_taggers(naming("aws:TagKeys", keys))),
        deny("AllTagsAtOnce", &["ec2:DeleteTags"], &but_taggers(naming_none())),
        json!({
            "Sid": "TaggerRoles", "Effect": "Deny", "Action": ROLE_ACTIONS,
            "Resource": roles(&[TAG_HANDLER, MEMBER, DEPLOYER, STACK_SETS]),
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": roles(&[DEPLOYER, STACK_SETS])}},
        }),
    ]
}

/// What holds on objects of S3, whose condition keys are S3's own.
fn object_tags(keys: &[&str]) -> Vec<Value> {
    let mut all =
        vec![deny("ForgedOnObjects", &TAGGED_OBJECTS, &but_taggers(naming("s3:RequestObjectTagKeys", keys)))];
    for (key, number) in keys.iter().zip(1..) {
        let tagged = json!({"Null": {format!("s3:ExistingObjectTag/{key}"): "false"}});
        all.push(deny(&format!("ObjectsWith{number}"), &OBJECT_TAGS, &but_taggers(tagged)));
    }
    all
}

fn deny(sid: &str, actions: &[&str], condition: &Value) -> Value {
    // As people write it: a list only of several.
    let actions = if let [action] = actions { json!(action) } else { json!(actions) };
    json!({"Sid": sid, "Effect": "Deny", "Action": actions, "Resource": "*", "Condition": condition})
}

/// The call names one of these tags, in whatever case: to most services `owner` is another tag than `Owner`, but not to
/// `aws:ResourceTag/Owner`, the name of which ignores case.
fn naming(context: &str, keys: &[&str]) -> Value {
    json!({"ForAnyValue:StringEqualsIgnoreCase": {context: keys}})
}

/// The call names no tag, and means all.
fn naming_none() -> Value {
    json!({"Null": {"aws:TagKeys": "true"}})
}

/// The condition, and somebody else than the tagger calls.
fn but_taggers(mut condition: Value) -> Value {
    if let Some(operators) = condition.as_object_mut() {
        let taggers = json!({"aws:PrincipalArn": [role(TAG_HANDLER), role(MEMBER)]});
        operators.insert("ArnNotLike".to_owned(), taggers);
    }
    condition
}

/// In any account: files have no parameters. The statement `TaggerRoles` guards it in all of them.
fn role(name: &str) -> String {
    format!("arn:aws:iam::*:role/{name}")
}

fn control(path: &str, statements: &[Value]) -> Result<Artefact> {
    let text = pretty(statements);
    let length = text.chars().count();
    ensure!(
        length <= SCP_LIMIT,
        "`{path}` would have {length} characters, and a service control policy at most {SCP_LIMIT}: the policy file has too \
         many or too long identity keys"
    );
    Ok(Artefact::new(path, &text))
}

/// A document, a statement a line: short, and still to be read.
fn pretty(statements: &[Value]) -> String {
    let lines: Vec<String> = statements.iter().map(Value::to_string).collect();
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n{}\n]}}", lines.join(",\n"))
}
