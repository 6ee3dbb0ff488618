//! The result of a run: the records that were read, the resources that get tags, how sure their owners are, and the faults.

mod json;
mod text;

pub(crate) use text::Detail;

use super::events::{EventCounts, count_events, event_key};
use super::owners::Owners;
use super::problems::Problems;
use crate::cli::{PlanCheck, PlanLimit};
use crate::completion::Completion;
use autotag_handlers::counts::Counts;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::row::{Row, Status};
use autotag_model::rule::Evidence;
use std::collections::BTreeMap;

/// The result of a run.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) files: usize,
    pub(crate) counts: Counts,
    pub(crate) uncovered: EventCounts,
    /// Resources that derived rules found, by source and name of the event.
    pub(crate) derived: EventCounts,
    pub(crate) unreadable: Problems,
    pub(crate) outcomes: BTreeMap<&'static str, u64>,
    pub(crate) resources: u64,
    pub(crate) failed_calls: u64,
    pub(crate) skipped_events: u64,
    pub(crate) duplicates: u64,
    /// Creations whose record is readable, but does not say enough.
    pub(crate) malformed: Problems,
    /// Resources that AWS or the configuration does not let be tagged.
    pub(crate) refused: Problems,
    pub(crate) owners: Owners,
    /// True if nothing is written, even if no outcome says so.
    pub(crate) is_plan: bool,
    /// Where the policy comes from: a file, or `built-in`.
    pub(crate) policy: String,
    /// Commands that follow from this one if anything gets tags, each with what it does.
    pub(crate) next: Vec<(String, &'static str)>,
    /// The filter of the rows that are counted, as on the command line; empty if all are.
    pub(crate) filter: String,
    /// Resources that the filter leaves out.
    pub(crate) left_out: u64,
    /// Values of the filter that nothing matched.
    pub(crate) unmatched: Vec<String>,
    /// Says that the input has files, but none of the time that was asked for; otherwise empty.
    pub(crate) quiet: String,
    /// Resources that lack a tag which the policy requires.
    pub(crate) missing_tags: u64,
    /// How many of something are too many (`--fail-on`).
    pub(crate) limits: Vec<PlanLimit>,
}

impl Summary {
    /// Counts one row; `place` is where its record is, if that is known, and `order` its order among the rows.
    pub(crate) fn count<S: Status>(&mut self, row: &Row<S>, place: Option<String>, order: (u64, u64)) {
        let outcome = row.status.outcome();
        match outcome {
            Some(Outcome::CallFailed(_)) => self.failed_calls += 1,
            Some(Outcome::Uncovered) => {}
            Some(Outcome::Skipped(SkipReason::Duplicate)) => self.duplicates += 1,
            Some(Outcome::Skipped(_)) if row.resource_type.is_none() => self.skipped_events += 1,
            _ => {
                *self.outcomes.entry(row.status.name()).or_default() += 1;
                self.resources += 1;
                let lacks = row.missing_tags().is_some_and(|keys| !keys.is_empty());
                self.missing_tags += u64::from(lacks);
                if row.evidence == Some(Evidence::Derived) {
                    count_events(&mut self.derived, event_key(&row.event.source, &row.event.name), 1);
                }
            }
        }
        if outcome.is_none_or(|outcome| *outcome == Outcome::Tagged) {
            self.owners.add(row);
        }
        let problem = |problems: &mut Problems, why: &str| {
            let id = row.event.id.as_deref().unwrap_or("without id");
            let event = format!("event {id} ({} {})", row.event.source, row.event.name);
            problems.add(order, event, place.unwrap_or_default(), why.to_owned());
        };
        match outcome {
            Some(Outcome::Malformed(why)) => problem(&mut self.malformed, why),
            Some(Outcome::Refused(why)) => problem(&mut self.refused, why),
            _ => {}
        }
    }

    /// Adds what another job has counted.
    pub(crate) fn append(&mut self, other: Self) {
        let Self {
            files,
            counts,
            uncovered,
            derived,
            unreadable,
            outcomes,
            resources,
            failed_calls,
            skipped_events,
            duplicates,
            malformed,
            refused,
            owners,
            is_plan: _,
            policy: _,
            next: _,
            filter: _,
            left_out,
            unmatched: _,
            quiet: _,
            missing_tags,
            limits: _,
        } = other;
        self.files += files;
        self.counts.append(counts);
        self.unreadable.append(unreadable);
        self.malformed.append(malformed);
        self.refused.append(refused);
        self.owners.append(owners);
        self.resources += resources;
        self.failed_calls += failed_calls;
        self.skipped_events += skipped_events;
        self.duplicates += duplicates;
        self.left_out += left_out;
        self.missing_tags += missing_tags;
        for (event, count) in uncovered {
            count_events(&mut self.uncovered, event, count);
        }
        for (event, count) in derived {
            count_events(&mut self.derived, event, count);
        }
        for (name, count) in outcomes {
            *self.outcomes.entry(name).or_default() += count;
        }
    }

    /// How many parts of the input could not be read.
    pub(crate) fn unread(&self) -> u64 {
        self.unreadable.parts()
    }

    /// True if everything could be read, understood and done.
    pub(crate) fn done(&self) -> Completion {
        let problems = [&self.unreadable, &self.malformed, &self.refused];
        if !problems.iter().all(|problems| problems.is_empty()) {
            Completion::Partial
        } else if self.exceeded().is_empty() {
            Completion::Complete
        } else {
            Completion::Exceeded
        }
    }

    /// True if a plan has tags to write.
    fn plans_tags(&self) -> bool {
        ["WouldTag", "WouldLookUp"].iter().any(|name| self.outcomes.contains_key(name))
    }

    /// The kinds of which `--fail-on` found too many, each with its number.
    pub(super) fn exceeded(&self) -> Vec<(&'static str, u64)> {
        let count = |check| match check {
            PlanCheck::Uncovered => self.uncovered.values().sum(),
            PlanCheck::NameOnly => self.owners.name_only.values().sum(),
            PlanCheck::Claimed => self.owners.claimed,
            PlanCheck::Derived => self.derived.values().sum(),
            PlanCheck::MissingTags => self.missing_tags,
            PlanCheck::WouldTag => self.outcomes.get("WouldTag").copied().unwrap_or_default(),
        };
        let counted = self.limits.iter().map(|limit| (limit.check.as_str(), count(limit.check), limit.most));
        counted.filter(|(_, count, most)| count > most).map(|(name, count, _)| (name, count)).collect()
    }
}

/// Events by how often they occur, the most frequent first.
pub(crate) fn by_count(
    events: &BTreeMap<(String, String), u64>,
) -> impl Iterator<Item = (&(String, String), u64)> {
    let mut events: Vec<_> = events.iter().map(|(event, count)| (event, *count)).collect();
    events.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    events.into_iter()
}

/// `1 file`, `2 files`.
pub(crate) fn plural(count: impl TryInto<u64>, what: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    match what.strip_suffix('y').filter(|start| !start.ends_with(['a', 'e', 'o', 'u'])) {
        _ if count == 1 => format!("1 {what}"),
        Some(start) => format!("{count} {start}ies"),
        None => format!("{count} {what}s"),
    }
}
