//! `iam/*.json`: the permissions of the roles. The templates contain the same statements.
//!
//! The actions are those of the rules and of the adapters ([`PERMISSIONS`]). Each is allowed on the kinds of resources that its
//! rules create. An action is allowed on `*` only if IAM has no resource-level permission for it (`iam/wildcard-only.txt`).

mod closed_keys;
mod document;
mod fixed;
mod join;

use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::{Result, bail, ensure};
use autotag_aws::backend::permissions::{PERMISSIONS, Permission, Whose};
use autotag_handlers::services::parent_events;
use autotag_model::policy::Selection;
use autotag_model::rule::{ResourceKind, Rule};
use closed_keys::{ClosedKeys, closed_keys};
use document::MAX_POLICY_LENGTH;
pub(crate) use document::{INDENT, Policy, Statement, longest_partition, substituted};
use std::collections::{BTreeMap, BTreeSet};
use wildmatch::WildMatch;

/// The maximum number of managed policies of a role: AWS's default quota.
const MAX_POLICIES: usize = 10;

/// The maximum numbers of resource patterns of an action, the most exact first. If an action has more, all resources of the
/// service in the account take their place. The policies use the first number with which they fit into a role.
const MAX_RESOURCE_PATTERNS: [usize; 5] = [6, 3, 2, 1, 0];

/// The service whose kinds are never replaced by the whole service: IAM refuses a pattern that has a region and could be a bucket.
const EXACT_ONLY: &str = "s3:";

/// Actions without resource-level permissions in IAM's service reference, one a line.
const WILDCARD_ONLY_ACTIONS: &str = include_str!("iam/wildcard-only.txt");

/// Services whose tag actions IAM checks on another ARN than that of the resource. API Gateway has a path for tags.
const RESOURCE_OVERRIDES: [(&str, &str); 1] = [("apigateway", "arn:{partition}:apigateway:*::/tags/*")];

/// Actions, each with the resources on which it is allowed.
pub(crate) type ActionMap<'a> = BTreeMap<&'a str, BTreeSet<String>>;

/// The actions to write tags, in the account of the resources.
pub(crate) fn write_actions(inventory: &Inventory) -> ActionMap<'_> {
    compact(write_needs(inventory), MAX_RESOURCE_PATTERNS[0])
}

/// The actions to read the tags of resources, parents and principals, and to look up what a record lacks.
pub(crate) fn read_actions(inventory: &Inventory) -> ActionMap<'_> {
    compact(read_needs(inventory), MAX_RESOURCE_PATTERNS[0])
}

fn write_needs(inventory: &Inventory) -> ActionMap<'_> {
    let mut needs = ActionMap::new();
    for (_, rule) in inventory.rules().filter(|(service, _)| inventory.policy.writes_to(&service.source)) {
        add(&mut needs, rule, &rule.actions);
    }
    add_calls(&mut needs, Whose::Any, |one| one.action == "tag:TagResources");
    needs
}

fn read_needs(inventory: &Inventory) -> ActionMap<'_> {
    let mut needs = ActionMap::new();
    let is_parent = |source: &str, event: &str| parent_events().any(|parent| parent == (source, event));
    let parents = inventory
        .services
        .iter()
        .flat_map(|service| service.rules.iter().map(move |rule| (service, &**rule)));
    let parents = parents.filter(|(service, rule)| is_parent(&service.source, &rule.event));
    for (_, rule) in inventory.rules().chain(parents) {
        let actions = rule.read_actions();
        add(&mut needs, rule, actions.iter().copied().filter(|action| !action.starts_with("tag:")));
    }
    let of_principals = inventory.policy.iam_tags != Selection::None;
    add_calls(&mut needs, Whose::Any, |one| {
        one.action != "tag:TagResources" && (of_principals || one.adapter != "principals")
    });
    needs
}

/// The managed policies of a role that tags: that of tag-handler in its own account, and that of each member account.
///
/// # Errors
/// There would be more policies, or longer ones, than AWS allows.
pub(crate) fn policies(inventory: &Inventory) -> Result<Vec<Policy>> {
    let mut fewest = 0;
    for patterns in MAX_RESOURCE_PATTERNS {
        let write = compact(write_needs(inventory), patterns);
        let read = compact(read_needs(inventory), patterns);
        let mut policies = split("tag", &write, &closed_keys(inventory))?;
        policies.extend(split("read", &read, &ClosedKeys::default())?);
        if policies.len() <= MAX_POLICIES {
            return Ok(policies);
        }
        fewest = policies.len();
    }
    bail!(
        "{fewest} managed policies are needed, but a role may have only {MAX_POLICIES}; generate for the services that you use \
         (--services), or ignore the others in the tag policy"
    );
}

fn add<'a, A: AsRef<str> + 'a + ?Sized>(
    needs: &mut ActionMap<'a>,
    rule: &Rule,
    actions: impl IntoIterator<Item = &'a A>,
) {
    for action in actions {
        let action = action.as_ref();
        needs.entry(action).or_default().extend(resources(action, rule));
    }
}

fn add_calls(needs: &mut ActionMap<'_>, whose: Whose, which: impl Fn(&Permission) -> bool) {
    for one in PERMISSIONS.iter().filter(|one| one.whose == whose && which(one)) {
        let resources = one.resources.iter().map(|resource| (*resource).to_owned());
        needs.entry(one.action).or_default().extend(resources);
    }
}

