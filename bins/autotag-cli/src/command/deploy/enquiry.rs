//! Asks for confirmation before a change.

use crate::setup::usage_error;
use anyhow::Result;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// True if people agree. `yes` is the flag.
///
/// # Errors
/// A usage error if there is no terminal to ask on.
pub(super) fn agreed(yes: bool, question: &str) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(usage_error("confirmation required: pass `--yes` when stdin is not a terminal"));
    }
    let mut out = anstream::stderr().lock();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
