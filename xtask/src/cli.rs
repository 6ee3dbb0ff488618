//! The command line.

use crate::programs::Program;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    about = "Tasks of this repository",
    version,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the files of a release in `dist/`, and print their checksums
    #[command(after_help = DIST_HELP)]
    Dist(DistArgs),
    /// Print the notes of a release, from CHANGELOG.md
    ReleaseNotes(ReleaseNotesArgs),
}

const DIST_HELP: &str = "Examples:
  cargo xtask dist                                  all programs, for this machine's processor
  cargo xtask dist --only autotag                   the command line program alone
  cargo xtask dist --target x86_64-unknown-linux-gnu

The same commit gives the same bytes. docs/releasing.md says more.";

#[derive(Debug, Args)]
pub(crate) struct DistArgs {
    /// Folder for the files. Files of an earlier run that have the same names are replaced
    #[arg(long, value_name = "DIR", default_value = "dist")]
    pub(crate) out: PathBuf,
    /// Programs to make, separated by commas [default: all]
    #[arg(long, value_name = "PROGRAM", value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Program>,
    /// Rust target of `autotag` and `org-metadata` [default: musl of this machine's processor, which makes static programs]
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,
    /// Rust target of the functions [default: gnu of this machine's processor]
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) function_target: Option<String>,
    /// Compile nothing: take the programs from this folder, each under its name
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: Option<PathBuf>,
    /// Also accept changes that are not committed. The version of the programs then ends in `.dirty`
    #[arg(long)]
    pub(crate) allow_dirty: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReleaseNotesArgs {
    /// Version, for example 0.1.0. `unreleased` prints what the next release changes [default: the version in Cargo.toml]
    #[arg(value_name = "VERSION")]
    pub(crate) version: Option<String>,
}
