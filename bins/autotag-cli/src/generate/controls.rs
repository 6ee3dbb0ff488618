//! The statements of the service control policies `scp*.json`, which `autotag guard --dry-run` evaluates as well.

use super::denials::{self, Denial, REQUEST_TAGS, denials};
use super::iam::longest_partition;
use super::inventory::Inventory;
use super::own_parts;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The maximum length of a service control policy, in characters. White space of the files counts unless it is removed.
/// AWS allows ten policies for each root, unit and account ([quotas][quotas]).
///
/// [quotas]: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const MAX_SCP_LENGTH: usize = 10_240;

/// The most services that statements name one by one. Beyond that the first statement names those left out: it is shorter, and
/// also meets services without rules.
const MAX_NAMED_SERVICES: usize = 150;

/// The roles that write tags, as the templates name them.
pub(super) const TAG_HANDLER: &str = "autotag-tag-handler";
pub(super) const MEMBER: &str = "autotag-member";

/// The roles that may create and change them: a role of the user, and the roles of service-managed `StackSets`. The latter are
/// created by a service-linked role, to which SCPs do not apply, so no further exemption is needed.
pub(super) const DEPLOYER: &str = "autotag-deployer";
pub(super) const STACK_SETS: &str = "stacksets-exec-*";

/// Services that write tags of resources without a tag action in the catalogue.
const EXTRA_SERVICES: [&str; 2] = ["cloudformation", "tag"];

/// Tag actions without a condition key for tag keys, by IAM's service reference. They can only be allowed or denied as a whole.
pub(crate) const WITHOUT_CONDITIONS: [&str; 14] = [
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
pub(crate) const ROLE_ACTIONS: [&str; 12] = [
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

/// Actions that replace or remove the tags of an object.
pub(super) const OBJECT_TAGS: [&str; 4] = [
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersionTagging",
    "s3:PutObjectTagging",
    "s3:PutObjectVersionTagging",
];

/// Actions that set tags of an object.
const TAGGED_OBJECTS: [&str; 3] = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"];

/// The principals and resources that the statements except, besides the tagger, as the parameters of `guard.yaml`
/// do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exempt {
    /// Names of roles, with `*` for parts of them.
    pub(crate) roles: Vec<String>,
    /// Values that anybody may set, by key of a tag.
    pub(crate) values: BTreeMap<String, Vec<String>>,
}

/// One policy, by the name of its file.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    pub(crate) name: &'static str,
    pub(crate) statements: Vec<Value>,
}

/// The policies about tags, or none if the policy enforces no key.
pub(crate) fn controls(inventory: &Inventory, exempt: &Exempt) -> Vec<Control> {
    if inventory.enforced_keys().is_empty() {
        return Vec::new();
    }
    let strict = strict(inventory);
    vec![
        Control { name: "scp", statements: identity_tags(&forged(inventory), exempt) },
        Control { name: "scp-objects", statements: object_tags(inventory, exempt) },
        Control {
            name: "scp-strict",
            statements: vec![deny("TagCallsWithoutConditions", &strict, &except_taggers(json!({}), exempt))],
        },
    ]
}

/// The statements of `scp.json` about identity tags. They name the services if these are few, and otherwise those left out.
pub(super) fn forged(inventory: &Inventory) -> Vec<Denial> {
    let services = services(inventory);
    let calls: Vec<String> = services.iter().map(|service| format!("{service}:*")).collect();
    let named = denials(inventory, "IdentityTags", &calls, REQUEST_TAGS);
    if calls.len() <= MAX_NAMED_SERVICES { named } else { denials::for_all_services(inventory, named) }
}

/// The statements of `scp-objects.json` about tags in a call.
pub(super) fn forged_on_objects(inventory: &Inventory) -> Vec<Denial> {
    denials(inventory, "ForgedOnObjects", &TAGGED_OBJECTS.map(str::to_owned), denials::OBJECT_TAGS)
}

/// The services whose actions have condition keys for tag keys: those of the catalogue's tag actions, and [`EXTRA_SERVICES`].
fn services(inventory: &Inventory) -> BTreeSet<&str> {
    let rules = inventory.chosen_services().flat_map(|service| &service.rules);
    let actions = rules.flat_map(|rule| rule.iam_actions());
    actions.filter_map(|action| action.split(':').next()).chain(EXTRA_SERVICES).collect()
}

