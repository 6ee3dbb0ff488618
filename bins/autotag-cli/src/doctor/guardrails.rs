//! The organization's policies that get in the way of tagging, and the keys of the tag policy.

use super::check::{CheckFailure, CheckResult, Finding, fail, fail_with};
use super::checks::{
    ORGANIZATION_POLICY, ORGANIZATION_RESOURCES, ORGANIZATION_TAGS, POLICY_COPIES, POLICY_KEYS,
};
use super::copied_keys;
use super::deployment::{DeploymentView, Member};
use super::expected::Need;
use super::organization::{OrganizationPolicy, PolicyKind, PolicyTree, Tagged};
use super::permissions::example;
use super::policy::{conditions_hold, names_action, names_resource, statements};
use super::resource_controls;
use super::tag_policies;
use crate::collisions::{self, collisions};
use crate::output::plural;
use autotag_model::arn::AccountId;
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let mut found = vec![POLICY_KEYS.at(view.account.as_str(), keys(view))];
    let hub = Tagged { account: &view.account, role: view.tag_handler.role().map(str::to_owned) };
    let role =
        |member: &Member| view.member_role.as_ref().map(|role| view.member_role_arn(role, &member.account));
    let members =
        view.members.iter().flatten().map(|member| Tagged { account: &member.account, role: role(member) });
    let accounts: Vec<Tagged<'_>> = [hub].into_iter().chain(members).collect();
    let none = BTreeMap::new();
    let manager = match &view.organization {
        Ok(Some(organization)) => organization.manager.as_str(),
        Ok(None) => {
            let place = view.account.as_str();
            let seen = || Ok("the account is in no organization".to_owned());
            found.push(ORGANIZATION_POLICY.at(place, seen()));
            found.push(POLICY_COPIES.at(place, copied_keys::judge(&view.expected.policy, &none)));
            return found;
        }
        Err(failure) => {
            found.push(ORGANIZATION_POLICY.at(view.account.as_str(), Err(failure.clone())));
            return found;
        }
    };
    let ids: Vec<&AccountId> = accounts.iter().map(|tagged| tagged.account).collect();
    let tree = PolicyTree::read(&view.aws, &view.hub, &ids).await;
    for tagged in &accounts {
        found.extend(account(view, &tree, tagged, tagged.account.as_str() == manager));
    }
    found
}

/// The findings about one account. `exempt`: policies of services and resources do not apply to the management account.
fn account(view: &DeploymentView, tree: &PolicyTree, tagged: &Tagged<'_>, exempt: bool) -> Vec<Finding> {
    let place = tagged.account.as_str();
    let why = || Ok("such policies do not apply to the management account".to_owned());
    let tags =
        tree.levels(tagged.account, PolicyKind::Tags).and_then(|levels| tag_policies::judge(view, &levels));
    if exempt {
        let copies = copied_keys::judge(&view.expected.policy, &BTreeMap::new());
        return vec![
            ORGANIZATION_POLICY.at(place, why()),
            ORGANIZATION_TAGS.at(place, tags),
            POLICY_COPIES.at(place, copies),
        ];
    }
    let levels = match tree.levels(tagged.account, PolicyKind::Services) {
        Ok(levels) => levels,
        Err(failure) => return vec![ORGANIZATION_POLICY.at(place, Err(failure))],
    };
    let named = levels.iter().flatten().map(|policy| (policy.name.clone(), policy.document.clone()));
    let resources = tree
        .levels(tagged.account, PolicyKind::Resources)
        .and_then(|levels| resource_controls::judge(view, tagged, &levels));
    vec![
        ORGANIZATION_POLICY.at(place, allows_tagging(view, tagged, &levels)),
        ORGANIZATION_RESOURCES.at(place, resources),
        ORGANIZATION_TAGS.at(place, tags),
        POLICY_COPIES.at(place, copied_keys::judge(&view.expected.policy, &named.collect())),
    ]
}

/// Checks if AWS's managed policies have conditions that the tags of the policy break.
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

