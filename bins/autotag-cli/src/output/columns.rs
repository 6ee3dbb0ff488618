//! Columns of tables with one line a row, fitted into the width of the terminal.

use super::terminal::{columns, with_short_end, without_end, without_middle};
use super::text::styled;
use anstyle::Style;

/// Columns between two cells.
const GAP: usize = 2;

/// The part of a text that is left out if it does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    End,
    /// Names that tools make differ at both ends.
    Middle,
    /// Names that people know by their beginning, and that differ at both ends.
    NearEnd,
}

/// A column: its head, and a cell a row.
#[derive(Debug)]
pub(super) struct Column {
    head: &'static str,
    cut: Cut,
    cells: Vec<(String, Style)>,
    /// Columns that it takes, that its texts have, and the least that are of use.
    width: usize,
    whole: usize,
    least: usize,
}

impl Column {
    /// The texts have no control characters.
    pub(super) fn new(head: &'static str, least: usize, cut: Cut, cells: Vec<(String, Style)>) -> Self {
        let widest = cells.iter().map(|(text, _)| columns(text)).max().unwrap_or_default();
        let width = widest.max(columns(head));
        Self { head, cut, cells, width, whole: width, least: least.min(width) }
    }

    /// True if a text does not fit into it.
    pub(super) fn is_cut(&self) -> bool {
        self.width < self.whole
    }

    /// The head, and behind it the cells; `None` behind the last one.
    fn line(&self, number: usize) -> Option<String> {
        let (text, style) = match number.checked_sub(1) {
            None => (self.head, styled::HEAD),
            Some(cell) => self.cells.get(cell).map(|(text, style)| (text.as_str(), *style))?,
        };
        let fit = match self.cut {
            Cut::End => without_end,
            Cut::Middle => without_middle,
            Cut::NearEnd => with_short_end,
        };
        let text = fit(text, self.width);
        let blanks = " ".repeat(self.width.saturating_sub(columns(&text)));
        Some(if text.is_empty() { blanks } else { format!("{style}{text}{style:#}{blanks}") })
    }
}

/// The line with this number, from the head with the number 0 on.
pub(super) fn line(all: &[Column], number: usize) -> String {
    let cells: Vec<String> = all.iter().filter_map(|column| column.line(number)).collect();
    cells.join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// Leaves out the last columns while not even the least of all fits. The first two stay.
pub(super) fn leave_out(all: &mut Vec<Column>, width: usize) {
    let least = |all: &[Column]| all.iter().map(|column| column.least + GAP).sum::<usize>() - GAP;
    while all.len() > 2 && least(all) > width {
        all.pop();
    }
}

/// Takes from the widest columns until all fit, and from none more than it needs.
pub(super) fn shrink(all: &mut [Column], width: usize) {
    let gaps = all.len().saturating_sub(1) * GAP;
    let mut over = (all.iter().map(|column| column.width).sum::<usize>() + gaps).saturating_sub(width);
    while over > 0 {
        let widest = all.iter_mut().filter(|column| column.width > column.least);
        let Some(column) = widest.max_by_key(|column| column.width) else { return };
        column.width -= 1;
        over -= 1;
    }
}
