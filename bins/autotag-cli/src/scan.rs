//! Reads all inputs: files in parallel, one record in memory a job.

use crate::input::{Input, Progress, Unreadable};
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{ClassifiedRecords, Collector as _, InputReader, PlanRequest, RecordSink};
use autotag_handlers::row::{OriginId, ResourceOutcome, Row};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed, Position};
use autotag_model::identity::Principal;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The events that count, by time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeRange {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl TimeRange {
    /// Whether every record is in it.
    pub(crate) fn is_unbounded(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// A record whose time cannot be read is in every range, so that it does not disappear.
    pub(crate) fn contains(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// Where a record is: the number of the input, and the position in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordLocation {
    pub(crate) input: usize,
    pub(crate) position: String,
}

/// An input of which every record can be planned.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "`apply` logs what it has read"))]
pub(crate) struct WholeInput {
    /// Its number.
    pub(crate) input: usize,
    /// The times of its first and its last creation.
    pub(crate) creations: Option<(Timestamp, Timestamp)>,
}

/// Whether a later run may have another outcome, or has to say it again.
pub(crate) fn is_undone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Deferred(_) | Outcome::Refused(_) | Outcome::Malformed(_))
}

/// The caller of an event without a rule, as its record says.
#[derive(Debug)]
pub(crate) struct UncoveredCall {
    /// Source and name.
    pub(crate) event: (String, String),
    pub(crate) principal: Principal,
}

/// The content of one or all inputs.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Sessions, creations and rejected records.
    pub(crate) records: ClassifiedRecords,
    /// Creating events without a rule, by source and name.
    pub(crate) uncovered: BTreeMap<(String, String), u64>,
    /// The principals of those events, in the order of the inputs, if they can be parsed.
    pub(crate) uncovered_calls: Vec<UncoveredCall>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// The locations of creations and rejected records. An [`OriginId`] is an index of this list.
    pub(crate) locations: Vec<RecordLocation>,
    uncovered_rows: Vec<ResourceOutcome>,
}

impl Scan {
    fn append(&mut self, mut other: Self) {
        let shift = |origin: &mut OriginId| origin.0 += self.locations.len();
        for request in &mut other.records.creations {
            shift(&mut request.origin);
            request.creation.rejected.iter_mut().for_each(|row| shift(&mut row.origin));
        }
        other
            .records
            .rejected
            .iter_mut()
            .chain(&mut other.uncovered_rows)
            .for_each(|row| shift(&mut row.origin));
        self.locations.append(&mut other.locations);
        self.records.counts.append(other.records.counts);
        self.records.sessions.append(&mut other.records.sessions);
        self.records.creations.append(&mut other.records.creations);
        self.records.rejected.append(&mut other.records.rejected);
        self.uncovered_rows.append(&mut other.uncovered_rows);
        self.uncovered_calls.append(&mut other.uncovered_calls);
        self.unreadable.append(&mut other.unreadable);
        for (event, count) in other.uncovered {
            *self.uncovered.entry(event).or_default() += count;
        }
    }
}

/// Takes the records of the inputs that one job reads.
pub(crate) trait InputSink: RecordSink + Send {
    /// The records of this input follow.
    fn begin(&mut self, number: usize, input: &Input);

    /// The input cannot be read.
    fn unreadable(&mut self, why: &str);

    /// The input is read.
    fn end(&mut self) {}

    /// How many records were read so far.
    fn records(&self) -> u64;

    /// Whether no further input needs to be read.
    fn is_done(&self) -> bool {
        false
    }
}

