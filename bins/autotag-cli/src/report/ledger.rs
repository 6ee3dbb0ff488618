//! Joins the entries of a ledger one resource at a time. The memory grows with the resources, not with the entries.

use super::made::{Creations, Deleted, Known, LedgerFacts};
use super::page::TamperWeeks;
use crate::output::{EventCounts, count_events, event_key};
use autotag_handlers::whois::{Answer, Asked, FoundCreation, Newness};
use autotag_ledger::{Action, Entry, EntryResource, State, Watched, answer_from};
use autotag_model::policy::Policy;
use autotag_model::rule::Resource;
use futures_executor::block_on;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

/// The most entries of one resource. A caller may create any number of resources with one name.
const MAX_ENTRIES: usize = 10_000;

/// Reads the entries of a ledger in the order in which its table has them.
pub(crate) struct LedgerJoin<'a> {
    policy: &'a Policy,
    creations: &'a mut Creations,
    /// The resource whose entries are read, and these.
    key: String,
    entries: Vec<Entry>,
    /// Hashes of the keys that were read before.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// Resources whose entries did not come one after the other.
    scattered: BTreeSet<String>,
    told: Told,
}

/// Facts of the entries besides creations.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) entries: u64,
    pub(crate) weeks: TamperWeeks,
    /// Events that no rule covers, by source and name.
    pub(crate) uncovered: EventCounts,
    /// Resources that have more entries than are read.
    pub(crate) too_many: u64,
}

impl<'a> LedgerJoin<'a> {
    pub(crate) fn new(policy: &'a Policy, creations: &'a mut Creations) -> Self {
        Self {
            policy,
            creations,
            key: String::new(),
            entries: Vec::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            scattered: BTreeSet::new(),
            told: Told::default(),
        }
    }

    /// Takes the next entry. A table has the entries of a resource one after the other.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.told.entries += 1;
        if let (Some(time), Some(watched)) = (entry.timestamp(), entry.watched()) {
            let part = match watched {
                Watched::Repaired => 1,
                Watched::Truce => 2,
                _ => 0,
            };
            self.told.weeks.count(time, part);
        }
        let Some(resource) = &entry.resource else {
            let event = event_key(&entry.event.source, &entry.event.name);
            count_events(&mut self.told.uncovered, event, 1);
            return;
        };
        let key = resource.key();
        if key != self.key {
            self.end_resource();
            if !self.seen.insert(self.hasher.hash_one(&key)) {
                self.scattered.insert(key.clone());
            }
            self.key = key;
        }
        // One more shows that there are too many.
        if self.entries.len() <= MAX_ENTRIES {
            self.entries.push(entry);
        }
    }

    /// Ends with the last entry. Answers with the keys of resources whose entries have to be asked for, because they did not come one
    /// after the other.
    pub(crate) fn end(&mut self) -> BTreeSet<String> {
        self.end_resource();
        std::mem::take(&mut self.scattered)
    }

    fn end_resource(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        if !self.scattered.contains(&self.key) {
            self.resource(&entries);
        }
    }

    /// Takes all entries of one resource.
    pub(crate) fn resource(&mut self, entries: &[Entry]) {
        if entries.len() > MAX_ENTRIES {
            self.told.too_many += 1;
            return;
        }
        // A role with a path and one without can have the same key, one after the other.
        let created = entries.iter().filter(|entry| entry.action == Action::Created);
        let mut named: BTreeMap<(Option<&str>, &str), &EntryResource> = BTreeMap::new();
        for resource in created.filter_map(|entry| entry.resource.as_ref()) {
            named.insert((resource.arn.as_deref(), &resource.id), resource);
        }
        for resource in named.into_values().filter_map(EntryResource::to_resource) {
            let asked = match &resource.arn {
                Some(arn) => Asked::of_arn(arn.clone()),
                None => match Asked::parse(&resource.id) {
                    Ok(asked) => asked,
                    Err(_) => continue,
                },
            };
            self.take(&resource, &block_on(answer_from(entries, &asked)), entries);
        }
    }

    fn take(&mut self, resource: &Resource, answer: &Answer, entries: &[Entry]) {
        let Some(creation) = answer.creation.as_ref().or(answer.candidates.first()) else { return };
        let is_creation = |entry: &&Entry| {
            entry.action == Action::Created && entry.event.id.as_deref() == creation.event.id.as_deref()
        };
        let Some(entry) = entries.iter().find(is_creation) else { return };
        let enforced = entry.tagging.tags.iter().filter(|(key, _)| self.policy.is_enforced(key));
        let written = self.policy.owner_key().and_then(|key| entry.tagging.tags.get(key)).cloned();
        let state = entry.tagging.state;
        let service = creation.event.source.split('.').next().unwrap_or_default();
        let is_known = answer.creation.is_some();
        let why = || {
            if answer.reasons.is_empty() {
                "its owner is not known".to_owned()
            } else {
                answer.reasons.join("; ")
            }
        };
        self.creations.add_known(Known {
            resource,
            time: creation.event.timestamp(),
            event_id: creation.event.id.as_deref(),
            event: &format!("{service}:{}", creation.event.name),
            owner: creation.owner.as_deref().filter(|_| is_known),
            may_have_found: creation.newness != Newness::New,
            undecided: (!is_known).then(why),
            identity: enforced.map(|(key, value)| (key.clone(), value.clone())).collect(),
            written,
            unwritten: entry.tagging.reason.as_deref().filter(|_| state == State::Untaggable),
            facts: LedgerFacts {
                state: state.as_str(),
                is_refused: state == State::Refused,
                deleted: deleted(answer),
                changed_by: changed_by(creation, entries),
            },
        });
    }

    /// Notes a resource that has more entries than are read.
    pub(crate) fn leave_out(&mut self) {
        self.told.too_many += 1;
    }

    pub(crate) fn told(self) -> Told {
        self.told
    }
}

fn deleted(answer: &Answer) -> Option<Deleted> {
    let deletion = &answer.deletion.as_ref()?.deletion;
    Some(Deleted { time: deletion.event.timestamp()?, is_by_name: deletion.is_by_name })
}

/// The principal that changed the identity tags last since the creation; `None` if autotag has written them again.
fn changed_by(creation: &FoundCreation, entries: &[Entry]) -> Option<Arc<str>> {
    let since = creation.event.timestamp();
    let changes = entries.iter().filter(|entry| entry.timestamp() >= since);
    let changes = changes.filter_map(|entry| Some((entry.key().event, entry, entry.watched()?)));
    let (_, last, watched) = changes.max_by(|(one, ..), (other, ..)| one.cmp(other))?;
    if watched == Watched::Repaired {
        return None;
    }
    let by = last.owner.name.as_deref().or(last.owner.arn.as_deref());
    Some(by.unwrap_or("somebody").into())
}

#[cfg(test)]
mod tests;
