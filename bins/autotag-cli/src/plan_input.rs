//! What `plan`, `apply` and `explain` read, and how the first two show the result.

use crate::cli::{Format, PlanArgs};
use crate::completion::Completion;
use crate::input::{self, Days, Input};
use crate::output::{Summary, write_rows};
use crate::scan::{RecordLocation, Scan, Scanner, TimeRange, WholeInput};
use crate::setup;
use anyhow::Result;
use autotag_handlers::classify::Classifier;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::records::ClassifiedRecords;
use autotag_handlers::row::{Row, Status};
#[cfg(feature = "aws")]
use jiff::Timestamp;
use std::io::{BufWriter, IsTerminal as _};

/// The content of the inputs.
#[derive(Debug)]
pub(crate) struct PlanInput {
    pub(crate) classifier: Classifier,
    pub(crate) records: ClassifiedRecords,
    inputs: Vec<Input>,
    locations: Vec<RecordLocation>,
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "`apply` logs what it has read"))]
    whole: Vec<WholeInput>,
    summary: Summary,
}

impl PlanInput {
    /// Reads what the arguments name. `leave_out` may take inputs out before.
    pub(crate) fn read(
        args: &PlanArgs,
        leave_out: impl FnOnce(&mut Vec<Input>) -> Result<()>,
    ) -> Result<Self> {
        let source = &args.source;
        let catalog = setup::catalog(&source.rules)?;
        let policy = setup::policy(source.policy.as_deref())?;
        let (mut inputs, unlisted) = input::find(&source.paths, &Days::of(args.since, args.until))?;
        leave_out(&mut inputs)?;
        let classifier = Classifier::new(catalog, policy);
        let scanner = Scanner {
            classifier: &classifier,
            range: TimeRange { since: args.since, until: args.until },
            jobs: source.jobs,
            positions: false,
        };
        let mut scan = scanner.scan(&inputs);
        let summary = Summary {
            files: inputs.len(),
            counts: scan.records.counts,
            uncovered: std::mem::take(&mut scan.uncovered),
            unreadable: unlisted.into_iter().chain(std::mem::take(&mut scan.unreadable)).collect(),
            ..Summary::default()
        };
        let Scan { records, locations, whole, .. } = scan;
        Ok(Self { classifier, records, inputs, locations, whole, summary })
    }

    /// The inputs that were read to their end and without a fault, with the times of their first and last creations.
    #[cfg(feature = "aws")]
    pub(crate) fn whole(&self) -> impl Iterator<Item = (&Input, Option<(Timestamp, Timestamp)>)> {
        self.whole.iter().filter_map(|whole| Some((self.inputs.get(whole.input)?, whole.creations)))
    }

    /// Prints the rows, and the summary.
    pub(crate) fn show<S: Status>(self, mut rows: Vec<Row<S>>, args: &PlanArgs) -> Result<Completion> {
        let mut summary = self.summary;
        for row in &rows {
            let location = self.locations.get(row.origin.0).filter(|location| !location.position.is_empty());
            let place = location.map(|location| {
                let file = self.inputs.get(location.input).map(Input::name).unwrap_or_default();
                format!("{file}: {}", location.position)
            });
            summary.count(row, place);
        }
        rows.sort_by_cached_key(|row| (row.event.timestamp(), row.event.time.clone()));
        if !args.all {
            rows.retain(tags_something);
        }
        let written = print(&rows, args.format);
        summary.write(&mut anstream::stderr().lock())?;
        written.map(|()| summary.done())
    }
}

fn print<S: Status>(rows: &[Row<S>], format: Option<Format>) -> Result<()> {
    let on_terminal = std::io::stdout().is_terminal();
    let format = format.unwrap_or(if on_terminal { Format::Table } else { Format::Jsonl });
    if format == Format::Table {
        return write_rows(rows, format, &mut BufWriter::new(anstream::stdout().lock()));
    }
    // Programs get every byte as it is. A stream that handles colours would remove some.
    write_rows(rows, format, &mut BufWriter::new(std::io::stdout().lock()))
}

fn tags_something<S: Status>(row: &Row<S>) -> bool {
    let is_shown = |outcome: &Outcome| {
        // A policy that only plans by derived rules wants to see what they find.
        let only_planned = *outcome == Outcome::Skipped(SkipReason::DerivedRule);
        only_planned || matches!(outcome, Outcome::Tagged | Outcome::Deferred(_))
    };
    row.status.outcome().is_none_or(is_shown)
}
