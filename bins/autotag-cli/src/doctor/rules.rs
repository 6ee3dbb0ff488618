//! The rules of each region: the way of an event from where it happens to the hub.

use super::consumer;
use super::expected::Event;
use super::pattern::lets_through;
use super::permissions::may;
use super::rule::{CREATIONS, DEFAULT_BUS, Rule, Rules, SESSIONS, rules};
use super::world::Place;
use super::{Check, Expected, Finding, Trouble, Verdict, World, broken, hangs_on, queues};
use crate::output::plural;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of the rules for one kind of events on one bus.
pub(super) struct Checks {
    pub(super) rule: Check,
    pub(super) pattern: Check,
    pub(super) target: Check,
    pub(super) role: Option<Check>,
}

const ON_CREATIONS: Checks = Checks {
    rule: Check {
        name: "rule.creations",
        question: "are there rules for creations, and enabled?",
        fix: "deploy region.yaml there; enable rules with aws events enable-rule --name NAME",
    },
    pattern: Check {
        name: "rule.creations.pattern",
        question: "do they let through every event of this catalogue?",
        fix: "run `autotag generate`, and update the stack with the new region.yaml",
    },
    target: Check {
        name: "rule.creations.target",
        question: "do they send to the hub's bus?",
        fix: "update the stack with region.yaml, whose parameter names the hub's bus",
    },
    role: Some(Check {
        name: "rule.creations.role",
        question: "may the rules' role put events on the hub's bus?",
        fix: "allow events:PutEvents on the hub's bus to the role of the rules (ForwardRole of region.yaml)",
    }),
};

const ON_SESSIONS: Checks = Checks {
    rule: Check {
        name: "rule.sessions",
        question: "is there a rule for STS records, and enabled?",
        fix: "deploy region.yaml there; enable it with aws events enable-rule --name autotag-sessions",
    },
    pattern: Check {
        name: "rule.sessions.pattern",
        question: "does it let through every call that begins a session?",
        fix: "run `autotag generate`, and update the stack with the new region.yaml",
    },
    target: Check {
        name: "rule.sessions.target",
        question: "does it send to a bus or queue of autotag?",
        fix: "update the stack with region.yaml, whose parameter names the bus",
    },
    role: Some(Check {
        name: "rule.sessions.role",
        question: "may the rule's role put events on that bus?",
        fix: "allow events:PutEvents on the bus to the role of the rule (ForwardRole of region.yaml)",
    }),
};

const LETTERS: Check = Check {
    name: "rule.dead-letters",
    question: "is there a queue for events that a rule could not send on, and is it empty?",
    fix: "give each target a dead-letter queue, as the templates do; see what is in it with `autotag redrive QUEUE_URL`",
};

const LETTERS_POLICY: Check = Check {
    name: "rule.dead-letters.policy",
    question: "does that queue let EventBridge send?",
    fix: "allow sqs:SendMessage to events.amazonaws.com in its policy, for the ARNs of the rules",
};

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    join_all(world.places.iter().map(|place| examine_place(world, place))).await.concat()
}

async fn examine_place(world: &World, place: &Place) -> Vec<Finding> {
    let rules = rules(&place.ask, &place.region, DEFAULT_BUS).await;
    let here = place.to_string();
    // Where each region has a session-handler of its own, records need not go to the hub.
    let (bus, queue) = (world.bus_arn(), place.queue_arn(&world.partition, &world.keeper.queue.name));
    let expected = &world.expected;
    let creations = Family { checks: ON_CREATIONS, wanted: &expected.creations, goals: vec![bus.clone()] };
    let sessions = Family { checks: ON_SESSIONS, wanted: &expected.sessions, goals: vec![bus, queue] };
    let (creations, sessions, letters) = tokio::join!(
        creations.findings(&here, place, world, ours(&rules, |name| name.starts_with(CREATIONS))),
        sessions.findings(&here, place, world, ours(&rules, |name| name == SESSIONS)),
        examine_letters(&here, place, &rules, world.peek),
    );
    [creations, sessions, letters].concat()
}

/// The rules for one kind of events, and where they should lead.
pub(super) struct Family<'f> {
    pub(super) checks: Checks,
    pub(super) wanted: &'f BTreeSet<Event>,
    /// ARNs; any of them will do.
    pub(super) goals: Vec<String>,
}

/// Of the rules those with such a name.
pub(super) fn ours(rules: &Rules, is: impl Fn(&str) -> bool) -> Rules {
    let mut rules = rules.clone()?;
    rules.retain(|rule| is(&rule.name));
    Ok(rules)
}

