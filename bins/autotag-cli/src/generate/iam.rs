//! `iam/*.json`: who needs which permissions; the same statements stand in the templates.
//!
//! Actions come from the rules and from the table beside the adapters ([`PERMISSIONS`]), each on the kinds of resources that
//! its rules make. An action stands on `*` only where IAM knows no kind of resource for it ([`ANYWHERE`]).

mod fixed;

use super::Artefact;
use super::inventory::Inventory;
use anyhow::{Result, ensure};
use autotag_aws::backend::permissions::{PERMISSIONS, Permission, Whose};
use autotag_handlers::services::parent_events;
use autotag_model::policy::Selection;
use autotag_model::rule::Rule;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use wildmatch::WildMatch;

/// What AWS takes for a managed policy, in characters without white space.
const POLICY_LIMIT: usize = 6_144;

/// How many managed policies a role may have, unless the account has asked for more.
const POLICIES_LIMIT: usize = 10;

/// How many kinds of resources of a service are named one by one; more of them are all of the service's in the account.
const KINDS: usize = 6;

/// Actions for which IAM knows no kind of resource.
const ANYWHERE: [&str; 7] = [
    "autoscaling:DescribeTags",
    "ec2:DescribeTags",
    "elasticloadbalancing:DescribeTags",
    "lightsail:GetInstance",
    "rolesanywhere:ListTagsForResource",
    "workspaces:CreateTags",
    "workspaces:DescribeTags",
];

/// Where IAM asks about something else than the resource: a tag call to API Gateway is one about a path of its own.
const ELSEWHERE: [(&str, &str); 1] = [("apigateway", "arn:{partition}:apigateway:*::/tags/*")];

/// A service whose ARNs name no account. Without a condition, the buckets of others would be meant too.
const WITHOUT_ACCOUNTS: &str = "s3";

/// Some actions on some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) actions: Vec<String>,
    /// `*`, or ARNs with `{partition}` and `{account}`.
    pub(crate) resources: Vec<String>,
}

/// A managed policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// `tag-1`
    pub(crate) name: String,
    pub(crate) statements: Vec<Statement>,
}

/// Actions, each with what it is needed on.
pub(crate) type Needs<'a> = BTreeMap<&'a str, BTreeSet<String>>;

/// What writing tags needs, in the account of the resources.
pub(crate) fn writing(inventory: &Inventory) -> Needs<'_> {
    let mut needs = Needs::new();
    for (_, rule) in inventory.rules() {
        add(&mut needs, rule, &rule.actions);
    }
    add_calls(&mut needs, Whose::Any, |one| one.action == "tag:TagResources");
    narrowed(needs)
}

/// What reading tags needs, of resources, parents and principals, and asking what a record does not say.
pub(crate) fn reading(inventory: &Inventory) -> Needs<'_> {
    let mut needs = Needs::new();
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
    narrowed(needs)
}

/// The managed policies of a role that tags: that of tag-handler for its own account, and that of each member account.
pub(crate) fn policies(inventory: &Inventory) -> Result<Vec<Policy>> {
    let mut policies = split("tag", &writing(inventory))?;
    policies.extend(split("read", &reading(inventory))?);
    ensure!(
        policies.len() <= POLICIES_LIMIT,
        "a role may have {POLICIES_LIMIT} managed policies, and {} are needed; let the policy ignore services that you do not use",
        policies.len()
    );
    Ok(policies)
}

fn add<'a, A: AsRef<str> + 'a + ?Sized>(
    needs: &mut Needs<'a>,
    rule: &Rule,
    actions: impl IntoIterator<Item = &'a A>,
) {
    for action in actions {
        let action = action.as_ref();
        needs.entry(action).or_default().insert(resources(action, rule));
    }
}

fn add_calls(needs: &mut Needs<'_>, whose: Whose, which: impl Fn(&Permission) -> bool) {
    for one in PERMISSIONS.iter().filter(|one| one.whose == whose && which(one)) {
        let resources = one.resources.iter().map(|resource| (*resource).to_owned());
        needs.entry(one.action).or_default().extend(resources);
    }
}

/// The resources of a rule, as an action on them is allowed.
fn resources(action: &str, rule: &Rule) -> String {
    let service = action.split(':').next().unwrap_or_default();
    if ANYWHERE.contains(&action) {
        return "*".to_owned();
    }
    if let Some((_, resource)) = ELSEWHERE.iter().find(|(name, _)| *name == service) {
        return (*resource).to_owned();
    }
    match &rule.arn {
        Some(template) => pattern(template.as_str()),
        // The record gives the ARN, so its form stands nowhere.
        None if rule.global => format!("arn:{{partition}}:{service}::{{account}}:*"),
        None => format!("arn:{{partition}}:{service}:*:{{account}}:*"),
    }
}

/// A template of ARNs with a star for all that differs.
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

