//! The plan: one row a resource.

use super::table::{CREATES_NOTHING, TextTable, printable, styled, table};
use crate::cli::Format;
use anyhow::Result;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::{Row, Status};
use autotag_model::rule::Evidence;
use autotag_model::spreadsheet::neutralized;
use autotag_model::tags::TagSet;
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
    Table(Box<dyn Write>, Box<TablePart>),
}

impl RowPrinter {
    pub(crate) fn new(format: Format, out: Box<dyn Write>) -> Self {
        let mut failure = None;
        let out = match format {
            Format::Jsonl => Out::Jsonl(out, Vec::new()),
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                failure = csv.write_record(COLUMNS).err().map(anyhow::Error::from);
                Out::Csv(Box::new(csv))
            }
            Format::Table => Out::Table(out, Box::default()),
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
                Out::Table(out, part) => {
                    part.add(out, table_cells(row, part.is_as_above(row)), row.tags.clone())
                }
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
                Out::Table(out, part) => part.add(out, serde_json::from_slice(text)?, TagSet::new()),
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
                Out::Table(out, part) => {
                    part.print(out)?;
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
        Format::Table => serde_json::to_vec(&table_cells(row, false))?,
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

/// The most rows of one table. The widths of its columns depend on all its cells, so a table is kept in memory until it is
/// printed; more rows make several tables.
const TABLE_ROWS: usize = 5_000;

/// A table that is not printed yet.
#[derive(Default)]
struct TablePart {
    table: Option<TextTable>,
    rows: usize,
    /// The tags of the last row.
    above: TagSet,
}

impl TablePart {
    /// Resources of one person mostly follow each other, and all have the same tags.
    fn is_as_above<S: Status>(&self, row: &Row<S>) -> bool {
        self.rows > 0 && !row.tags.is_empty() && self.above == row.tags
    }

    fn add(&mut self, out: &mut impl Write, cells: [String; 5], tags: TagSet) -> Result<()> {
        let table = self.table.get_or_insert_with(|| {
            let mut table = table(&["event", "resource", "owner", "tags", "outcome"]);
            table.limit_widths([17, 30, 16, 24, 13]);
            table
        });
        table.add_row(cells);
        self.above = tags;
        self.rows += 1;
        if self.rows < TABLE_ROWS { Ok(()) } else { self.print(out) }
    }

    fn print(&mut self, out: &mut impl Write) -> Result<()> {
        self.rows = 0;
        self.table.take().map_or(Ok(()), |table| Ok(writeln!(out, "{table}")?))
    }
}

fn table_cells<S: Status>(row: &Row<S>, is_as_above: bool) -> [String; 5] {
    let service = row.event.source.split('.').next().unwrap_or_default();
    let time = row.event.time.as_deref().unwrap_or(CREATES_NOTHING);
    let event = format!("{service}:{}\n{time}", row.event.name);
    let arn = row.arn();
    let resource = arn.as_deref().or(row.resource_type.as_deref()).unwrap_or(CREATES_NOTHING);
    let owner = row.owner_name().map_or(CREATES_NOTHING.to_owned(), |name| {
        let name = styled::text(styled::NAME, &printable(name));
        format!("{name}\n{}", styled::text(styled::QUIET, &evidence(row)))
    });
    let tags = if is_as_above { styled::text(styled::QUIET, "as above") } else { tags(&row.tags) };
    [lines(&event), printable(resource), owner, tags, outcome(row)]
}

/// The rule that named the owner, its proof, and a claim that differs: `role-chain, person; claimed boss@example.com`.
fn evidence<S: Status>(row: &Row<S>) -> String {
    let source = row.owner_source().unwrap_or_default();
    let proof = row.proof().map_or(String::new(), |proof| format!(", {proof}"));
    let claimed = row.claimed().map_or(String::new(), |name| format!("; claimed {}", printable(name)));
    format!("{source}{proof}{claimed}")
}

fn tags(tags: &TagSet) -> String {
    let tags: Vec<String> = tags.iter().map(|(key, value)| printable(&format!("{key}={value}"))).collect();
    tags.join("\n")
}

fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn outcome<S: Status>(row: &Row<S>) -> String {
    let style = match row.status.outcome() {
        None if row.status.reason().is_none() => styled::GOOD,
        Some(Outcome::Tagged | Outcome::AlreadyTagged(_)) => styled::GOOD,
        Some(Outcome::Refused(_) | Outcome::Malformed(_)) => styled::BAD,
        _ => styled::CAREFUL,
    };
    let name = styled::text(style, row.status.name());
    row.full_reason().map_or(name.clone(), |reason| format!("{name}\n{}", printable(&reason)))
}
