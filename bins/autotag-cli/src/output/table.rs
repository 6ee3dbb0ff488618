//! Tables for people, with one line a row.

use super::columns::{Column, Cut, leave_out, line, shrink};
use super::terminal::known_width;
use super::text::{fitted_line, printable};
use anstyle::Style;
use std::io::{self, Write};

/// A table with one line a row, in the width of the terminal. Where no terminal has a width, nothing is cut but cells of more than
/// 2,000 characters.
#[derive(Debug)]
pub(crate) struct LineTable {
    heads: Vec<Head>,
    rows: Vec<Vec<(String, Style)>>,
}

/// The head of a column, the least columns that are of use, and which part of a text is left out.
type Head = (&'static str, usize, Cut);

impl LineTable {
    /// A table with these columns: each has a head, and a number of columns that it needs to be of use. Cells of names, which
    /// differ at both ends, lose their middle if they do not fit. A terminal that is too narrow for all lacks the last columns.
    pub(crate) fn new(names: &[(&'static str, usize)], others: &[(&'static str, usize)]) -> Self {
        let of = |cut| move |(head, least): &(&'static str, usize)| (*head, *least, cut);
        let heads = names.iter().map(of(Cut::Middle)).chain(others.iter().map(of(Cut::End))).collect();
        Self { heads, rows: Vec::new() }
    }

    /// Adds a row. The texts lose their control characters.
    pub(crate) fn add_row(&mut self, cells: impl IntoIterator<Item = (String, Style)>) {
        let cell = |(text, style): (String, Style)| (fitted_line(&printable(&text)), style);
        self.rows.push(cells.into_iter().map(cell).collect());
    }

    /// How many rows it has.
    #[cfg(feature = "aws")]
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes the head and the rows; without rows, nothing.
    pub(crate) fn write(self, out: &mut impl Write) -> io::Result<()> {
        let count = self.rows.len();
        if count == 0 {
            return Ok(());
        }
        let mut cells: Vec<Vec<(String, Style)>> =
            self.heads.iter().map(|_| Vec::with_capacity(count)).collect();
        for row in self.rows {
            for (cell, column) in row.into_iter().zip(&mut cells) {
                column.push(cell);
            }
        }
        let columns = self.heads.into_iter().zip(cells);
        let mut columns: Vec<Column> =
            columns.map(|((head, least, cut), cells)| Column::new(head, least, cut, cells)).collect();
        if let Some(width) = known_width() {
            leave_out(&mut columns, width.into());
            shrink(&mut columns, width.into());
        }
        (0..=count).try_for_each(|number| writeln!(out, "{}", line(&columns, number)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::styled;
    use super::*;

    #[test]
    fn a_cell_of_any_length_is_one_line_and_says_that_it_is_cut() {
        for length in [1_999, 2_000, 2_001, 65_536, 1_000_000] {
            let mut drawn = LineTable::new(&[("ONE", 5)], &[("TWO", 5)]);
            drawn.add_row([("x".repeat(length), styled::GOOD), ("a\nb".to_owned(), Style::new())]);
            let mut out = Vec::new();
            drawn.write(&mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.lines().count(), 2, "{length}");
            assert_eq!(text.contains("more characters"), length > 2_000, "{length}");
        }
    }

    #[test]
    fn a_narrow_terminal_lacks_the_last_columns() {
        let column = |head| Column::new(head, 20, Cut::End, vec![("x".repeat(90), Style::new())]);
        for (width, count) in [(200, 4), (86, 4), (85, 3), (60, 2), (10, 2)] {
            let mut columns: Vec<Column> = ["A", "B", "C", "D"].map(column).into();
            leave_out(&mut columns, width);
            assert_eq!(columns.len(), count, "{width}");
            shrink(&mut columns, width);
            let drawn = anstream::adapter::strip_str(&line(&columns, 1)).to_string();
            assert!(width < 42 || super::super::terminal::columns(&drawn) <= width, "{width}: {drawn}");
        }
    }
}
