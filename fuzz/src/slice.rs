//! A part of a campaign: some inputs of one target, by their numbers.

use crate::run::{Finding, run};
use crate::target::{OpenFault, Target};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How a slice ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SliceReport {
    /// How many inputs were run.
    pub inputs: u64,
    /// How many of them panicked.
    pub crashes: u64,
    /// For how many a property did not hold.
    pub violations: u64,
    /// How many took too long.
    pub hangs: u64,
    /// How many needed too much memory.
    pub memory: u64,
    /// How many inputs have each fault.
    pub faults: BTreeMap<String, u64>,
    /// The first inputs of each fault.
    pub found: Vec<Found>,
    /// The longest that an input took, in microseconds, and its number.
    pub slowest: (u64, u64),
    /// The most memory that an input needed, in bytes, and its number.
    pub peak: (u64, u64),
    /// The longest input, in bytes.
    pub longest: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// An input with something wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Found {
    /// Its number in the campaign.
    pub number: u64,
    /// The text that findings of the fault share.
    pub fault: String,
    /// The fault.
    pub what: String,
}

impl SliceReport {
    /// Adds what another slice of the target found.
    pub fn add(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.crashes += other.crashes;
        self.violations += other.violations;
        self.hangs += other.hangs;
        self.memory += other.memory;
        self.slowest = self.slowest.max(other.slowest);
        self.peak = self.peak.max(other.peak);
        self.longest = self.longest.max(other.longest);
        self.seconds += other.seconds;
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        other.found.into_iter().for_each(|found| self.keep(found));
    }

    /// The faults that are not among `open`, the known ones, with the number of their inputs.
    pub fn new_faults(&self, open: &[OpenFault]) -> Vec<(&str, u64)> {
        let is_open = |fault: &str| open.iter().any(|open| open.fault == fault);
        let faults = self.faults.iter().map(|(fault, count)| (fault.as_str(), *count));
        faults.filter(|(fault, _)| !is_open(fault)).collect()
    }

    fn keep(&mut self, found: Found) {
        if self.found.iter().filter(|known| known.fault == found.fault).count() < INPUTS_OF_A_FAULT {
            self.found.push(found);
        }
    }
}

/// How many inputs of one fault are kept.
const INPUTS_OF_A_FAULT: usize = 5;

/// An input that has not come back after this long never will: the watch ends the process.
const NEVER: Duration = Duration::from_secs(30);

/// The exit code of a process whose input did not come back.
pub const EXIT_HANG: i32 = 70;

/// The input of a number, in place of what `out` holds. It depends on the seed, the target and the number alone.
pub fn input(target: &dyn Target, seed: u64, number: u64, out: &mut Vec<u8>) {
    let name = target.name().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (seed ^ name)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    out.clear();
    target.generate(&mut Rng::with_seed(mixed ^ (mixed >> 31)), out);
}

/// Runs the inputs `from..from + count`.
pub fn run_slice(target: &dyn Target, seed: u64, from: u64, count: u64) -> SliceReport {
    let at = watched();
    let began = Instant::now();
    let mut report = SliceReport::default();
    let mut bytes = Vec::new();
    for number in from..from + count {
        at.store(number, Ordering::Relaxed);
        input(target, seed, number, &mut bytes);
        let observed = run(target, &bytes);
        let micros = u64::try_from(observed.took.as_micros()).unwrap_or(u64::MAX);
        report.slowest = report.slowest.max((micros, number));
        report.peak = report.peak.max((observed.peak as u64, number));
        report.longest = report.longest.max(bytes.len() as u64);
        report.inputs += 1;
        if let Some(finding) = observed.finding {
            match finding {
                Finding::Crash(_) => report.crashes += 1,
                Finding::Property(_) => report.violations += 1,
                Finding::Hang(_) => report.hangs += 1,
                Finding::Memory(_) => report.memory += 1,
            }
            *report.faults.entry(finding.fault()).or_default() += 1;
            report.keep(Found { number, fault: finding.fault(), what: finding.to_string() });
        }
    }
    at.store(u64::MAX, Ordering::Relaxed);
    report.seconds = began.elapsed().as_secs_f64();
    report
}

/// Ends the process, with the input's number on stderr, if the number that is stored stays the same for too long.
fn watched() -> Arc<AtomicU64> {
    let at = Arc::new(AtomicU64::new(u64::MAX));
    let watch = Arc::clone(&at);
    thread::spawn(move || {
        let (mut before, mut since) = (u64::MAX, Instant::now());
        loop {
            thread::sleep(Duration::from_secs(1));
            let now = watch.load(Ordering::Relaxed);
            if now != before || now == u64::MAX {
                (before, since) = (now, Instant::now());
            } else if since.elapsed() > NEVER {
                eprintln!("hang at {now}");
                std::process::exit(EXIT_HANG);
            }
        }
    });
    at
}
