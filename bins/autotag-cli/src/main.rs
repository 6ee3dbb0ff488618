//! `autotag`: finds out who created every resource in an AWS estate, and writes it onto the resources as tags.
//!
//! Exit codes: 0 done; 1 failed, or something could not be read or done; 2 wrong usage or configuration; 3 all was done, and
//! `--fail-on` found too much.

mod callers;
mod calls;
mod cli;
mod collisions;
mod command;
mod completion;
#[cfg(feature = "history")]
mod connection;
mod console;
#[cfg(feature = "aws")]
mod doctor;
mod estimate;
mod explanation;
mod filter;
mod foresight;
mod gather;
#[cfg(feature = "aws")]
mod generate;
#[cfg(feature = "aws")]
mod guard;
mod input;
mod kept;
mod new_file;
mod offline;
mod output;
mod parts;
mod plan_input;
mod planned;
#[cfg(feature = "aws")]
mod read_log;
#[cfg(feature = "manual")]
mod reference;
mod report;
mod saved_plan;
mod scan;
mod schema;
mod sessions;
mod setup;
mod shell;
mod shown;
mod shown_as;
mod spill;
mod suggest;
mod trail_records;
mod version;
#[cfg(feature = "aws")]
mod withheld;
#[cfg(feature = "aws")]
mod write_log;

use anyhow::Result;
use clap::error::ErrorKind as UsageKind;
use cli::{Cli, Command, GlobalArgs};
use completion::Completion;
use console::OutputFile;
use setup::usage_error;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

/// A plan of many creations spends a quarter of its time in the allocator of glibc.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let result = match cli::parse(std::env::args_os().collect()) {
        Ok(cli) => run(cli),
        Err(error) if error.kind() == UsageKind::DisplayVersion => print_version(),
        Err(error) => {
            // A help text that cannot be written has nowhere to be reported to.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match result {
        Ok(Completion::Complete) => ExitCode::SUCCESS,
        Ok(Completion::Partial) => {
            if console::is_quiet() {
                let _ = writeln!(anstream::stderr(), "autotag: {}", undone());
            }
            ExitCode::from(1)
        }
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

/// The part of a summary that `--quiet` leaves: the number of parts that could not be read.
fn undone() -> String {
    match console::unread() {
        0 => "not all was done; without --quiet it says what".to_owned(),
        parts => {
            let parts = output::plural(parts, "part");
            format!("{parts} of the input could not be read; without --quiet it says which")
        }
    }
}

fn print_version() -> Result<Completion> {
    writeln!(anstream::stdout(), "{}", version::text()?)?;
    Ok(Completion::Complete)
}

fn run(cli: Cli) -> Result<Completion> {
    let Cli { mut command, global: GlobalArgs { mut output, quiet, color: _ } } = cli;
    if quiet {
        console::be_quiet();
    }
    // A report writes its file itself: Parquet is not for a stream.
    if let Command::Report(report) = &mut command
        && let Some(file) = output.take()
        && report.out.replace(file).is_some()
    {
        return Err(usage_error("--output and --out both name the file of the report; pass one of them"));
    }
    let file = output.as_deref().map(OutputFile::create).transpose()?;
    let writes = command.writes_to_aws();
    let result = dispatch(command);
    if let Some(file) = file {
        file.finish(&result, writes)?;
    }
    result
}

fn dispatch(command: Command) -> Result<Completion> {
    match command {
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
        Command::Init(args) => command::init::run(&args),
        Command::Policy(args) => command::policy::run(&args),
        Command::Schema(args) => command::schema::run(&args),
        #[cfg(feature = "aws")]
        Command::Generate(args) => command::generate::run(&args),
        #[cfg(feature = "aws")]
        Command::Guard(args) => command::guard::run(&args),
        #[cfg(feature = "aws")]
        Command::Deploy(args) => command::deploy::run(&args),
        #[cfg(feature = "aws")]
        Command::Doctor(args) => command::doctor::run(&args),
        #[cfg(feature = "manual")]
        Command::Completions(args) => command::manual::completions(&args),
        #[cfg(feature = "manual")]
        Command::Man(args) => command::manual::man(&args),
        #[cfg(feature = "manual")]
        Command::Reference(args) => command::manual::reference(&args),
    }
}

/// True if the cause of an error is a pipe that its reader closed.
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