/// The patterns of a rule's resources, for an action on them.
fn resources(action: &str, rule: &Rule) -> Vec<String> {
    let service = action.split(':').next().unwrap_or_default();
    if WILDCARD_ONLY_ACTIONS.lines().any(|one| one == action) {
        return vec!["*".to_owned()];
    }
    if let Some((_, resource)) = RESOURCE_OVERRIDES.iter().find(|(name, _)| *name == service) {
        return vec![(*resource).to_owned()];
    }
    if let Some(template) = &rule.arn {
        return vec![pattern(template.as_str())];
    }
    // The ARN is taken from the record: the rule says its kind, and a user's own rule may leave that out.
    let region = if rule.global { "" } else { "*" };
    if rule.kinds.is_empty() {
        return vec![format!("arn:{{partition}}:{service}:{region}:{{account}}:*")];
    }
    let of_kind = |kind: &ResourceKind| {
        let kind = kind.to_string();
        kind.split_once(':')
            .map(|(service, resource)| format!("arn:{{partition}}:{service}:{region}:{{account}}:{resource}"))
    };
    rule.kinds.iter().filter_map(of_kind).collect()
}

/// The pattern of a template of ARNs: `*` in place of each placeholder but partition and account.
fn pattern(template: &str) -> String {
    let mut pattern = String::new();
    for (index, part) in template.split(['{', '}']).enumerate() {
        match part {
            text if index % 2 == 0 => pattern.push_str(text),
            "partition" => pattern.push_str("{partition}"),
            "account" => pattern.push_str("{account}"),
            _ if pattern.ends_with('*') => {}
            _ => pattern.push('*'),
        }
    }
    pattern
}

/// Removes patterns that another one subsumes, and replaces too many patterns by the whole service.
fn compact(needs: ActionMap<'_>, max_patterns: usize) -> ActionMap<'_> {
    let needs = needs.into_iter().map(|(action, mut resources)| {
        if resources.len() > max_patterns && !action.starts_with(EXACT_ONLY) {
            resources = resources.iter().map(|resource| whole_service(resource)).collect();
        }
        let kept = resources
            .iter()
            .filter(|one| !resources.iter().any(|other| *one != other && subsumes(other, one)));
        (action, kept.cloned().collect())
    });
    needs.collect()
}

/// The pattern of all resources with the same service, region and account.
fn whole_service(resource: &str) -> String {
    let head: Vec<&str> = resource.splitn(6, ':').take(5).collect();
    if head.len() == 5 { format!("{}:*", head.join(":")) } else { resource.to_owned() }
}

/// True if one pattern matches everything that the other one matches.
fn subsumes(one: &str, other: &str) -> bool {
    if one == "*" {
        return true;
    }
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (parts(one), parts(other));
    one.len() == 6
        && one.get(..5) == other.get(..5)
        && one.last().zip(other.last()).is_some_and(|(one, other)| WildMatch::new(one).matches(other))
}

/// One statement for each set of resources and tag keys, in the order of their first actions.
fn statements(needs: &ActionMap<'_>, closed: &ClosedKeys) -> Vec<Statement> {
    let mut by_resources: BTreeMap<(&BTreeSet<String>, Vec<String>), Vec<&str>> = BTreeMap::new();
    for (action, resources) in needs {
        by_resources.entry((resources, closed.of(action))).or_default().push(action);
    }
    let mut statements: Vec<Statement> = by_resources
        .into_iter()
        .map(|((resources, tag_keys), actions)| Statement {
            actions: actions.into_iter().map(str::to_owned).collect(),
            resources: resources.iter().cloned().collect(),
            tag_keys,
        })
        .collect();
    statements.sort_by(|a, b| a.actions.cmp(&b.actions));
    statements
}

/// Packs statements into few policies, in order.
fn split(name: &str, needs: &ActionMap<'_>, closed: &ClosedKeys) -> Result<Vec<Policy>> {
    let mut policies: Vec<Policy> = Vec::new();
    for statement in join::join(statements(needs, closed)) {
        let fits = |policy: &mut Policy| {
            policy.statements.push(statement.clone());
            let fits = policy.size() <= MAX_POLICY_LENGTH;
            if !fits {
                policy.statements.pop();
            }
            fits
        };
        if policies.last_mut().is_some_and(fits) {
            continue;
        }
        let policy = Policy { name: format!("{name}-{}", policies.len() + 1), statements: vec![statement] };
        ensure!(
            policy.size() <= MAX_POLICY_LENGTH,
            "a statement is too long for a managed policy: {:?}",
            policy.statements
        );
        policies.push(policy);
    }
    Ok(policies)
}

/// The resources from which the names of Identity Center users are read.
pub(super) fn people() -> Vec<String> {
    let permissions = PERMISSIONS.iter().filter(|one| one.whose == Whose::IdentityStore);
    permissions.flat_map(|one| one.resources).map(|resource| (*resource).to_owned()).collect()
}

/// One file for each policy, for any account of the partition `aws`.
pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let policies =
        policies(inventory)?.into_iter().map(|policy| (policy.name.clone(), policy.json("aws", "*")));
    let fixed = fixed::documents().into_iter().map(|(name, document)| (name.to_owned(), document));
    let all = policies.chain(fixed);
    all.map(|(name, document)| {
        Ok(GeneratedFile::new(format!("iam/{name}.json"), &serde_json::to_string_pretty(&document)?))
    })
    .collect()
}

#[cfg(test)]
mod tests;
