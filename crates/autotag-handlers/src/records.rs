//! Reads an input, classifies every record of any wrapping, and passes the result on.

use crate::backend::Tags;
use crate::classify::{Classification, Classifier, Creation, Envelope};
use crate::counts::Counts;
use crate::deletion::{Deletion, Deletions};
use crate::event::EventSummary;
use crate::outcome::Outcome;
use crate::row::{OriginId, ResourceOutcome, Row};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{Item, Limits, LocatedRecord, Malformed, RecordReader};
use autotag_model::session::Session;
use memchr::memmem::Finder;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;

/// Takes the records of an input, in their order.
pub trait RecordSink {
    /// A record and what it is. `account` is the account in the path of the input.
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    );

    /// True if every record is wanted, one by one. Otherwise those that are neither sessions nor creations by their
    /// events alone are mostly passed over unparsed.
    fn wants_all(&self) -> bool {
        false
    }

    /// The events (source and name) that are wanted besides sessions and creations, if not all records are.
    fn also_wants(&self) -> fn(&str, &str) -> bool {
        |_, _| false
    }

    /// A text: records in which it occurs are wanted besides sessions and creations, where not every record is. Records are
    /// searched before they are parsed, and a text that JSON may write with an escape makes every record wanted.
    fn wants_text(&self) -> Option<&str> {
        None
    }

    /// True if deletions are wanted: see [`deletion`](Self::deletion).
    fn wants_deletions(&self) -> bool {
        false
    }

    /// A deletion, if they are wanted. The record of it follows.
    fn deletion(&mut self, _deletion: Deletion) {}

    /// So many records that are neither sessions nor creations, by their events alone. Their order is not kept.
    fn others(&mut self, records: u64);

    /// A part of the input that is not a record, or several: see [`Malformed::parts`]. Reading goes on after it.
    fn malformed(&mut self, fault: &Malformed);
}

/// Reads and classifies every record of `input`. `account` is the account in the path of the input, if it has one. For
/// more than one input an [`InputReader`] is faster.
///
/// The memory is bounded: see [`Limits`]. Log files of more than 8 MiB are read as streams, because a function reads several
/// at a time.
pub fn read(
    input: impl Read,
    classifier: &Classifier,
    account: Option<&AccountId>,
    sink: &mut impl RecordSink,
) {
    let records = RecordReader::new(Limits { whole_bytes: 8 << 20, ..Limits::default() });
    let mut reader = InputReader { records, ..InputReader::new(classifier) };
    reader.read(input, account, sink);
}

/// Reads and classifies the records of inputs, one input after the other. It keeps its buffers, and what it knows of events.
#[derive(Debug)]
pub struct InputReader<'c> {
    classifier: &'c Classifier,
    records: RecordReader,
    wanted: WantedEvents,
    deleting: WantedEvents,
}

impl<'c> InputReader<'c> {
    /// A reader with empty buffers.
    pub fn new(classifier: &'c Classifier) -> Self {
        let records = RecordReader::new(Limits::default());
        Self { classifier, records, wanted: WantedEvents::default(), deleting: WantedEvents::default() }
    }

    /// Reads one input as [`read`] does.
    pub fn read(&mut self, input: impl Read, account: Option<&AccountId>, sink: &mut impl RecordSink) {
        let Self { classifier, records, wanted, deleting } = self;
        let text = sink.wants_text().map(WantedText::new);
        let all = sink.wants_all() || text.as_ref().is_some_and(|text| text.may_be_escaped);
        let (also, deletions) = (sink.also_wants(), sink.wants_deletions());
        let of = Deletions::of_catalog(classifier);
        let mut select = |source: &str, name: &str, record: &[u8]| {
            all || also(source, name)
                || wanted.answer(source, name, || classifier.wants(source, name))
                || (deletions && deleting.answer(source, name, || of.wants(source, name)))
                || text.as_ref().is_some_and(|text| text.finder.find(record).is_some())
        };
        records.read(input, &mut select, &mut |item| match item {
            Item::Record(located) => {
                let envelope = Envelope { event_bridge: located.event_bridge.as_ref(), account };
                if deletions {
                    of.of(&located.record, envelope).into_iter().for_each(|deletion| sink.deletion(deletion));
                }
                let classification = classifier.classify_in(&located.record, envelope);
                sink.record(&located, account, classification);
            }
            Item::Unselected(records) => sink.others(records),
            Item::Malformed(fault) => sink.malformed(&fault),
        });
    }
}

/// A text that is searched in records.
struct WantedText {
    finder: Finder<'static>,
    /// True if JSON may write it with a short escape. An escape by code makes the reader parse the record anyway.
    may_be_escaped: bool,
}

impl WantedText {
    fn new(text: &str) -> Self {
        let may_be_escaped = text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\' | '/'));
        Self { finder: Finder::new(text).into_owned(), may_be_escaped }
    }
}

/// The answers of [`Classifier::wants`] for the events so far: most records are of a few hundred events.
#[derive(Debug, Default)]
struct WantedEvents {
    by_name: HashMap<String, Vec<(String, bool)>, foldhash::fast::RandomState>,
    known: usize,
}

/// How many answers are kept. Real trails have fewer events; an attacker who writes one can make up any number.
const MAX_KNOWN: usize = 10_000;

