//! Answers changes of identity tags: reads the tags that are there now, decides, writes, and keeps in the ledger what happened.

use crate::entry::{Action, Entry, EntryOwner, EntryResource, State};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use autotag_handlers::backend::{BackendReader, TagWrite, TagWriter, TaggableResource, Tags};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::owner;
use autotag_handlers::tamper::{
    ExpectedTags, NoReaction, Reaction, TagChange, TamperHistory, TamperInput, decide,
};
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, Rule};
use autotag_model::tags::{TagKey, TagSet, TagValue};
use jiff::{SignedDuration, Timestamp};
use session_store::SessionReader;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What changes of identity tags are answered with.
#[derive(Clone, Copy)]
pub struct TamperResponder<'a> {
    /// The ledger: which tags a resource should have, and what happened to it before.
    pub ledger: &'a dyn Ledger,
    /// Reads tags.
    pub reader: &'a dyn BackendReader,
    /// Writes tags.
    pub writer: &'a dyn TagWriter,
    /// Sessions, for who is behind a call.
    pub sessions: &'a dyn SessionReader,
    /// The rules by which resources are tagged.
    pub catalog: &'a Catalog,
    /// What is done about changes.
    pub policy: &'a Policy,
}

impl fmt::Debug for TamperResponder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TamperResponder").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    /// The resource, if it is known which one is meant.
    pub resource: Option<Resource>,
    /// What was done.
    pub reaction: Reaction,
}

/// A resource that was changed, and what is known about it.
struct Known {
    taggable: TaggableResource,
    entries: Vec<Entry>,
}

impl TamperResponder<'_> {
    /// Answers a change. `now` is a time before the tags are read. A change that comes again is answered once.
    ///
    /// # Errors
    /// The outcome that returns the message of the change: a question or a write had no answer. Nothing is left half done: the
    /// next try reads the tags again.
    pub async fn answer(&self, change: &TagChange, now: Timestamp) -> Result<Answered, Outcome> {
        let Some(known) = self.find(change).await.map_err(|error| ledger_outcome(&error))? else {
            return Ok(Answered { resource: None, reaction: Reaction::Nothing(NoReaction::NoExpectation) });
        };
        let resource = known.taggable.resource.clone();
        let age = change.time().map(|time| now.duration_since(time));
        let Some(present) = self.present_tags(&known.taggable, age).await? else {
            // It was deleted.
            let reaction = Reaction::Nothing(NoReaction::NoExpectation);
            return Ok(Answered { resource: Some(resource), reaction });
        };
        let history = history(&known.entries);
        let reaction = decide(&TamperInput {
            change,
            expected: expected(&known.entries, self.policy).as_ref(),
            present: &present,
            history: &history,
            policy: self.policy,
            constraints: &known.taggable.rule.limits,
        });
        if let Reaction::Repair { tags, .. } = &reaction {
            self.write(&known.taggable, tags, age).await?;
        }
        let is_kept = !matches!(reaction, Reaction::Nothing(NoReaction::Known | NoReaction::NoExpectation));
        // Also of a change about which nothing is done: that somebody undid a repair counts, whenever it is known.
        if is_kept {
            let entry = self.entry(change, &resource, &reaction, now).await;
            self.ledger.put(&entry).await.map_err(|error| ledger_outcome(&error))?;
        }
        Ok(Answered { resource: Some(resource), reaction })
    }

    /// The resource that a change means. A call can name it by an id that resources of several types can have: the one that the
    /// ledger knows is meant. `None` if that does not tell, or if no rule says how to read its tags.
    async fn find(&self, change: &TagChange) -> Result<Option<Known>, LedgerError> {
        let candidates = &change.resource.candidates;
        let chosen = match candidates.as_slice() {
            [only] => Some(only),
            several => self.known_candidate(several).await?,
        };
        let Some(resource) = chosen else { return Ok(None) };
        let entries = self.ledger.of_resource(&key(resource)).await?;
        let rule = self.rule(change, resource, &entries);
        Ok(rule.map(|rule| {
            let resource_type = rule.resource_type.clone();
            let mut resource = resource.clone();
            resource.resource_type = resource_type;
            Known { taggable: TaggableResource { resource, rule }, entries }
        }))
    }

    async fn known_candidate<'r>(
        &self,
        candidates: &'r [Resource],
    ) -> Result<Option<&'r Resource>, LedgerError> {
        let names: BTreeSet<String> =
            candidates.iter().filter_map(|one| Entry::of_resource(one).name()).collect();
        let mut known = BTreeSet::new();
        for name in names {
            known.extend(self.ledger.named(&name).await?.iter().map(|entry| entry.key().resource));
        }
        let mut meant = candidates.iter().filter(|one| known.contains(&key(one)));
        Ok(meant.next().filter(|_| meant.next().is_none()))
    }

    /// The rule by which the resource is tagged: that of its creation, otherwise one of its type.
    fn rule(&self, change: &TagChange, resource: &Resource, entries: &[Entry]) -> Option<Arc<Rule>> {
        let created = entries.iter().rev().filter(|entry| entry.action == Action::Created);
        let mut of_entries = created.filter_map(|entry| {
            let resource_type = &entry.resource.as_ref()?.resource_type;
            let rules = self.catalog.find(&entry.event.source, &entry.event.name).ok()?;
            rules.iter().find(|rule| rule.resource_type == *resource_type).cloned()
        });
        of_entries.next().or_else(|| {
            let rules = self.catalog.rules_of(&change.event.source);
            rules.iter().find(|rule| rule.resource_type == resource.resource_type).cloned()
        })
    }

    /// The tags of the resource; `None` if it is gone.
    async fn present_tags(
        &self,
        taggable: &TaggableResource,
        age: Option<SignedDuration>,
    ) -> Result<Option<Tags>, Outcome> {
        let answers = self.reader.existing_tags(std::slice::from_ref(taggable)).await;
        match answers.into_iter().next() {
            Some(Ok(tags)) => Ok(Some(tags)),
            Some(Err(error)) if error.class == ErrorClass::NotFound => Ok(None),
            Some(Err(error)) => Err(error.outcome(age)),
            None => Err(Outcome::Deferred("its tags were not read".to_owned())),
        }
    }

    async fn write(
        &self,
        taggable: &TaggableResource,
        tags: &[(String, String)],
        age: Option<SignedDuration>,
    ) -> Result<(), Outcome> {
        let limits = &taggable.rule.limits;
        let mut set = TagSet::new();
        for (key, value) in tags {
            let (key, _) =
                TagKey::sanitize(key, limits).map_err(|error| Outcome::Refused(error.to_string()))?;
            let (value, _) = TagValue::sanitize(value, limits);
            let _ = set.add(key, value);
        }
        let write = TagWrite::new(taggable.rule.call.clone(), set, vec![taggable.clone()]);
        let answers: Vec<Result<(), BackendError>> = self.writer.write_tags(&write).await;
        match answers.into_iter().next() {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(error.outcome(age)),
            None => Err(Outcome::Deferred("its tags were not written".to_owned())),
        }
    }

    async fn entry(
        &self,
        change: &TagChange,
        resource: &Resource,
        reaction: &Reaction,
        now: Timestamp,
    ) -> Entry {
        let mut entry = Entry::of_event(&change.event, Action::TagsChanged);
        entry.resource = Some(EntryResource::from(resource));
        if let Some(principal) = &change.principal {
            let offline = autotag_handlers::memory::MemoryBackend::offline();
            // Who is behind the call is for people. That it is not found out keeps no entry from being written.
            let by = owner::resolve(principal, &self.policy.trust, self.sessions, &offline).await;
            entry.owner = by.as_ref().map(EntryOwner::from).unwrap_or_default();
        }
        let tampering = match reaction {
            Reaction::Report { tampering, .. }
            | Reaction::Repair { tampering, .. }
            | Reaction::Truce { tampering, .. } => Some(tampering),
            _ => None,
        };
        let keys = tampering.into_iter().flat_map(|found| found.missing.iter().chain(&found.changed));
        entry.keys = keys.cloned().collect();
        match reaction {
            Reaction::Repair { tags, .. } => {
                entry.tagging.state = State::Tagged;
                entry.tagging.tags = tags.iter().cloned().collect();
            }
            Reaction::Report { why, .. } => entry.tagging.reason = Some(why.to_string()),
            Reaction::Truce { truce, .. } => entry.tagging.reason = Some(truce.to_string()),
            _ => {}
        }
        entry.history = Some(reaction.recorded(change, now));
        entry
    }
}

