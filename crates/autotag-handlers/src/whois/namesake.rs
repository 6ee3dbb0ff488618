//! Separates resources that had the same name one after the other. The deletions between them divide their
//! creations.
//!
//! CloudTrail's times are whole seconds. A deletion divides only what is certainly before it from what is certainly after it. Of a
//! creation in the same second, no record tells whether the deleted resource was made by it.

use super::asked::without_path;
use super::finding::{FoundCreation, FoundDeletion, Newness};
use crate::services::CREATION_SKEW;
use autotag_model::rule::{Resource, ResourceKey};
use jiff::Timestamp;
use std::collections::HashMap;

/// The name by which creations and deletions belong together. Versions of an object have one name.
pub(super) fn name(resource: &Resource) -> String {
    resource.arn.as_ref().map_or_else(|| resource.key().to_string(), without_path)
}

/// A creation, and what the deletions around it tell about it.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) creation: FoundCreation,
    pub(super) newness: Newness,
}

/// Tells if the resource that had the name last is deleted.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// No deletion is known.
    Open,
    /// It is deleted.
    Deleted(Box<FoundDeletion>),
    /// No record tells whether this deletion was of it, or of an earlier one.
    Unclear(Box<FoundDeletion>),
}

/// The creations of a name.
#[derive(Debug)]
pub(super) struct Divided {
    /// Creations of the resource that had the name last, in the order of their events.
    pub(super) current: Vec<Current>,
    /// Creations of earlier resources.
    pub(super) earlier: Vec<FoundCreation>,
    /// How many earlier resources these may be.
    pub(super) earlier_count: usize,
    /// The end of the last resource.
    pub(super) end: End,
}

/// Divides the creations of a name by its deletions.
pub(super) fn divide(creations: Vec<FoundCreation>, deletions: &[FoundDeletion]) -> Divided {
    let (versioned, mut creations): (Vec<_>, Vec<_>) =
        creations.into_iter().partition(|creation| creation.resource.version.is_some());
    creations.sort_by(|one, other| one.order().cmp(&other.order()));
    let mut of_name: Vec<&FoundDeletion> =
        deletions.iter().filter(|found| found.deletion.resource.version.is_none()).collect();
    of_name.sort_by_key(|found| time_of(found));
    let divided = by_time(creations, &of_name);
    if versioned.is_empty() { divided } else { with_versions(divided, versioned, deletions) }
}

fn by_time(creations: Vec<FoundCreation>, deletions: &[&FoundDeletion]) -> Divided {
    let boundary = boundary(&creations, deletions);
    let is_earlier = |creation: &FoundCreation| {
        let time = creation.event.timestamp();
        boundary.is_some_and(|boundary| time.is_some_and(|time| time < boundary.at))
    };
    let (mut earlier, current): (Vec<_>, Vec<_>) = creations.into_iter().partition(is_earlier);
    let mut current: Vec<Current> =
        current.into_iter().map(|creation| Current { newness: creation.newness, creation }).collect();
    let times: Vec<Timestamp> = deletions.iter().filter_map(|found| time_of(found)).collect();
    let unproven = note_deletions(&mut current, &times, boundary);
    earlier.extend(current.drain(..unproven).map(|current| current.creation));
    let earlier_count = count(&earlier, &times);
    let end = end(&current, deletions, boundary);
    Divided { current, earlier, earlier_count, end }
}

fn time_of(found: &FoundDeletion) -> Option<Timestamp> {
    found.deletion.event.timestamp()
}

/// The last deletion after which the name certainly had a resource again.
#[derive(Debug, Clone, Copy)]
struct Boundary {
    at: Timestamp,
    is_by_name: bool,
}

impl Boundary {
    /// True if a call after the deletion can have made a resource again. An id that AWS gave is never used again: the call
    /// repeats an earlier one.
    fn can_be_used_again(self, creation: &FoundCreation) -> bool {
        self.is_by_name || creation.is_named_by_caller
    }

    /// True if a creation at `time` shows that there was a resource again.
    fn is_proven_by(self, current: &Current, time: Timestamp) -> bool {
        let is_certain = is_certain(current.newness, self.at);
        self.at < time && (is_certain || self.can_be_used_again(&current.creation))
    }
}

