//! Reads all inputs: files in parallel, one record in memory a job, the result in the order of the inputs.

use crate::input::{Input, Progress, Unreadable};
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{ClassifiedRecords, Collector as _, InputReader, PlanRequest, RecordSink};
use autotag_handlers::row::{OriginId, ResourceOutcome, Row};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// The events that count, by time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeRange {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl TimeRange {
    /// A record whose time cannot be read is in every range, so that it does not disappear.
    fn contains(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// Where a record is: the number of the input, and the position in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RecordLocation {
    pub(crate) input: usize,
    /// Empty if the scanner was not asked for it.
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

/// The content of one or all inputs.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Sessions, creations and rejected records.
    pub(crate) records: ClassifiedRecords,
    /// Creating events without a rule, by source and name.
    pub(crate) uncovered: BTreeMap<(String, String), u64>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// The locations of creations and rejected records. An [`OriginId`] is an index of this list.
    pub(crate) locations: Vec<RecordLocation>,
    /// Inputs that were read to their end, and without a fault.
    pub(crate) whole: Vec<WholeInput>,
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
        self.unreadable.append(&mut other.unreadable);
        self.whole.append(&mut other.whole);
        for (event, count) in other.uncovered {
            *self.uncovered.entry(event).or_default() += count;
        }
    }
}

/// How inputs are read.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    pub(crate) classifier: &'a Classifier,
    pub(crate) range: TimeRange,
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Keep the position of each creation, for `explain`.
    pub(crate) positions: bool,
}

impl Scanner<'_> {
    /// Reads all inputs. An input that cannot be read is in the result, and does not stop the others.
    pub(crate) fn scan(&self, inputs: &[Input]) -> Scan {
        let progress = Progress::new(inputs);
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let next = AtomicUsize::new(0);
        let done = Mutex::new(BTreeMap::new());
        let work = || {
            let mut reader = InputReader::new(self.classifier);
            while let Some((number, input)) = take(&next, inputs) {
                let scan = self.scan_one(&mut reader, number, input, &progress);
                done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, scan);
            }
        };
        thread::scope(|scope| {
            for _ in 1..jobs.min(inputs.len()) {
                scope.spawn(work);
            }
            work();
        });
        progress.clear();
        let mut whole = Scan::default();
        for scan in done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values() {
            whole.append(scan);
        }
        debug_assert!(whole.records.adds_up(), "{:?}", whole.records.counts);
        // Uncovered events come after all other records.
        whole.records.rejected.append(&mut whole.uncovered_rows);
        whole
    }

    fn scan_one(
        &self,
        reader: &mut InputReader<'_>,
        number: usize,
        input: &Input,
        progress: &Progress,
    ) -> Scan {
        let mut sink = InputSink {
            scan: Scan::default(),
            input: number,
            name: input.name(),
            range: self.range,
            positions: self.positions,
            is_whole: true,
            creations: None,
        };
        match input.open() {
            Ok(bytes) => {
                let account = input.account();
                reader.read(progress.wrap(bytes), account.as_ref(), &mut sink);
            }
            Err(error) => {
                sink.is_whole = false;
                sink.scan.unreadable.push(format!("{}: {error}", sink.name));
            }
        }
        if sink.is_whole {
            sink.scan.whole.push(WholeInput { input: number, creations: sink.creations });
        }
        progress.file_done(sink.scan.records.counts.records);
        sink.scan
    }
}

/// Collects the records of one input.
struct InputSink {
    scan: Scan,
    input: usize,
    name: String,
    range: TimeRange,
    positions: bool,
    /// No fault so far.
    is_whole: bool,
    /// The times of the first and the last creation so far.
    creations: Option<(Timestamp, Timestamp)>,
}

impl InputSink {
    fn note_creation(&mut self, time: Option<Timestamp>) {
        // A creation without a time has no place among the others.
        let Some(time) = time else {
            self.is_whole = false;
            return;
        };
        let (first, last) = self.creations.unwrap_or((time, time));
        self.creations = Some((first.min(time), last.max(time)));
    }

    /// A new origin. Most records are of no interest, so their position is not written out.
    fn origin(&mut self, record: &LocatedRecord<'_>, position: bool) -> OriginId {
        self.origin_at(if position { record.position.to_string() } else { String::new() })
    }

    fn origin_at(&mut self, position: String) -> OriginId {
        self.scan.locations.push(RecordLocation { input: self.input, position });
        OriginId(self.scan.locations.len() - 1)
    }
}

impl RecordSink for InputSink {
    fn record(&mut self, record: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        let in_range = self.range.contains(record.record.time());
        let counts = &mut self.scan.records.counts;
        if in_range || matches!(classification, Classification::Session(_)) {
            counts.add(&classification);
        } else {
            counts.add_others(1);
        }
        match classification {
            // Sessions count whatever the range: a call in it may belong to a session that began before.
            Classification::Session(session) => self.scan.records.sessions.push(*session),
            Classification::Creation(mut creation) if in_range => {
                self.note_creation(creation.event.timestamp());
                let origin = self.origin(record, self.positions);
                creation.rejected.iter_mut().for_each(|row| row.origin = origin);
                let mut request = PlanRequest::from(*creation);
                request.origin = origin;
                self.scan.records.creations.push(request);
            }
            Classification::Rejected(rows) if in_range => {
                self.is_whole &= !rows.iter().any(|row| is_undone(&row.status));
                let origin = self.origin(record, true);
                let rows = rows.into_iter().map(|mut row| {
                    row.origin = origin;
                    row
                });
                self.scan.records.rejected.extend(rows);
            }
            Classification::Uncovered(event) if in_range => {
                let name = (event.source.clone(), event.name.clone());
                *self.scan.uncovered.entry(name).or_default() += 1;
                let mut row = Row::of_event(event, Outcome::Uncovered);
                row.origin = self.origin(record, self.positions);
                self.scan.uncovered_rows.push(row);
            }
            _ => {}
        }
    }

    fn others(&mut self, records: u64) {
        self.scan.records.counts.add_others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.is_whole = false;
        self.scan.records.counts.add_fault(fault);
        match Outcome::from(fault) {
            Outcome::Malformed(why) => self.scan.unreadable.push(format!("{}: {why}", self.name)),
            outcome => {
                let mut row = Row::of_event(Arc::default(), outcome);
                row.origin = self.origin_at(fault.position.to_string());
                self.scan.records.rejected.push(row);
            }
        }
    }
}

fn take<'i>(next: &AtomicUsize, inputs: &'i [Input]) -> Option<(usize, &'i Input)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(number).map(|input| (number, input))
}
