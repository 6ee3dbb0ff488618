//! Gathers what a plan needs of all inputs. The rest is counted as it passes.

use crate::filter::Filter;
use crate::foresight::{Foresight, JobNotes, Notes};
use crate::input::Input;
use crate::kept::{KeptCreation, KeptRow, Place, RowKind};
use crate::output::{Summary, count_events, event_key};
use crate::scan::{InputSink, Scanner, TimeRange, WholeInput, is_undone};
use crate::shown_as::ShownAs;
use crate::spill::{JobSessions, KeptSessions, Runs, SessionRuns, Sorted, Sorter, Storage};
use anyhow::Result;
use autotag_handlers::classify::{Classification, Creation};
use autotag_handlers::deletion::Deletion;
use autotag_handlers::event::EventSummary;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::packed::Packer;
use autotag_handlers::records::{PlanRequest, RecordSink};
use autotag_handlers::row::{ResourceOutcome, Row};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::session::Session;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Creations, sessions and rows share the memory.
const KINDS: usize = 3;

/// The content of all inputs.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) creations: Sorted<KeptCreation>,
    /// The packer of the creations that are not in memory.
    pub(crate) packer: Packer,
    /// Of creations that are not in memory.
    pub(crate) foresight: Foresight,
    pub(crate) sessions: KeptSessions,
    /// The rows of records that lead to no resource, if they are to be shown.
    pub(crate) rows: Sorted<KeptRow>,
    pub(crate) facts: Facts,
}

/// Facts about all inputs that do not need their records.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) summary: Summary,
    /// The time of the oldest creation or session.
    pub(crate) oldest: Option<Timestamp>,
    pub(crate) targets: Targets,
    /// Inputs that were read to their end, and without a fault.
    pub(crate) whole: Vec<WholeInput>,
}

/// How many resources may be written, and where.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    pub(crate) count: u64,
    pub(crate) accounts: BTreeSet<AccountId>,
}

/// How inputs are gathered.
#[derive(Debug)]
pub(crate) struct Gatherer {
    pub(crate) range: TimeRange,
    /// How records that lead to no resource are kept.
    pub(crate) shown: ShownAs,
    /// The rows that are counted and shown.
    pub(crate) filter: Arc<Filter>,
    /// True if the records of deletions are kept as rows.
    pub(crate) deletions: bool,
    pub(crate) storage: Storage,
}

impl Gatherer {
    /// Reads all inputs.
    ///
    /// # Errors
    /// If a temporary file cannot be written. What cannot be read is in the summary.
    pub(crate) fn gather(&self, scanner: &Scanner<'_>, inputs: &[Input]) -> Result<Gathered> {
        let shared = Shared {
            creations: Runs::new(&self.storage),
            rows: Runs::new(&self.storage),
            sessions: SessionRuns::new(&self.storage),
            notes: Notes::new(&self.storage),
            packer: Packer::new(),
        };
        let jobs = scanner.jobs(inputs);
        let mut done = scanner.scan(inputs, || Job::new(self, &shared, jobs));
        if !shared.creations.is_empty() {
            done.iter_mut().try_for_each(Job::spill_creations)?;
        }
        let (mut creations, mut notes, mut rows, mut sessions) = (vec![], vec![], vec![], vec![]);
        let mut facts = Facts::default();
        for job in done {
            job.failure.map_or(Ok(()), Err)?;
            creations.push(job.creations);
            notes.push(job.notes);
            rows.push(job.rows);
            sessions.push(job.sessions);
            facts.append(job.facts);
        }
        debug_assert!(facts.summary.counts.adds_up(), "{:?}", facts.summary.counts);
        Ok(Gathered {
            creations: Sorted::new(creations, shared.creations)?,
            packer: shared.packer,
            foresight: shared.notes.join(notes)?,
            sessions: shared.sessions.join(sessions)?,
            rows: Sorted::new(rows, shared.rows)?,
            facts,
        })
    }
}

impl Facts {
    fn append(&mut self, other: Self) {
        self.summary.append(other.summary);
        self.note_time(other.oldest);
        self.targets.count += other.targets.count;
        self.targets.accounts.extend(other.targets.accounts);
        self.whole.extend(other.whole);
    }