/// Checks the service control policies: none denies a tag action, and at each level one allows it.
fn allows_tagging(
    view: &DeploymentView,
    tagged: &Tagged<'_>,
    levels: &[Vec<&OrganizationPolicy>],
) -> CheckResult {
    let denials = levels.iter().flatten().flat_map(|policy| denials(view, tagged, policy));
    let mut conditional = None;
    for denial in denials {
        if denial.certain {
            return fail_with(denial.seen, denial.fix);
        }
        conditional = conditional.or(Some(denial));
    }
    for level in levels.iter().filter(|level| !level.is_empty()) {
        listed(view, tagged, level)?;
    }
    match conditional {
        None => Ok(format!("{} read", plural(levels.iter().flatten().count(), "policy"))),
        Some(denial) => Err(CheckFailure::Unknown(format!("{}, under conditions", denial.seen), denial.fix)),
    }
}

/// A statement that denies a tag action.
struct Denial {
    /// The policy, the statement and the action, for people.
    seen: String,
    fix: String,
    /// True if all conditions are known to hold.
    certain: bool,
}

/// The known facts about a request of the role.
fn context<'c>(view: &'c DeploymentView, tagged: &'c Tagged<'_>) -> Vec<(&'c str, &'c str)> {
    let mut context = vec![
        ("aws:PrincipalArn", tagged.role.as_deref().unwrap_or_default()),
        ("aws:PrincipalAccount", tagged.account.as_str()),
        ("aws:RequestedRegion", view.hub.as_str()),
        ("aws:PrincipalIsAWSService", "false"),
        ("aws:SecureTransport", "true"),
    ];
    context.extend(view.organization_id().map(|id| ("aws:PrincipalOrgID", id)));
    context
}

fn resource(view: &DeploymentView, tagged: &Tagged<'_>, need: &Need) -> String {
    example(need, &view.partition, (view.hub.as_str(), tagged.account.as_str()))
}

/// A command that shows a policy.
fn shows(policy: &OrganizationPolicy) -> String {
    format!(
        "aws organizations describe-policy --policy-id {} --query Policy.Content --output text",
        policy.id
    )
}

/// The statements of a policy that deny a tag action to the role, or may do so.
fn denials(view: &DeploymentView, tagged: &Tagged<'_>, policy: &OrganizationPolicy) -> Vec<Denial> {
    let context = context(view, tagged);
    let statements = statements(&policy.document).filter(|statement| statement["Effect"] == "Deny");
    let denials = statements.filter_map(|statement| {
        let denies = |need: &&Need| {
            names_action(statement, &need.action) && names_resource(statement, &resource(view, tagged, need))
        };
        let need = view.expected.tagging.iter().find(denies)?;
        let certain = match conditions_hold(statement, &context) {
            Some(false) => return None,
            Some(true) => true,
            None => false,
        };
        let id = statement.get("Sid").and_then(Value::as_str).unwrap_or("a statement without a Sid");
        let seen = format!("policy `{}`, {id}, denies {}", policy.name, need.action);
        let role = tagged.role.as_deref().unwrap_or("the role");
        let fix = format!(
            "{}; exempt {role} there by a condition on aws:PrincipalArn, and aws organizations update-policy --policy-id {}",
            shows(policy),
            policy.id
        );
        Some(Denial { seen, fix, certain })
    });
    denials.collect()
}

/// Checks that one of the policies of a level allows each tag action: without `FullAWSAccess` they are lists of what is allowed.
fn listed(
    view: &DeploymentView,
    tagged: &Tagged<'_>,
    level: &[&OrganizationPolicy],
) -> Result<(), CheckFailure> {
    let context = context(view, tagged);
    let allows = |need: &Need| {
        let resource = resource(view, tagged, need);
        let mut statements = level.iter().flat_map(|policy| statements(&policy.document));
        statements.any(|statement| {
            statement["Effect"] == "Allow"
                && names_action(statement, &need.action)
                && names_resource(statement, &resource)
                && conditions_hold(statement, &context) != Some(false)
        })
    };
    let missing: Vec<&str> =
        view.expected.tagging.iter().filter(|need| !allows(need)).map(|need| need.action.as_str()).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let names: Vec<String> = level.iter().map(|policy| format!("`{}`", policy.name)).collect();
    let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
    let fix = level.iter().map(|policy| shows(policy)).collect::<Vec<_>>().join("; ");
    fail_with(
        format!("{} list what is allowed, without {first}{more}", names.join(", ")),
        format!("{fix}; add the actions and aws organizations update-policy"),
    )
}
