//! Rules and buses: the way of an event from the region where it happens to the queue.

use super::ask::if_there;
use super::expected::Event;
use super::pattern::lets_through;
use super::permissions::may;
use super::policy::{Decision, Who, Wish, decide, document};
use super::world::{self, Place};
use super::{Ask, Check, Expected, Finding, NoAnswer, Trouble, Verdict, World, broken, hangs_on, queues};
use crate::output::plural;
use autotag_model::arn::Region;
use aws_accounts::signed::EVENTS;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The bus on which AWS itself brings events.
const DEFAULT_BUS: &str = "default";

/// What the names of the rules for creations begin with, and the one for sessions is called.
const RULES: &str = "autotag-";
const CREATIONS: &str = "autotag-creations-";
const SESSIONS: &str = "autotag-sessions";

/// The tag that says from which catalogue a rule was made.
const VERSION_TAG: &str = "autotag-catalogue";

/// The states in which a rule works.
const ON: [&str; 2] = ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"];

/// What is asked of the rules for one kind of events on one bus.
struct Checks {
    rule: Check,
    pattern: Check,
    target: Check,
    role: Option<Check>,
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

const BUS: Check = Check {
    name: "bus",
    question: "is the hub's bus there?",
    fix: "deploy the stack again; if the bus has another name, name its stack with --stack",
};

const BUS_POLICY: Check = Check {
    name: "bus.policy",
    question: "does the bus let in every account whose events are to come?",
    fix: "allow events:PutEvents to the account, or to the organization, in the bus's policy (parameters of hub.yaml)",
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

/// A rule, and where it sends.
#[derive(Debug, Clone, Default)]
struct Rule {
    name: String,
    arn: String,
    on: bool,
    state: String,
    pattern: Value,
    version: Option<String>,
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Default)]
struct Target {
    arn: String,
    role: Option<String>,
    letters: Option<String>,
}

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    join_all(world.places.iter().map(|place| examine_place(world, place))).await.concat()
}

async fn examine_place(world: &World, place: &Place) -> Vec<Finding> {
    let rules = rules(&place.ask, &place.region, DEFAULT_BUS).await;
    let here = place.to_string();
    let (bus, queue) = (world.bus_arn(), world.queue_arn(&world.keeper.queue));
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

/// The hub's bus and its rules.
pub(super) async fn examine_bus(world: &World) -> Vec<Finding> {
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

/// The rules for one kind of events, and where they should lead.
struct Family<'f> {
    checks: Checks,
    wanted: &'f BTreeSet<Event>,
    /// ARNs; any of them will do.
    goals: Vec<String>,
}

type Rules = Result<Vec<Rule>, Trouble>;

fn ours(rules: &Rules, is: impl Fn(&str) -> bool) -> Rules {
    let mut rules = rules.clone()?;
    rules.retain(|rule| is(&rule.name));
    Ok(rules)
}

impl Family<'_> {
    async fn findings(&self, here: &str, place: &Place, world: &World, rules: Rules) -> Vec<Finding> {
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
        let roles: BTreeSet<&str> = pairs.into_iter().filter_map(|(_, role)| role).collect();
        Ok(if roles.is_empty() {
            "none is needed".to_owned()
        } else {
            roles.into_iter().collect::<Vec<_>>().join(", ")
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
    let members: Vec<&str> = world.members.iter().flatten().map(|member| member.account.as_str()).collect();
    let out: Vec<&str> =
        members.iter().copied().filter(|account| says(account) != Decision::Allowed).collect();
    if !out.is_empty() {
        return broken(format!("no statement lets in {}", out.join(", ")));
    }
    Ok(match members.len() {
        0 => "its own account".to_owned(),
        others => format!("its own account and {}", plural(others, "other")),
    })
}

async fn rules(ask: &Ask, region: &Region, bus: &str) -> Rules {
    let input = json!({"NamePrefix": RULES, "EventBusName": bus});
    let listed = ask.list(EVENTS, "events:ListRules", region, &input, ("Rules", "NextToken")).await;
    let Some(listed) = if_there(listed)? else { return hangs_on(BUS) };
    let looked = join_all(listed.iter().map(|rule| look(ask, region, bus, rule))).await;
    Ok(looked.into_iter().collect::<Result<_, NoAnswer>>()?)
}

async fn look(ask: &Ask, region: &Region, bus: &str, rule: &Value) -> Result<Rule, NoAnswer> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (name, arn) = (text(rule, "Name").unwrap_or_default(), text(rule, "Arn").unwrap_or_default());
    let (input, tagged) = (json!({"Rule": name, "EventBusName": bus}), json!({"ResourceARN": arn}));
    let (targets, tags) = tokio::join!(
        ask.list(EVENTS, "events:ListTargetsByRule", region, &input, ("Targets", "NextToken")),
        ask.json(EVENTS, "events:ListTagsForResource", region, &tagged),
    );
    let tags = tags.unwrap_or_default();
    let mut tags = tags.get("Tags").and_then(Value::as_array).into_iter().flatten();
    let version = tags.find(|tag| tag.get("Key").is_some_and(|key| key == VERSION_TAG));
    let target = |target: &Value| Target {
        arn: text(target, "Arn").unwrap_or_default(),
        role: text(target, "RoleArn"),
        letters: target.get("DeadLetterConfig").and_then(|config| text(config, "Arn")),
    };
    let state = text(rule, "State").unwrap_or_default();
    Ok(Rule {
        name,
        arn,
        on: ON.contains(&state.as_str()),
        state,
        pattern: document(&text(rule, "EventPattern").unwrap_or_default()),
        version: version.and_then(|tag| text(tag, "Value")),
        targets: targets?.iter().map(target).collect(),
    })
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

async fn examine_letters(here: &str, place: &Place, rules: &Rules, peek: bool) -> Vec<Finding> {
    let queues = match letters(rules) {
        Ok(queues) => queues,
        Err(trouble) => return vec![LETTERS.at(here, Err(trouble))],
    };
    let looks = queues.into_iter().map(async |(arn, rule)| {
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let queue = world::queue(&place.ask, &place.region, name.to_owned()).await;
        let at = format!("{here} {name}");
        let sends =
            queues::there(&queue, Some(LETTERS)).and_then(|queue| queues::lets_rule_send(queue, rule));
        [LETTERS.at(&at, queues::dead(&place.ask, &queue, peek).await), LETTERS_POLICY.at(&at, sends)]
    });
    join_all(looks).await.concat()
}