impl WantedEvents {
    fn answer(&mut self, source: &str, name: &str, ask: impl FnOnce() -> bool) -> bool {
        let known = self.by_name.get(name).into_iter().flatten().find(|(known, _)| known == source);
        if let Some((_, wanted)) = known {
            return *wanted;
        }
        let wanted = ask();
        if self.known >= MAX_KNOWN {
            *self = Self::default();
        }
        self.by_name.entry(name.to_owned()).or_default().push((source.to_owned(), wanted));
        self.known += 1;
        wanted
    }
}

/// A sink that collects what one of several inputs holds. Inputs are read at the same time and appended in order.
pub trait Collector: RecordSink + Send + 'static {
    /// Empty, for an input.
    fn new(origin: OriginId) -> Self;

    /// Notes that an input could not be read, or not to its end.
    fn unreadable(&mut self, outcome: Outcome);

    /// Adds what another one collected.
    fn append(&mut self, other: Self);

    /// True if every record that was read is counted once, and is where its counter says.
    fn adds_up(&self) -> bool;
}

/// A creation to plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlanRequest {
    /// The creation.
    pub creation: Creation,
    /// The origin of its record.
    pub origin: OriginId,
    /// On a recheck, the tags that the first evaluation wrote. They may be replaced.
    pub previous_tags: Option<Tags>,
}

impl PlanRequest {
    /// Sets where the record came from, also for the rows that need no plan.
    pub fn set_origin(&mut self, origin: OriginId) {
        self.origin = origin;
        self.creation.rejected.iter_mut().for_each(|row| row.origin = origin);
    }
}

impl From<Creation> for PlanRequest {
    fn from(creation: Creation) -> Self {
        Self { creation, origin: OriginId::default(), previous_tags: None }
    }
}

/// Everything that the planner needs to know about one or more inputs, and the number of all records.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ClassifiedRecords {
    /// How many records were read, by what they are.
    pub counts: Counts,
    /// STS sessions. They count for the creations of the same inputs.
    pub sessions: Vec<Session>,
    /// Creations.
    pub creations: Vec<PlanRequest>,
    /// Creations without a resource to tag, uncovered events, and parts of the input that could not be read.
    pub rejected: Vec<ResourceOutcome>,
    /// The text of records whose owner may become known later, by event id: those of role sessions, whose STS record may
    /// still arrive, and those of resources with a parent, which may not be tagged yet.
    pub recheckable: BTreeMap<String, String>,
    origin: OriginId,
}

impl RecordSink for ClassifiedRecords {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        _account: Option<&AccountId>,
        classification: Classification,
    ) {
        self.take(classification, Some(record.raw));
    }

    fn others(&mut self, records: u64) {
        self.counts.add_others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.counts.add_fault(fault);
        self.unreadable(fault.into());
    }
}

impl Collector for ClassifiedRecords {
    fn new(origin: OriginId) -> Self {
        Self { origin, ..Self::default() }
    }

    fn unreadable(&mut self, outcome: Outcome) {
        self.reject(Row::of_event(Arc::new(EventSummary::default()), outcome));
    }

    fn append(&mut self, other: Self) {
        self.counts.append(other.counts);
        self.sessions.extend(other.sessions);
        self.creations.extend(other.creations);
        self.rejected.extend(other.rejected);
        self.recheckable.extend(other.recheckable);
    }

    fn adds_up(&self) -> bool {
        let Counts { sessions, creations, .. } = self.counts;
        let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        // A creation without a resource to tag is among the rejected.
        self.counts.adds_up()
            && length(self.sessions.len()) == sessions
            && length(self.creations.len()) <= creations
    }
}

impl ClassifiedRecords {
    /// Reads one input.
    pub fn read(input: impl Read, classifier: &Classifier) -> Self {
        let mut records = Self::default();
        read(input, classifier, None, &mut records);
        debug_assert!(records.adds_up(), "{:?}", records.counts);
        records
    }

    /// Adds a record that was classified elsewhere.
    pub fn add(&mut self, classification: Classification) {
        self.take(classification, None);
    }

    fn take(&mut self, classification: Classification, text: Option<&str>) {
        self.counts.add(&classification);
        match classification {
            Classification::Session(session) => self.sessions.push(*session),
            Classification::Creation(creation) => self.creation(*creation, text),
            Classification::Rejected(rows) => rows.into_iter().for_each(|row| self.reject(row)),
            Classification::Uncovered(event) => self.reject(Row::of_event(event, Outcome::Uncovered)),
            Classification::Other | Classification::NoSession(_) => {}
        }
    }

    fn creation(&mut self, creation: Creation, text: Option<&str>) {
        let has_parent = creation.targets.iter().any(|target| target.parent.is_some());
        let may_change = has_parent || creation.principal.role_session().is_some();
        if let (Some(id), Some(text), true) = (&creation.event.id, text, may_change) {
            self.recheckable.insert(id.clone(), text.to_owned());
        }
        let mut request = PlanRequest::from(creation);
        request.set_origin(self.origin);
        self.creations.push(request);
    }

    fn reject(&mut self, row: ResourceOutcome) {
        self.rejected.push(Row { origin: self.origin, ..row });
    }
}
