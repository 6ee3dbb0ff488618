//! The plan as a value: its rows, and the operations on them before execution.

use crate::backend::TaggableResource;
use crate::outcome::{Outcome, SkipReason};
use crate::row::{Row, Status};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, HashMap};

/// The planned action for one resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Write the tags of the row. Programs see `WouldTag`.
    Tag(Box<TaggableResource>),
    /// The resource is not known: the plan was made without asking AWS. Programs see `WouldLookUp`.
    LookUp(String),
    /// Nothing is to be written.
    Settled {
        /// How it ends.
        outcome: Outcome,
        /// The row whose write the outcome assumes, for example "it has an owner" after an earlier row gives it one. If
        /// that write is not done, this row is not done either.
        depends_on: Option<RowNumber>,
    },
}

impl Action {
    pub(super) fn settled(outcome: Outcome) -> Self {
        Self::Settled { outcome, depends_on: None }
    }

    /// The outcome of a row of this action that ends without a write because it could not be decided.
    pub(super) fn failure(&self) -> Option<&Outcome> {
        match self {
            Self::Settled { outcome, depends_on: None } if outcome.is_returned() => Some(outcome),
            _ => None,
        }
    }
}

impl Status for Action {
    fn name(&self) -> &'static str {
        match self {
            Self::Tag(_) => "WouldTag",
            Self::LookUp(_) => "WouldLookUp",
            Self::Settled { outcome, .. } => outcome.name(),
        }
    }

    fn reason(&self) -> Option<String> {
        match self {
            Self::Tag(_) => None,
            Self::LookUp(why) => Some(why.clone()),
            Self::Settled { outcome, .. } => outcome.reason(),
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Settled { outcome, .. } => Some(outcome),
            Self::Tag(_) | Self::LookUp(_) => None,
        }
    }
}

/// A resource in a plan.
pub type PlannedResource = Row<Action>;

/// The number of a row in its plan, from 0. It stays the same if other rows are filtered out.
pub type RowNumber = usize;

/// The tags that would be written to each resource, and why, in the order of the events.
///
/// A plan can be listed, filtered, split, deferred in parts, serialized (as an array of rows) and executed. Rows that depend
/// on a row that is not part of the plan any more are not done: they end as `Deferred`.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use]
pub struct Plan {
    pub(super) rows: BTreeMap<RowNumber, PlannedResource>,
}

impl Plan {
    /// The rows in the order of the events, then those of records that led to no resource.
    pub fn resources(&self) -> impl Iterator<Item = &PlannedResource> {
        self.rows.values()
    }

    /// The rows, without the plan.
    pub fn into_resources(self) -> impl Iterator<Item = PlannedResource> {
        self.rows.into_values()
    }

    /// How many rows the plan has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True if the plan has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows would be written.
    pub fn writes(&self) -> usize {
        self.rows.values().filter(|row| matches!(row.status, Action::Tag(_))).count()
    }

    /// Keeps the rows for which `keep` is true.
    pub fn filter(mut self, mut keep: impl FnMut(&PlannedResource) -> bool) -> Self {
        self.rows.retain(|_, row| keep(row));
        self
    }

    /// Takes the rows out for which `keep` is false, and answers with them. What was decided about the others stays, also if
    /// it assumes the write of a row that is taken out. After [`filter`](Self::filter) such a row is not done.
    pub fn take_out(&mut self, mut keep: impl FnMut(&PlannedResource) -> bool) -> Vec<PlannedResource> {
        let (kept, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.rows).into_iter().partition(|(_, row)| keep(row));
        self.rows = kept;
        for row in self.rows.values_mut() {
            if let Action::Settled { depends_on, .. } = &mut row.status {
                *depends_on = depends_on.filter(|number| !others.contains_key(number));
            }
        }
        others.into_values().collect()
    }

    /// The rows for which `first` is true, and the others.
    pub fn split(self, mut first: impl FnMut(&PlannedResource) -> bool) -> (Self, Self) {
        let (chosen, others) = self.rows.into_iter().partition(|(_, row)| first(row));
        (Self { rows: chosen }, Self { rows: others })
    }

    /// Takes the events of these ids out of the writes. Their rows end with the given outcome.
    pub fn defer(&mut self, events: &HashMap<String, Outcome>) {
        for row in self.rows.values_mut().filter(|row| is_unwritten(row)) {
            if let Some(outcome) = row.event.id.as_ref().and_then(|id| events.get(id)) {
                row.status = Action::settled(outcome.clone());
            }
        }
    }

    /// The rows whose tags may change if more becomes known about the owner: those that would be written, and those for
    /// which the policy has no tag yet.
    pub fn unwritten(&self) -> impl Iterator<Item = &PlannedResource> {
        self.rows.values().filter(|row| is_unwritten(row))
    }
}

fn is_unwritten(row: &PlannedResource) -> bool {
    let without_tags = Outcome::Skipped(SkipReason::NoTags);
    match &row.status {
        Action::Tag(_) => true,
        Action::Settled { outcome, .. } => *outcome == without_tags,
        Action::LookUp(_) => false,
    }
}

/// The rows in their order, with new numbers.
impl FromIterator<PlannedResource> for Plan {
    fn from_iter<I: IntoIterator<Item = PlannedResource>>(rows: I) -> Self {
        Self { rows: rows.into_iter().enumerate().collect() }
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.values())
    }
}
