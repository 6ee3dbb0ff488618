//! A campaign: each slice in a process of its own, so that an overflow of the stack or an abort is found as well.

use crate::slice::{EXIT_HANG, Found, SliceReport, input};
use crate::target::Target;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The settings of a campaign.
#[derive(Debug)]
pub struct Campaign {
    /// How many inputs, over all targets by their shares.
    pub inputs: u64,
    /// From which all inputs follow.
    pub seed: u64,
    /// One target only.
    pub target: Option<String>,
    /// How many inputs one process runs.
    pub slice: u64,
    /// The folder that gets the inputs with something wrong.
    pub out: PathBuf,
    /// The program that runs a slice: this one.
    pub program: PathBuf,
}

/// The findings of a campaign's targets, by name.
pub type Reports = BTreeMap<&'static str, SliceReport>;

impl Campaign {
    /// Runs all slices, one after the other: of each target one, then of each the next, so that a campaign that is
    /// stopped has run a part of every target. After each round the table so far goes to stderr.
    ///
    /// # Errors
    /// A process cannot be started, or the folder cannot be written.
    pub fn run(&self, targets: &[Box<dyn Target>]) -> Result<Reports> {
        let mut left: Vec<(&dyn Target, u64, u64)> = Vec::new();
        for target in targets {
            if self.target.as_deref().is_some_and(|name| name != target.name()) {
                continue;
            }
            let share = if self.target.is_some() { 1_000 } else { target.share() };
            let all = self.inputs / 1_000 * share + self.inputs % 1_000 * share / 1_000;
            left.push((target.as_ref(), 0, all.max(1)));
        }
        anyhow::ensure!(!left.is_empty(), "no target of that name; `list` shows all");
        // As many slices of each target, however long each is, and no process longer than one slice.
        let rounds = left.iter().map(|(_, _, all)| all.div_ceil(self.slice)).max().unwrap_or(1);
        let mut reports = Reports::new();
        for round in 0..rounds {
            for (target, done, all) in &mut left {
                let upto = (*all * (round + 1)).div_ceil(rounds);
                let report = self.slice(*target, *done, upto - *done)?;
                *done = upto;
                self.save(*target, &report)?;
                reports.entry(target.name()).or_default().add(report);
            }
            eprintln!("round {} of {rounds}\n{}", round + 1, table(&reports));
        }
        Ok(reports)
    }

    /// Runs one slice in a process. If the process dies, its halves show which input it died of.
    fn slice(&self, target: &dyn Target, from: u64, count: u64) -> Result<SliceReport> {
        if count == 0 {
            return Ok(SliceReport::default());
        }
        let began = Instant::now();
        let numbers = [("--seed", self.seed), ("--from", from), ("--count", count)];
        let arguments = numbers.into_iter().flat_map(|(name, number)| [name.to_owned(), number.to_string()]);
        let child = Command::new(&self.program)
            .args(["slice", "--target", target.name()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .context("cannot start a slice")?;
        if child.status.success() {
            return serde_json::from_slice(&child.stdout).context("cannot read the report of a slice");
        }
        let said = String::from_utf8_lossy(&child.stderr).into_owned();
        if child.status.code() == Some(EXIT_HANG)
            && let Some(number) =
                said.lines().rev().find_map(|line| line.strip_prefix("hang at ")?.parse::<u64>().ok())
        {
            // The inputs around the one that does not come back are still run.
            let mut report = self.slice(target, from, number - from)?;
            report.add(died(number, "hang", &said, began));
            report.add(self.slice(target, number + 1, from + count - number - 1)?);
            return Ok(report);
        }
        if count == 1 {
            return Ok(died(from, "abort", &format!("{}: {said}", child.status), began));
        }
        let mut report = self.slice(target, from, count / 2)?;
        report.add(self.slice(target, from + count / 2, count - count / 2)?);
        Ok(report)
    }

    /// Writes the inputs with something wrong, each with what it is.
    fn save(&self, target: &dyn Target, report: &SliceReport) -> Result<()> {
        for found in &report.found {
            let mut bytes = Vec::new();
            input(target, self.seed, found.number, &mut bytes);
            save_one(
                &self.out.join(target.name()),
                &format!("{}-{}", self.seed, found.number),
                &bytes,
                &found.what,
            )
            .with_context(|| format!("cannot write to {}", self.out.display()))?;
        }
        Ok(())
    }
}

fn save_one(folder: &Path, name: &str, bytes: &[u8], what: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(name), bytes)?;
    fs::write(folder.join(format!("{name}.why")), format!("{what}\n"))
}

/// The report of an input that ended its process.
fn died(number: u64, fault: &str, said: &str, began: Instant) -> SliceReport {
    let hang = u64::from(fault == "hang");
    SliceReport {
        inputs: 1,
        crashes: 1 - hang,
        hangs: hang,
        faults: BTreeMap::from([(fault.to_owned(), 1)]),
        found: vec![Found { number, fault: fault.to_owned(), what: format!("{fault}: {said}") }],
        seconds: began.elapsed().as_secs_f64(),
        ..SliceReport::default()
    }
}

/// The reports as a table, with their sum in the last line.
pub fn table(reports: &Reports) -> String {
    let mut text = String::from(
        "target           inputs  crashes  properties  hangs  memory  slowest ms  peak MB  longest B  inputs/s\n",
    );
    let mut all = SliceReport::default();
    for (name, report) in reports {
        text.push_str(&line(name, report));
        all.add(report.clone());
    }
    text.push_str(&line("all", &all));
    text
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn line(name: &str, report: &SliceReport) -> String {
    let (slowest, peak) = (report.slowest.0 as f64 / 1e3, report.peak.0 as f64 / 1e6);
    let rate = report.inputs as f64 / report.seconds.max(1e-9);
    format!(
        "{name:<12}{:>11}{:>9}{:>12}{:>7}{:>8}{slowest:>12.1}{peak:>9.1}{:>11}{rate:>10.0}\n",
        report.inputs, report.crashes, report.violations, report.hangs, report.memory, report.longest,
    )
}
