//! Messages to people, on stderr.

use std::io::Write as _;

/// Prints a message. If stderr cannot be written, the manifest and the exit code still tell the result.
pub(crate) fn say(message: &str) {
    let _ = writeln!(std::io::stderr(), "{message}");
}

/// Replaces control characters, because texts of others must not move the cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
