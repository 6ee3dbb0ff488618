//! The rules for one kind of events on one bus, and what must hold for them: on the default bus of a region, and on the hub's bus.

use super::check::{Check, CheckFailure, CheckResult, Finding, blocked_by, fail, fail_with};
use super::checks::{
    BUS_CREATIONS, BUS_CREATIONS_PATTERN, BUS_CREATIONS_TARGET, BUS_DELETIONS, BUS_DELETIONS_PATTERN,
    BUS_DELETIONS_TARGET, BUS_SESSIONS, BUS_SESSIONS_PATTERN, BUS_SESSIONS_TARGET, BUS_TAG_CHANGES,
    BUS_TAG_CHANGES_PATTERN, BUS_TAG_CHANGES_TARGET, BUS_TAG_EVENTS, RULE_CREATIONS, RULE_CREATIONS_PATTERN,
    RULE_CREATIONS_ROLE, RULE_CREATIONS_TARGET, RULE_DELETIONS, RULE_DELETIONS_PATTERN,
    RULE_DELETIONS_TARGET, RULE_SESSIONS, RULE_SESSIONS_PATTERN, RULE_SESSIONS_ROLE, RULE_SESSIONS_TARGET,
    RULE_TAG_CHANGES, RULE_TAG_CHANGES_PATTERN, RULE_TAG_CHANGES_TARGET, RULE_TAG_EVENTS,
};
use super::deployment::{DeploymentView, RegionView};
use super::eventbridge::{DEFAULT_BUS, Kind, Rule, Rules, of_kind};
use super::expected::{Event, Expected};
use super::pattern::matches;
use crate::output::plural;
use autotag_model::arn::Region;
use serde_json::Value;
use std::collections::BTreeSet;

/// The checks of the rules for one kind of events on one bus.
#[derive(Debug, Clone, Copy)]
pub(super) struct FamilyChecks {
    rule: Check,
    pattern: Check,
    target: Check,
    role: Option<Check>,
}

/// The checks of all rules on one bus.
#[derive(Debug)]
pub(super) struct BusChecks {
    creations: FamilyChecks,
    deletions: FamilyChecks,
    tag_changes: FamilyChecks,
    sessions: FamilyChecks,
    pub(super) tag_events: Check,
}

const fn checks(rule: Check, pattern: Check, target: Check, caller: Option<Check>) -> FamilyChecks {
    FamilyChecks { rule, pattern, target, role: caller }
}

/// On the default bus of a region.
pub(super) const REGION_CHECKS: BusChecks = BusChecks {
    creations: checks(
        RULE_CREATIONS,
        RULE_CREATIONS_PATTERN,
        RULE_CREATIONS_TARGET,
        Some(RULE_CREATIONS_ROLE),
    ),
    deletions: checks(RULE_DELETIONS, RULE_DELETIONS_PATTERN, RULE_DELETIONS_TARGET, None),
    tag_changes: checks(RULE_TAG_CHANGES, RULE_TAG_CHANGES_PATTERN, RULE_TAG_CHANGES_TARGET, None),
    sessions: checks(RULE_SESSIONS, RULE_SESSIONS_PATTERN, RULE_SESSIONS_TARGET, Some(RULE_SESSIONS_ROLE)),
    tag_events: RULE_TAG_EVENTS,
};

/// On the hub's bus.
pub(super) const HUB_CHECKS: BusChecks = BusChecks {
    creations: checks(BUS_CREATIONS, BUS_CREATIONS_PATTERN, BUS_CREATIONS_TARGET, None),
    deletions: checks(BUS_DELETIONS, BUS_DELETIONS_PATTERN, BUS_DELETIONS_TARGET, None),
    tag_changes: checks(BUS_TAG_CHANGES, BUS_TAG_CHANGES_PATTERN, BUS_TAG_CHANGES_TARGET, None),
    sessions: checks(BUS_SESSIONS, BUS_SESSIONS_PATTERN, BUS_SESSIONS_TARGET, None),
    tag_events: BUS_TAG_EVENTS,
};

/// The rules for one kind of events on one bus, as they should be.
pub(super) struct Family<'f> {
    pub(super) kind: Kind,
    pub(super) checks: FamilyChecks,
    /// The events that the rules must match.
    pub(super) wanted: &'f BTreeSet<Event>,
    /// The ARNs of the allowed targets. Each rule must have one of them.
    pub(super) targets: Vec<String>,
}

impl<'f> Family<'f> {
    /// The families of rules that the deployment has. `creations` and `sessions`: the allowed targets.
    pub(super) fn of(
        view: &'f DeploymentView,
        checks: &BusChecks,
        targets: &[String],
        sessions: &[String],
    ) -> Vec<Self> {
        let expected = &view.expected;
        let family = |kind, checks, wanted, targets: &[String]| Family {
            kind,
            checks,
            wanted,
            targets: targets.to_vec(),
        };
        let mut families = vec![family(Kind::Creations, checks.creations, &expected.creations, targets)];
        if view.ledger().is_some() {
            families.push(family(Kind::Deletions, checks.deletions, &expected.deletions, targets));
        }
        if view.watches_tags() {
            families.push(family(Kind::TagChanges, checks.tag_changes, &expected.tag_changes, targets));
        }
        if view.keeps_sessions {
            families.push(family(Kind::Sessions, checks.sessions, &expected.sessions, sessions));
        }
        families
    }

    pub(super) async fn findings(
        &self,
        place: &str,
        region: &RegionView,
        view: &DeploymentView,
        all: &Rules,
    ) -> Vec<Finding> {
        let (checks, rules) = (&self.checks, of_kind(all, self.kind));
        let mut found = vec![
            checks.rule.at(place, enabled(&rules, &region.region)),
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
            view.simulation(&region.aws).may(role, &[("events:PutEvents", bus)]).await?;
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

fn enabled(rules: &Rules, region: &Region) -> CheckResult {
    let rules = rules.as_ref().map_err(Clone::clone)?;
    if rules.is_empty() {
        return fail("there are no rules");
    }
    let off = rules.iter().filter(|rule| !rule.enabled);
    let off: Vec<String> = off.map(|rule| format!("{} is {}", rule.name, rule.state)).collect();
    let Some(first) = rules.iter().find(|rule| !rule.enabled) else { return Ok(plural(rules.len(), "rule")) };
    let bus = first.arn.rsplit('/').nth(1).filter(|bus| !bus.ends_with(":rule")).unwrap_or(DEFAULT_BUS);
    let name = &first.name;
    let fix = format!("aws events enable-rule --name {name} --event-bus-name {bus} --region {region}");
    fail_with(off.join(", "), fix)
}

/// The finding about the rule for changes of identity tags by whatever call; none if tags are not watched.
pub(super) fn tag_events(view: &DeploymentView, check: Check, place: &str, rules: &Rules) -> Option<Finding> {
    view.watches_tags().then(|| check.at(place, watches_keys(view, rules)))
}

fn watches_keys(view: &DeploymentView, rules: &Rules) -> CheckResult {
    let rules = of_kind(rules, Kind::TagEvents)?;
    let Some(rule) = rules.first() else { return fail("there is no rule") };
    if !rule.enabled {
        return fail(format!("{} is {}", rule.name, rule.state));
    }
    let keys = rule.pattern.pointer("/detail/changed-tag-keys").and_then(Value::as_array);
    let keys: Vec<&str> = keys.into_iter().flatten().filter_map(Value::as_str).collect();
    match view.expected.identity_keys.iter().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => fail(format!("{} does not match changes of `{key}`", rule.name)),
        None => Ok(keys.join(", ")),
    }
}
