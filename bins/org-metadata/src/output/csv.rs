//! The CSV of one organization: RFC 4180, CRLF, quotes only where they are needed, as in the known report.

use crate::report::account_row::AccountRow;
use crate::report::columns::Column;
use anyhow::{Context as _, Result};
use autotag_model::spreadsheet::neutralized;
use csv::{Terminator, WriterBuilder};

/// The header and the rows. Unless `raw` is set, a cell that a spreadsheet would evaluate gets a leading single quote.
pub(super) fn table(
    columns: &[Column],
    rows: impl Iterator<Item = AccountRow>,
    raw: bool,
) -> Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let cell = |text: String| if raw { text } else { neutralized(&text).into_owned() };
    writer.write_record(columns.iter().map(|column| cell(column.to_string())))?;
    for row in rows {
        writer.write_record(columns.iter().map(|column| cell(column.cell(&row))))?;
    }
    writer.into_inner().context("cannot make the CSV")
}
