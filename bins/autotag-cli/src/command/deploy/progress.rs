//! Prints the progress of a deployment on stderr.

use crate::output::printable;
use autotag_deploy::progress::{Observer, Step};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Prints a step once, with the time since the start. A stack has the same step for minutes.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    /// The last step of each subject.
    last: Mutex<BTreeMap<(String, String), String>>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), last: Mutex::default() }
    }
}

impl Observer for Progress {
    fn step(&self, step: &Step) {
        let subject = (step.region.clone(), step.subject.clone());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.insert(subject, step.what.clone()).as_ref() == Some(&step.what) {
            return;
        }
        let seconds = self.start.elapsed().as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let [region, subject, what] = [&step.region, &step.subject, &step.what].map(|text| printable(text));
        // Progress that cannot be printed does not stop a deployment.
        let _ =
            writeln!(crate::console::notes(), "{minutes:>3}:{seconds:02}  {region:<14}  {subject}  {what}");
    }
}
