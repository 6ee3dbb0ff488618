//! The plan: one row a resource.

use super::plan_table::{PlanTable, TableRow, TableView};
use crate::cli::Format;
use anyhow::Result;
use autotag_handlers::row::{Row, Status};
use autotag_model::rule::Evidence;
use autotag_model::spreadsheet::neutralized;
use serde::Serialize;
use std::borrow::Cow;
use std::io::Write;

/// Prints rows, one after the other.
///
/// The first failure is kept until the end: the rows after it are counted all the same.
pub(crate) struct RowPrinter {
    out: Out,
    failure: Option<anyhow::Error>,
}

enum Out {
    /// With the line that is written, so that its memory is used again.
    Jsonl(Box<dyn Write>, Vec<u8>),
    Csv(Box<csv::Writer<Box<dyn Write>>>),
    Table(Box<dyn Write>, PlanTable),
}

impl RowPrinter {
    pub(crate) fn new(format: Format, view: TableView, out: Box<dyn Write>) -> Self {
        let mut failure = None;
        let out = match format {
            Format::Jsonl => Out::Jsonl(out, Vec::new()),
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                failure = csv.write_record(COLUMNS).err().map(anyhow::Error::from);
                Out::Csv(Box::new(csv))
            }
            Format::Table => Out::Table(out, PlanTable::new(view)),
        };
        Self { out, failure }
    }

    pub(crate) fn row<S: Status>(&mut self, row: &Row<S>) {
        let print = |out: &mut Out| -> Result<()> {
            match out {
                Out::Jsonl(out, line) => {
                    line.clear();
                    write_line(row, line)?;
                    Ok(out.write_all(line)?)
                }
                Out::Csv(csv) => Ok(csv.write_record(csv_cells(row)?)?),
                Out::Table(out, table) => table.add(out, TableRow::of(row)),
            }
        };
        self.unless_failed(print);
    }

    /// Prints a row that was [`rendered`] in the same format.
    pub(crate) fn rendered(&mut self, text: &[u8]) {
        let print = |out: &mut Out| -> Result<()> {
            match out {
                Out::Jsonl(out, _) => Ok(out.write_all(text)?),
                Out::Csv(csv) => {
                    let cells: Vec<Cow<'_, str>> = serde_json::from_slice(text)?;
                    Ok(csv.write_record(cells.iter().map(AsRef::as_ref).map(str::as_bytes))?)
                }
                Out::Table(out, table) => table.add(out, serde_json::from_slice(text)?),
            }
        };
        self.unless_failed(print);
    }

    fn unless_failed(&mut self, print: impl FnOnce(&mut Out) -> Result<()>) {
        if self.failure.is_none() {
            self.failure = print(&mut self.out).err();
        }
    }

    /// Prints what is left.
    ///
    /// # Errors
    /// The first failure of all rows.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.unless_failed(|out| {
            match out {
                Out::Jsonl(out, _) => out.flush()?,
                Out::Csv(csv) => csv.flush()?,
                Out::Table(out, table) => {
                    table.finish(out)?;
                    out.flush()?;
                }
            }
            Ok(())
        });
        self.failure.map_or(Ok(()), Err)
    }
}

/// A row without tags as [`RowPrinter`] prints it: a line, or its cells.
pub(crate) fn rendered<S: Status>(row: &Row<S>, format: Format) -> Result<Vec<u8>> {
    Ok(match format {
        Format::Jsonl => {
            let mut line = Vec::new();
            write_line(row, &mut line)?;
            line
        }
        Format::Csv => serde_json::to_vec(&csv_cells(row)?)?,
        Format::Table => serde_json::to_vec(&TableRow::of(row))?,
    })
}

fn write_line<S: Status>(row: &Row<S>, line: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(&mut *line, row)?;
    line.push(b'\n');
    Ok(())
}

const COLUMNS: [&str; 23] = [
    "event_id",
    "event_time",
    "event_source",
    "event_name",
    "account",
    "region",
    "resource_type",
    "arn",
    "owner",
    "owner_source",
    "tags",
    "outcome",
    "reason",
    "proof",
    "claimed",
    "channel",
    "evidence",
    "owner_arn",
    "owner_account",
    "person",
    "tool",
    "requested_tags",
    "missing_tags",
];

fn csv_cells<S: Status>(row: &Row<S>) -> Result<[String; 23]> {
    let event = &row.event;
    let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
    let cells = [
        text(event.id.as_deref()),
        text(event.time.as_deref()),
        event.source.clone(),
        event.name.clone(),
        text(row.account()),
        text(row.region()),
        text(row.resource_type.as_deref()),
        row.arn().unwrap_or_default(),
        text(row.owner_name()),
        text(row.owner_source()),
        serde_json::to_string(&row.tags)?,
        row.status.name().to_owned(),
        row.full_reason().unwrap_or_default(),
        text(row.proof()),
        text(row.claimed()),
        text(row.channel()),
        text(row.evidence.map(Evidence::as_str)),
        text(row.owner_arn()),
        text(row.owner_account()),
        text(row.person()),
        text(row.tool()),
        json(row.requested_tags())?,
        json(row.missing_tags())?,
    ];
    Ok(cells.map(|cell| neutralized(&cell).into_owned()))
}

/// A cell with a list or a map; empty if there is none.
fn json(value: Option<impl Serialize>) -> Result<String> {
    Ok(value.map(|value| serde_json::to_string(&value)).transpose()?.unwrap_or_default())
}