/// How inputs are read.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    pub(crate) classifier: &'a Classifier,
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl Scanner<'_> {
    /// How many jobs read these inputs.
    pub(crate) fn jobs(&self, inputs: &[Input]) -> usize {
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        jobs.min(inputs.len()).max(1)
    }

    /// Reads all inputs, each into the sink of one job. An input that cannot be read does not stop the others.
    pub(crate) fn scan<S: InputSink>(&self, inputs: &[Input], new: impl Fn() -> S + Sync) -> Vec<S> {
        let progress = Progress::new(inputs);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut sink = new();
            let mut reader = InputReader::new(self.classifier);
            while let Some((number, input)) = take(&next, inputs).filter(|_| !sink.is_done()) {
                sink.begin(number, input);
                read(&mut reader, input, &progress, &mut sink);
            }
            sink
        };
        let sinks = thread::scope(|scope| {
            let others: Vec<_> = (1..self.jobs(inputs)).map(|_| scope.spawn(work)).collect();
            let own = work();
            let joined =
                others.into_iter().map(|job| job.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.chain([own]).collect()
        });
        progress.clear();
        sinks
    }

    /// Everything of all inputs, in memory, in the order of the inputs; with the position of each creation.
    pub(crate) fn scan_all(&self, inputs: &[Input]) -> Scan {
        let scans = self.scan(inputs, ScanSink::default).into_iter().flat_map(|sink| sink.done);
        let mut whole = Scan::default();
        for scan in scans.collect::<BTreeMap<_, _>>().into_values() {
            whole.append(scan);
        }
        debug_assert!(whole.records.adds_up(), "{:?}", whole.records.counts);
        // Uncovered events come after all other records.
        whole.records.rejected.append(&mut whole.uncovered_rows);
        whole
    }
}

fn read(reader: &mut InputReader<'_>, input: &Input, progress: &Progress, sink: &mut impl InputSink) {
    let before = sink.records();
    match input.open() {
        Ok(bytes) => {
            let account = input.account();
            reader.read(progress.wrap(bytes), account.as_ref(), sink);
        }
        Err(error) => sink.unreadable(&error.to_string()),
    }
    sink.end();
    progress.file_done(sink.records() - before);
}

/// Collects the records of each input.
#[derive(Default)]
struct ScanSink {
    done: BTreeMap<usize, Scan>,
    records: u64,
    input: usize,
    name: String,
}

impl ScanSink {
    fn scan(&mut self) -> &mut Scan {
        self.done.entry(self.input).or_default()
    }

    fn origin(&mut self, position: &Position) -> OriginId {
        let location = RecordLocation { input: self.input, position: position.to_string() };
        let locations = &mut self.scan().locations;
        locations.push(location);
        OriginId(locations.len() - 1)
    }
}

impl InputSink for ScanSink {
    fn begin(&mut self, number: usize, input: &Input) {
        (self.input, self.name) = (number, input.name());
    }

    fn unreadable(&mut self, why: &str) {
        let text = format!("{}: {why}", self.name);
        self.scan().unreadable.push(text);
    }

    fn records(&self) -> u64 {
        self.records
    }
}

impl RecordSink for ScanSink {
    fn record(&mut self, record: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        self.scan().records.counts.add(&classification);
        self.records += 1;
        match classification {
            Classification::Session(session) => self.scan().records.sessions.push(*session),
            Classification::Creation(mut creation) => {
                let origin = self.origin(&record.position);
                creation.rejected.iter_mut().for_each(|row| row.origin = origin);
                let mut request = PlanRequest::from(*creation);
                request.origin = origin;
                self.scan().records.creations.push(request);
            }
            Classification::Rejected(rows) => {
                let origin = self.origin(&record.position);
                let rows = rows.into_iter().map(|row| from(origin, row));
                self.scan().records.rejected.extend(rows);
            }
            Classification::Uncovered(event) => {
                let name = (event.source.clone(), event.name.clone());
                let origin = self.origin(&record.position);
                let scan = self.scan();
                *scan.uncovered.entry(name.clone()).or_default() += 1;
                if let Ok(principal) = Principal::of(&record.record) {
                    scan.uncovered_calls.push(UncoveredCall { event: name, principal });
                }
                scan.uncovered_rows.push(from(origin, Row::of_event(event, Outcome::Uncovered)));
            }
            _ => {}
        }
    }

    fn others(&mut self, records: u64) {
        self.records += records;
        self.scan().records.counts.add_others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.scan().records.counts.add_fault(fault);
        match Outcome::from(fault) {
            Outcome::Malformed(why) => self.unreadable(&why),
            outcome => {
                let origin = self.origin(&fault.position);
                let row = from(origin, Row::of_event(Arc::default(), outcome));
                self.scan().records.rejected.push(row);
            }
        }
    }
}

fn from(origin: OriginId, mut row: ResourceOutcome) -> ResourceOutcome {
    row.origin = origin;
    row
}

fn take<'i>(next: &AtomicUsize, inputs: &'i [Input]) -> Option<(usize, &'i Input)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(number).map(|input| (number, input))
}
