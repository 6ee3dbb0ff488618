//! The hub's bus and its rules.

use super::ask::if_there;
use super::policy::{Decision, Who, Wish, decide, document};
use super::rule::{CREATIONS, DEFAULT_BUS, SESSIONS, rules};
use super::rules::{Checks, Family, examine_letters, ours};
use super::world::Place;
use super::{Check, Finding, Trouble, Verdict, World, broken, hangs_on};
use crate::output::plural;
use autotag_aws::signed::EVENTS;
use serde_json::{Value, json};

const ON_HUB: Checks = Checks {
    rule: Check {
        name: "bus.creations",
        question: "are there rules for creations on the hub's bus, and enabled?",
        fix: "update the stack with hub.yaml; enable rules with aws events enable-rule --event-bus-name BUS --name NAME",
    },
    pattern: Check {
        name: "bus.creations.pattern",
        question: "do they let through every event of this catalogue?",
        fix: "run `autotag generate`, and update the stack with the new hub.yaml",
    },
    target: Check {
        name: "bus.creations.target",
        question: "do they send to the queue of tag-handler?",
        fix: "update the stack with hub.yaml",
    },
    role: None,
};

const ON_HUB_SESSIONS: Checks = Checks {
    rule: Check {
        name: "bus.sessions",
        question: "is there a rule for STS records on the hub's bus, and enabled?",
        fix: "deploy session.yaml; enable it with aws events enable-rule --event-bus-name BUS --name autotag-sessions",
    },
    pattern: Check {
        name: "bus.sessions.pattern",
        question: "does it let through every call that begins a session?",
        fix: "run `autotag generate`, and update the stack with the new session.yaml",
    },
    target: Check {
        name: "bus.sessions.target",
        question: "does it send to the queue of session-handler?",
        fix: "update the stack with session.yaml",
    },
    role: None,
};

pub(super) const BUS: Check = Check {
    name: "bus",
    question: "is the hub's bus there?",
    fix: "deploy the stack again; if the bus has another name, name its stack with --stack",
};

const BUS_POLICY: Check = Check {
    name: "bus.policy",
    question: "does the bus let in every account whose events are to come?",
    fix: "allow events:PutEvents to the account, or to the organization, in the bus's policy (parameters of hub.yaml)",
};

/// The hub's bus and its rules.
pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let input = json!({"Name": world.bus});
    let (bus, rules, by_itself) = tokio::join!(
        world.ask.json(EVENTS, "events:DescribeEventBus", &world.hub, &input),
        rules(&world.ask, &world.hub, &world.bus),
        listens_itself(world),
    );
    let bus = if_there(bus).map_err(Trouble::from);
    let there = bus.clone().and_then(|bus| match bus {
        Some(_) => Ok(world.bus_arn()),
        None => broken(format!("there is no bus `{}` in {}", world.bus, world.hub)),
    });
    let policy = bus.and_then(|bus| match bus {
        Some(bus) => lets_in(world, &bus),
        None => hangs_on(BUS),
    });
    let place = format!("{} {}", world.hub, world.bus);
    // No place of its own, but asked in the same way.
    let hub = Place {
        account: world.account.clone(),
        region: world.hub.clone(),
        ask: world.ask.clone(),
        own: true,
    };
    let goal = |queue| vec![world.queue_arn(queue)];
    let expected = &world.expected;
    let creations = Family { checks: ON_HUB, wanted: &expected.creations, goals: goal(&world.tagger.queue) };
    let sessions =
        Family { checks: ON_HUB_SESSIONS, wanted: &expected.sessions, goals: goal(&world.keeper.queue) };
    let mut found = vec![BUS.at(&place, there), BUS_POLICY.at(&place, policy)];
    let of_creations = ours(&rules, |name| name.starts_with(CREATIONS));
    found.extend(creations.findings(&place, &hub, world, of_creations).await);
    if !by_itself {
        let of_sessions = ours(&rules, |name| name == SESSIONS);
        found.extend(sessions.findings(&place, &hub, world, of_sessions).await);
    }
    found.extend(examine_letters(&place, &hub, &rules, world.peek).await);
    found
}

/// Whether session-handler listens to the default bus, and the hub's bus has no part in it.
async fn listens_itself(world: &World) -> bool {
    let rules = rules(&world.ask, &world.hub, DEFAULT_BUS).await;
    let queue = world.queue_arn(&world.keeper.queue);
    let mut targets =
        rules.iter().flatten().filter(|rule| rule.name == SESSIONS).flat_map(|rule| &rule.targets);
    targets.any(|target| target.arn == queue)
}

/// Who may put events on the bus. One's own account needs no word of the policy.
fn lets_in(world: &World, bus: &Value) -> Verdict {
    let policy = document(bus.get("Policy").and_then(Value::as_str).unwrap_or_default());
    let arn = world.bus_arn();
    let says = |account: &str| {
        let context = [("aws:PrincipalAccount", account), ("aws:SourceAccount", account)];
        let who = Who::Account(account);
        decide(&policy, &Wish { who, action: "events:PutEvents", resource: &arn, context: &context })
    };
    let own = world.account.as_str();
    if says(own) == Decision::Denied {
        return broken("a statement of the policy denies it to its own account");
    }
    let members = world.members.as_ref().map_err(Clone::clone)?;
    let members: Vec<&str> = members.iter().map(|member| member.account.as_str()).collect();
    let out: Vec<&str> =
        members.iter().copied().filter(|account| says(account) != Decision::AccountScope).collect();
    if !out.is_empty() {
        return broken(format!("no statement lets in {}", out.join(", ")));
    }
    Ok(match members.len() {
        0 => "its own account".to_owned(),
        others => format!("its own account and {}", plural(others, "other")),
    })
}
