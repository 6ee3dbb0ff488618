//! `guard.yaml` and `scp*.json`: policies that protect the identity tags from forgery.
//!
//! `docs/security.md` describes what each statement prevents. A test compares its table with the statements.

use super::controls::{self, Exempt, deny, naming_none, pretty, statement};
use super::denials::{Denial, REQUEST_TAGS, denials};
use super::file::GeneratedFile;
use super::inventory::Inventory;
use super::own_parts;
use anyhow::Result;
use askama::Template;
use autotag_model::policy::TagTemplate;
use serde_json::{Value, json};

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

#[derive(Template)]
#[template(path = "deploy/guard.yaml", escape = "none")]
struct Guard<'a> {
    /// The key of the tag with the whole `principalId`. Without it IAM cannot compare callers with owners.
    principal_key: Option<&'a str>,
    keys: &'a [&'a str],
    strict: &'a [&'a str],
    /// Actions that are denied to the group of owners.
    forged_by_owners: &'a [Denial],
    forged: &'a [Denial],
    forged_on_objects: &'a [Denial],
    read_actions: &'a [&'a str],
    run_instances_resources: &'a [&'a str],
    created_resources: &'a [&'a str],
    owner_actions: &'a [&'a str],
    object_tags: &'a [&'a str],
    role_actions: &'a [&'a str],
    own_actions: &'a [&'a str],
    own_resources: &'a [&'a str],
    mapping_actions: &'a [&'a str],
    own_functions: &'a str,
    /// The guarded keys of which some values may be let through. The principal's is not one of them: who may set it owns instances.
    exemptable: &'a [&'a str],
    tag_handler: &'a str,
    member: &'a str,
    deployer: &'a str,
    stack_sets: &'a str,
}

impl Guard<'_> {
    /// The number of a key's parameter, if some of its values may be let through.
    fn number(&self, key: &str) -> Option<usize> {
        self.exemptable.iter().position(|known| *known == key).map(|index| index + 1)
    }

    /// The number of a key that gets a statement of its own where values of it are let through.
    fn split_off(&self, denial: &Denial, key: &str) -> Option<usize> {
        self.number(key).filter(|_| denial.keys.len() > 1)
    }

    /// The number of the only key of a statement.
    fn only(&self, denial: &Denial) -> Option<usize> {
        if let [key] = denial.keys.as_slice() { self.number(key) } else { None }
    }
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let keys = inventory.enforced_keys();
    if keys.is_empty() {
        // If every key may be declared, there is nothing to guard.
        return Ok(Vec::new());
    }
    let strict = controls::strict(inventory);
    let principal_key = principal_key(inventory);
    let forged = controls::forged(inventory);
    let forged_by_owners = denials(inventory, "ForgeNothing", &TAG_ACTIONS.map(str::to_owned), REQUEST_TAGS);
    let forged_on_objects = controls::forged_on_objects(inventory);
    let exemptable = exemptable(&keys, principal_key);
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
        object_tags: &controls::OBJECT_TAGS,
        role_actions: &controls::ROLE_ACTIONS,
        own_actions: &own_parts::ACTIONS,
        own_resources: &own_parts::RESOURCES,
        mapping_actions: &own_parts::MAPPING_ACTIONS,
        own_functions: own_parts::FUNCTIONS,
        exemptable: &exemptable,
        tag_handler: controls::TAG_HANDLER,
        member: controls::MEMBER,
        deployer: controls::DEPLOYER,
        stack_sets: controls::STACK_SETS,
    };
    let mut all = vec![GeneratedFile::new("guard.yaml", &template.render()?)];
    for policy in controls::controls(inventory, &Exempt::default()) {
        all.push(control(&format!("{}.json", policy.name), &policy.statements)?);
    }
    if let Some(key) = principal_key {
        all.push(GeneratedFile::new("iam/owners.json", &pretty(&owners(key, &forged_by_owners))));
    }
    Ok(all)
}

/// The keys of which some values may be let through. At least one key stays guarded whatever its value, so that no statement is
/// left without a key.
fn exemptable<'k>(keys: &[&'k str], principal_key: Option<&str>) -> Vec<&'k str> {
    let always = principal_key.or_else(|| keys.first().copied());
    keys.iter().copied().filter(|key| Some(*key) != always).collect()
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

/// A service control policy as a file.
pub(super) fn control(path: &str, statements: &[Value]) -> Result<GeneratedFile> {
    Ok(GeneratedFile::new(path, &controls::text(path, statements)?))
}
