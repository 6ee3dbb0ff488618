//! `autotag plan`: which tags records would lead to, and why.

use super::plan_rows;
use crate::Done;
use crate::cli::{Format, PlanArgs};
use crate::input::{self, Days, Input};
use crate::output::{Summary, write_rows};
use crate::reading::{Reader, Span};
use crate::setup;
use anyhow::Result;
use autotag_handlers::assess::Assessor;
use autotag_handlers::outcome::{Outcome, Row};
use std::io::{BufWriter, IsTerminal as _};

pub(crate) fn run(args: &PlanArgs) -> Result<Done> {
    let source = &args.source;
    let catalog = setup::catalog(&source.rules)?;
    let policy = setup::policy(source.policy.as_deref())?;
    let (inputs, unlisted) = input::find(&source.paths, &Days::of(args.since, args.until))?;
    let reader = Reader {
        assessor: Assessor { catalog: &catalog, policy: &policy },
        span: Span { since: args.since, until: args.until },
        jobs: source.jobs,
        positions: false,
    };
    let reading = reader.read(&inputs);
    let mut summary = Summary {
        files: inputs.len(),
        records: reading.records,
        creations: reading.creations.len(),
        sessions: reading.sessions.len(),
        uncovered: reading.uncovered,
        unreadable: unlisted.into_iter().chain(reading.unreadable).collect(),
        ..Summary::default()
    };
    let creations = reading.creations.into_iter().map(|(_, found)| found).collect();
    let mut rows = plan_rows(source, &policy, &reading.sessions, creations)?;
    for row in &rows {
        summary.count(row, None);
    }
    summary.creations += reading.nothing.iter().filter(|(_, row)| row.resource_type.is_some()).count();
    for (origin, row) in reading.nothing.into_iter().chain(reading.uncovered_rows) {
        let file = inputs.get(origin.input).map(Input::name).unwrap_or_default();
        summary.count(&row, Some(format!("{file}: {}", origin.position)));
        rows.push(row);
    }
    rows.sort_by(|a, b| a.event.time.cmp(&b.event.time));
    if !args.all {
        rows.retain(tags_something);
    }
    let written = print(&rows, args.format);
    summary.write(&mut anstream::stderr().lock())?;
    written.map(|()| summary.done())
}

fn print(rows: &[Row], format: Option<Format>) -> Result<()> {
    let on_terminal = std::io::stdout().is_terminal();
    let format = format.unwrap_or(if on_terminal { Format::Table } else { Format::Jsonl });
    if format == Format::Table {
        return write_rows(rows, format, &mut BufWriter::new(anstream::stdout().lock()));
    }
    // Programs get every byte as it is; a stream that knows of colours would take some away.
    write_rows(rows, format, &mut BufWriter::new(std::io::stdout().lock()))
}

fn tags_something(row: &Row) -> bool {
    matches!(row.outcome, Outcome::Tagged | Outcome::Deferred(_))
}