fn boundary(creations: &[FoundCreation], deletions: &[&FoundDeletion]) -> Option<Boundary> {
    let times: Vec<Timestamp> = creations.iter().filter_map(|creation| creation.event.timestamp()).collect();
    let until = |creations: &mut dyn Iterator<Item = &FoundCreation>| {
        creations.filter_map(|creation| proves_until(creation, &times)).max()
    };
    let is_sure = |creation: &&FoundCreation| {
        creation.is_named_by_caller || !matches!(creation.newness, Newness::Older | Newness::MayRepeat(None))
    };
    let always = until(&mut creations.iter().filter(is_sure));
    let by_name = until(&mut creations.iter());
    let mut boundaries = deletions
        .iter()
        .rev()
        .filter_map(|found| Some(Boundary { at: time_of(found)?, is_by_name: found.deletion.is_by_name }));
    boundaries.find(|boundary| {
        let until = if boundary.is_by_name { by_name } else { always };
        until.is_some_and(|until| boundary.at < until)
    })
}

/// A creation proves of each deletion before this time that the name had a resource again. `times` are those of all creations,
/// in order.
fn proves_until(creation: &FoundCreation, times: &[Timestamp]) -> Option<Timestamp> {
    let time = creation.event.timestamp()?;
    let Newness::MayRepeat(Some(created)) = creation.newness else { return Some(time) };
    // The first call that this one may repeat.
    let is_too_early = |other: &Timestamp| created.duration_since(*other) > CREATION_SKEW;
    let first = times.get(times.partition_point(is_too_early));
    let repeated = first.filter(|other| **other < time && other.duration_since(created) <= CREATION_SKEW);
    Some(repeated.map_or(time, |repeated| created.max(*repeated).min(time)))
}

/// Notes what deletions tell about creations. The first call after a deletion made the resource, whatever else the
/// call may do; if the call proves that the resource was there, its maker is unknown. Returns the number of first
/// creations that cannot have made the resource.
fn note_deletions(current: &mut [Current], times: &[Timestamp], boundary: Option<Boundary>) -> usize {
    let (mut is_made, mut is_unmade, mut unproven) = (boundary.is_none(), false, 0);
    let (mut before, mut found_at) = (None, None);
    for (number, current) in current.iter_mut().enumerate() {
        let Some(time) = current.creation.event.timestamp() else { continue };
        let is_first_of_second = before != Some(time);
        before = Some(time);
        let makes_it = !is_made && boundary.is_some_and(|boundary| boundary.is_proven_by(current, time));
        is_made |= makes_it;
        let newness = current.newness;
        if newness == Newness::MayHaveExisted && (makes_it || number == 0) {
            found_at = Some(time);
        }
        let around = Around {
            place: match (makes_it, number) {
                (true, 0) => Place::Maker,
                (true, _) => Place::OneMaker,
                (false, 0) => Place::First,
                (false, _) => Place::Later,
            },
            in_second_of_deletion: times.binary_search(&time).is_ok(),
            is_first_of_second,
            // Of two calls of one second, either made what the other found.
            in_second_of_maker: found_at == Some(time) && !is_first_of_second,
            is_deleted_since: |created| is_any_between(times, created, time),
        };
        current.newness = if is_unmade && newness == Newness::MayHaveExisted {
            Newness::Older
        } else {
            around.newness(newness)
        };
        if makes_it && newness == Newness::Older {
            (is_unmade, unproven) = (true, number);
        }
    }
    unproven
}

/// The place of a creation among those that can have made the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The first after a deletion.
    Maker,
    /// The same, but a call in the second of the deletion, or one that repeats an earlier one, can have made the resource as well.
    OneMaker,
    /// The first that is known, after no known deletion.
    First,
    Later,
}

/// The events around a creation in time.
struct Around<D> {
    place: Place,
    in_second_of_deletion: bool,
    is_first_of_second: bool,
    in_second_of_maker: bool,
    /// Tells if a deletion is between a time and the creation.
    is_deleted_since: D,
}

