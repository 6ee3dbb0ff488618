//! Texts for people, with styles. Attackers choose texts of records: no control character reaches a terminal.

use autotag_model::tags::is_invisible;

/// Where nothing can be said.
pub(crate) const CREATES_NOTHING: &str = "-";

/// Styles; the stream strips them if the output has no colours.
pub(crate) mod styled {
    use anstyle::{AnsiColor, Style};

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

/// `text` with U+FFFD for each character that controls a terminal, ends a line, turns the direction of writing, or
/// cannot be seen.
pub(crate) fn printable(text: &str) -> String {
    let hostile = |c: char| c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// The longest cell, in characters.
const LONGEST_LINE: usize = 2_000;

/// `line` with at most [`LONGEST_LINE`] characters. The end says how much is left out.
pub(super) fn fitted_line(line: &str) -> String {
    let left_out = line.chars().count().saturating_sub(LONGEST_LINE);
    if left_out == 0 {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONGEST_LINE).collect();
    format!("{kept}… (and {left_out} more characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_could_drive_it() {
        assert_eq!(printable("a\x1b[31mb\r\n\u{202e}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}c");
        for hostile in ['\u{61c}', '\u{180e}', '\u{2028}', '\u{206a}', '\u{e0041}'] {
            assert_eq!(printable(&format!("a{hostile}b")), "a\u{fffd}b", "{}", hostile.escape_unicode());
        }
        assert_eq!(printable("Ana Müller 日本"), "Ana Müller 日本");
    }
}