impl Family<'_> {
    pub(super) async fn findings(
        &self,
        here: &str,
        place: &Place,
        world: &World,
        rules: Rules,
    ) -> Vec<Finding> {
        let checks = &self.checks;
        let mut found = vec![
            checks.rule.at(here, enabled(&rules)),
            checks.pattern.at(here, self.complete(&rules, &world.expected)),
            checks.target.at(here, self.lead(&rules)),
        ];
        if let Some(check) = checks.role {
            found.push(check.at(here, self.role(&rules, place, world).await));
        }
        found
    }

    /// The rules, where there are some; that there are none is another check's finding.
    fn some<'r>(&self, rules: &'r Rules) -> Result<&'r [Rule], Trouble> {
        match rules {
            Ok(rules) if rules.is_empty() => hangs_on(self.checks.rule),
            Ok(rules) => Ok(rules),
            Err(trouble) => Err(trouble.clone()),
        }
    }

    fn complete(&self, rules: &Rules, expected: &Expected) -> Verdict {
        let rules = self.some(rules)?;
        let missing = |event: &&Event| !rules.iter().any(|rule| lets_through(&rule.pattern, event));
        let missing: Vec<&Event> = self.wanted.iter().filter(missing).collect();
        if let [first, rest @ ..] = missing.as_slice() {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let stale = stale(rules, expected)
                .map(|old| format!("; they are of catalogue {old}"))
                .unwrap_or_default();
            return broken(format!("{} {}{more} would not come{stale}", first.source, first.name));
        }
        let version = match stale(rules, expected) {
            Some(old) => format!(", by those of catalogue {old} too"),
            None => format!(" of catalogue {}", expected.version),
        };
        Ok(format!("{}{version}", plural(self.wanted.len(), "event")))
    }

    fn lead(&self, rules: &Rules) -> Verdict {
        let rules = self.some(rules)?;
        let leads = |rule: &&Rule| rule.targets.iter().any(|target| self.goals.contains(&target.arn));
        match rules.iter().find(|rule| !leads(rule)) {
            None => Ok(self.goals.join(" or ")),
            Some(Rule { name, targets, .. }) => match targets.first() {
                None => broken(format!("{name} has no target")),
                Some(target) => broken(format!("{name} sends to {}", target.arn)),
            },
        }
    }

    /// Sending to a bus of another region or account takes a role.
    async fn role(&self, rules: &Rules, place: &Place, world: &World) -> Verdict {
        let targets = self.some(rules)?.iter().flat_map(|rule| &rule.targets);
        let buses =
            targets.filter(|target| target.arn.contains(":event-bus/") && self.goals.contains(&target.arn));
        let pairs: BTreeSet<(&str, Option<&str>)> =
            buses.map(|target| (target.arn.as_str(), target.role.as_deref())).collect();
        for (bus, role) in &pairs {
            let Some(role) = role else { return broken(format!("no role is named for {bus}")) };
            may(&place.ask, &world.partition, role, &[("events:PutEvents", bus)]).await?;
        }
        let named: BTreeSet<&str> = pairs.into_iter().filter_map(|(_, role)| role).collect();
        Ok(match Vec::from_iter(named).as_slice() {
            [] => "none is needed".to_owned(),
            named => named.join(", "),
        })
    }
}

/// The version of the catalogue that a rule was made from, if it is another one than ours.
fn stale<'r>(rules: &'r [Rule], expected: &Expected) -> Option<&'r str> {
    rules.iter().filter_map(|rule| rule.version.as_deref()).find(|version| *version != expected.version)
}

fn enabled(rules: &Rules) -> Verdict {
    let rules = rules.as_ref().map_err(Clone::clone)?;
    if rules.is_empty() {
        return broken("there is none");
    }
    let off: Vec<String> =
        rules.iter().filter(|rule| !rule.on).map(|rule| format!("{} is {}", rule.name, rule.state)).collect();
    if off.is_empty() { Ok(plural(rules.len(), "rule")) } else { broken(off.join(", ")) }
}

/// The dead-letter queues of the rules' targets, each with a rule that sends there.
fn letters(rules: &Rules) -> Result<BTreeMap<&str, &str>, Trouble> {
    let mut queues = BTreeMap::new();
    for rule in rules.as_ref().map_err(Clone::clone)? {
        for target in &rule.targets {
            match &target.letters {
                Some(queue) => queues.insert(queue.as_str(), rule.arn.as_str()),
                None => return broken(format!("the target of {} has no dead-letter queue", rule.name)),
            };
        }
    }
    Ok(queues)
}

/// The dead-letter queues of rules.
pub(super) async fn examine_letters(here: &str, place: &Place, rules: &Rules, peek: bool) -> Vec<Finding> {
    let queues = match letters(rules) {
        Ok(queues) => queues,
        Err(trouble) => return vec![LETTERS.at(here, Err(trouble))],
    };
    let looks = queues.into_iter().map(async |(arn, rule)| {
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let queue = consumer::queue(&place.ask, &place.region, name.to_owned()).await;
        let at = format!("{here} {name}");
        let sends =
            queues::there(&queue, Some(LETTERS)).and_then(|queue| queues::lets_rule_send(queue, rule));
        [LETTERS.at(&at, queues::dead(&place.ask, &queue, peek).await), LETTERS_POLICY.at(&at, sends)]
    });
    join_all(looks).await.concat()
}