    fn note_time(&mut self, time: Option<Timestamp>) {
        self.oldest = [self.oldest, time].into_iter().flatten().min();
    }
}

/// State that all jobs write to.
struct Shared {
    creations: Runs,
    rows: Runs,
    sessions: SessionRuns,
    notes: Notes,
    packer: Packer,
}

/// Results of one job.
struct Job<'g> {
    gatherer: &'g Gatherer,
    shared: &'g Shared,
    place: Place,
    name: String,
    /// No fault in the input so far.
    is_whole: bool,
    /// The times of the first and the last creation of the input so far.
    span: Option<(Timestamp, Timestamp)>,
    creations: Sorter<KeptCreation>,
    /// True if creations do not fit into memory.
    creations_spill: bool,
    notes: JobNotes,
    rows: Sorter<KeptRow>,
    sessions: JobSessions,
    facts: Facts,
    failure: Option<anyhow::Error>,
    /// True if the next record is one of a deletion.
    is_deleting: bool,
}

impl<'g> Job<'g> {
    fn new(gatherer: &'g Gatherer, shared: &'g Shared, jobs: usize) -> Self {
        let bound = gatherer.storage.share(jobs * KINDS);
        Self {
            gatherer,
            shared,
            place: (0, 0),
            name: String::new(),
            is_whole: true,
            span: None,
            creations: Sorter::new(bound),
            creations_spill: false,
            notes: Notes::of_job(&gatherer.storage, jobs),
            rows: Sorter::new(bound),
            sessions: JobSessions::new(bound),
            facts: Facts::default(),
            failure: None,
            is_deleting: false,
        }
    }

    /// Notes the first failure, after which the job reads nothing more.
    fn check(&mut self, result: Result<()>) {
        if let (None, Err(error)) = (&self.failure, result) {
            self.failure = Some(error);
        }
    }

    fn next_place(&mut self) -> Place {
        self.place.1 += 1;
        self.place
    }

    fn session(&mut self, session: Session) {
        self.facts.note_time(Some(session.issued));
        let kept = self.shared.sessions.keep(&mut self.sessions, session);
        self.check(kept);
    }

    fn creation(&mut self, record: &LocatedRecord<'_>, account: Option<&AccountId>, creation: Creation) {
        let targets = &mut self.facts.targets;
        targets.count += creation.targets.len() as u64;
        for account in creation.targets.iter().filter_map(|target| target.resource.account.as_ref()) {
            if !targets.accounts.contains(account) {
                targets.accounts.insert(account.clone());
            }
        }
        let request = PlanRequest::from(creation);
        let copy = request.copy_key().map(|key| self.shared.notes.copy(key));
        let mut kept = KeptCreation::new(request, self.next_place(), copy, record, account);
        if self.gatherer.shown.explains(kept.id.as_ref()) {
            kept.position = Some(record.position.to_string());
        }
        self.facts.note_time(kept.time);
        self.note_creation(kept.time);
        if self.creations_spill {
            let noted = self.shared.notes.add(&mut self.notes, &kept);
            self.check(noted.map_err(anyhow::Error::from));
            kept.pack(&self.shared.packer);
        }
        if self.creations.push(kept) {
            let spilled = self.spill_creations();
            self.check(spilled);
        }
    }

