//! The census: every taggable type and every call that takes tags is in a rule, or has a reason why not.

use super::subject::Subject;
use super::tables::Tables;
use std::collections::BTreeSet;
use std::fmt;

/// The reason of what is merely not done.
const OPEN: &str = "not covered yet";

/// How much of AWS the catalogue covers.
#[derive(Debug, Default)]
pub(crate) struct Census {
    types: usize,
    types_covered: usize,
    types_open: usize,
    calls: usize,
    calls_covered: usize,
    calls_open: usize,
    events: usize,
    /// Types that are neither covered nor listed, or both.
    pub(crate) faults: Vec<String>,
}

impl Census {
    /// How many of the taggable types are covered, as README.md says it: `1,249 of the 1,294 types`.
    pub(crate) fn types_in_words(&self) -> String {
        let written = |count: usize| match (count / 1_000, count % 1_000) {
            (0, rest) => rest.to_string(),
            (thousands, rest) => format!("{thousands},{rest:03}"),
        };
        format!("{} of the {} types", written(self.types_covered), written(self.types))
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} taggable types ({} not covered yet), {} of {} calls that take tags ({} not covered yet), {} events",
            self.types_covered,
            self.types,
            self.types_open,
            self.calls_covered,
            self.calls,
            self.calls_open,
            self.events
        )
    }
}

/// A type or a call of AWS's data: covered by a rule, listed with a reason, or neither.
fn account_for(
    all: &BTreeSet<String>,
    covered: &BTreeSet<String>,
    listed: &[(&String, &String)],
    faults: &mut Vec<String>,
) -> (usize, usize) {
    let names: BTreeSet<&String> = listed.iter().map(|(name, _)| *name).collect();
    for name in all {
        match (covered.contains(name), names.contains(name)) {
            (true, true) => faults.push(format!("{name} has a rule and stands in unreachable.toml")),
            (false, false) => faults.push(format!("{name} has no rule and no reason in unreachable.toml")),
            _ => {}
        }
    }
    let unknown = listed.iter().filter(|(name, _)| !all.contains(*name));
    faults.extend(unknown.map(|(name, _)| format!("{name} of unreachable.toml is not in AWS's data")));
    if listed.len() != names.len() {
        faults.push("unreachable.toml has a name twice".to_owned());
    }
    let open = listed.iter().filter(|(_, reason)| *reason == OPEN).count();
    (all.intersection(covered).count(), open)
}

/// Counts what the rules cover.
pub(crate) fn take(rules: &[&Subject], tables: &Tables) -> Census {
    let mut census = Census::default();
    let faults = &mut census.faults;
    let is_listed = |name: &String| tables.unreachable.iter().any(|entry| entry.types.contains(name));
    // A type that could be tagged once may be listed, too.
    let types = tables.types.iter().filter(|(name, known)| known.taggable || is_listed(name));
    let types: BTreeSet<String> = types.map(|(name, _)| name.clone()).collect();
    let covered: BTreeSet<String> =
        rules.iter().flat_map(|rule| rule.rule.types()).map(str::to_owned).collect();
    let listed: Vec<(&String, &String)> = tables
        .unreachable
        .iter()
        .flat_map(|entry| entry.types.iter().map(|name| (name, &entry.reason)))
        .collect();
    (census.types_covered, census.types_open) = account_for(&types, &covered, &listed, faults);
    census.types = types.len();
    let calls: BTreeSet<String> =
        tables.calls.iter().filter(|(_, makes)| *makes == "tags").map(|(call, _)| call.clone()).collect();
    let covered: BTreeSet<String> = rules.iter().flat_map(|rule| calls_of(rule)).collect();
    let listed: Vec<(&String, &String)> = tables
        .unreachable
        .iter()
        .flat_map(|entry| entry.calls.iter().map(|name| (name, &entry.reason)))
        .collect();
    (census.calls_covered, census.calls_open) = account_for(&calls, &covered, &listed, faults);
    census.calls = calls.len();
    let reasons = tables.unreachable.iter().filter(|entry| entry.reason.trim().len() < 10);
    faults.extend(reasons.map(|entry| format!("{:?}: a reason is missing", entry.types)));
    census.events = rules.iter().map(|rule| rule.call()).collect::<BTreeSet<_>>().len();
    census
}

/// The IAM actions that a rule's event may be, and those of which its file says that they make nothing.
fn calls_of(rule: &Subject) -> Vec<String> {
    let mut prefixes: BTreeSet<&str> = rule.prefixes();
    prefixes.insert(&rule.source);
    let nothing = rule.texts("not_a_resource");
    let events = nothing.iter().map(String::as_str).chain([rule.operation()]);
    events.flat_map(|event| prefixes.iter().map(move |prefix| format!("{prefix}:{event}"))).collect()
}
