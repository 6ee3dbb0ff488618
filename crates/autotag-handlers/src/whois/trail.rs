//! The source over the records of a trail in files.

use super::asked::Asked;
use super::evaluate::evaluate;
use super::filter::{NamingEvent, RecordFilter};
use super::finding::{Failure, Findings, FoundCreation, FoundDeletion, OwnershipSource, TagChange};
use super::tag_change::RecordedTagChange;
use crate::catalog::may_change_tags;
use crate::classify::Classification;
use crate::deletion::Deletion;
use crate::memory::MemoryBackend;
use crate::owner;
use crate::records::{PlanRequest, RecordSink};
use async_trait::async_trait;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::policy::Policy;
use autotag_model::session::Session;
use session_store::SessionReader;
use std::sync::Arc;

/// The most changes of tags, and events without an owner, that are kept of a trail. The author of a trail can name
/// a resource in any number of them.
const MOST: usize = 10_000;

/// The records of a trail that are about resources, in memory. Sessions are kept whatever they are about.
#[derive(Debug)]
pub struct TrailRecords<'a> {
    filter: RecordFilter<'a>,
    /// Creations that may be asked for, or to which what is asked for may belong.
    pub creations: Vec<PlanRequest>,
    /// Deletions.
    pub deletions: Vec<Deletion>,
    /// Changes of identity tags.
    pub tag_changes: Vec<RecordedTagChange>,
    /// Creating events without an owner.
    pub naming_events: Vec<NamingEvent>,
    /// STS sessions.
    pub sessions: Vec<Session>,
    /// How many changes of tags and events without an owner are left out.
    pub left_out: u64,
    /// How many deletions are left out. Without them no owner is certain.
    pub deletions_left_out: u64,
}

impl<'a> TrailRecords<'a> {
    /// Empty, for the records that this filter chooses.
    pub fn new(filter: RecordFilter<'a>) -> Self {
        Self {
            filter,
            creations: Vec::new(),
            deletions: Vec::new(),
            tag_changes: Vec::new(),
            naming_events: Vec::new(),
            sessions: Vec::new(),
            left_out: 0,
            deletions_left_out: 0,
        }
    }

    /// Keeps what a record tells beside creations and sessions.
    pub fn note(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: &Classification,
    ) {
        let change = self.filter.tag_change(&record.record, account, classification);
        let event = self.filter.naming_event(&record.record, classification);
        if self.tag_changes.len() + self.naming_events.len() >= MOST {
            self.left_out += u64::from(change.is_some()) + u64::from(event.is_some());
            return;
        }
        self.tag_changes.extend(change);
        self.naming_events.extend(event);
    }

    /// Keeps a deletion of one of the resources.
    pub fn note_deletion(&mut self, deletion: Deletion) {
        if !self.filter.is_deleted(&deletion) {
            return;
        }
        if self.deletions.len() < MOST {
            self.deletions.push(deletion);
        } else {
            self.deletions_left_out += 1;
        }
    }

    /// Adds what was kept of other inputs.
    pub fn append(&mut self, other: Self) {
        other.deletions.into_iter().for_each(|deletion| self.note_deletion(deletion));
        self.deletions_left_out += other.deletions_left_out;
        self.creations.extend(other.creations);
        self.tag_changes.extend(other.tag_changes);
        self.naming_events.extend(other.naming_events);
        self.sessions.extend(other.sessions);
        self.left_out += other.left_out;
    }
}

impl RecordSink for TrailRecords<'_> {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        self.note(record, account, &classification);
        if let Classification::Session(session) = classification {
            self.sessions.push(*session);
        } else if let Some(creation) = self.filter.creation(&record.record, record.raw, classification) {
            self.creations.push(PlanRequest::from(creation));
        }
    }

    fn also_wants(&self) -> fn(&str, &str) -> bool {
        may_change_tags
    }

    fn wants_deletions(&self) -> bool {
        true
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.note_deletion(deletion);
    }

    fn others(&mut self, _: u64) {}

    fn malformed(&mut self, _: &Malformed) {}
}

