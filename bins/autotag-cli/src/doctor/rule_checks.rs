//! The rules of each region, which forward events from where they happen to the hub; and checks that the hub's rules share.

use super::check::{Check, CheckFailure, CheckResult, Finding, blocked_by, fail};
use super::checks::{
    RULE_CREATIONS, RULE_CREATIONS_PATTERN, RULE_CREATIONS_ROLE, RULE_CREATIONS_TARGET, RULE_DEAD_LETTERS,
    RULE_DEAD_LETTERS_POLICY, RULE_SESSIONS, RULE_SESSIONS_PATTERN, RULE_SESSIONS_ROLE, RULE_SESSIONS_TARGET,
};
use super::consumer::read_queue;
use super::deployment::{DeploymentView, RegionView};
use super::eventbridge::{CREATIONS, DEFAULT_BUS, Rule, Rules, SESSIONS, read_rules, with_name};
use super::expected::{Event, Expected};
use super::pattern::matches;
use super::queues::{is_empty, rule_may_send};
use super::simulation::may;
use crate::output::plural;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// The checks of the rules for one kind of events on one bus.
pub(super) struct FamilyChecks {
    pub(super) rule: Check,
    pub(super) pattern: Check,
    pub(super) target: Check,
    pub(super) role: Option<Check>,
}

const CREATION_CHECKS: FamilyChecks = FamilyChecks {
    rule: RULE_CREATIONS,
    pattern: RULE_CREATIONS_PATTERN,
    target: RULE_CREATIONS_TARGET,
    role: Some(RULE_CREATIONS_ROLE),
};

const SESSION_CHECKS: FamilyChecks = FamilyChecks {
    rule: RULE_SESSIONS,
    pattern: RULE_SESSIONS_PATTERN,
    target: RULE_SESSIONS_TARGET,
    role: Some(RULE_SESSIONS_ROLE),
};

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    join_all(view.regions.iter().map(|region| examine_region(view, region))).await.concat()
}

async fn examine_region(view: &DeploymentView, region: &RegionView) -> Vec<Finding> {
    let rules = read_rules(&region.aws, &region.region, DEFAULT_BUS).await;
    let place = region.to_string();
    // If each region has its own session-handler, STS records do not go to the hub.
    let (bus, queue) = (view.bus_arn(), region.queue_arn(&view.partition, &view.session_handler.queue.name));
    let expected = &view.expected;
    let creations =
        Family { checks: CREATION_CHECKS, wanted: &expected.creations, targets: vec![bus.clone()] };
    let sessions = Family { checks: SESSION_CHECKS, wanted: &expected.sessions, targets: vec![bus, queue] };
    let creation_rules = with_name(&rules, |name| name.starts_with(CREATIONS));
    let session_rules = with_name(&rules, |name| name == SESSIONS);
    let (creations, sessions, dead_letters) = tokio::join!(
        creations.findings(&place, region, view, creation_rules),
        sessions.findings(&place, region, view, session_rules),
        examine_dead_letters(&place, region, &rules, view.show_messages),
    );
    [creations, sessions, dead_letters].concat()
}

/// The rules for one kind of events on one bus, as they should be.
pub(super) struct Family<'f> {
    pub(super) checks: FamilyChecks,
    /// The events that the rules must match.
    pub(super) wanted: &'f BTreeSet<Event>,
    /// The ARNs of the allowed targets. Each rule must have one of them.
    pub(super) targets: Vec<String>,
}

