//! `org-metadata`: a report of every account of many AWS organizations.
//!
//! ```text
//! config ── tenants ── scan ── report ── output
//!                        │                  ├── folder, bucket
//!             answers ───┤                  └── csv, jsonl, parquet, html, manifest
//!             aws: turns, places, retries, counts
//! ```
//!
//! Exit codes: 0 the report is whole; 1 there is none; 2 it is there, and something is missing in it.

mod answers;
mod aws;
mod cli;
mod config;
mod dry_run;
mod organization;
mod output;
mod progress;
mod regions;
mod report;
mod run;
mod scan;
mod summary;
mod tenants;

use clap::Parser as _;
use cli::Cli;
use config::Config;
use jiff::Timestamp;
use run::Done;
use std::io::Write as _;
use std::process::ExitCode;

/// There is no report.
const NOTHING: u8 = 1;

/// Something is missing in the report.
const MISSING: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and versions are no errors. Where nothing can be printed, the exit code has to do.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(NOTHING) } else { ExitCode::SUCCESS };
        }
    };
    match start(&cli) {
        Ok(Done::Whole) => ExitCode::SUCCESS,
        Ok(Done::Partly) => ExitCode::from(MISSING),
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::from(NOTHING)
        }
    }
}

fn start(cli: &Cli) -> anyhow::Result<Done> {
    let config = Config::read(cli, &std::env::vars().collect())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run::run(&config, now))
}

#[expect(clippy::disallowed_methods, reason = "here the clock comes in")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Says something to people. Where not even that is possible, the manifest and the exit code have to do.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
