//! The environment of this program, and the programs that it runs.

use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A variable of the environment, if it has a value.
#[expect(clippy::disallowed_methods, reason = "a program reads the environment, in this one place")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// cargo: the one that runs this program.
pub(crate) fn cargo() -> Command {
    Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()))
}

/// The compiler that cargo uses.
pub(crate) fn rustc() -> Command {
    Command::new(variable("RUSTC").unwrap_or_else(|| "rustc".to_owned()))
}

/// The folder of cargo's downloads. Paths below it are in every program that is not compiled with care.
pub(crate) fn cargo_home() -> Result<PathBuf> {
    if let Some(folder) = variable("CARGO_HOME") {
        return Ok(PathBuf::from(folder));
    }
    let home = std::env::home_dir().context("the home folder is unknown: set CARGO_HOME")?;
    Ok(home.join(".cargo"))
}

/// Runs a program to its end and returns its stdout. Its stderr goes to this program's stderr.
///
/// # Errors
/// The program cannot be started, fails, or prints something that is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = format!("{command:?}");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot run {line}"))?;
    if !output.status.success() {
        bail!("{line}: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of {line} is not UTF-8"))
}
