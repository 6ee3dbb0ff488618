//! Selects the records of a trail that are about a resource.

use super::asked::{Asked, Index};
use super::tag_change::{RecordedTagChange, names, texts};
use crate::classify::{Classification, Classifier, Creation, Envelope};
use crate::deletion::{Deletion, Deletions};
use crate::event::EventSummary;
use crate::outcome::{Outcome, SkipReason};
use crate::row::ResourceOutcome;
use crate::services::parent_events;
use autotag_model::arn::AccountId;
use autotag_model::record::Record;
use std::sync::Arc;

/// An event that names a resource and does not tell who owns it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NamingEvent {
    /// The event.
    pub event: Arc<EventSummary>,
    /// Why it tells no owner.
    pub why: String,
    texts: Vec<String>,
}

impl NamingEvent {
    /// True if the event names this resource.
    pub fn is_about(&self, asked: &Asked) -> bool {
        names(&self.event, &self.texts, asked)
    }
}

/// Chooses the records that are about what is asked for.
#[derive(Debug, Clone)]
pub struct RecordFilter<'a> {
    classifier: &'a Classifier,
    asked: &'a [Asked],
    index: Arc<Index>,
}

/// Of at most so many resources each text is searched for the name.
const FEW: usize = 32;

impl<'a> RecordFilter<'a> {
    /// For these resources.
    pub fn new(classifier: &'a Classifier, asked: &'a [Asked]) -> Self {
        Self { classifier, asked, index: Arc::new(Index::of(asked)) }
    }

    /// The resources.
    pub fn asked(&self) -> &'a [Asked] {
        self.asked
    }

    /// The creation in a record, also if AWS can tag none of its resources. `None` if the record has none, or if
    /// the question does not need it. The question needs creations of its own resources, and of the kinds of
    /// resources that others belong to.
    pub fn creation(
        &self,
        record: &Record<'_>,
        text: &str,
        classification: Classification,
    ) -> Option<Creation> {
        let Classification::Creation(creation) = classification else { return None };
        let is_parent = || parent_events().any(|event| event == (&*record.event_source, &*record.event_name));
        (self.is_about(&creation) || is_parent() || self.is_mentioned(text)).then_some(*creation)
    }

    /// True if the text of a record mentions one of the resources. A copy of an event in another account may name the resource
    /// in its text alone, and tell who called.
    pub fn is_mentioned(&self, text: &str) -> bool {
        let few = if self.asked.len() <= FEW { self.asked } else { &[] };
        few.iter().any(|asked| asked.names().first().is_some_and(|name| text.contains(name)))
    }

    /// True if a creation made one of the resources.
    pub fn is_about(&self, creation: &Creation) -> bool {
        let tagged = creation.targets.iter().map(|target| &target.resource);
        let others = creation.rejected.iter().filter_map(|row| row.resource.as_ref());
        let mut made = tagged.chain(others);
        made.any(|resource| {
            let mut asked =
                self.index.of_resource(resource).into_iter().filter_map(|number| self.asked.get(number));
            asked.any(|asked| asked.is(resource))
        })
    }

    /// The deletions of the resources that a record tells of.
    pub fn deletions(&self, record: &Record<'_>, envelope: Envelope<'_>) -> Vec<Deletion> {
        let mut found = Deletions::of_catalog(self.classifier).of(record, envelope);
        found.retain(|deletion| self.is_deleted(deletion));
        found
    }

    /// True if a deletion is of one of the resources.
    pub fn is_deleted(&self, deletion: &Deletion) -> bool {
        let resource = &deletion.resource;
        let mut asked =
            self.index.of_resource(resource).into_iter().filter_map(|number| self.asked.get(number));
        asked.any(|asked| asked.is_deleted_as(resource))
    }

    /// True if a text of an event names one of the resources.
    fn is_named(&self, event: &EventSummary, text: &str) -> bool {
        let mut asked = self.index.of_text(text).into_iter().filter_map(|number| self.asked.get(number));
        asked.any(|asked| names(event, &[text], asked))
    }

    /// The change of identity tags that a record tells of, if it is of one of the resources.
    pub fn tag_change(
        &self,
        record: &Record<'_>,
        account: Option<&AccountId>,
        classification: &Classification,
    ) -> Option<RecordedTagChange> {
        let is_other = matches!(classification, Classification::Other);
        let is_asked = |event: &EventSummary, text: &str| self.is_named(event, text);
        let change = || {
            let by = (self.classifier.catalog(), self.classifier.policy());
            RecordedTagChange::of(record, account, by, is_asked)
        };
        is_other.then(change).flatten()
    }

    /// A creating event that names one of the resources, and from which no owner follows.
    pub fn naming_event(&self, record: &Record<'_>, classification: &Classification) -> Option<NamingEvent> {
        let (event, why) = match classification {
            Classification::Uncovered(event) => (event, "no rule covers it".to_owned()),
            Classification::Rejected(rows) => {
                let row = rows.first()?;
                (&row.event, why_rejected(row)?)
            }
            _ => return None,
        };
        let parsed = record.parsed().ok()?;
        let mut all = Vec::new();
        for part in [&parsed.request, &parsed.response, &parsed.resources] {
            texts(part, &mut all);
        }
        let is_asked = |text: &&&str| self.is_named(event, text);
        let named: Vec<String> = all.iter().filter(is_asked).map(|text| (*text).to_owned()).collect();
        let event = Arc::clone(event);
        (!named.is_empty()).then_some(NamingEvent { event, why, texts: named })
    }
}

/// Why a creation has no owner; `None` if nothing was created.
fn why_rejected(row: &ResourceOutcome) -> Option<String> {
    match row.status {
        Outcome::CallFailed(_) | Outcome::Skipped(SkipReason::DryRun | SkipReason::Duplicate) => None,
        _ => Some(row.status.reason().unwrap_or_else(|| row.status.name().to_owned())),
    }
}
