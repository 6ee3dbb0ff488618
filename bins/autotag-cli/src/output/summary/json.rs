//! The summary for programs. The names of its keys are a contract.

use super::{Summary, by_count};
use crate::output::problems::{ProblemGroup, Problems};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many owners are named.
const OWNERS: usize = 100;

#[derive(Serialize)]
struct SummaryJson<'s> {
    files: usize,
    records: RecordsJson,
    resources: u64,
    outcomes: &'s BTreeMap<&'static str, u64>,
    duplicates: u64,
    proof: &'s BTreeMap<&'static str, u64>,
    /// By the rule that named the owner.
    name_only: &'s BTreeMap<&'static str, u64>,
    claimed: u64,
    owners: Vec<OwnerJson<'s>>,
    other_owners: usize,
    uncovered: Vec<EventJson<'s>>,
    derived: Vec<EventJson<'s>>,
    unreadable: ProblemsJson,
    malformed: ProblemsJson,
    refused: ProblemsJson,
    policy: &'s str,
    /// `null` if all rows are counted.
    filter: Option<&'s str>,
    left_out: u64,
    /// The kinds of which `--fail-on` found too many.
    failed_on: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct RecordsJson {
    total: u64,
    sessions: u64,
    creations: u64,
    failed: u64,
    skipped: u64,
    uncovered: u64,
    rejected: u64,
    others: u64,
}

#[derive(Serialize)]
struct OwnerJson<'s> {
    owner: &'s str,
    account: Option<&'s str>,
    resources: u64,
}

#[derive(Serialize)]
struct EventJson<'s> {
    event_source: &'s str,
    event_name: &'s str,
    count: u64,
}

#[derive(Serialize)]
struct ProblemsJson {
    count: u64,
    reasons: Vec<ProblemGroup>,
}

impl ProblemsJson {
    fn of(problems: &Problems) -> Self {
        Self { count: problems.parts(), reasons: problems.groups() }
    }
}

impl Summary {
    /// One JSON object.
    ///
    /// # Errors
    /// None: all keys are texts.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let counts = &self.counts;
        let (top, other_owners) = self.owners.top(OWNERS);
        let events = |events| {
            by_count(events)
                .map(|((event_source, event_name), count)| EventJson { event_source, event_name, count })
                .collect()
        };
        serde_json::to_string(&SummaryJson {
            files: self.files,
            records: RecordsJson {
                total: counts.records,
                sessions: counts.sessions,
                creations: counts.creations,
                failed: counts.failed,
                skipped: counts.skipped,
                uncovered: counts.uncovered,
                rejected: counts.rejected,
                others: counts.others,
            },
            resources: self.resources,
            outcomes: &self.outcomes,
            duplicates: self.duplicates,
            proof: &self.owners.by_proof,
            name_only: &self.owners.name_only,
            claimed: self.owners.claimed,
            owners: top
                .into_iter()
                .map(|(key, resources)| OwnerJson {
                    owner: &key.owner,
                    account: key.account.as_deref(),
                    resources,
                })
                .collect(),
            other_owners,
            uncovered: events(&self.uncovered),
            derived: events(&self.derived),
            unreadable: ProblemsJson::of(&self.unreadable),
            malformed: ProblemsJson::of(&self.malformed),
            refused: ProblemsJson::of(&self.refused),
            policy: &self.policy,
            filter: (!self.filter.is_empty()).then_some(self.filter.as_str()),
            left_out: self.left_out,
            failed_on: self.exceeded().into_iter().collect(),
        })
    }
}