    fn note_creation(&mut self, time: Option<Timestamp>) {
        // A creation without a time has no place among the others.
        let Some(time) = time else {
            self.is_whole = false;
            return;
        };
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    fn spill_creations(&mut self) -> Result<()> {
        self.creations_spill = true;
        for creation in self.creations.values_mut() {
            self.shared.notes.add(&mut self.notes, creation)?;
            creation.pack(&self.shared.packer);
        }
        Ok(self.creations.spill(&self.shared.creations)?)
    }

    /// A row of a record that leads to no resource; `position` is where the record is.
    fn row(&mut self, row: &ResourceOutcome, position: &str) {
        let place = self.next_place();
        if !self.gatherer.filter.matches(row) {
            self.facts.summary.left_out += u64::from(row.resource_type.is_some());
            return;
        }
        let position = format!("{}: {position}", self.name);
        let kept = self.gatherer.shown.row(row, &position, place);
        self.facts.summary.count(row, Some(position), (place.0 + 1, place.1));
        match kept {
            Ok(kept) => kept.into_iter().for_each(|row| self.keep_row(row)),
            Err(error) => self.check(Err(error)),
        }
    }

    fn keep_row(&mut self, row: KeptRow) {
        if self.rows.push(row) {
            let spilled = self.rows.spill(&self.shared.rows);
            self.check(spilled.map_err(anyhow::Error::from));
        }
    }

    fn uncovered(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        event: &Arc<EventSummary>,
    ) {
        if !self.gatherer.filter.counts_uncovered(event) {
            return;
        }
        count_events(&mut self.facts.summary.uncovered, event_key(&event.source, &event.name), 1);
        match self.gatherer.shown {
            ShownAs::Nothing => {}
            // Their owners are known only with all sessions.
            ShownAs::Rows(_) | ShownAs::Uncovered => {
                let place = self.next_place();
                self.keep_row(KeptRow::of_record(RowKind::Uncovered, event, place, record.raw, account));
            }
            ShownAs::Explanations(..) => {
                let row = Row::of_event(Arc::clone(event), Outcome::Uncovered);
                self.row(&row, &record.position.to_string());
            }
        }
    }
}

impl InputSink for Job<'_> {
    fn begin(&mut self, number: usize, input: &Input) {
        self.place = (number as u64, 0);
        self.name = input.name();
        (self.is_whole, self.span) = (true, None);
    }

    fn unreadable(&mut self, why: &str) {
        self.is_whole = false;
        let place = self.next_place();
        self.facts.summary.unreadable.add(
            (place.0 + 1, place.1),
            self.name.clone(),
            String::new(),
            why.to_owned(),
        );
    }

    fn end(&mut self) {
        if self.is_whole
            && let Ok(input) = usize::try_from(self.place.0)
        {
            self.facts.whole.push(WholeInput { input, creations: self.span });
        }
    }

    fn records(&self) -> u64 {
        self.facts.summary.counts.records
    }

    fn is_done(&self) -> bool {
        self.failure.is_some()
    }
}

impl RecordSink for Job<'_> {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        let range = &self.gatherer.range;
        let in_range = range.is_unbounded() || range.contains(record.record.time());
        let counts = &mut self.facts.summary.counts;
        if in_range || matches!(classification, Classification::Session(_)) {
            counts.add(&classification);
        } else {
            counts.add_others(1);
        }
        match classification {
            // Sessions count whatever the range: a call in it may belong to a session that began before.
            Classification::Session(session) => self.session(*session),
            Classification::Creation(_) if matches!(self.gatherer.shown, ShownAs::Uncovered) => {}
            Classification::Creation(creation) if in_range => self.creation(record, account, *creation),
            Classification::Rejected(rows) if in_range => {
                self.is_whole &= !rows.iter().any(|row| is_undone(&row.status));
                let position = record.position.to_string();
                for row in &rows {
                    self.row(row, &position);
                }
            }
            Classification::Uncovered(event) if in_range => self.uncovered(record, account, &event),
            _ => {}
        }
        if std::mem::take(&mut self.is_deleting) && in_range {
            let event = EventSummary::of(&record.record, account);
            let place = self.next_place();
            self.keep_row(KeptRow::of_record(RowKind::Deleting, &event, place, record.raw, account));
        }
    }

    fn wants_deletions(&self) -> bool {
        self.gatherer.deletions
    }

    fn deletion(&mut self, _: Deletion) {
        self.is_deleting = true;
    }

    fn others(&mut self, records: u64) {
        self.facts.summary.counts.add_others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.is_whole = false;
        self.facts.summary.counts.add_fault(fault);
        match Outcome::from(fault) {
            Outcome::Malformed(_) => {
                let order = self.next_place();
                let (name, position) = (self.name.clone(), fault.position.to_string());
                let unreadable = &mut self.facts.summary.unreadable;
                unreadable.add((order.0 + 1, order.1), name, position, fault.kind.to_string());
                unreadable.add_further(fault.parts().saturating_sub(1));
            }
            outcome => {
                let row = Row::of_event(Arc::default(), outcome);
                self.row(&row, &fault.position.to_string());
            }
        }
    }
}