/// The tag actions of the services that no condition can restrict.
pub(super) fn strict(inventory: &Inventory) -> Vec<&'static str> {
    let services = services(inventory);
    let known = |action: &&str| action.split(':').next().is_some_and(|service| services.contains(service));
    WITHOUT_CONDITIONS.into_iter().filter(known).collect()
}

/// The statements for services with the condition key `aws:TagKeys`, and those that keep the tagger itself.
fn identity_tags(forged: &[Denial], exempt: &Exempt) -> Vec<Value> {
    let roles = |names: &[&str]| -> Vec<String> { names.iter().map(|name| role(name)).collect() };
    let forged = denials::with_values(forged, &exempt.values);
    let mut all: Vec<Value> =
        forged.iter().map(|one| statement(one, &except_taggers(one.condition(), exempt))).collect();
    all.push(deny("AllTagsAtOnce", &["ec2:DeleteTags"], &except_taggers(naming_none(), exempt)));
    if !exempt.roles.is_empty() {
        // A principal who could make the exempt role would be exempt. Services that work with it need permission to
        // pass it.
        let actions: Vec<&str> =
            ROLE_ACTIONS.into_iter().filter(|action| *action != "iam:PassRole").collect();
        let exempt: Vec<String> = exempt.roles.iter().map(|name| role(name)).collect();
        all.push(json!({
            "Sid": "ExemptRole", "Effect": "Deny", "Action": actions, "Resource": exempt, "Condition": except_deployers(),
        }));
    }
    all.push(json!({
        "Sid": "TaggerRoles", "Effect": "Deny", "Action": ROLE_ACTIONS,
        "Resource": roles(&[TAG_HANDLER, MEMBER, DEPLOYER, STACK_SETS, "autotag-*"]),
        "Condition": except_deployers(),
    }));
    all.extend(own_parts::statements(&except_deployers()));
    all
}

/// The statements for objects of S3, which has condition keys of its own.
fn object_tags(inventory: &Inventory, exempt: &Exempt) -> Vec<Value> {
    let forged = denials::with_values(&forged_on_objects(inventory), &exempt.values);
    let mut all: Vec<Value> =
        forged.iter().map(|one| statement(one, &except_taggers(one.condition(), exempt))).collect();
    for (key, number) in inventory.enforced_keys().iter().zip(1..) {
        let tagged = json!({"Null": {format!("s3:ExistingObjectTag/{key}"): "false"}});
        all.push(deny(&format!("ObjectsWith{number}"), &OBJECT_TAGS, &except_taggers(tagged, exempt)));
    }
    all
}

pub(super) fn statement(denial: &Denial, condition: &Value) -> Value {
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
pub(super) fn naming_none() -> Value {
    json!({"Null": {"aws:TagKeys": "true"}})
}

/// The condition, restricted to callers other than the roles that write tags.
fn except_taggers(mut condition: Value, exempt: &Exempt) -> Value {
    if let Some(operators) = condition.as_object_mut() {
        let exempt = exempt.roles.iter().map(String::as_str);
        let taggers: Vec<String> = [TAG_HANDLER, MEMBER].into_iter().chain(exempt).map(role).collect();
        operators.insert("ArnNotLike".to_owned(), json!({"aws:PrincipalArn": taggers}));
    }
    condition
}

/// The condition that the caller is none of those that deploy the tagger.
fn except_deployers() -> Value {
    json!({"ArnNotLike": {"aws:PrincipalArn": [role(DEPLOYER), role(STACK_SETS)]}})
}

/// The ARN pattern of a role in any account, because the files have no parameters. The statement `TaggerRoles` protects the role in
/// all accounts.
fn role(name: &str) -> String {
    format!("arn:aws:iam::*:role/{name}")
}

/// The text of a policy, for the partition `aws`.
///
/// # Errors
/// It is longer than AWS allows, in some partition.
pub(super) fn text(path: &str, statements: &[Value]) -> Result<String> {
    let text = pretty(statements);
    let longest = format!("arn:{}:", longest_partition());
    let length = text.replace("arn:aws:", &longest).chars().count();
    ensure!(
        length <= MAX_SCP_LENGTH,
        "`{path}` would have {length} characters, but a service control policy may have only {MAX_SCP_LENGTH}; use fewer or \
         shorter identity keys in the tag policy"
    );
    Ok(text)
}

/// The document with one line for each statement: short, and still readable.
pub(super) fn pretty(statements: &[Value]) -> String {
    let lines: Vec<String> = statements.iter().map(Value::to_string).collect();
    format!("{{\"Version\": \"2012-10-17\", \"Statement\": [\n{}\n]}}", lines.join(",\n"))
}
