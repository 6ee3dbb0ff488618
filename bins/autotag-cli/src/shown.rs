//! How `plan` and `apply` show their rows: in the order of the events, as soon as they are decided.

use crate::cli::{Format, PlanArgs, ViewArgs};
use crate::completion::Completion;
use crate::console;
use crate::filter::Filter;
use crate::kept::KeptRow;
use crate::output::{Detail, RowPrinter, Screen, Summary, TableView, height};
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::row::{Row, Status};
use jiff::Timestamp;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::iter::Peekable;
use std::sync::Arc;

/// The chosen format; by default a table on a terminal, and JSON lines otherwise.
pub(crate) fn format_of(chosen: Option<Format>) -> Format {
    let on_terminal = io::stdout().is_terminal();
    chosen.unwrap_or(if on_terminal { Format::Table } else { Format::Jsonl })
}

/// Refuses a format that the summary does not have.
///
/// # Errors
/// A usage error for `--summary-only` as CSV.
pub(crate) fn check_summary(format: Option<Format>, view: ViewArgs) -> Result<()> {
    if view.summary_only && format == Some(Format::Csv) {
        return Err(usage_error("--summary-only: the summary has no CSV; choose --format json or text"));
    }
    Ok(())
}

/// The output of the rows.
pub(crate) fn stdout(format: Format) -> Box<dyn Write> {
    // Programs get every byte as it is. A stream that handles colours would remove some.
    match format {
        Format::Table => Box::new(BufWriter::new(anstream::stdout().lock())),
        Format::Jsonl | Format::Csv => Box::new(BufWriter::with_capacity(64 << 10, io::stdout().lock())),
    }
}

/// Lines of the screen that the head of the table, the summary and the prompt need.
const LINES_BESIDE_ROWS: usize = 18;

/// The fewest rows of a table, on a screen of any size.
const FEWEST_ROWS: usize = 10;

/// How the table is drawn. On a terminal it leaves room for the summary below it.
pub(crate) fn table_view(view: ViewArgs) -> TableView {
    let on_screen = || height().map(|lines| lines.saturating_sub(LINES_BESIDE_ROWS).max(FEWEST_ROWS));
    TableView { wide: view.wide, limit: if view.all_rows { None } else { on_screen() } }
}

/// Prints the rows, and the summary at the end.
pub(crate) struct Shown<I: Iterator> {
    printer: RowPrinter,
    /// Rows of records that lead to no resource.
    others: Peekable<I>,
    summary: Summary,
    all: bool,
    view: ViewArgs,
    format: Format,
    rows: u64,
    filter: Arc<Filter>,
}

impl<I: Iterator<Item = io::Result<KeptRow>>> Shown<I> {
    pub(crate) fn new(
        args: &PlanArgs,
        view: ViewArgs,
        input: (Format, Arc<Filter>),
        others: I,
        summary: Summary,
    ) -> Self {
        let (format, filter) = input;
        let all = args.all || filter.chooses_outcomes();
        let out = if view.summary_only { Box::new(io::sink()) } else { stdout(format) };
        let printer = RowPrinter::new(format, table_view(view), out);
        Self { printer, others: others.peekable(), summary, all, view, format, rows: 0, filter }
    }

    /// The rows that the filter chooses. The others are counted.
    pub(crate) fn chosen<S: Status>(&mut self, rows: impl Iterator<Item = Row<S>>) -> Vec<Row<S>> {
        let (chosen, others): (Vec<_>, Vec<_>) = rows.partition(|row| self.filter.matches(row));
        self.leave_out(&others);
        chosen
    }

    /// Counts rows that the filter did not choose. A resource that is named twice counts once, as among the chosen rows.
    pub(crate) fn leave_out<S: Status>(&mut self, rows: &[Row<S>]) {
        let is_first = |row: &&Row<S>| {
            row.resource_type.is_some()
                && row.status.outcome() != Some(&Outcome::Skipped(SkipReason::Duplicate))
        };
        self.summary.left_out += rows.iter().filter(is_first).count() as u64;
    }

    /// Shows the rows of the next part. All their events are later than those of the parts before.
    ///
    /// # Errors
    /// If a temporary file cannot be read.
    pub(crate) fn part<S: Status>(&mut self, mut rows: Vec<Row<S>>) -> Result<()> {
        for row in &rows {
            self.summary.count(row, None, (0, self.rows));
            self.rows += 1;
        }
        // Nearly always the rows are in order.
        let times: Vec<Option<Timestamp>> = rows.iter().map(|row| row.event.timestamp()).collect();
        if !rows
            .iter()
            .zip(times)
            .is_sorted_by(|(one, at), (next, then)| (at, &one.event.time) <= (then, &next.event.time))
        {
            rows.sort_by_cached_key(|row| (row.event.timestamp(), row.event.time.clone()));
        }
        let all = self.all;
        for row in rows.iter().filter(|row| all || tags_something(*row)) {
            if self.others.peek().is_some() {
                let (time, written) = (row.event.timestamp(), &row.event.time);
                self.others_before(|other| (&other.time, &other.written_time) < (&time, written))?;
            }
            self.printer.row(row);
        }
        Ok(())
    }

    fn others_before(&mut self, is_before: impl Fn(&KeptRow) -> bool) -> Result<()> {
        let is_next = |other: &io::Result<KeptRow>| other.as_ref().map_or(true, &is_before);
        while let Some(other) = self.others.next_if(is_next) {
            self.printer.rendered(&other?.text);
        }
        Ok(())
    }

    /// Shows what is left, and the summary, which names values of the filter that nothing matched. `apply` does it also if an error
    /// ended the writing: the rows before the error say what was written.
    ///
    /// # Errors
    /// If rows could not be printed. The summary is still written.
    pub(crate) fn finish(mut self, catalog: &Catalog) -> Result<Completion> {
        self.others_before(|_| true)?;
        self.summary.unmatched = self.filter.unmatched(catalog);
        console::note_unread(self.summary.unread());
        let written = self.printer.finish();
        let detail = if self.view.verbose { Detail::Listed } else { Detail::Short };
        match (self.view.summary_only, self.format) {
            (true, Format::Jsonl) => writeln!(io::stdout().lock(), "{}", self.summary.to_json()?)?,
            (true, Format::Table | Format::Csv) => {
                self.summary.write(&mut Screen::stdout(anstream::stdout().lock()), detail)?;
            }
            // A finding that makes the command fail is an error, which is shown in any case.
            (false, _) if console::is_quiet() => {
                self.summary.write_exceeded(&mut Screen::stderr(anstream::stderr().lock()))?;
            }
            (false, _) => self.summary.write(&mut console::notes(), detail)?,
        }
        written.map(|()| self.summary.done())
    }
}

fn tags_something<S: Status>(row: &Row<S>) -> bool {
    let is_shown = |outcome: &Outcome| {
        // A policy that only plans by derived rules wants to see what they find.
        let only_planned = *outcome == Outcome::Skipped(SkipReason::DerivedRule);
        only_planned || matches!(outcome, Outcome::Tagged | Outcome::Deferred(_))
    };
    row.status.outcome().is_none_or(is_shown)
}
