//! The hub's bus and its rules.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail};
use super::checks::{
    BUS, BUS_CREATIONS, BUS_CREATIONS_PATTERN, BUS_CREATIONS_TARGET, BUS_POLICY, BUS_SESSIONS,
    BUS_SESSIONS_PATTERN, BUS_SESSIONS_TARGET,
};
use super::deployment::{DeploymentView, RegionView};
use super::eventbridge::{CREATIONS, DEFAULT_BUS, SESSIONS, read_rules, with_name};
use super::policy::{AccessRequest, Caller, Decision, decide, document};
use super::rule_checks::{Family, FamilyChecks, examine_dead_letters};
use crate::output::plural;
use autotag_aws::query::if_there;
use autotag_aws::signed::EVENTS;
use serde_json::{Value, json};

const CREATION_CHECKS: FamilyChecks = FamilyChecks {
    rule: BUS_CREATIONS,
    pattern: BUS_CREATIONS_PATTERN,
    target: BUS_CREATIONS_TARGET,
    role: None,
};

const SESSION_CHECKS: FamilyChecks = FamilyChecks {
    rule: BUS_SESSIONS,
    pattern: BUS_SESSIONS_PATTERN,
    target: BUS_SESSIONS_TARGET,
    role: None,
};

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let input = json!({"Name": view.bus});
    let (bus, rules, on_default_bus) = tokio::join!(
        view.aws.json(EVENTS, "events:DescribeEventBus", &view.hub, &input),
        read_rules(&view.aws, &view.hub, &view.bus),
        sessions_use_default_bus(view),
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
    let target = |queue| vec![view.queue_arn(queue)];
    let expected = &view.expected;
    let creations = Family {
        checks: CREATION_CHECKS,
        wanted: &expected.creations,
        targets: target(&view.tag_handler.queue),
    };
    let sessions = Family {
        checks: SESSION_CHECKS,
        wanted: &expected.sessions,
        targets: target(&view.session_handler.queue),
    };
    let mut found = vec![BUS.at(&place, exists), BUS_POLICY.at(&place, policy)];
    let creation_rules = with_name(&rules, |name| name.starts_with(CREATIONS));
    found.extend(creations.findings(&place, &hub, view, creation_rules).await);
    if !on_default_bus {
        let session_rules = with_name(&rules, |name| name == SESSIONS);
        found.extend(sessions.findings(&place, &hub, view, session_rules).await);
    }
    found.extend(examine_dead_letters(&place, &hub, &rules, view.show_messages).await);
    found
}

/// Whether session-handler gets STS records from the default bus. The hub's bus is then not involved.
async fn sessions_use_default_bus(view: &DeploymentView) -> bool {
    let rules = read_rules(&view.aws, &view.hub, DEFAULT_BUS).await;
    let queue = view.queue_arn(&view.session_handler.queue);
    let mut targets =
        rules.iter().flatten().filter(|rule| rule.name == SESSIONS).flat_map(|rule| &rule.targets);
    targets.any(|target| target.arn == queue)
}

/// Checks that the bus's policy allows all accounts to put events. The own account needs no statement.
fn accounts_may_put(view: &DeploymentView, bus: &Value) -> CheckResult {
    let policy = document(bus.get("Policy").and_then(Value::as_str).unwrap_or_default());
    let arn = view.bus_arn();
    let decision = |account: &str| {
        let context = [("aws:PrincipalAccount", account), ("aws:SourceAccount", account)];
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
    if !refused.is_empty() {
        return fail(format!("no statement allows {}", refused.join(", ")));
    }
    Ok(match members.len() {
        0 => "its own account".to_owned(),
        others => format!("its own account and {}", plural(others, "other")),
    })
}