/// The source over records that were read.
#[derive(Debug)]
pub struct TrailSource {
    creations: Vec<FoundCreation>,
    deletions: Vec<FoundDeletion>,
    tag_changes: Vec<(RecordedTagChange, TagChange)>,
    naming_events: Vec<NamingEvent>,
    left_out: u64,
    deletions_left_out: u64,
}

impl TrailSource {
    /// Names the owners in these records, with the sessions of `sessions`.
    pub async fn new(records: TrailRecords<'_>, policy: &Policy, sessions: &dyn SessionReader) -> Self {
        let backend = MemoryBackend::offline();
        let asked = records.filter.asked();
        let mut creations = evaluate(policy, records.creations, sessions, &backend).await;
        // Parents are evaluated for their children, and not asked for by themselves.
        creations.retain(|creation| asked.iter().any(|asked| asked.is(&creation.resource)));
        let mut deletions = Vec::with_capacity(records.deletions.len());
        for deletion in records.deletions {
            let by = owner::resolve(&deletion.principal, &policy.trust, sessions, &backend).await;
            deletions.push(FoundDeletion::new(deletion, by.ok().map(Arc::new)));
        }
        let mut tag_changes = Vec::with_capacity(records.tag_changes.len());
        for recorded in records.tag_changes {
            let by = owner::resolve(&recorded.principal, &policy.trust, sessions, &backend).await;
            let change = TagChange {
                event: Arc::clone(&recorded.event),
                keys: recorded.keys.clone(),
                principal: recorded.principal.clone(),
                by: by.ok().map(Arc::new),
            };
            tag_changes.push((recorded, change));
        }
        let (naming_events, left_out) = (records.naming_events, records.left_out);
        let deletions_left_out = records.deletions_left_out;
        Self { creations, deletions, tag_changes, naming_events, left_out, deletions_left_out }
    }
}

#[async_trait(?Send)]
impl OwnershipSource for TrailSource {
    fn name(&self) -> &'static str {
        "trail"
    }

    fn scope(&self) -> &'static str {
        "the trail"
    }

    async fn findings(&self, asked: &Asked) -> Findings {
        let is_about = |creation: &&FoundCreation| asked.is(&creation.resource);
        let changes = self.tag_changes.iter().filter(|(recorded, _)| recorded.is_about(asked));
        let mut remarks = remarks(&self.naming_events, asked);
        if self.left_out > 0 {
            remarks.push(format!("{} more events are left out", self.left_out));
        }
        let is_deletion = |found: &&FoundDeletion| asked.is_deleted_as(&found.deletion.resource);
        let too_many = |count: u64| {
            Failure::new(
                format!("{count} deletions are left out: ask for fewer resources, or by their ARNs"),
                false,
            )
        };
        Findings {
            failures: (self.deletions_left_out > 0)
                .then(|| too_many(self.deletions_left_out))
                .into_iter()
                .collect(),
            deletions: self.deletions.iter().filter(is_deletion).cloned().collect(),
            creations: self.creations.iter().filter(is_about).cloned().collect(),
            tag_changes: changes.map(|(_, change)| change.clone()).collect(),
            remarks,
            ..Findings::default()
        }
    }
}

/// The most remarks of a kind in one answer.
const REMARKS: usize = 3;

/// Creating events that name the resource, in words.
pub(super) fn remarks(events: &[NamingEvent], asked: &Asked) -> Vec<String> {
    let mut naming: Vec<&NamingEvent> = events.iter().filter(|event| event.is_about(asked)).collect();
    naming.sort_by_key(|naming| naming.event.timestamp());
    let words = |naming: &&NamingEvent| {
        let event = &naming.event;
        let service = event.source.split('.').next().unwrap_or_default();
        let time = event.time.as_deref().unwrap_or("an unknown time");
        format!("{service}:{} at {time} names it, and tells no owner: {}", event.name, naming.why)
    };
    naming.iter().rev().take(REMARKS).map(words).collect()
}
