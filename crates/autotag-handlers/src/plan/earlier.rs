//! Facts about resources that earlier parts of a plan have decided. Later parts need them.

use super::value::{Action, PlannedResource, RowNumber};
use crate::outcome::Outcome;
use crate::owner::Owner;
use autotag_model::rule::ResourceKey;
use autotag_model::tags::TagSet;
use jiff::Timestamp;
use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// The last row of a resource, in short.
#[derive(Debug)]
pub(super) enum EarlierRow {
    /// It writes these tags, for an event at this time.
    Writes { tags: Arc<TagSet>, time: Option<Timestamp> },
    /// It could not be decided.
    Fails(Box<Outcome>),
    /// Nothing is written.
    Settled,
}

/// The stored facts about one resource.
#[derive(Debug, Default)]
struct EarlierResource {
    last: Option<(RowNumber, EarlierRow)>,
    owner_is_provisional: Option<bool>,
}

/// Resources of earlier parts. A key takes 16 bytes, whatever its length: two keyed hashes, so that a caller who
/// chooses names cannot make two resources look like one.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    hashers: (RandomState, RandomState),
    resources: HashMap<(u64, u64), EarlierResource>,
    /// Resources of one owner mostly have equal tags.
    tags: HashSet<Arc<TagSet>>,
    replaced: Vec<RowNumber>,
}

impl Earlier {
    fn hash(&self, key: &ResourceKey) -> (u64, u64) {
        (self.hashers.0.hash_one(key), self.hashers.1.hash_one(key))
    }

    fn get(&self, key: &ResourceKey) -> Option<&EarlierResource> {
        if self.resources.is_empty() {
            return None;
        }
        self.resources.get(&self.hash(key))
    }

    fn last(&self, key: &ResourceKey) -> Option<&(RowNumber, EarlierRow)> {
        self.get(key)?.last.as_ref()
    }

    pub(super) fn number(&self, key: &ResourceKey) -> Option<RowNumber> {
        self.last(key).map(|(number, _)| *number)
    }

    pub(super) fn row(&self, key: &ResourceKey) -> Option<&EarlierRow> {
        self.last(key).map(|(_, row)| row)
    }

    pub(super) fn owner_is_provisional(&self, key: &ResourceKey) -> Option<bool> {
        self.get(key)?.owner_is_provisional
    }

    /// Takes the last row of a resource away.
    pub(super) fn forget_row(&mut self, key: &ResourceKey) -> Option<(RowNumber, EarlierRow)> {
        if self.resources.is_empty() {
            return None;
        }
        let hash = self.hash(key);
        self.resources.get_mut(&hash)?.last.take()
    }

    /// Takes the last row of a resource away, because a later call has written another object in its place.
    pub(super) fn replace(&mut self, key: &ResourceKey) {
        if let Some((number, EarlierRow::Writes { .. })) = self.forget_row(key) {
            self.replaced.push(number);
        }
    }

    pub(super) fn take_replaced(&mut self) -> Vec<RowNumber> {
        std::mem::take(&mut self.replaced)
    }

    pub(super) fn remember_row(&mut self, key: &ResourceKey, number: RowNumber, row: &PlannedResource) {
        let kept = match (&row.status, row.status.failure()) {
            (Action::Tag(_), _) => {
                EarlierRow::Writes { tags: self.shared(&row.tags), time: row.event.timestamp() }
            }
            (_, Some(outcome)) => EarlierRow::Fails(Box::new(outcome.clone())),
            (_, None) => EarlierRow::Settled,
        };
        let hash = self.hash(key);
        self.resources.entry(hash).or_default().last = Some((number, kept));
    }

    pub(super) fn remember_owner(&mut self, key: &ResourceKey, owner: &Owner) {
        let hash = self.hash(key);
        self.resources.entry(hash).or_default().owner_is_provisional = Some(owner.pending.is_some());
    }

    fn shared(&mut self, tags: &TagSet) -> Arc<TagSet> {
        if let Some(known) = self.tags.get(tags) {
            return Arc::clone(known);
        }
        let tags = Arc::new(tags.clone());
        self.tags.insert(Arc::clone(&tags));
        tags
    }
}
