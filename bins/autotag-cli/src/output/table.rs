//! Tables and texts for people. What comes out of records is chosen by attackers: no control character reaches a terminal.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};

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

/// Columns of a table where no terminal says how wide it is.
const WIDTH: u16 = 160;

/// A table as wide as the terminal.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    table.set_header(header.iter().map(|name| styled::text(styled::HEAD, name)));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_could_drive_it() {
        assert_eq!(printable("a\x1b[31mb\r\n\u{202e}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c");
        assert_eq!(printable("Ana Müller 日本"), "Ana Müller 日本");
    }
}
