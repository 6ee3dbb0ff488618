//! Service control policies of the organization that deny tag actions or decide by copied tags, and the keys of the tag policy.

use super::check::{CheckFailure, CheckResult, Finding, fail};
use super::checks::{ORGANIZATION_POLICY, POLICY_COPIES, POLICY_KEYS};
use super::copied_keys;
use super::deployment::{DeploymentView, Member};
use super::expected::Need;
use super::permissions::example;
use super::policy::{conditions_hold, document, names_action, names_resource, statements};
use crate::collisions::{self, collisions};
use autotag_aws::query::QueryError;
use autotag_aws::signed::{ORGANIZATIONS, organizations_region};
use autotag_model::arn::{AccountId, Region};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// AWS's error code for an account that is in no organization.
const NO_ORGANIZATION: &str = "AWSOrganizationsNotInUseException";

/// The maximum number of levels above an account. AWS allows five levels of organizational units, and a root.
const MAX_DEPTH: usize = 8;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let hub = (view.account.clone(), view.tag_handler.role().map(str::to_owned));
    let role =
        |member: &Member| view.member_role.as_ref().map(|role| view.member_role_arn(role, &member.account));
    let members = view.members.iter().flatten().map(|member| (member.account.clone(), role(member)));
    let findings = [hub].into_iter().chain(members).map(async |(account, role)| {
        let place = account.as_str();
        match controls(view, &account).await {
            Ok(Controls::None(why)) => vec![
                ORGANIZATION_POLICY.at(place, Ok(why)),
                POLICY_COPIES.at(place, copied_keys::judge(&view.expected.policy, &BTreeMap::new())),
            ],
            Ok(Controls::Policies(policies)) => vec![
                ORGANIZATION_POLICY.at(place, allows_tagging(view, &account, role.as_deref(), &policies)),
                POLICY_COPIES.at(place, copied_keys::judge(&view.expected.policy, &policies)),
            ],
            Err(failure) => vec![ORGANIZATION_POLICY.at(place, Err(failure))],
        }
    });
    let findings = join_all(findings).await.concat();
    [vec![POLICY_KEYS.at(view.account.as_str(), keys(view))], findings].concat()
}

/// Whether AWS's managed policies have conditions that the tags of the policy break.
fn keys(view: &DeploymentView) -> CheckResult {
    let keys = collisions(&view.expected.policy);
    let broken = keys.iter().filter(|key| !key.broken_policies().is_empty());
    let broken: Vec<String> = broken
        .map(|key| {
            let policies: Vec<&str> = key.broken_policies().into_iter().collect();
            format!("`{}` must not be there for {}", key.key, policies.join(", "))
        })
        .collect();
    if !broken.is_empty() {
        return fail(broken.join("; "));
    }
    Ok(match collisions::summary(&keys) {
        None => "AWS's managed policies have no conditions on its keys".to_owned(),
        Some(keys) => {
            format!("AWS's managed policies have conditions on {keys}; values that they expect are kept")
        }
    })
}

/// The service control policies that apply to an account.
enum Controls {
    /// None does, and why.
    None(String),
    /// By name.
    Policies(BTreeMap<String, Value>),
}

async fn controls(view: &DeploymentView, account: &AccountId) -> Result<Controls, CheckFailure> {
    let region = organizations_region(&view.hub);
    let action = "organizations:DescribeOrganization";
    let organization = match view.aws.json(ORGANIZATIONS, action, &region, &json!({})).await {
        Ok(organization) => organization,
        Err(error) if error.code == NO_ORGANIZATION => {
            return Ok(Controls::None("the account is in no organization".to_owned()));
        }
        Err(error) => return Err(error.into()),
    };
    let manager = organization.pointer("/Organization/MasterAccountId").and_then(Value::as_str);
    if manager == Some(account.as_str()) {
        let why = "such policies do not apply to the management account";
        return Ok(Controls::None(why.to_owned()));
    }
    Ok(Controls::Policies(policies(view, &region, account).await?))
}

fn allows_tagging(
    view: &DeploymentView,
    account: &AccountId,
    role: Option<&str>,
    policies: &BTreeMap<String, Value>,
) -> CheckResult {
    let denials = policies.iter().flat_map(|(name, policy)| denials(view, account, role, name, policy));
    let mut conditional = None;
    for denial in denials {
        if denial.certain {
            return fail(denial.seen);
        }
        conditional = conditional.or(Some(denial.seen));
    }
    match conditional {
        None => Ok(format!("{} policies read", policies.len())),
        Some(seen) => {
            let fix = "read that statement: it has conditions that doctor cannot evaluate".to_owned();
            Err(CheckFailure::Unknown(format!("{seen}, under conditions"), fix))
        }
    }
}

/// A statement that denies a tag action.
struct Denial {
    /// The policy, the statement and the action, for people.
    seen: String,
    /// Whether all conditions are known to hold.
    certain: bool,
}

/// The statements of a policy that deny a tag action to the role, or may do so.
fn denials(
    view: &DeploymentView,
    account: &AccountId,
    role: Option<&str>,
    name: &str,
    policy: &Value,
) -> Vec<Denial> {
    let context = [
        ("aws:PrincipalArn", role.unwrap_or_default()),
        ("aws:PrincipalAccount", account.as_str()),
        ("aws:RequestedRegion", view.hub.as_str()),
    ];
    let resource = |need: &Need| example(need, &view.partition, (view.hub.as_str(), account.as_str()));
    let statements = statements(policy).filter(|statement| statement["Effect"] == "Deny");
    let denials = statements.filter_map(|statement| {
        let denies = |need: &&Need| {
            names_action(statement, &need.action) && names_resource(statement, &resource(need))
        };
        let need = view.expected.tagging.iter().find(denies)?;
        let certain = match conditions_hold(statement, &context) {
            Some(false) => return None,
            Some(true) => true,
            None => false,
        };
        let id = statement.get("Sid").and_then(Value::as_str).unwrap_or("a statement without a Sid");
        Some(Denial { seen: format!("policy `{name}`, {id}, denies {}", need.action), certain })
    });
    denials.collect()
}

/// The service control policies of an account and of all levels above it, by name.
async fn policies(
    view: &DeploymentView,
    region: &Region,
    account: &AccountId,
) -> Result<BTreeMap<String, Value>, QueryError> {
    let aws = &view.aws;
    let (mut target, mut found) = (account.as_str().to_owned(), BTreeMap::new());
    for _ in 0..MAX_DEPTH {
        let input = json!({"TargetId": target, "Filter": "SERVICE_CONTROL_POLICY"});
        let pages = ("Policies", "NextToken");
        let list =
            aws.list(ORGANIZATIONS, "organizations:ListPoliciesForTarget", region, &input, pages).await?;
        for policy in &list {
            let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default();
            if found.contains_key(text("Name")) {
                continue;
            }
            let input = json!({"PolicyId": text("Id")});
            let answer = aws.json(ORGANIZATIONS, "organizations:DescribePolicy", region, &input).await?;
            let content = answer.pointer("/Policy/Content").and_then(Value::as_str).unwrap_or_default();
            found.insert(text("Name").to_owned(), document(content));
        }
        if target.starts_with("r-") {
            break;
        }
        let input = json!({"ChildId": target});
        let pages = ("Parents", "NextToken");
        let parents = aws.list(ORGANIZATIONS, "organizations:ListParents", region, &input, pages).await?;
        let Some(parent) = parents.first().and_then(|parent| parent.get("Id")?.as_str()) else { break };
        parent.clone_into(&mut target);
    }
    Ok(found)
}
