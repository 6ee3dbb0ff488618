//! Policies of the organization that stand in the way.

use super::expected::Need;
use super::permissions::example;
use super::policy::{conditions_hold, document, names_action, names_resource, statements};
use super::world::Member;
use super::{Check, Finding, NoAnswer, Trouble, Verdict, World, broken};
use autotag_aws::signed::{ORGANIZATIONS, organizations_region};
use autotag_model::arn::{AccountId, Region};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const POLICY: Check = Check {
    name: "organization.policy",
    question: "do the organization's policies let the tagger write tags?",
    fix: "exempt the role from the statement named, by a condition on aws:PrincipalArn",
};

/// What an account says that is in no organization.
const NO_ORGANIZATION: &str = "AWSOrganizationsNotInUseException";

/// Deeper than AWS lets organizations be.
const DEPTH: usize = 8;

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let hub = (world.account.clone(), world.tagger.role().map(str::to_owned));
    let role =
        |member: &Member| world.member_role.as_ref().map(|role| world.member_role_arn(role, &member.account));
    let members = world.members.iter().flatten().map(|member| (member.account.clone(), role(member)));
    let looks = [hub].into_iter().chain(members).map(async |(account, role)| {
        POLICY.at(account.as_str(), allows(world, &account, role.as_deref()).await)
    });
    join_all(looks).await
}

async fn allows(world: &World, account: &AccountId, role: Option<&str>) -> Verdict {
    let region = organizations_region(&world.hub);
    let asked =
        world.ask.json(ORGANIZATIONS, "organizations:DescribeOrganization", &region, &json!({})).await;
    let organization = match asked {
        Ok(organization) => organization,
        Err(none) if none.code == NO_ORGANIZATION => {
            return Ok("the account is in no organization".to_owned());
        }
        Err(none) => return Err(none.into()),
    };
    let manager = organization.pointer("/Organization/MasterAccountId").and_then(Value::as_str);
    if manager == Some(account.as_str()) {
        return Ok("no such policy counts in the management account".to_owned());
    }
    let policies = policies(world, &region, account).await?;
    let mut doubtful = Vec::new();
    for (name, policy) in &policies {
        for statement in statements(policy).filter(|statement| statement["Effect"] == "Deny") {
            let on = |need: &Need| example(need, &world.partition, (world.hub.as_str(), account.as_str()));
            let denied =
                world.expected.tagging.iter().find(|need| {
                    names_action(statement, &need.action) && names_resource(statement, &on(need))
                });
            let Some(need) = denied else { continue };
            let context = [
                ("aws:PrincipalArn", role.unwrap_or_default()),
                ("aws:PrincipalAccount", account.as_str()),
                ("aws:RequestedRegion", world.hub.as_str()),
            ];
            let id = statement.get("Sid").and_then(Value::as_str).unwrap_or("a statement without a name");
            let seen = format!("policy `{name}`, {id}, denies {}", need.action);
            match conditions_hold(statement, &context) {
                Some(false) => {}
                Some(true) => return broken(seen),
                None => doubtful.push(seen),
            }
        }
    }
    if let Some(first) = doubtful.first() {
        let fix = "read that statement: it has conditions that doctor does not know".to_owned();
        return Err(Trouble::Unknown(format!("{first}, under conditions"), fix));
    }
    Ok(format!("policies read: {}", policies.len()))
}

/// All service control policies above an account, by name.
async fn policies(
    world: &World,
    region: &Region,
    account: &AccountId,
) -> Result<BTreeMap<String, Value>, NoAnswer> {
    let ask = &world.ask;
    let (mut target, mut found) = (account.as_str().to_owned(), BTreeMap::new());
    for _ in 0..DEPTH {
        let input = json!({"TargetId": target, "Filter": "SERVICE_CONTROL_POLICY"});
        let pages = ("Policies", "NextToken");
        let list =
            ask.list(ORGANIZATIONS, "organizations:ListPoliciesForTarget", region, &input, pages).await?;
        for policy in &list {
            let text = |name: &str| policy.get(name).and_then(Value::as_str).unwrap_or_default();
            if found.contains_key(text("Name")) {
                continue;
            }
            let input = json!({"PolicyId": text("Id")});
            let answer = ask.json(ORGANIZATIONS, "organizations:DescribePolicy", region, &input).await?;
            let content = answer.pointer("/Policy/Content").and_then(Value::as_str).unwrap_or_default();
            found.insert(text("Name").to_owned(), document(content));
        }
        if target.starts_with("r-") {
            break;
        }
        let input = json!({"ChildId": target});
        let parents = ask
            .list(ORGANIZATIONS, "organizations:ListParents", region, &input, ("Parents", "NextToken"))
            .await?;
        let Some(parent) = parents.first().and_then(|parent| parent.get("Id")?.as_str()) else { break };
        parent.clone_into(&mut target);
    }
    Ok(found)
}
