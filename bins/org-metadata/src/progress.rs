//! The progress bar of a run, on a terminal.

use crate::aws::Aws;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Shows finished accounts, calls, throttled calls and the remaining time.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Shows the bar on stderr if that is a terminal and `quiet` is not set.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let template = "{elapsed_precise} [{bar:30}] {pos}/{len} accounts, {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message("no calls yet");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Counts an account to scan.
    pub(crate) fn found(&self) {
        self.bar.inc_length(1);
    }

    /// Counts a finished account.
    pub(crate) fn done(&self, aws: &Aws) {
        let (calls, throttled) = aws.totals();
        self.bar.set_message(format!("{calls} calls, {throttled} throttled"));
        self.bar.inc(1);
    }

    /// Removes the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