impl Family<'_> {
    pub(super) async fn findings(
        &self,
        place: &str,
        region: &RegionView,
        view: &DeploymentView,
        rules: Rules,
    ) -> Vec<Finding> {
        let checks = &self.checks;
        let mut found = vec![
            checks.rule.at(place, enabled(&rules)),
            checks.pattern.at(place, self.complete(&rules, &view.expected)),
            checks.target.at(place, self.target(&rules)),
        ];
        if let Some(check) = checks.role {
            found.push(check.at(place, self.role(&rules, region, view).await));
        }
        found
    }

    /// The rules, of which there is at least one. That there are none is the finding of another check.
    fn existing<'r>(&self, rules: &'r Rules) -> Result<&'r [Rule], CheckFailure> {
        match rules {
            Ok(rules) if rules.is_empty() => blocked_by(self.checks.rule),
            Ok(rules) => Ok(rules),
            Err(failure) => Err(failure.clone()),
        }
    }

    fn complete(&self, rules: &Rules, expected: &Expected) -> CheckResult {
        let rules = self.existing(rules)?;
        let missing = |event: &&Event| !rules.iter().any(|rule| matches(&rule.pattern, event));
        let missing: Vec<&Event> = self.wanted.iter().filter(missing).collect();
        let other = other_version(rules, expected);
        if let [first, rest @ ..] = missing.as_slice() {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            let version =
                other.map(|version| format!("; the rules are of catalogue {version}")).unwrap_or_default();
            return fail(format!("no rule matches {} {}{more}{version}", first.source, first.name));
        }
        let version = match other {
            Some(version) => format!(", though the rules are of catalogue {version}"),
            None => format!(" of catalogue {}", expected.version),
        };
        Ok(format!("{}{version}", plural(self.wanted.len(), "event")))
    }

    fn target(&self, rules: &Rules) -> CheckResult {
        let rules = self.existing(rules)?;
        let fits = |rule: &&Rule| rule.targets.iter().any(|target| self.targets.contains(&target.arn));
        match rules.iter().find(|rule| !fits(rule)) {
            None => Ok(self.targets.join(" or ")),
            Some(Rule { name, targets, .. }) => match targets.first() {
                None => fail(format!("{name} has no target")),
                Some(target) => fail(format!("{name} sends to {}", target.arn)),
            },
        }
    }

    /// A target that is a bus of another region or account needs a role.
    async fn role(&self, rules: &Rules, region: &RegionView, view: &DeploymentView) -> CheckResult {
        let targets = self.existing(rules)?.iter().flat_map(|rule| &rule.targets);
        let buses =
            targets.filter(|target| target.arn.contains(":event-bus/") && self.targets.contains(&target.arn));
        let pairs: BTreeSet<(&str, Option<&str>)> =
            buses.map(|target| (target.arn.as_str(), target.role.as_deref())).collect();
        for (bus, role) in &pairs {
            let Some(role) = role else { return fail(format!("the target {bus} has no role")) };
            may(&region.aws, &view.partition, role, &[("events:PutEvents", bus)]).await?;
        }
        let named: BTreeSet<&str> = pairs.into_iter().filter_map(|(_, role)| role).collect();
        Ok(match Vec::from_iter(named).as_slice() {
            [] => "no role is needed".to_owned(),
            named => named.join(", "),
        })
    }
}

/// The version of the catalogue from which a rule was generated, if it is not the expected one.
fn other_version<'r>(rules: &'r [Rule], expected: &Expected) -> Option<&'r str> {
    rules.iter().filter_map(|rule| rule.version.as_deref()).find(|version| *version != expected.version)
}

fn enabled(rules: &Rules) -> CheckResult {
    let rules = rules.as_ref().map_err(Clone::clone)?;
    if rules.is_empty() {
        return fail("there are no rules");
    }
    let off = rules.iter().filter(|rule| !rule.enabled);
    let off: Vec<String> = off.map(|rule| format!("{} is {}", rule.name, rule.state)).collect();
    if off.is_empty() { Ok(plural(rules.len(), "rule")) } else { fail(off.join(", ")) }
}

/// The ARNs of the dead-letter queues of the rules' targets, each with the ARN of a rule that sends there.
fn dead_letter_queues(rules: &Rules) -> Result<BTreeMap<&str, &str>, CheckFailure> {
    let mut queues = BTreeMap::new();
    for rule in rules.as_ref().map_err(Clone::clone)? {
        for target in &rule.targets {
            match &target.dead_letters {
                Some(queue) => queues.insert(queue.as_str(), rule.arn.as_str()),
                None => return fail(format!("the target of {} has no dead-letter queue", rule.name)),
            };
        }
    }
    Ok(queues)
}

/// The findings about the dead-letter queues of rules.
pub(super) async fn examine_dead_letters(
    place: &str,
    region: &RegionView,
    rules: &Rules,
    show_messages: bool,
) -> Vec<Finding> {
    let queues = match dead_letter_queues(rules) {
        Ok(queues) => queues,
        Err(failure) => return vec![RULE_DEAD_LETTERS.at(place, Err(failure))],
    };
    let findings = queues.into_iter().map(async |(arn, rule)| {
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let queue = read_queue(&region.aws, &region.region, name.to_owned()).await;
        let place = format!("{place} {name}");
        let policy = queue.needed(RULE_DEAD_LETTERS).and_then(|queue| rule_may_send(queue, rule));
        [
            RULE_DEAD_LETTERS.at(&place, is_empty(&region.aws, &queue, show_messages).await),
            RULE_DEAD_LETTERS_POLICY.at(&place, policy),
        ]
    });
    join_all(findings).await.concat()
}
