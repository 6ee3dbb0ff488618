//! Tables and texts for people. What comes out of records is chosen by attackers: no control character reaches a terminal.

use anstyle::{AnsiColor, Reset, Style};
#[cfg(feature = "aws")]
use comfy_table::{ColumnConstraint, Width};
use comfy_table::{ContentArrangement, Table, presets};
use std::fmt;

/// Where nothing can be said.
pub(crate) const CREATES_NOTHING: &str = "-";

/// Styles; the stream strips them where nobody sees colours.
pub(crate) mod styled {
    use super::{AnsiColor, Style};

    pub(crate) const HEAD: Style = Style::new().bold();
    pub(crate) const NAME: Style = Style::new().bold();
    pub(crate) const QUIET: Style = Style::new().dimmed();
    pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
    pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default();
    pub(crate) const BAD: Style = AnsiColor::Red.on_default();

    pub(crate) fn text(style: Style, text: &str) -> String {
        // Line by line, so that a wrapped cell does not colour its neighbours.
        let lines: Vec<String> = text.lines().map(|line| format!("{style}{line}{style:#}")).collect();
        lines.join("\n")
    }
}

/// `text` without control characters and without marks that turn the direction of writing.
pub(crate) fn printable(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// The longest line of a cell, in characters. Tables count widths in 16 bits, and panic with longer ones.
const LONGEST_LINE: usize = 2_000;

/// The most lines of a cell.
const MOST_LINES: usize = 100;

/// `text` with at most [`MOST_LINES`] lines of at most [`LONGEST_LINE`] characters. The end says how much is left out.
fn fitted(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(MOST_LINES).map(fitted_line).collect();
    let left_out = text.lines().count() - lines.len();
    if left_out > 0 {
        lines.push(format!("(and {left_out} more lines)"));
    }
    lines.join("\n")
}

pub(super) fn fitted_line(line: &str) -> String {
    let left_out = line.chars().count().saturating_sub(LONGEST_LINE);
    if left_out == 0 {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONGEST_LINE).collect();
    // The end of a style is cut off with the end of the line.
    let reset = if kept.contains('\x1b') { Reset.to_string() } else { String::new() };
    format!("{kept}{reset}… (and {left_out} more characters)")
}

/// A table whose cells have a bounded length. `Display` draws it.
pub(crate) struct TextTable(Table);

/// A table as wide as the terminal.
pub(crate) fn table(header: &[&str]) -> TextTable {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(super::terminal::width());
    table.set_header(header.iter().map(|name| styled::text(styled::HEAD, name)));
    TextTable(table)
}

impl TextTable {
    /// Adds a row. Lines of more than 2,000 characters, and cells of more than 100 lines, are cut, and say so.
    pub(crate) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.add_row(cells.into_iter().map(|cell| fitted(&cell)));
    }

    /// Limits the width of each column to a share of the table's, in percent.
    #[cfg(feature = "aws")]
    pub(crate) fn limit_widths(&mut self, percent: impl IntoIterator<Item = u16>) {
        let share = |percent| ColumnConstraint::UpperBoundary(Width::Percentage(percent));
        self.0.set_constraints(percent.into_iter().map(share));
    }

    /// Whether it has no rows.
    #[cfg(feature = "aws")]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for TextTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_could_drive_it() {
        assert_eq!(printable("a\x1b[31mb\r\n\u{202e}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c");
        assert_eq!(printable("Ana Müller 日本"), "Ana Müller 日本");
    }

    #[test]
    fn a_cell_of_any_length_fits_and_says_that_it_is_cut() {
        for length in [1_900, 2_000, 2_001, 65_529, 65_530, 65_535, 65_536, 70_000, 1_000_000] {
            let mut drawn = table(&["one", "two"]);
            let long = "x".repeat(length);
            drawn.add_row([long.clone(), styled::text(styled::GOOD, &long)]);
            let is_cut = drawn.to_string().contains("more characters");
            // The characters of the style count.
            assert_eq!(is_cut, length >= 2_000, "{length}");
        }
        let mut many_lines = table(&["one"]);
        many_lines.add_row(["x\n".repeat(70_000)]);
        assert!(many_lines.to_string().contains("(and 69900 more lines)"));
    }

    #[test]
    fn a_cut_cell_does_not_colour_the_next_one() {
        let cut = fitted_line(&styled::text(styled::GOOD, &"x".repeat(3_000)));
        assert!(cut.starts_with(&styled::GOOD.to_string()));
        assert_eq!(cut.matches("\x1b[0m").count(), 1);
    }
}
