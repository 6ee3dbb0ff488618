//! `org-metadata completions`, and the hidden command that writes man pages.

use crate::cli::{Cli, Command};
use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use std::fs;
use std::io::Write as _;

/// The name of the program.
const NAME: &str = "org-metadata";

/// Runs a command that reports nothing.
///
/// # Errors
/// The output cannot be written.
pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut completed(), NAME, &mut script);
            std::io::stdout().lock().write_all(&script).context("cannot write to stdout")
        }
        Command::Man { dir } => {
            let cannot_write = || format!("--dir: cannot write to `{}`", dir.display());
            fs::create_dir_all(dir).with_context(cannot_write)?;
            clap_mangen::generate_to(Cli::command(), dir).with_context(cannot_write)
        }
    }
}

/// The command line that shells complete: clap leaves out what is hidden in help, and `clap_complete` does not.
fn completed() -> clap::Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|below| !below.is_hide_set()).cloned();
    let command = clap::Command::new(NAME).version(autotag_model::VERSION).disable_help_subcommand(true);
    command.args(all.get_arguments().cloned()).subcommands(shown)
}
