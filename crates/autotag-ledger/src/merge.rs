//! Merges entries of the same resource and event into one.

use crate::entry::{Entry, EntryOwner, Tagging};
use autotag_handlers::owner::Proof;
use serde::Serialize;

impl Entry {
    /// Merges another entry of the same key into this one. The owner of the evaluation that knew more counts, and the state
    /// that is the later one.
    ///
    /// It does not matter which of them is merged into which, in which order, and how often.
    pub fn merge(&mut self, other: Self) {
        let Self { action, resource, event, owner, tagging, call, is_by_name, keys, history, origin } = other;
        if owner_rank(&owner) > owner_rank(&self.owner) {
            self.owner = owner;
        }
        if tagging_rank(&tagging) > tagging_rank(&self.tagging) {
            self.tagging = tagging;
        }
        self.call = self.call.max(call);
        self.action = self.action.max(action);
        self.is_by_name |= is_by_name;
        // These follow from the record. Copies of an event and other versions of the catalogue can differ.
        take_greater(&mut self.resource, resource);
        take_greater(&mut self.event, event);
        take_greater(&mut self.keys, keys);
        self.history = match (self.history.take(), history) {
            (Some(one), Some(other)) => Some(one.merge(other)),
            (one, other) => one.or(other),
        };
        self.origin = [self.origin.take(), origin].into_iter().flatten().min();
    }
}

/// Of two evaluations that knew as much, for example by different policies, the surer one counts. The text decides between
/// equals, so that the order of merging does not.
fn owner_rank(owner: &EntryOwner) -> (&crate::Knowledge, u8, String) {
    let proof = match owner.proof {
        Some(Proof::Person) => 4,
        Some(Proof::Workload) => 3,
        Some(Proof::Service) => 2,
        Some(_) => 1,
        None => 0,
    };
    (&owner.knowledge, proof, text(owner))
}

fn tagging_rank(tagging: &Tagging) -> (crate::State, &crate::Knowledge, String) {
    (tagging.state, &tagging.knowledge, text(tagging))
}

fn take_greater<T: Serialize>(one: &mut T, other: T) {
    if text(&other) > text(one) {
        *one = other;
    }
}

/// All of these values have texts.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
