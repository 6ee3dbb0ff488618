//! The options that every command has.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use clap::{Args, ColorChoice};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(crate) struct GlobalArgs {
    /// Write the output to this file. It appears when it is complete. Its ending chooses the format, unless there is --format
    #[arg(short, long, global = true, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show no progress, no summary and no hints. Errors, the number of unreadable parts and the exit code stay
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to use colours. `auto`: on a terminal, unless NO_COLOR is set; everywhere if CLICOLOR_FORCE is set
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = ColorChoice::Auto, hide_possible_values = false)]
    pub(crate) color: ColorChoice,
}