impl<D: Fn(Timestamp) -> bool> Around<D> {
    fn newness(&self, newness: Newness) -> Newness {
        let is_one_maker = self.place == Place::OneMaker;
        let is_unclear = self.place == Place::Later && self.in_second_of_deletion;
        match newness {
            Newness::MayHaveExisted | Newness::MayRepeat(None) if self.place == Place::Maker => Newness::New,
            Newness::MayHaveExisted if is_one_maker || is_unclear || self.in_second_of_maker => {
                Newness::MayRepeat(None)
            }
            Newness::New if self.in_second_of_deletion && !self.is_first_of_second => {
                Newness::MayRepeat(None)
            }
            Newness::MayRepeat(Some(created)) if is_one_maker || (self.is_deleted_since)(created) => {
                Newness::MayRepeat(None)
            }
            newness => newness,
        }
    }
}

/// True if a call after a deletion certainly made its resource, or certainly found one.
fn is_certain(newness: Newness, deleted: Timestamp) -> bool {
    match newness {
        Newness::New | Newness::MayHaveExisted => true,
        Newness::MayRepeat(Some(created)) => created > deleted,
        Newness::MayRepeat(None) | Newness::Older => false,
    }
}

/// True if one of these times is not before `from`, and before `to`.
fn is_any_between(times: &[Timestamp], from: Timestamp, to: Timestamp) -> bool {
    times.get(times.partition_point(|time| *time < from)).is_some_and(|time| *time < to)
}

/// How many resources these creations made, at least one between two deletions.
fn count(creations: &[FoundCreation], times: &[Timestamp]) -> usize {
    let (mut count, mut counted) = (0, None);
    for creation in creations {
        let Some(time) = creation.event.timestamp() else { continue };
        let deletions_before = times.partition_point(|at| *at < time);
        if creation.newness == Newness::New || counted != Some(deletions_before) {
            count += 1;
        }
        counted = Some(deletions_before);
    }
    count
}

/// The end of the last resource. `deletions` are in the order of their times.
fn end(current: &[Current], deletions: &[&FoundDeletion], boundary: Option<Boundary>) -> End {
    let last = current.iter().filter_map(|current| current.creation.event.timestamp()).max();
    let is_after = |found: &&&FoundDeletion| {
        let time = time_of(found);
        time.is_some() && boundary.is_none_or(|boundary| time > Some(boundary.at))
    };
    let mut after = deletions.iter().filter(is_after);
    if current.is_empty() {
        return after.next_back().map_or(End::Open, |found| End::Deleted(Box::new((*found).clone())));
    }
    let deleted = after.clone().find(|found| last.is_some() && time_of(found) > last);
    if let Some(found) = deleted {
        return End::Deleted(Box::new((*found).clone()));
    }
    after.next_back().map_or(End::Open, |found| End::Unclear(Box::new((*found).clone())))
}

/// Adds the versions of an object. Each version is deleted by itself; the object is deleted when no version is left.
fn with_versions(unversioned: Divided, versions: Vec<FoundCreation>, deletions: &[FoundDeletion]) -> Divided {
    let deleted: HashMap<ResourceKey, &FoundDeletion> =
        deletions.iter().map(|found| (found.deletion.resource.key(), found)).collect();
    let gone = |creation: &FoundCreation| deleted.get(&creation.resource.key()).copied();
    let Divided { mut current, mut earlier, mut earlier_count, end } = unversioned;
    let last_deletion = versions.iter().filter_map(gone).max_by_key(|found| time_of(found)).cloned();
    let (left, lost): (Vec<_>, Vec<_>) = versions.into_iter().partition(|creation| gone(creation).is_none());
    let is_open = !current.is_empty() && !matches!(end, End::Deleted(_));
    let as_current = |creation: FoundCreation| Current { newness: creation.newness, creation };
    let end = if is_open || !left.is_empty() {
        if !is_open {
            earlier_count += current.len();
            earlier.extend(current.drain(..).map(|current| current.creation));
        }
        earlier_count += lost.len();
        earlier.extend(lost);
        current.extend(left.into_iter().map(as_current));
        if is_open { end } else { End::Open }
    } else {
        current.extend(lost.into_iter().map(as_current));
        let of_name = if let End::Deleted(found) = end { Some(*found) } else { None };
        let newest = [of_name, last_deletion].into_iter().flatten().max_by_key(time_of);
        newest.map_or(End::Open, |found| End::Deleted(Box::new(found)))
    };
    current.sort_by(|one, other| one.creation.order().cmp(&other.creation.order()));
    Divided { current, earlier, earlier_count, end }
}

#[cfg(test)]
mod tests;
