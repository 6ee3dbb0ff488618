//! Makes cells of CSV files safe for spreadsheets, which run formulas.

use std::borrow::Cow;

/// First characters that make a spreadsheet evaluate a cell as a formula (OWASP ASVS 5, 1.2.10; CWE-1236). Some spreadsheets
/// accept the full-width forms too.
const FORMULA: [char; 12] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A cell that no spreadsheet evaluates: one that begins as a formula gets a single quote before it.
///
/// ```
/// use autotag_model::spreadsheet::neutralized;
///
/// assert_eq!(neutralized("=HYPERLINK(\"http://example.com\")"), "'=HYPERLINK(\"http://example.com\")");
/// assert_eq!(neutralized("mara"), "mara");
/// ```
pub fn neutralized(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(FORMULA) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
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
            assert_eq!(neutralized(text), expected);
        }
    }
}
