//! Steps 1 to 4 for all inputs: files in parallel, one value in memory a job, the result in the order of the inputs.

use crate::input::{Input, Unreadable};
use autotag_handlers::classify::{Classification, Classifier, Found};
use autotag_handlers::outcome::Row;
use autotag_model::envelope::{Limits, read_records};
use autotag_model::session::Session;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Which events count, by time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl Span {
    fn contains(&self, time: Option<Timestamp>) -> bool {
        // A record without a readable time is never left out unseen.
        let Some(time) = time else { return true };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// What was found in one or all inputs.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) records: u64,
    pub(crate) sessions: Vec<Session>,
    pub(crate) creations: Vec<(Origin, Found)>,
    /// Covered events that lead to no resource: failed calls, what is skipped or malformed.
    pub(crate) nothing: Vec<(Origin, Row)>,
    /// Creating events without a rule, by source and name.
    pub(crate) uncovered: BTreeMap<(String, String), u64>,
    pub(crate) uncovered_rows: Vec<(Origin, Row)>,
    /// Records that are neither creations nor sessions.
    pub(crate) others: u64,
    pub(crate) unreadable: Vec<Unreadable>,
}

/// Where a record stands: the input's number, and the position in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) input: usize,
    pub(crate) position: String,
}

impl Reading {
    fn append(&mut self, mut other: Self) {
        self.records += other.records;
        self.others += other.others;
        self.sessions.append(&mut other.sessions);
        self.creations.append(&mut other.creations);
        self.nothing.append(&mut other.nothing);
        self.uncovered_rows.append(&mut other.uncovered_rows);
        self.unreadable.append(&mut other.unreadable);
        for (event, count) in other.uncovered {
            *self.uncovered.entry(event).or_default() += count;
        }
    }
}

/// How to read.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) classifier: Classifier<'a>,
    pub(crate) span: Span,
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Keep the position of each creation too, for `explain`.
    pub(crate) positions: bool,
}

impl Reader<'_> {
    /// Reads all inputs. What cannot be read is in the result, and stops nothing.
    pub(crate) fn read(&self, inputs: &[Input]) -> Reading {
        let progress = progress(inputs);
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let next = AtomicUsize::new(0);
        let done = Mutex::new(BTreeMap::new());
        let work = || {
            while let Some((number, input)) = take(&next, inputs) {
                let reading = self.read_one(number, input, &progress);
                done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, reading);
            }
        };
        thread::scope(|scope| {
            for _ in 1..jobs.min(inputs.len()) {
                scope.spawn(work);
            }
            work();
        });
        progress.finish_and_clear();
        let mut whole = Reading::default();
        for reading in done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values() {
            whole.append(reading);
        }
        whole
    }

    fn read_one(&self, number: usize, input: &Input, progress: &ProgressBar) -> Reading {
        let mut reading = Reading::default();
        let bytes = match input.open() {
            Ok(bytes) => progress.wrap_read(bytes),
            Err(error) => {
                reading.unreadable.push(format!("{}: {error}", input.name()));
                return reading;
            }
        };
        let hints = input.hints();
        read_records(bytes, &Limits::default(), &mut |item| {
            let delivered = match item {
                Ok(delivered) => delivered,
                Err(fault) => return reading.unreadable.push(format!("{}: {fault}", input.name())),
            };
            reading.records += 1;
            let time = delivered.record.time();
            let classified = self.classifier.classify(&delivered, &hints);
            // Most records are of no interest, and then nobody asks where they stand.
            let told = self.positions || matches!(classified, Classification::Nothing(_));
            let position = if told { delivered.position.to_string() } else { String::new() };
            reading.take(Origin { input: number, position }, classified, self.span.contains(time));
        });
        reading
    }
}

impl Reading {
    fn take(&mut self, origin: Origin, classified: Classification, in_span: bool) {
        match classified {
            // Sessions count whatever the span: a call within it may belong to one that began before.
            Classification::Session(session) => self.sessions.push(*session),
            Classification::Creation(found) if in_span => self.creations.push((origin, *found)),
            Classification::Nothing(rows) if in_span => {
                self.nothing.extend(rows.into_iter().map(|row| (origin.clone(), row)));
            }
            Classification::Uncovered(event) if in_span => {
                *self.uncovered.entry((event.source.clone(), event.name.clone())).or_default() += 1;
                let row = Row::of_event(event, autotag_handlers::outcome::Outcome::NoRule);
                self.uncovered_rows.push((origin, row));
            }
            _ => self.others += 1,
        }
    }
}

fn take<'i>(next: &AtomicUsize, inputs: &'i [Input]) -> Option<(usize, &'i Input)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(number).map(|input| (number, input))
}

/// From here on people wait long enough to want to know: bytes as they stand on disk, and files.
const LONG_BYTES: u64 = 32 << 20;
const LONG_FILES: usize = 200;

/// A display on stderr for people who wait; nothing for programs.
fn progress(inputs: &[Input]) -> ProgressBar {
    let total: u64 = inputs.iter().map(Input::size).sum();
    let long = total >= LONG_BYTES || inputs.len() >= LONG_FILES;
    if !long || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = "reading {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
