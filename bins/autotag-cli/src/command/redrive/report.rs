//! The report of a redrive, on stdout.

use super::message::Row;
use crate::cli::Format;
use crate::output::{TextTable, printable, table};
use anyhow::Result;
use std::io::{IsTerminal as _, Stdout, Write as _};

/// Writes one row for each message. JSON lines and CSV are written at once, so that nothing is lost if the program is killed; a
/// table is written at the end, because the widths of its columns depend on all rows.
pub(super) enum Report {
    Jsonl(Stdout),
    Csv(Box<csv::Writer<Stdout>>),
    Table(Box<TextTable>),
}

impl Report {
    /// A report in this format; by default a table on a terminal, and JSON lines otherwise.
    pub(super) fn new(format: Option<Format>) -> Self {
        let stdout = std::io::stdout();
        let default = if stdout.is_terminal() { Format::Table } else { Format::Jsonl };
        match format.unwrap_or(default) {
            Format::Jsonl => Self::Jsonl(stdout),
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(stdout))),
            Format::Table => Self::Table(Box::new(table(&["message", "event", "error", "sent"]))),
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
            Self::Table(table) => {
                let event = [&row.event_source, &row.event_name]
                    .map(|part| part.as_deref().unwrap_or_default())
                    .join(" ");
                let sent = if row.sent { "yes" } else { "no" };
                table.add_row([row.message_id.as_str(), &event, &row.error, sent].map(printable));
            }
        }
        Ok(())
    }

    /// Writes a table. The other formats are written already.
    pub(super) fn finish(&self) -> Result<()> {
        if let Self::Table(table) = self
            && !table.is_empty()
        {
            writeln!(anstream::stdout(), "{table}")?;
        }
        Ok(())
    }
}
