//! The CSV of one organization: RFC 4180, CRLF, quotes only where they are needed, as the known script wrote it.

use crate::report::columns::Column;
use crate::report::record::Record;
use anyhow::{Context as _, Result};
use csv::{Terminator, WriterBuilder};

/// What makes a spreadsheet take a cell for a formula when it begins with it (OWASP ASVS 5, 1.2.10; CWE-1236), the full-width
/// forms too, which some read as the others.
const FORMULA: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// Header and rows. Unless `raw`, cells that a spreadsheet would take for a formula begin with a single quote.
pub(super) fn table(columns: &[Column], records: impl Iterator<Item = Record>, raw: bool) -> Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let cell = |text: String| if raw { text } else { inert(text) };
    writer.write_record(columns.iter().map(|column| cell(column.to_string())))?;
    for record in records {
        writer.write_record(columns.iter().map(|column| cell(column.cell(&record))))?;
    }
    writer.into_inner().context("cannot make the CSV")
}

fn inert(text: String) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_made_inert_and_nothing_else_is_touched() {
        for (text, expected) in [
            ("=cmd|'/C calc'!A0", "'=cmd|'/C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("\0=1", "'\0=1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\u{ff0b}1", "'\u{ff0b}1"),
            ("\u{ff0d}1", "'\u{ff0d}1"),
            ("\u{ff20}1", "'\u{ff20}1"),
            ("a=1", "a=1"),
            ("", ""),
            (" =1", " =1"),
        ] {
            assert_eq!(inert(text.to_owned()), expected);
        }
    }
}
