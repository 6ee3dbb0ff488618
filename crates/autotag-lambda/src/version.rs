//! `--version`, the only argument that a function has: Lambda starts it without any.

use std::ffi::OsString;
use std::io::{self, Write as _};

/// Whether the program's arguments, its name first, ask for the version.
pub fn is_asked_for(mut arguments: impl Iterator<Item = OsString>) -> bool {
    arguments.nth(1).is_some_and(|argument| argument == "--version" || argument == "-V")
}

/// Prints `PROGRAM VERSION`, with [`autotag_model::VERSION`].
///
/// # Errors
/// Those of stdout.
pub fn say(program: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{program} {}", autotag_model::VERSION)
}
