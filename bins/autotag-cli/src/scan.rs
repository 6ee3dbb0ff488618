//! Reads all inputs: files in parallel, one record in memory a job.

use crate::input::{Input, Progress};
use autotag_handlers::classify::Classifier;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{InputReader, RecordSink};
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The events that count, by time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TimeRange {
    pub(crate) since: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

impl TimeRange {
    /// True if every record is in it.
    pub(crate) fn is_unbounded(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// A record whose time cannot be read is in every range, so that it does not disappear.
    pub(crate) fn contains(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
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

/// True if a later run may have another outcome, or has to say it again.
pub(crate) fn is_undone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Deferred(_) | Outcome::Refused(_) | Outcome::Malformed(_))
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

    /// True if no further input needs to be read.
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

fn take<'i>(next: &AtomicUsize, inputs: &'i [Input]) -> Option<(usize, &'i Input)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(number).map(|input| (number, input))
}
