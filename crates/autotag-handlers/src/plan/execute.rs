//! Executes a plan: writes tags in as few calls as AWS allows, and gives each row its outcome.

use super::bounded::{CONCURRENCY, join_bounded};
use super::value::{Action, Plan, PlannedResource, RowNumber};
use crate::backend::{TagWrite, TagWriter, TaggableResource};
use crate::error::BackendError;
use crate::outcome::Outcome;
use crate::row::ResourceOutcome;
use autotag_model::rule::{ResourceKey, TagCall};
use autotag_model::tags::TagSet;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

/// How a plan is executed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Execution {
    /// The time. A resource that is not found may still be on its way in the first minutes after its event.
    pub now: Timestamp,
    /// How many writes wait at the same time.
    pub concurrency: NonZeroUsize,
}

impl Execution {
    /// An execution at this time.
    pub fn at(now: Timestamp) -> Self {
        Self { now, concurrency: CONCURRENCY }
    }

    /// The same with at most so many writes at a time.
    #[must_use]
    pub fn concurrency(self, concurrency: NonZeroUsize) -> Self {
        Self { concurrency, ..self }
    }
}

impl Plan {
    /// Writes the tags, and answers with the outcome of each row, in the order of the plan.
    ///
    /// Resources that get the same tags by the same call are written together. Writes to one resource keep their order.
    pub async fn execute(self, writer: &dyn TagWriter, execution: &Execution) -> Vec<ResourceOutcome> {
        let mut answers = BTreeMap::new();
        for round in rounds(grouped(&self.rows)) {
            let calls = round.iter().map(|group| writer.write_tags(&group.write));
            let results = join_bounded(calls, execution.concurrency).await;
            for (group, results) in round.iter().zip(results) {
                answers.extend(group.rows.iter().copied().zip(results));
            }
        }
        let mut outcomes: BTreeMap<RowNumber, Outcome> = BTreeMap::new();
        for (number, row) in &self.rows {
            let outcome = match &row.status {
                Action::Tag(_) => written(row, answers.remove(number), execution.now),
                Action::LookUp(why) => Outcome::Deferred(why.clone()),
                Action::Settled { outcome, depends_on: None } => outcome.clone(),
                Action::Settled { outcome, depends_on: Some(on) } => match outcomes.get(on) {
                    Some(done) if done.is_returned() => done.clone(),
                    Some(_) => outcome.clone(),
                    None => {
                        Outcome::Deferred("the write on which it depends is not part of the plan".to_owned())
                    }
                },
            };
            outcomes.insert(*number, outcome);
        }
        self.rows
            .into_values()
            .zip(outcomes.into_values())
            .map(|(row, outcome)| row.with_status(outcome))
            .collect()
    }
}

fn written(row: &PlannedResource, answer: Option<Result<(), BackendError>>, now: Timestamp) -> Outcome {
    let age = row.event.timestamp().map(|time| now.duration_since(time));
    match answer {
        Some(Ok(())) => Outcome::Tagged,
        Some(Err(error)) => error.outcome(age),
        None => Outcome::Deferred("the write was not answered".to_owned()),
    }
}

/// The key that resources share if one request to AWS writes them.
#[derive(PartialEq, Eq, Hash)]
struct GroupKey<'p> {
    account: Option<&'p str>,
    region: Option<&'p str>,
    service: Option<&'p str>,
    call: &'p str,
    tags: &'p TagSet,
}

impl<'p> GroupKey<'p> {
    fn of(taggable: &'p TaggableResource, tags: &'p TagSet) -> Self {
        let resource = &taggable.resource;
        let call = &taggable.rule.call;
        // The tagging API takes ARNs of all services; every other call takes resources of its own service.
        let service = (*call != TagCall::TaggingApi)
            .then(|| resource.resource_type.split("::").nth(1).unwrap_or_default());
        Self {
            account: resource.account.as_ref().map(autotag_model::arn::AccountId::as_str),
            region: resource.region.as_ref().map(autotag_model::arn::Region::as_str),
            service,
            call: call.name(),
            tags,
        }
    }
}

/// One write, and the rows it is for.
struct Group {
    write: TagWrite,
    rows: Vec<RowNumber>,
    keys: Vec<ResourceKey>,
}

/// The writes of a plan. A resource joins the open write of its group, unless another write to the same resource comes
/// after that one.
fn grouped(rows: &BTreeMap<RowNumber, PlannedResource>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut open: HashMap<GroupKey<'_>, usize> = HashMap::new();
    let mut last_write: HashMap<ResourceKey, usize> = HashMap::new();
    for (number, row) in rows {
        let Action::Tag(taggable) = &row.status else { continue };
        let key = taggable.resource.key();
        let before = last_write.get(&key).copied();
        let group_key = GroupKey::of(taggable, &row.tags);
        let joins = open.get(&group_key).copied().filter(|group| before.is_none_or(|before| *group > before));
        let at = joins.unwrap_or_else(|| {
            let write = TagWrite::new(taggable.rule.call.clone(), row.tags.clone(), Vec::new());
            groups.push(Group { write, rows: Vec::new(), keys: Vec::new() });
            groups.len() - 1
        });
        open.insert(group_key, at);
        if let Some(group) = groups.get_mut(at) {
            group.write.resources.push((**taggable).clone());
            group.rows.push(*number);
            group.keys.push(key.clone());
        }
        last_write.insert(key, at);
    }
    groups
}

/// Writes that may be sent at the same time: in each round a resource occurs at most once, in the order of its writes.
fn rounds(groups: Vec<Group>) -> Vec<Vec<Group>> {
    let mut rounds: Vec<Vec<Group>> = Vec::new();
    let mut next: HashMap<ResourceKey, usize> = HashMap::new();
    for group in groups {
        let round = group.keys.iter().filter_map(|key| next.get(key).copied()).max().unwrap_or_default();
        next.extend(group.keys.iter().map(|key| (key.clone(), round + 1)));
        match rounds.get_mut(round) {
            Some(round) => round.push(group),
            None => rounds.push(vec![group]),
        }
    }
    rounds
}
