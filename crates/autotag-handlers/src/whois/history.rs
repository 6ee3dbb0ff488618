//! The source over CloudTrail's event history. It needs no deployment.
//!
//! A resource is asked for by its names. The sessions behind its creating call are asked for by the access keys that they
//! issued. So an owner at the end of a chain takes as many questions as the chain has hops, and two for the names.

use super::answer::may_be_last;
use super::asked::Asked;
use super::evaluate::evaluate;
use super::filter::{NamingEvent, RecordFilter};
use super::finding::{Findings, FoundCreation, FoundDeletion, OwnershipSource, TagChange};
use super::lookup::{EventHistory, Place, Questions, Tally};
use super::origin::{self, CameWith, Origins};
use super::tag_change::RecordedTagChange;
use super::trail::remarks;
use super::walk::Walk;
use crate::classify::{Classifier, Envelope};
use crate::deletion::Deletion;
use crate::memory::MemoryBackend;
use crate::owner::{self, MissingEvidence};
use crate::records::PlanRequest;
use async_trait::async_trait;
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::identity::Principal;
use autotag_model::record::Record;
use session_store::MemoryStore;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// How many resources a resource belongs to, one to the other: an instance to a group, the group to a stack.
const PARENTS: usize = 4;

/// Services whose events are recorded in the global region of the partition alone.
const GLOBAL: [&str; 5] = ["cloudfront", "iam", "organizations", "route53", "sts"];

/// The regions to ask in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// For ids and names, and for buckets, whose ARN names no region.
    pub home: Region,
    /// Further regions for them, and for sessions.
    pub more: Vec<Region>,
}

/// The source over an event history.
pub struct HistorySource<'h> {
    classifier: &'h Classifier,
    questions: Questions<'h>,
    regions: Regions,
    origins: Option<&'h dyn Origins>,
}

impl fmt::Debug for HistorySource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistorySource").field("regions", &self.regions).finish_non_exhaustive()
    }
}

/// Facts in the records that were asked for.
#[derive(Default)]
struct Read {
    creations: Vec<PlanRequest>,
    deletions: Vec<Deletion>,
    tag_changes: Vec<RecordedTagChange>,
    naming_events: Vec<NamingEvent>,
    seen: HashSet<String>,
}

impl Read {
    /// Reads records. Those that an earlier question has answered with are not read again.
    fn records(
        &mut self,
        classifier: &Classifier,
        filter: &RecordFilter<'_>,
        place: &Place,
        records: &[String],
    ) {
        for text in records {
            let Ok(record) = serde_json::from_str::<Record<'_>>(text) else { continue };
            let id = record.event_id.as_deref().unwrap_or(text);
            if !self.seen.insert(id.to_owned()) {
                continue;
            }
            let account = place.account.as_ref();
            let envelope = Envelope { account, ..Envelope::default() };
            let classification = classifier.classify_in(&record, envelope);
            self.deletions.extend(filter.deletions(&record, envelope));
            self.tag_changes.extend(filter.tag_change(&record, account, &classification));
            self.naming_events.extend(filter.naming_event(&record, &classification));
            let creation = filter.creation(&record, text, classification);
            self.creations.extend(creation.map(PlanRequest::from));
        }
    }
}

impl<'h> HistorySource<'h> {
    /// Asks `history`. The policy and the rules are those of the classifier.
    pub fn new(classifier: &'h Classifier, history: &'h dyn EventHistory, regions: Regions) -> Self {
        Self { classifier, questions: Questions::new(history), regions, origins: None }
    }

    /// The same, which also finds the owner of volumes and snapshots that came with an instance or image.
    #[must_use]
    pub fn with_origins(self, origins: &'h dyn Origins) -> Self {
        Self { origins: Some(origins), ..self }
    }

