//! Makes a plan in parts, for more creations than fit into memory.
//!
//! ```text
//! creations, oldest first -- PartAsker::ask --> AskedPart -- PartDecider::decide --> Plan of the part
//! ```
//!
//! The rows of all parts together are those of one plan of all creations. What a part decides by from beyond it has to be
//! foreseen: which resources later parts name, which events have copies in several parts, and which rows a later part
//! replaces. The caller tells the planner, after a look at all creations.

use super::asked::AskedPart;
use super::copies::Copies;
use super::decisions::{Decisions, replace};
use super::planner::Planner;
use super::related::unknown_resource;
use super::value::{Plan, RowNumber};
use crate::records::PlanRequest;
use autotag_model::rule::ResourceKey;
use std::fmt;

/// A resource by which a creation is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedResource {
    /// The resource.
    pub key: ResourceKey,
    /// True if the creation takes the write to an earlier object of this name out of the plan.
    pub replaces: bool,
}

impl PlanRequest {
    /// The key that the records of copies of this event share: the id and the name of the event. `None` if the
    /// record has no id: then it has no copies.
    pub fn copy_key(&self) -> Option<(&str, &str)> {
        let event = &self.creation.event;
        Some((event.dedup_id.as_deref()?, &event.name))
    }

    /// Every resource that the decision about this creation can depend on: those it made, and their parents.
    pub fn named_resources(&self) -> impl Iterator<Item = NamedResource> {
        self.creation.targets.iter().flat_map(|target| {
            let made = NamedResource { key: target.resource.key(), replaces: target.replaces_its_namesake() };
            let other = |key| NamedResource { key, replaces: false };
            let parent = target.parent.iter().map(|parent| parent.resource.key());
            let unknown = target.queries.iter().map(|query| unknown_resource(target, query).key());
            std::iter::once(made).chain(parent.chain(unknown).map(other))
        })
    }
}

/// Asks about the creations of a plan, part by part.
#[derive(Debug)]
pub struct PartAsker<'a> {
    planner: Planner<'a>,
    copies: Copies,
}

impl<'a> PartAsker<'a> {
    /// Asks what `planner` would ask.
    pub fn new(planner: Planner<'a>) -> Self {
        Self { planner, copies: Copies::default() }
    }

    /// Notes an event that has copies in several parts, as its [`copy_key`](PlanRequest::copy_key) tells. All such creations
    /// are noted before the first part is asked about, in the order of the events.
    pub fn foresee_copy(&mut self, creation: &PlanRequest) {
        self.copies.foresee(creation);
    }

    /// Asks about the next part: creations in the order of [`oldest_first`](super::oldest_first), all of them later than those
    /// of earlier parts.
    pub async fn ask(&mut self, creations: Vec<PlanRequest>) -> AskedPart {
        self.planner.ask(creations, &mut self.copies).await
    }
}

/// Decides about the parts, in their order.
pub struct PartDecider<'a> {
    decisions: Decisions<'a>,
    is_named_later: &'a (dyn Fn(&ResourceKey) -> bool + Sync),
    is_replaced: &'a (dyn Fn(RowNumber) -> bool + Sync),
}

impl fmt::Debug for PartDecider<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartDecider").finish_non_exhaustive()
    }
}

impl<'a> PartDecider<'a> {
    /// Decides as `planner` would. `is_named_later` must be true for each resource that creations of several parts
    /// [name](PlanRequest::named_resources); what is true for others only costs memory. `is_replaced` must be true for the
    /// rows that [`replaced`](Self::replaced) answers with in a run over the same parts.
    pub fn new(
        planner: &Planner<'a>,
        is_named_later: &'a (dyn Fn(&ResourceKey) -> bool + Sync),
        is_replaced: &'a (dyn Fn(RowNumber) -> bool + Sync),
    ) -> Self {
        Self { decisions: Decisions::new(planner.policy()), is_named_later, is_replaced }
    }

    /// The rows of the next part. Their numbers go on from those of the part before.
    pub fn decide(&mut self, part: AskedPart) -> Plan {
        self.decisions.part(part);
        let mut plan = self.decisions.end_part(self.is_named_later);
        for (number, row) in &mut plan.rows {
            if (self.is_replaced)(*number) {
                replace(row);
            }
        }
        plan
    }

    /// The rows of earlier parts that the parts since the last call have replaced.
    pub fn replaced(&mut self) -> Vec<RowNumber> {
        self.decisions.take_replaced()
    }
}
