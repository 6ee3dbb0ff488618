//! The size of the terminal, and texts that fit into it.

use std::io;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Columns if no terminal says how wide it is.
const DEFAULT_WIDTH: u16 = 160;

/// A terminal that says less does not know its size: pseudo terminals of job runners say 0.
const NARROWEST: u16 = 60;

#[expect(
    clippy::disallowed_methods,
    reason = "a program reads the environment, and terminals are described there"
)]
/// How many columns stdout has: by the terminal, or by the variable `COLUMNS`. `None` if neither says.
pub(super) fn known_width() -> Option<u16> {
    let of_terminal = size(Stream::Out).map(|(columns, _)| columns);
    let is_known = |columns: &u16| *columns >= NARROWEST;
    let of_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
    of_terminal.filter(is_known).or_else(|| of_environment().filter(is_known))
}

/// The same; 160 if nothing says.
pub(super) fn width() -> u16 {
    known_width().unwrap_or(DEFAULT_WIDTH)
}

/// A stream of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// How many columns a stream has, if it is a terminal that knows. Lines of files and pipes have any length.
pub(super) fn screen_width(stream: Stream) -> Option<usize> {
    size(stream).map(|(columns, _)| columns).filter(|columns| *columns >= NARROWEST).map(usize::from)
}

/// How many lines stdout has, if it is a terminal that knows.
pub(crate) fn height() -> Option<usize> {
    let (_, lines) = size(Stream::Out)?;
    (lines > 0).then_some(usize::from(lines))
}

/// Columns and lines of a stream, if it is a terminal. One that knows only one of them says 0 for the other.
#[cfg(unix)]
fn size(stream: Stream) -> Option<(u16, u16)> {
    let size = match stream {
        Stream::Out => rustix::termios::tcgetwinsize(io::stdout()),
        Stream::Err => rustix::termios::tcgetwinsize(io::stderr()),
    };
    size.ok().map(|size| (size.ws_col, size.ws_row))
}

/// Columns and lines of a stream, if it is a terminal.
#[cfg(not(unix))]
fn size(stream: Stream) -> Option<(u16, u16)> {
    let (terminal_size::Width(columns), terminal_size::Height(lines)) = match stream {
        Stream::Out => terminal_size::terminal_size_of(io::stdout()),
        Stream::Err => terminal_size::terminal_size_of(io::stderr()),
    }?;
    Some((columns, lines))
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// `text` in at most `max` columns: its middle is left out, because names differ at both ends.
pub(super) fn without_middle(text: &str, max: usize) -> String {
    with_end(text, max, max.saturating_sub(1) / 2)
}

/// The same, with more of the start: a third is the end.
pub(super) fn with_short_end(text: &str, max: usize) -> String {
    with_end(text, max, max.saturating_sub(1) / 3)
}

fn with_end(text: &str, max: usize, end: usize) -> String {
    if columns(text) <= max {
        return text.to_owned();
    }
    let start = first(text.chars(), max.saturating_sub(1 + end));
    let end: String = first(text.chars().rev(), end).chars().rev().collect();
    format!("{start}…{end}")
}

/// `text` in at most `max` columns: its end is left out.
pub(super) fn without_end(text: &str, max: usize) -> String {
    if columns(text) <= max {
        return text.to_owned();
    }
    format!("{}…", first(text.chars(), max.saturating_sub(1)))
}

/// The first characters that fit into `width` columns.
fn first(text: impl Iterator<Item = char>, width: usize) -> String {
    let mut taken = 0;
    let fits = |c: &char| {
        taken += c.width().unwrap_or(0);
        taken <= width
    };
    text.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_whole_and_a_longer_one_keeps_both_ends() {
        assert_eq!(without_middle("orders", 6), "orders");
        assert_eq!(without_middle("stratus-red-team-role", 11), "strat…-role");
        assert_eq!(without_middle("orders", 0), "…");
        assert_eq!(with_short_end("repo:example/shop@main", 13), "repo:exa…main");
        assert_eq!(with_short_end("EC2::NetworkInterface", 13), "EC2::Net…face");
        assert_eq!(without_end("orders", 4), "ord…");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        for max in 1..12 {
            let text = without_middle("日本語のバケット名", max);
            assert!(columns(&text) <= max, "{text:?} in {max}");
            let text = with_short_end("日本語のバケット名", max);
            assert!(columns(&text) <= max, "{text:?} in {max}");
            let text = without_end("日本語のバケット名", max);
            assert!(columns(&text) <= max, "{text:?} in {max}");
        }
    }
}
