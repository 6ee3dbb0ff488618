//! Answers changes of identity tags: reads the present tags, decides, writes, and records the change in the ledger.

use crate::current::creations_since_deletion;
use crate::entry::{Action, CreatingCall, Entry, EntryOwner, EntryResource, State};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use autotag_handlers::backend::{BackendReader, TagWrite, TagWriter, TaggableResource, Tags};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::owner;
use autotag_handlers::tamper::{
    ExpectedTags, NoReaction, Reaction, TagChange, TamperHistory, TamperInput, TouchedKeys, decide,
};
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, Rule};
use autotag_model::tags::{TagKey, TagSet, TagValue};
use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use session_store::SessionReader;
use std::fmt;
use std::sync::Arc;

/// How many questions are open at the same time.
const CONCURRENCY: usize = 16;

/// Answers changes of identity tags.
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
    /// The policy for reactions.
    pub policy: &'a Policy,
}

impl fmt::Debug for TamperResponder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TamperResponder").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// The result for a change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    /// The resource, if it is known which one is meant.
    pub resource: Option<Resource>,
    /// The reaction.
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
        let Some(known) = self.find(change).await.map_err(|error| error.outcome())? else {
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
        if is_kept(change, &reaction, &history) {
            let entry = self.entry(change, &resource, &reaction, now).await;
            self.ledger.put(&entry).await.map_err(|error| error.outcome())?;
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
        let entries = match self.ledger.of_resource(&key(resource)).await {
            // Then nothing is certain, and a later try changes nothing.
            Err(LedgerError::TooMany { .. }) => return Ok(None),
            answer => answer?,
        };
        let entries = of_version(entries, resource.version.as_deref());
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
        let asked: Vec<_> = candidates
            .iter()
            .map(async |resource| Ok((resource, self.ledger.of_resource(&key(resource)).await?)))
            .collect();
        let answers: Vec<Result<_, LedgerError>> = stream::iter(asked).buffered(CONCURRENCY).collect().await;
        let mut meant = Vec::new();
        for answer in answers {
            let (resource, entries) = answer?;
            meant.extend(Some(resource).filter(|_| !entries.is_empty()));
        }
        Ok(if let [only] = meant.as_slice() { Some(*only) } else { None })
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
            // The owner behind the call is a remark for people. If it is not found, the entry is still written.
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
        if let (None, TouchedKeys::Keys(keys)) = (tampering, &change.keys) {
            entry.keys.clone_from(keys);
        }
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

/// True if a change becomes an entry. The entries of a resource are read for each change of it, so there must not be one for each
/// run of a program.
fn is_kept(change: &TagChange, reaction: &Reaction, history: &TamperHistory) -> bool {
    match reaction {
        Reaction::Nothing(NoReaction::Known | NoReaction::NoExpectation) => false,
        // It counts only as what undid a repair, and an event without a caller undoes none.
        Reaction::Nothing(_) => change.principal.is_some() && history.repairs().next().is_some(),
        // One a day for each principal.
        Reaction::Report { .. } => {
            let (by, day) = (change.author().unwrap_or_default(), change.time().map(day_of));
            !history.changes().any(|known| known.by == by && Some(day_of(known.time)) == day)
        }
        _ => true,
    }
}

fn key(resource: &Resource) -> String {
    EntryResource::from(resource).key()
}

/// The entries about a version of an object, if a version is meant.
fn of_version(mut entries: Vec<Entry>, version: Option<&str>) -> Vec<Entry> {
    if let Some(version) = version {
        let is_meant = |known: &EntryResource| known.version.as_deref() == Some(version);
        entries.retain(|entry| entry.resource.as_ref().is_some_and(is_meant));
    }
    entries
}

/// The past changes of the identity tags of a resource, by its entries.
fn history(entries: &[Entry]) -> TamperHistory {
    let parts = entries.iter().filter_map(|entry| entry.history.clone());
    parts.fold(TamperHistory::default(), TamperHistory::merge)
}

/// The days since 1970.
fn day_of(time: Timestamp) -> i64 {
    time.as_second().div_euclid(24 * 60 * 60)
}

/// The identity tags that a resource should have; `None` if no entry of the resource that exists now says it for certain.
fn expected(entries: &[Entry], policy: &Policy) -> Option<ExpectedTags> {
    let creations = creations_since_deletion(entries);
    let is_tagged = |entry: &&&Entry| entry.tagging.state == State::Tagged;
    let last = *creations.iter().rfind(is_tagged)?;
    // A later call that is not done may have made another resource, of another owner.
    let mut later = creations.iter().skip_while(|entry| !std::ptr::eq(**entry, last)).skip(1);
    if later.any(|entry| !matches!(entry.tagging.state, State::HasOwner | State::Skipped)) {
        return None;
    }
    // Without its tags, a resource gets those of the next call that may have found it. So a caller who removes tags
    // and calls again would become the owner that autotag keeps.
    let is_of_another = |entry: &&&Entry| is_tagged(entry) && entry.owner.name != last.owner.name;
    if last.call != CreatingCall::New && creations.iter().any(|entry| is_of_another(&entry)) {
        return None;
    }
    let is_identity = |(key, _): &(&String, &String)| policy.is_identity_key(key);
    let tags = last.tagging.tags.iter().filter(is_identity);
    let tags: Vec<(String, String)> = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
    if tags.is_empty() {
        return None;
    }
    // The proof of the owner that these tags name. The owner of the entry may be better known since.
    let (proof, owner_arn) = (last.tagging.proof, last.tagging.owner_arn.clone());
    Some(ExpectedTags { tags, proof, owner_arn })
}
