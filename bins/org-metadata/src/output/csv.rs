//! The CSV of one organization: RFC 4180, CRLF, quotes only where they are needed, as in the known report.

use crate::report::account_row::AccountRow;
use crate::report::columns::Column;
use anyhow::{Context as _, Result};
use csv::{Terminator, WriterBuilder};

/// First characters that make a spreadsheet evaluate a cell as a formula (OWASP ASVS 5, 1.2.10; CWE-1236). Some spreadsheets
/// accept the full-width forms too.
const FORMULA: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// The header and the rows. Unless `raw` is set, a cell that a spreadsheet would evaluate gets a leading single quote.
pub(super) fn table(
    columns: &[Column],
    rows: impl Iterator<Item = AccountRow>,
    raw: bool,
) -> Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let cell = |text: String| if raw { text } else { neutralize(text) };
    writer.write_record(columns.iter().map(|column| cell(column.to_string())))?;
    for row in rows {
        writer.write_record(columns.iter().map(|column| cell(column.cell(&row))))?;
    }
    writer.into_inner().context("cannot make the CSV")
}

fn neutralize(text: String) -> String {
    if text.starts_with(FORMULA) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_get_a_quote_and_other_texts_stay() {
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
            assert_eq!(neutralize(text.to_owned()), expected);
        }
    }
}