/// Each action on as few patterns as say the same, and on whole services where it would be too many.
fn narrowed(needs: Needs<'_>) -> Needs<'_> {
    let needs = needs.into_iter().map(|(action, mut resources)| {
        if resources.len() > KINDS {
            resources = resources.iter().map(|resource| whole_service(resource)).collect();
        }
        let kept =
            resources.iter().filter(|one| !resources.iter().any(|other| *one != other && covers(other, one)));
        (action, kept.cloned().collect())
    });
    needs.collect()
}

/// The first five parts of an ARN, with all that may follow.
fn whole_service(resource: &str) -> String {
    let head: Vec<&str> = resource.splitn(6, ':').take(5).collect();
    if head.len() == 5 { format!("{}:*", head.join(":")) } else { resource.to_owned() }
}

/// Whether one pattern allows all that the other one does.
fn covers(one: &str, other: &str) -> bool {
    if one == "*" {
        return true;
    }
    let parts = |text: &str| text.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (parts(one), parts(other));
    one.len() == 6
        && one.get(..5) == other.get(..5)
        && one.last().zip(other.last()).is_some_and(|(one, other)| WildMatch::new(one).matches(other))
}

/// Statements, one for each set of resources, in the order of their first actions.
fn statements(needs: &Needs<'_>) -> Vec<Statement> {
    let mut by_resources: BTreeMap<&BTreeSet<String>, Vec<&str>> = BTreeMap::new();
    for (action, resources) in needs {
        by_resources.entry(resources).or_default().push(action);
    }
    let mut statements: Vec<Statement> = by_resources
        .into_iter()
        .map(|(resources, actions)| Statement {
            actions: actions.into_iter().map(str::to_owned).collect(),
            resources: resources.iter().cloned().collect(),
        })
        .collect();
    statements.sort_by(|a, b| a.actions.cmp(&b.actions));
    statements
}

/// As few policies as they fit into.
fn split(name: &str, needs: &Needs<'_>) -> Result<Vec<Policy>> {
    let mut policies: Vec<Policy> = Vec::new();
    for statement in statements(needs) {
        let fits = |policy: &mut Policy| {
            policy.statements.push(statement.clone());
            let fits = policy.size() <= POLICY_LIMIT;
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
            policy.size() <= POLICY_LIMIT,
            "a statement is too long for a managed policy: {:?}",
            policy.statements
        );
        policies.push(policy);
    }
    Ok(policies)
}

impl Statement {
    /// Whether only resources of the role's own account are meant, though their ARNs do not say so.
    fn needs_account(&self) -> bool {
        let prefix = format!("arn:{{partition}}:{WITHOUT_ACCOUNTS}:::");
        self.resources.iter().any(|resource| resource.starts_with(&prefix))
    }

    fn json(&self, partition: &str, account: &str) -> Value {
        let resources: Vec<String> = self
            .resources
            .iter()
            .map(|resource| resource.replace("{partition}", partition).replace("{account}", account))
            .collect();
        let mut statement = json!({"Effect": "Allow", "Action": self.actions, "Resource": resources});
        if self.needs_account()
            && let Some(members) = statement.as_object_mut()
        {
            members.insert(
                "Condition".to_owned(),
                json!({"StringEquals": {"aws:ResourceAccount": OWN_ACCOUNT}}),
            );
        }
        statement
    }
}

/// The account of the role itself, in IAM's words.
const OWN_ACCOUNT: &str = "${aws:PrincipalAccount}";

impl Policy {
    /// The document, for a partition and an account or `*`.
    pub(crate) fn json(&self, partition: &str, account: &str) -> Value {
        let statements: Vec<Value> =
            self.statements.iter().map(|statement| statement.json(partition, account)).collect();
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    /// Its characters as AWS counts them, in the partition with the longest name.
    pub(crate) fn size(&self) -> usize {
        self.json("aws-us-gov", "111122223333").to_string().chars().filter(|c| !c.is_whitespace()).count()
    }

    /// The document as it stands in a template, so far from the left.
    pub(crate) fn yaml(&self, indent: usize) -> Result<String> {
        let mut yaml = String::new();
        let space = " ".repeat(indent);
        writeln!(yaml, "{space}Version: \"2012-10-17\"\n{space}Statement:")?;
        for statement in &self.statements {
            writeln!(yaml, "{space}  - Effect: Allow\n{space}    Action:")?;
            for action in &statement.actions {
                writeln!(yaml, "{space}      - {}", plain_or_quoted(action))?;
            }
            writeln!(yaml, "{space}    Resource:")?;
            for resource in &statement.resources {
                let filled = substituted(resource);
                let sub = if filled.contains("${") { "!Sub " } else { "" };
                writeln!(yaml, "{space}      - {sub}\"{filled}\"")?;
            }
            if statement.needs_account() {
                writeln!(
                    yaml,
                    "{space}    Condition:\n{space}      StringEquals:\n{space}        aws:ResourceAccount: \"{OWN_ACCOUNT}\""
                )?;
            }
        }
        Ok(yaml.trim_end().to_owned())
    }
}

/// An action in YAML. What rule files say is anybody's text.
fn plain_or_quoted(action: &str) -> String {
    let whole = action.split_once(':').is_some_and(|(service, name)| {
        let plain = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        plain(service) && plain(name)
    });
    if whole { action.to_owned() } else { Value::from(action).to_string() }
}

/// How far from the left a document of a managed policy stands in the templates.
pub(super) const INDENT: usize = 8;

/// A resource in the words of `Fn::Sub`.
pub(super) fn substituted(resource: &str) -> String {
    resource.replace("{partition}", "${AWS::Partition}").replace("{account}", "${AWS::AccountId}")
}

/// On what the names of Identity Center users are read.
pub(super) fn people() -> Vec<String> {
    let of_people = PERMISSIONS.iter().filter(|one| one.whose == Whose::IdentityStore);
    of_people.flat_map(|one| one.resources).map(|resource| (*resource).to_owned()).collect()
}

/// The policies alone, for any account of the commercial partition.
pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let policies =
        policies(inventory)?.into_iter().map(|policy| (policy.name.clone(), policy.json("aws", "*")));
    let fixed = fixed::documents().into_iter().map(|(name, document)| (name.to_owned(), document));
    let all = policies.chain(fixed);
    all.map(|(name, document)| {
        Ok(Artefact::new(format!("iam/{name}.json"), &serde_json::to_string_pretty(&document)?))
    })
    .collect()
}

#[cfg(test)]
mod tests;
