//! Runs fuzzing campaigns, and single inputs.
#![expect(clippy::print_stdout, reason = "a program for developers prints")]

use anyhow::{Context as _, Result, bail};
use autotag_fuzz::campaign::{Campaign, Reports, table};
use autotag_fuzz::minimize::minimize;
use autotag_fuzz::run::{keep_panics, run};
use autotag_fuzz::seeds::SeedTexts;
use autotag_fuzz::slice::{input, run_slice};
use autotag_fuzz::target::{OpenFault, Target};
use autotag_fuzz::targets;
use clap::{Parser, Subcommand};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Fuzzing of everything that reads bytes of others.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Names the targets and their shares of a campaign, in a thousand inputs.
    List,
    /// Runs many inputs and prints a table; exit code 1 if anything new is found.
    Campaign {
        /// How many inputs, over all targets.
        #[arg(long, default_value_t = 1_000_000)]
        inputs: u64,
        /// From which all inputs follow: another seed, other inputs.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// One target only.
        #[arg(long)]
        target: Option<String>,
        /// How many inputs one process runs.
        #[arg(long, default_value_t = 1_000_000)]
        slice: u64,
        /// The folder for inputs with something wrong.
        #[arg(long, default_value = "target/fuzz-findings")]
        out: PathBuf,
    },
    /// Runs some inputs of one target in this process and prints a report as JSON.
    Slice {
        #[arg(long)]
        target: String,
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        from: u64,
        #[arg(long)]
        count: u64,
    },
    /// Prints one input of a campaign.
    Show {
        #[arg(long)]
        target: String,
        #[arg(long)]
        seed: u64,
        #[arg(long)]
        number: u64,
    },
    /// Runs inputs from files; exit code 1 if anything is found.
    Replay {
        #[arg(long)]
        target: String,
        files: Vec<PathBuf>,
    },
    /// Shortens an input with something wrong, in place.
    Minimize {
        #[arg(long)]
        target: String,
        file: PathBuf,
    },
}

fn main() -> Result<ExitCode> {
    let command = Cli::parse().command;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has no folder")?;
    let seeds = SeedTexts::read(root).context("cannot read the seeds")?;
    let all = targets::all(&seeds);
    keep_panics();
    match command {
        Command::List => all.iter().for_each(|target| println!("{:<12}{:>5}", target.name(), target.share())),
        Command::Campaign { inputs, seed, target, slice, out } => {
            let program = std::env::current_exe().context("where is this program?")?;
            let reports = Campaign { inputs, seed, target, slice, out: out.clone(), program }.run(&all)?;
            print!("{}", table(&reports));
            return Ok(summary(&reports, &out));
        }
        Command::Slice { target, seed, from, count } => {
            println!("{}", serde_json::to_string(&run_slice(named(&all, &target)?, seed, from, count))?);
        }
        Command::Show { target, seed, number } => {
            let mut bytes = Vec::new();
            input(named(&all, &target)?, seed, number, &mut bytes);
            println!("{}", String::from_utf8_lossy(&bytes));
        }
        Command::Replay { target, files } => return replay(named(&all, &target)?, &files),
        Command::Minimize { target, file } => {
            let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let shorter = minimize(named(&all, &target)?, &bytes);
            println!("{} bytes -> {}", bytes.len(), shorter.len());
            fs::write(&file, shorter).with_context(|| format!("cannot write {}", file.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn named<'t>(all: &'t [Box<dyn Target>], name: &str) -> Result<&'t dyn Target> {
    match all.iter().find(|target| target.name() == name) {
        Some(target) => Ok(target.as_ref()),
        None => bail!("no target `{name}`; `list` shows all"),
    }
}

/// Prints the faults with their first inputs. Known open faults do not fail the campaign.
fn summary(reports: &Reports, out: &Path) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (name, report) in reports {
        let open: Vec<OpenFault> =
            targets::OPEN.iter().filter(|open| open.target == *name).copied().collect();
        for (fault, count) in &report.faults {
            let known = if open.iter().any(|open| open.fault == fault) { " (known)" } else { "" };
            println!("{name}: {count} inputs{known}: {fault}");
            for found in report.found.iter().filter(|found| found.fault == *fault) {
                println!("  number {}: {}", found.number, found.what);
            }
        }
        if !report.new_faults(&open).is_empty() {
            code = ExitCode::FAILURE;
        }
    }
    if reports.values().any(|report| !report.faults.is_empty()) {
        println!("the inputs are in {}", out.display());
    }
    code
}

fn replay(target: &dyn Target, files: &[PathBuf]) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let seen = run(target, &bytes);
        let what = seen.finding.as_ref().map_or_else(|| "nothing found".to_owned(), ToString::to_string);
        println!("{}: {what} ({:?}, {} bytes of memory)", file.display(), seen.took, seen.peak);
        if seen.finding.is_some() {
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
