//! The hub's bus and its rules.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail, fail_with};
use super::checks::{BUS, BUS_INVOCATIONS, BUS_POLICY};
use super::deployment::{DeploymentView, RegionView};
use super::eventbridge::{Kind, read_rules};
use super::families::{Family, HUB_CHECKS, tag_events};
use super::invocations::delivered;
use super::policy::{AccessRequest, Caller, Decision, decide, document};
use super::rule_checks::examine_dead_letters;
use crate::output::plural;
use autotag_aws::query::if_there;
use autotag_aws::signed::EVENTS;
use serde_json::{Value, json};

/// How many refused accounts a finding names; it counts the others.
const MAX_NAMED: usize = 5;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let input = json!({"Name": view.bus});
    let (bus, rules) = tokio::join!(
        view.aws.json(EVENTS, "events:DescribeEventBus", &view.hub, &input),
        read_rules(&view.aws, &view.hub, &view.bus, &view.names.prefix),
    );
    let bus = if_there(bus).map_err(CheckFailure::from);
    let exists = bus.clone().and_then(|bus| match bus {
        Some(_) => Ok(view.bus_arn()),
        None => fail(format!("there is no bus `{}` in {}", view.bus, view.hub)),
    });
    let policy = bus.and_then(|bus| match bus {
        Some(bus) => accounts_may_put(view, &bus),
        None => blocked_by(BUS),
    });
    let place = format!("{} {}", view.hub, view.bus);
    let hub = RegionView {
        account: view.account.clone(),
        region: view.hub.clone(),
        aws: view.aws.clone(),
        own: true,
    };
    let mut found = vec![BUS.at(&place, exists), BUS_POLICY.at(&place, policy)];
    let target = |queue| vec![view.queue_arn(queue)];
    let (queue, session_queue) = (target(&view.tag_handler.queue), target(&view.session_handler.queue));
    for family in Family::of(view, &HUB_CHECKS, &queue, &session_queue) {
        // A session-handler may get STS records from the default bus. The hub's bus is then not involved.
        if family.kind != Kind::Sessions || !sessions_use_default_bus(view) {
            found.extend(family.findings(&place, &hub, view, &rules).await);
        }
    }
    found.extend(tag_events(view, HUB_CHECKS.tag_events, &place, &rules));
    found.push(BUS_INVOCATIONS.at(&place, delivered(&hub, &view.bus, &rules).await));
    found.extend(examine_dead_letters(&place, &hub, &rules, view).await);
    found
}

/// True if session-handler gets STS records from the default bus.
fn sessions_use_default_bus(view: &DeploymentView) -> bool {
    let queue = view.queue_arn(&view.session_handler.queue);
    let rules = view.default_bus.iter().flatten().filter(|rule| rule.kind == Kind::Sessions);
    rules.flat_map(|rule| &rule.targets).any(|target| target.arn == queue)
}

/// The ARN of the role with which the rules of an account forward. It has the path of tag-handler's role: stacks of one deployment have
/// the same `RolePath`.
fn forward_role(view: &DeploymentView, account: &str) -> String {
    let (partition, prefix, hub) = (&view.partition, &view.names.prefix, &view.hub);
    let path = view.tag_handler.role().and_then(|role| {
        let (_, path) = role.split_once(":role/")?;
        path.rsplit_once('/').map(|(path, _)| format!("{path}/"))
    });
    format!("arn:{partition}:iam::{account}:role/{}{prefix}-forward-{hub}", path.unwrap_or_default())
}

/// Checks that the bus's policy allows all accounts to put events. The own account needs no statement.
fn accounts_may_put(view: &DeploymentView, bus: &Value) -> CheckResult {
    let policy = document(bus.get("Policy").and_then(Value::as_str).unwrap_or_default());
    let arn = view.bus_arn();
    let organization = view.organization_id();
    if organization.is_none()
        && bus.get("Policy").is_some_and(|text| text.to_string().contains("PrincipalOrg"))
    {
        // The organization that the policy admits is unknown.
        view.organization.as_ref().map_err(Clone::clone)?;
    }
    let decision = |account: &str| {
        let role = forward_role(view, account);
        let mut context = vec![
            ("aws:PrincipalAccount", account),
            ("aws:SourceAccount", account),
            ("aws:PrincipalArn", role.as_str()),
        ];
        context.extend(organization.map(|id| ("aws:PrincipalOrgID", id)));
        let caller = Caller::Account(account);
        let request = AccessRequest { caller, action: "events:PutEvents", resource: &arn, context: &context };
        decide(&policy, &request)
    };
    if decision(view.account.as_str()) == Decision::Denied {
        return fail("a statement of the policy denies it to its own account");
    }
    let members = view.members.as_ref().map_err(Clone::clone)?;
    let members: Vec<&str> = members.iter().map(|member| member.account.as_str()).collect();
    let refused: Vec<&str> =
        members.iter().copied().filter(|account| decision(account) != Decision::Allowed).collect();
    if let Some(first) = refused.first() {
        let named = refused.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = refused.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (bus, hub) = (&view.bus, &view.hub);
        let fix = match organization {
            Some(id) if !id.is_empty() => format!(
                "aws events put-permission --event-bus-name {bus} --region {hub} --statement-id autotag-organization --action \
                 events:PutEvents --principal '*' --condition Type=StringEquals,Key=aws:PrincipalOrgID,Value={id}"
            ),
            _ => format!(
                "aws events put-permission --event-bus-name {bus} --region {hub} --statement-id autotag-{first} --action \
                 events:PutEvents --principal {first}"
            ),
        };
        return fail_with(format!("no statement allows {named}{more}"), fix);
    }
    Ok(match members.len() {
        0 => "its own account".to_owned(),
        others => format!("its own account and {}", plural(others, "other")),
    })
}
