//! The arguments of `autotag completions`, and of the hidden commands that write man pages and reference pages.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Your shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder for the man pages
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ReferenceArgs {
    /// Folder of the documentation
    #[arg(long, value_name = "DIR", default_value = "docs")]
    pub(crate) dir: PathBuf,
    /// Write nothing. Name the files that are out of date, and exit with 1 if there are any
    #[arg(long)]
    pub(crate) check: bool,
}