    /// The places in which the creation of a resource may be recorded.
    fn places(&self, asked: &Asked) -> Vec<Place> {
        let Regions { home, more } = &self.regions;
        let global = |arn: &Arn| arn.partition().global_region();
        let regions: Vec<Region> = match asked.arn() {
            Some(arn) if arn.region().is_some() => arn.region().cloned().into_iter().collect(),
            Some(arn) if GLOBAL.contains(&arn.service()) => global(arn).into_iter().collect(),
            // A bucket may be in any region.
            Some(arn) => [home.clone()].into_iter().chain(more.iter().cloned()).chain(global(arn)).collect(),
            None => [home.clone()].into_iter().chain(more.iter().cloned()).collect(),
        };
        let mut places: Vec<Place> = Vec::new();
        for region in regions {
            let place = Place { account: asked.account(), region };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Asks for the events that name a resource.
    async fn ask(&self, asked: &Asked, places: &[Place], read: &mut Read, tally: &mut Tally) {
        let only = [asked.clone()];
        let filter = RecordFilter::new(self.classifier, &only);
        let url = asked.url();
        for place in places {
            for name in asked.names().iter().chain(&url) {
                let answer = self.questions.ask(place, name, None, name, false, tally).await;
                // A place that does not answer is not asked under another name.
                let Some(answer) = answer else { break };
                read.records(self.classifier, &filter, place, &answer.records);
            }
        }
    }

    /// Asks for the creation of what another resource belongs to, by one name after the other until one leads to it.
    async fn ask_for_creation(&self, asked: &Asked, place: &Place, read: &mut Read, tally: &mut Tally) {
        let only = std::slice::from_ref(asked);
        let filter = RecordFilter::new(self.classifier, only);
        for name in asked.names() {
            let answer = self.questions.ask(place, name, None, name, false, tally).await;
            let Some(answer) = answer else { return };
            read.records(self.classifier, &filter, place, &answer.records);
            if !creators(asked, &read.creations).is_empty() {
                return;
            }
        }
    }

    /// The creation with the owner that its sessions and the resources it belongs to show.
    async fn with_evidence(
        &self,
        creation: FoundCreation,
        backend: &MemoryBackend,
        read: &mut Read,
        tally: &mut Tally,
    ) -> FoundCreation {
        let (place, store) = (self.place_of(&creation), MemoryStore::new());
        let walk =
            Walk { questions: &self.questions, classifier: self.classifier, regions: &self.regions.more };
        walk.follow(&creation.principal, &place, &store, tally).await;
        let policy = self.classifier.policy();
        let mut best = creation;
        let mut asked_parents = HashSet::new();
        for _ in 0..=PARENTS {
            let found = evaluate(policy, read.creations.clone(), &store, backend).await;
            let Some(again) = same_creation(&found, &best) else { break };
            best = again;
            let Some(parent) = parent(&best, &found, &read.creations, &asked_parents) else { break };
            asked_parents.insert(parent.text().to_owned());
            self.ask_for_creation(&parent, &self.place_of(&best), read, tally).await;
            for principal in creators(&parent, &read.creations) {
                walk.follow(&principal, &place, &store, tally).await;
            }
        }
        best
    }

    /// The creation of what a volume or snapshot came with, as one of the volume or snapshot itself. `backend` knows then that
    /// they belong together.
    async fn of_origin(
        &self,
        asked: &Asked,
        places: &[Place],
        backend: &MemoryBackend,
        read: &mut Read,
        tally: &mut Tally,
    ) -> Vec<FoundCreation> {
        let (Some(origins), Some(id)) = (self.origins, origin::id(asked)) else { return Vec::new() };
        for place in places {
            let known = tally.origin(origins.came_with(place, id).await, id, place);
            let Some(CameWith { with, resource, .. }) = &known else { continue };
            backend.attach(with, resource.clone());
            let Ok(of) = Asked::parse(with) else { continue };
            self.ask_for_creation(&of, place, read, tally).await;
            let (policy, store) = (self.classifier.policy(), MemoryStore::new());
            let mut found = evaluate(policy, read.creations.clone(), &store, backend).await;
            found.retain(|made| {
                asked.is(&made.resource) && known.as_ref().is_some_and(|known| known.is_made_by(made))
            });
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn place_of(&self, creation: &FoundCreation) -> Place {
        let region = creation.event.region.as_deref().and_then(Region::new);
        let account = creation.event.account.as_deref().and_then(AccountId::new);
        Place { account, region: region.unwrap_or_else(|| self.regions.home.clone()) }
    }

    /// The deletions with who is behind them, as far as the calls themselves show it.
    async fn deletions(&self, recorded: &[Deletion]) -> Vec<FoundDeletion> {
        let (store, backend) = (MemoryStore::new(), MemoryBackend::offline());
        let trust = &self.classifier.policy().trust;
        let mut deletions = Vec::with_capacity(recorded.len());
        for deletion in recorded {
            let by = owner::resolve(&deletion.principal, trust, &store, &backend).await;
            deletions.push(FoundDeletion::new(deletion.clone(), by.ok().map(Arc::new)));
        }
        deletions
    }

    /// The changes of tags with who made them, as far as the calls themselves show it: further questions are for the owner.
    async fn tag_changes(&self, recorded: &[RecordedTagChange]) -> Vec<TagChange> {
        let (store, backend) = (MemoryStore::new(), MemoryBackend::offline());
        let trust = &self.classifier.policy().trust;
        let mut changes = Vec::with_capacity(recorded.len());
        for change in recorded {
            let by = owner::resolve(&change.principal, trust, &store, &backend).await;
            changes.push(TagChange {
                event: Arc::clone(&change.event),
                keys: change.keys.clone(),
                principal: change.principal.clone(),
                by: by.ok().map(Arc::new),
            });
        }
        changes
    }
}

/// The same creation among others, evaluated again.
fn same_creation(found: &[FoundCreation], as_this: &FoundCreation) -> Option<FoundCreation> {
    let key = as_this.resource.key();
    let mut found = found.iter();
    found.find(|other| other.event.id == as_this.event.id && other.resource.key() == key).cloned()
}

/// The makers of a resource.
fn creators(of: &Asked, creations: &[PlanRequest]) -> Vec<Principal> {
    let creations = creations.iter().map(|request| &request.creation);
    let made = creations.filter(|creation| creation.targets.iter().any(|target| of.is(&target.resource)));
    made.map(|creation| creation.principal.clone()).collect()
}

/// The resource whose owner is needed: the parent of the creation, or the parent of that.
fn parent(
    creation: &FoundCreation,
    found: &[FoundCreation],
    read: &[PlanRequest],
    known: &HashSet<String>,
) -> Option<Asked> {
    let mut at = creation.clone();
    for _ in 0..=PARENTS {
        let pending = at.owner.as_ref()?.pending.as_ref()?;
        if pending.missing != MissingEvidence::ParentOwner {
            return None;
        }
        let request = read.iter().find(|request| request.creation.event.id == at.event.id)?;
        let parent = request.creation.targets.iter().find_map(|target| target.parent.as_ref())?;
        let asked = Asked::of_arn(parent.resource.arn.clone()?);
        if !known.contains(asked.text()) {
            return Some(asked);
        }
        at = found.iter().find(|other| asked.is(&other.resource))?.clone();
    }
    None
}

#[async_trait(?Send)]
impl OwnershipSource for HistorySource<'_> {
    fn name(&self) -> &'static str {
        "event-history"
    }

    fn scope(&self) -> &'static str {
        "the last 90 days"
    }

    async fn findings(&self, asked: &Asked) -> Findings {
        if asked.arn().is_some_and(|arn| arn.service() == "s3" && arn.resource().contains('/')) {
            let why = "no event history has the calls that write objects: read a trail that logs data events";
            return Findings { remarks: vec![why.to_owned()], ..Findings::default() };
        }
        let (mut read, mut tally) = (Read::default(), Tally::default());
        let places = self.places(asked);
        self.ask(asked, &places, &mut read, &mut tally).await;
        let policy = self.classifier.policy();
        let (store, mut backend) = (MemoryStore::new(), MemoryBackend::offline());
        let mut creations = evaluate(policy, read.creations.clone(), &store, &backend).await;
        creations.retain(|creation| asked.is(&creation.resource));
        if creations.is_empty() && tally.failures.is_empty() {
            backend = MemoryBackend::new();
            creations = self.of_origin(asked, &places, &backend, &mut read, &mut tally).await;
        }
        let mut found = Vec::with_capacity(creations.len());
        let deletions = self.deletions(&read.deletions).await;
        for creation in may_be_last(asked, &mut creations, &deletions) {
            found.push(self.with_evidence(creation, &backend, &mut read, &mut tally).await);
        }
        if let (None, [only]) = (asked.arn(), &*found)
            && let Some(arn) = &only.resource.arn
        {
            // Calls that change tags may name the ARN alone.
            let (place, full) = (self.place_of(only), arn.to_string());
            if let Some(answer) = self.questions.ask(&place, &full, None, &full, false, &mut tally).await {
                let named = [asked.clone()];
                let filter = RecordFilter::new(self.classifier, &named);
                read.records(self.classifier, &filter, &place, &answer.records);
            }
        }
        found.extend(creations);
        let Tally { calls, questions, failures } = tally;
        Findings {
            creations: found,
            deletions: self.deletions(&read.deletions).await,
            tag_changes: self.tag_changes(&read.tag_changes).await,
            remarks: remarks(&read.naming_events, asked),
            failures,
            questions,
            calls,
        }
    }
}
