//! The report of a redrive, on stdout.

use super::message::Row;
use crate::cli::Format;
use crate::output::LineTable;
use anstyle::Style;
use anyhow::Result;
use std::io::{IsTerminal as _, Stdout, Write as _};

/// The most rows of one table. The widths of its columns depend on all rows, so they are held until it is printed.
const ROWS_OF_A_TABLE: usize = 1_000;

/// Writes one row for each message. JSON lines and CSV are written at once, so that nothing is lost if the program is killed; many
/// messages are several tables.
pub(super) enum Report {
    Jsonl(Stdout),
    Csv(Box<csv::Writer<Stdout>>),
    Table(LineTable),
}

fn new_table() -> LineTable {
    LineTable::new(&[("MESSAGE", 9), ("EVENT", 14)], &[("ERROR", 24), ("SENT", 4), ("QUEUE", 16)])
}

impl Report {
    /// A report in this format; by default a table on a terminal, and JSON lines otherwise.
    pub(super) fn new(format: Option<Format>) -> Self {
        let stdout = std::io::stdout();
        let default = if stdout.is_terminal() { Format::Table } else { Format::Jsonl };
        match format.unwrap_or(default) {
            Format::Jsonl => Self::Jsonl(stdout),
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(stdout))),
            Format::Table => Self::Table(new_table()),
        }
    }

    pub(super) fn add(&mut self, row: &Row) -> Result<()> {
        match self {
            Self::Jsonl(out) => {
                let mut out = out.lock();
                serde_json::to_writer(&mut out, row)?;
                writeln!(out)?;
            }
            Self::Csv(csv) => {
                csv.serialize(row.neutralized())?;
                csv.flush()?;
            }
            Self::Table(rows) => {
                let event = [&row.event_source, &row.event_name]
                    .map(|part| part.as_deref().unwrap_or_default())
                    .join(" ");
                let sent = if row.sent { "yes" } else { "no" };
                let cells = [row.message_id.as_str(), &event, &row.error, sent, &row.queue];
                rows.add_row(cells.map(|cell| (cell.to_owned(), Style::new())));
                if rows.len() >= ROWS_OF_A_TABLE {
                    self.finish()?;
                }
            }
        }
        Ok(())
    }

    /// Writes the rows of a table that are held. The other formats are written already.
    pub(super) fn finish(&mut self) -> Result<()> {
        if let Self::Table(rows) = self {
            std::mem::replace(rows, new_table()).write(&mut anstream::stdout().lock())?;
        }
        Ok(())
    }
}
