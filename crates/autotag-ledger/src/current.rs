//! Selects the entries about the resource that exists now. A name can be used again after its deletion.

use crate::entry::{Action, Entry};

/// The creations of the resource that exists now, in the order of time: those after the last deletion. A creation of the second
/// of a deletion can be that of the deleted resource, and is left out.
pub(crate) fn creations_since_deletion(entries: &[Entry]) -> Vec<&Entry> {
    let is_deletion = |entry: &&Entry| entry.action == Action::Deleted;
    let deleted = entries.iter().filter(is_deletion).filter_map(Entry::timestamp).max();
    let is_later =
        |entry: &&Entry| deleted.is_none_or(|deleted| entry.timestamp().is_some_and(|time| time > deleted));
    let created = entries.iter().filter(|entry| entry.action == Action::Created);
    let mut since: Vec<&Entry> = created.filter(is_later).collect();
    since.sort_by_cached_key(|entry| entry.key().event);
    since
}
