//! What `plan` and `apply` have read, and how they show what came of it.

use crate::cli::{Format, PlanArgs};
use crate::completion::Completion;
use crate::input::{self, Days, Input};
use crate::output::{Summary, write_rows};
use crate::reading::{Origin, Reader, Span};
use crate::setup;
use anyhow::Result;
use autotag_handlers::classify::{Classifier, Found};
use autotag_handlers::outcome::{Outcome, Row};
use autotag_model::policy::Policy;
use autotag_model::session::Session;
use std::io::{BufWriter, IsTerminal as _};

/// What the inputs hold: steps 1 to 4 of the way.
#[derive(Debug)]
pub(crate) struct Material {
    pub(crate) policy: Policy,
    pub(crate) sessions: Vec<Session>,
    pub(crate) creations: Vec<Found>,
    /// What leads to no resource, with the place of its record.
    nothing: Vec<(String, Row)>,
    summary: Summary,
}

impl Material {
    pub(crate) fn gather(args: &PlanArgs) -> Result<Self> {
        let source = &args.source;
        let catalog = setup::catalog(&source.rules)?;
        let policy = setup::policy(source.policy.as_deref())?;
        let (inputs, unlisted) = input::find(&source.paths, &Days::of(args.since, args.until))?;
        let reader = Reader {
            classifier: Classifier { catalog: &catalog, policy: &policy },
            span: Span { since: args.since, until: args.until },
            jobs: source.jobs,
            positions: false,
        };
        let reading = reader.read(&inputs);
        let summary = Summary {
            files: inputs.len(),
            records: reading.records,
            creations: reading.creations.len(),
            sessions: reading.sessions.len(),
            uncovered: reading.uncovered,
            unreadable: unlisted.into_iter().chain(reading.unreadable).collect(),
            ..Summary::default()
        };
        let place = |origin: &Origin| {
            let file = inputs.get(origin.input).map(Input::name).unwrap_or_default();
            format!("{file}: {}", origin.position)
        };
        let nothing = reading.nothing.into_iter().chain(reading.uncovered_rows);
        Ok(Self {
            sessions: reading.sessions,
            creations: reading.creations.into_iter().map(|(_, found)| found).collect(),
            nothing: nothing.map(|(origin, row)| (place(&origin), row)).collect(),
            policy,
            summary,
        })
    }

    /// Prints the rows, and the summary.
    pub(crate) fn show(self, mut rows: Vec<Row>, args: &PlanArgs) -> Result<Completion> {
        let mut summary = self.summary;
        for row in &rows {
            summary.count(row, None);
        }
        let of_creations = |(_, row): &&(String, Row)| row.resource_type.is_some();
        summary.creations += self.nothing.iter().filter(of_creations).count();
        for (place, row) in self.nothing {
            summary.count(&row, Some(place));
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
