//! Tasks of this repository. `cargo xtask dist` makes the files of a release: archives of the programs, packages of the functions,
//! licence notices, lists of components and checksums. `cargo xtask release-notes` prints what a release changes.
//!
//! Exit codes: 0 done; 1 failed; 2 wrong usage.

mod archive;
mod changelog;
mod cli;
mod compile;
mod components;
mod dist;
mod documents;
mod environment;
mod inspect;
mod notices;
mod programs;
mod project;
mod sbom;
mod sums;

use clap::Parser as _;
use cli::{Cli, Command};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Dist(args) => dist::run(&args),
        Command::ReleaseNotes(args) => changelog::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the exit code alone reports the failure.
            let _ = writeln!(std::io::stderr(), "xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
