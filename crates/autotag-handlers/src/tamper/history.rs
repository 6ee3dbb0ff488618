//! The past changes of the identity tags of one resource.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many changes are kept, the latest.
const MOST_CHANGES: usize = 64;

/// The most repairs of one resource, for all principals together. Then there is a truce until a person ends it.
pub const MAX_REPAIRS: usize = 8;

/// How many repairs one principal undoes until there is a truce.
pub const UNDONE_UNTIL_TRUCE: usize = 2;

/// A change of identity tags by somebody else than autotag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedChange {
    /// When, by CloudTrail.
    pub time: Timestamp,
    /// The event's id, the same in all its copies.
    pub event: String,
    /// The principal, as [`author`](super::author) names it; empty if no record says who it was.
    pub by: String,
}

/// A repair by autotag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedRepair {
    /// When autotag began to read the tags that it then repaired.
    pub time: Timestamp,
    /// The id of the event that it answers.
    pub answers: String,
}

/// A truce that autotag has announced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TruceMark {
    /// Since when.
    pub time: Timestamp,
    /// The principal who has undone the repairs; empty if there were several.
    pub with: String,
}

/// The past changes of the identity tags of one resource: a value of bounded size.
///
/// Histories of one resource [`merge`](Self::merge) to the same one in any order, any number of times: a store may
/// merge the same entries again. Of the changes the latest 64 count, of the repairs the latest [`MAX_REPAIRS`].
///
/// ```
/// use autotag_handlers::tamper::{RecordedChange, TamperHistory};
///
/// let change = |event: &str, time: &str| {
///     let by = "arn:aws:iam::111122223333:user/eve".to_owned();
///     TamperHistory::of_change(RecordedChange { time: time.parse().unwrap(), event: event.to_owned(), by })
/// };
/// let (one, other) = (change("e-1", "2026-11-30T10:00:00Z"), change("e-2", "2026-11-30T11:00:00Z"));
/// let both = one.clone().merge(other.clone());
/// assert_eq!(both, other.merge(one.clone()).merge(one));
/// assert_eq!(both.changes().count(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TamperHistory {
    changes: BTreeSet<RecordedChange>,
    repairs: BTreeSet<RecordedRepair>,
    truce: Option<TruceMark>,
    resumed: Option<Timestamp>,
}

impl TamperHistory {
    /// The history of one change.
    pub fn of_change(change: RecordedChange) -> Self {
        Self { changes: [change].into(), ..Self::default() }
    }

    /// The history of one repair.
    pub fn of_repair(repair: RecordedRepair) -> Self {
        Self { repairs: [repair].into(), ..Self::default() }
    }

    /// The history of a truce that was announced.
    pub fn of_truce(truce: TruceMark) -> Self {
        Self { truce: Some(truce), ..Self::default() }
    }

    /// The history of a person who ends a truce: all that happened until then no longer counts.
    pub fn of_resumption(time: Timestamp) -> Self {
        Self { resumed: Some(time), ..Self::default() }
    }

    /// Both histories as one. It is commutative, associative and idempotent.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self.repairs.extend(other.repairs);
        self.truce = self.truce.max(other.truce);
        self.resumed = self.resumed.max(other.resumed);
        self.bounded()
    }

    /// Keeps the changes that count. Only the earliest is left out, so that it does not matter when that happens.
    fn bounded(mut self) -> Self {
        if let Some(resumed) = self.resumed {
            self.changes.retain(|change| change.time > resumed);
            self.repairs.retain(|repair| repair.time > resumed);
            self.truce = self.truce.filter(|truce| truce.time > resumed);
        }
        while self.changes.len() > MOST_CHANGES {
            self.changes.pop_first();
        }
        while self.repairs.len() > MAX_REPAIRS {
            self.repairs.pop_first();
        }
        self
    }

    /// The changes, the earliest first.
    pub fn changes(&self) -> impl Iterator<Item = &RecordedChange> {
        self.changes.iter()
    }

    /// The repairs, the earliest first.
    pub fn repairs(&self) -> impl Iterator<Item = &RecordedRepair> {
        self.repairs.iter()
    }

    /// The truce that was announced and not ended.
    pub fn truce(&self) -> Option<&TruceMark> {
        self.truce.as_ref()
    }

    /// When a person ended the last truce.
    pub fn resumed(&self) -> Option<Timestamp> {
        self.resumed
    }

    /// True if a change is from before the end of the last truce, and counts no longer.
    pub fn is_past(&self, time: Timestamp) -> bool {
        self.resumed.is_some_and(|resumed| time <= resumed)
    }

    /// True if the change of this event is known.
    pub fn knows(&self, event: &str) -> bool {
        self.changes.iter().any(|change| change.event == event)
    }

    /// True if a repair has seen the effect of a change at this time: it read the tags in a later second.
    pub fn is_covered(&self, time: Timestamp) -> bool {
        self.repairs.last().is_some_and(|repair| repair.time.as_second() > time.as_second())
    }

    /// True if a repair answered this event.
    pub fn is_answered(&self, event: &str) -> bool {
        self.repairs.iter().any(|repair| repair.answers == event)
    }

    /// How many repairs each principal has undone: after how many of them, and before the next one, it changed tags.
    ///
    /// CloudTrail writes whole seconds, so a change in the second of a repair counts as one after it, unless the repair
    /// answers it.
    pub fn undone(&self) -> BTreeMap<&str, usize> {
        let mut undone: BTreeMap<&str, BTreeSet<&RecordedRepair>> = BTreeMap::new();
        for change in self.changes.iter().filter(|change| !change.by.is_empty()) {
            let before = |repair: &&RecordedRepair| {
                repair.time.as_second() <= change.time.as_second() && repair.answers != change.event
            };
            if let Some(repair) = self.repairs.iter().rev().find(before) {
                undone.entry(&change.by).or_default().insert(repair);
            }
        }
        undone.into_iter().map(|(by, repairs)| (by, repairs.len())).collect()
    }
}
