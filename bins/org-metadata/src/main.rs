//! `org-metadata`: a report of every account of many AWS organizations.
//!
//! ```text
//! config ── tenants ── scan ── report ── output
//!                        │                  ├── folder, bucket
//!       resume_cache ────┤                  └── csv, jsonl, parquet, html, manifest
//!               aws: rate limits, sessions, retries, counts
//! ```
//!
//! Exit codes: 0 the report is complete; 1 something is missing in it, or there is none; 2 wrong usage or configuration.

mod account_tags;
mod aws;
mod cli;
mod completion;
mod config;
mod console;
mod dry_run;
mod manual;
mod organization;
mod output;
mod progress;
mod regions;
mod report;
mod resume_cache;
mod run;
mod scan;
mod summary;
mod tenants;

use clap::Parser as _;
use cli::Cli;
use completion::Completion;
use config::Config;
use jiff::Timestamp;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Also help and version. If they cannot be printed, the exit code still tells the result.
            let _ = error.print();
            return if error.use_stderr() { completion::wrong_usage() } else { ExitCode::SUCCESS };
        }
    };
    match start(&cli) {
        Ok(completion) => completion.exit_code(),
        Err(error) => {
            console::say(&format!("org-metadata: {error:#}"));
            completion::failed(&error)
        }
    }
}

fn start(cli: &Cli) -> anyhow::Result<Completion> {
    if let Some(command) = &cli.command {
        return manual::run(command).map(|()| Completion::Complete);
    }
    let config = Config::read(cli, &std::env::vars().collect())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(run::run(&config, now))
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