fn key(resource: &Resource) -> String {
    Entry::of_resource(resource).key().resource
}

impl Entry {
    /// An entry about a resource, for its key.
    fn of_resource(resource: &Resource) -> Self {
        let mut entry = Self::of_event(&autotag_handlers::event::EventSummary::default(), Action::Created);
        entry.resource = Some(EntryResource::from(resource));
        entry
    }
}

/// What happened to the identity tags of a resource, by its entries.
fn history(entries: &[Entry]) -> TamperHistory {
    let parts = entries.iter().filter_map(|entry| entry.history.clone());
    parts.fold(TamperHistory::default(), TamperHistory::merge)
}

/// The identity tags that a resource should have; `None` if no entry of the resource that exists now says it.
fn expected(entries: &[Entry], policy: &Policy) -> Option<ExpectedTags> {
    let is_deletion = |entry: &&Entry| entry.action == Action::Deleted;
    let deleted = entries.iter().filter(is_deletion).filter_map(Entry::timestamp).max();
    let created = entries.iter().filter(|entry| entry.action == Action::Created);
    // A creation of the second of a deletion can be that of the deleted resource.
    let mut since: Vec<&Entry> = created
        .filter(|entry| deleted.is_none_or(|deleted| entry.timestamp().is_some_and(|time| time > deleted)))
        .collect();
    since.sort_by_key(|entry| entry.key().event);
    // Calls that found an owner there, or that only may repeat the creation, say nothing about the tags.
    let last = since.into_iter().rev().find(|entry| {
        !matches!(entry.tagging.state, State::HasOwner | State::Skipped)
            && (entry.tagging.state == State::Tagged || entry.call == crate::CreatingCall::New)
    })?;
    let is_identity = |(key, _): &(&String, &String)| policy.is_identity_key(key);
    let tags: Vec<(String, String)> = last
        .tagging
        .tags
        .iter()
        .filter(is_identity)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if last.tagging.state != State::Tagged || tags.is_empty() {
        return None;
    }
    let mut expected = ExpectedTags::default();
    expected.tags = tags;
    expected.proof = last.owner.proof;
    expected.owner_arn.clone_from(&last.owner.arn);
    Some(expected)
}

/// The outcome for a message whose question or entry had no answer of the ledger.
fn ledger_outcome(error: &LedgerError) -> Outcome {
    match error {
        LedgerError::Unavailable { .. } => Outcome::Deferred(error.to_string()),
        _ => Outcome::Refused(error.to_string()),
    }
}
