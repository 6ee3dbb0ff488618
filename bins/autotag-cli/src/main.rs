//! `autotag`: finds out who created every resource in an AWS estate, and writes it onto the resources as tags.
//!
//! Exit codes: 0 done; 1 failed, or something could not be read or done; 2 wrong usage or configuration; 3 all was done, and
//! `--fail-on` found too much.

mod callers;
mod cli;
mod collisions;
mod command;
mod completion;
#[cfg(feature = "history")]
mod connection;
#[cfg(feature = "aws")]
mod doctor;
mod estimate;
mod filter;
mod foresight;
mod gather;
#[cfg(feature = "aws")]
mod generate;
#[cfg(feature = "aws")]
mod guard;
mod input;
mod kept;
mod offline;
mod output;
mod parts;
mod plan_input;
mod planned;
#[cfg(feature = "aws")]
mod read_log;
mod report;
mod saved_plan;
mod scan;
mod sessions;
mod setup;
mod shown;
mod spill;
mod trail_records;
#[cfg(feature = "aws")]
mod withheld;
#[cfg(feature = "aws")]
mod write_log;

use clap::Parser as _;
use cli::{Cli, Command};
use completion::Completion;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

/// A plan of many creations spends a quarter of its time in the allocator of glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Plan(args) => command::plan::run(&args),
        Command::Report(args) => command::report::run(&args),
        #[cfg(feature = "aws")]
        Command::Apply(args) => command::apply::run(&args),
        #[cfg(feature = "aws")]
        Command::Reconcile(args) => command::reconcile::run(args),
        #[cfg(feature = "aws")]
        Command::Redrive(args) => command::redrive::run(&args),
        Command::Whois(args) => command::whois::run(&args),
        Command::Ledger(args) => command::ledger::run(&args),
        Command::Estimate(args) => command::estimate::run(&args),
        Command::Explain(args) => command::explain::run(&args),
        Command::Identify(args) => command::identify::run(&args),
        Command::Sessions(args) => command::sessions::run(&args),
        Command::Catalog(args) => command::catalog::run(&args),
        Command::Policy(args) => command::policy::run(&args),
        #[cfg(feature = "aws")]
        Command::Generate(args) => command::generate::run(&args),
        #[cfg(feature = "aws")]
        Command::Guard(args) => command::guard::run(&args),
        #[cfg(feature = "aws")]
        Command::Deploy(args) => command::deploy::run(&args),
        #[cfg(feature = "aws")]
        Command::Doctor(args) => command::doctor::run(&args),
    };
    match result {
        Ok(Completion::Complete) => ExitCode::SUCCESS,
        Ok(Completion::Partial) => ExitCode::from(1),
        Ok(Completion::Exceeded) => ExitCode::from(3),
        // The reader closed the pipe, as in `autotag plan ... | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr cannot be written either, only the exit code reports the error.
            let _ = writeln!(anstream::stderr(), "autotag: {error:#}");
            ExitCode::from(if error.is::<setup::UsageError>() { 2 } else { 1 })
        }
    }
}

/// Whether the cause of an error is a pipe that its reader closed.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let closed = |error: &std::io::Error| error.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(closed)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|error| error.io_error_kind() == Some(ErrorKind::BrokenPipe))
            || cause.downcast_ref::<csv::Error>().is_some_and(|error| match error.kind() {
                csv::ErrorKind::Io(error) => closed(error),
                _ => false,
            })
    })
}
