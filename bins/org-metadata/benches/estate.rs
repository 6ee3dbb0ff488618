//! The duration, calls and memory of a report: the real binary against a simulated AWS with latency and AWS's limits, compared
//! with the known report's serial calls (`reference.py`). Run with `cargo bench -p org-metadata`; without `--bench` it runs once
//! over a few accounts, as a test.
//!
//! Every measured report must also be correct. Memory is that of `/proc`, so it needs Linux.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and stops at the first error"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use autotag_testkit::{Emulator, Proxy};
use common::estate::{Account, Estate, Holdings, Limits, MEMBER_ROLE, ROLE, Size};
use common::run::{header, program, reports, without_pace};
use serde_json::Value;
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SEED: u64 = 20_261_125;

/// The size of the measurement.
struct Scale {
    /// The latency of a call when time is measured.
    takes: Duration,
    /// Accounts, each with all regions.
    usual: Size,
    /// One organization, whose account tags take longest.
    wide: Size,
    /// An estate that the reference finishes in under a minute.
    little: Size,
    /// The estate for the measurement of memory.
    large: Size,
}

const FULL: Scale = Scale {
    takes: Duration::from_millis(100),
    usual: Size { organizations: 1, accounts: 50, regions: 17, resources: 50_000 },
    wide: Size { organizations: 1, accounts: 1_000, regions: 17, resources: 50_000 },
    little: Size { organizations: 1, accounts: 2, regions: 17, resources: 300 },
    large: Size { organizations: 10, accounts: 500, regions: 17, resources: 50_000 },
};

const TEST: Scale = Scale {
    takes: Duration::from_millis(1),
    usual: Size { organizations: 1, accounts: 4, regions: 3, resources: 50_000 },
    wide: Size { organizations: 1, accounts: 8, regions: 2, resources: 50_000 },
    little: Size { organizations: 1, accounts: 2, regions: 17, resources: 60 },
    large: Size { organizations: 2, accounts: 5, regions: 2, resources: 50_000 },
};

fn main() {
    let asked = |name: &str| std::env::args().any(|arg| arg == name);
    let scale = if asked("--bench") && !asked("--test") {
        FULL
    } else {
        println!("a test run: it says whether all is right, and nothing about speed");
        TEST
    };
    let processors = std::thread::available_parallelism().unwrap();
    println!("org-metadata, {} ms a call, AWS's limits, on {processors} processors", scale.takes.as_millis());
    println!("{:60} {:>12}   aim", "", "");

    let usual = StubbedEstate::new(scale.usual, scale.takes, Limits::real());
    let took = usual.ours(RateLimiter::Usual).took;
    line(&format!("{}, s", size(scale.usual)), seconds(took), "at most 5");
    usual.print_calls();

    let wide = StubbedEstate::new(scale.wide, scale.takes, Limits::real());
    line(&format!("{}, s", size(scale.wide)), seconds(wide.ours(RateLimiter::Usual).took), "at most 102");
    wide.print_calls();

    compare(&scale, &usual, took);

    let large = StubbedEstate::new(scale.large, Duration::ZERO, Limits::none());
    let ours = large.ours(RateLimiter::None);
    println!("{}, no delay, no limits:", size(scale.large));
    line("  peak memory, MB", format!("{:.1}", ours.megabytes), "at most 64");
    line("  seconds", seconds(ours.took), "");
    line("  calls", large.estate.total().calls, "");
}

fn line(name: &str, figure: impl Display, aim: &str) {
    let figure = figure.to_string();
    println!("{}", format!("{name:60} {figure:>12}   {aim}").trim_end());
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}

fn size(size: Size) -> String {
    let Size { organizations, accounts, regions, resources } = size;
    let accounts = organizations * accounts;
    format!("{accounts} accounts x {regions} regions, up to {resources} resources in each")
}

/// A setting of the rate limits.
#[derive(Clone, Copy)]
enum RateLimiter {
    Usual,
    None,
}

/// The duration and memory of one run.
struct Took {
    took: Duration,
    /// The most memory it had.
    megabytes: f64,
}

/// An estate all whose accounts are entered, and have their tags on one page.
struct StubbedEstate {
    stub: Proxy,
    estate: Arc<Estate>,
    size: Size,
}

impl StubbedEstate {
    fn new(size: Size, takes: Duration, limits: Limits) -> Self {
        let stub = Proxy::stub(takes).unwrap();
        let mut estate = Estate::new(SEED, size).limited(limits);
        let accounts = estate.organizations.iter_mut().flat_map(|organization| &mut organization.accounts);
        for account in accounts {
            account.state = Some("ACTIVE");
            account.tags = account.tags.split_off(account.tags.len().saturating_sub(10));
        }
        let estate = estate.behind(&stub);
        Self { stub, estate, size }
    }

    /// A report by the real binary, which must be whole and right.
    fn ours(&self, pace: RateLimiter) -> Took {
        self.estate.forget_calls();
        let out = tempfile::tempdir().unwrap();
        let mut command = match pace {
            RateLimiter::Usual => program(&self.stub, out.path()),
            RateLimiter::None => without_pace(&self.stub, out.path()),
        };
        let took = watched(&mut command, &out.path().join(".said"));
        let found = reports(out.path(), &header(&[]));
        for organization in &self.estate.organizations {
            assert_eq!(found.get(&organization.management), Some(&organization.rows()));
        }
        took
    }

    /// The calls of the last run. Asserts that there were no unneeded ones.
    fn print_calls(&self) {
        let accounts = (self.size.organizations * self.size.accounts) as u64;
        let most = accounts * (self.size.regions as u64 + 3);
        let each = ["AssumeRole", "ListRegions", "ListTagsForResource", "GetResources"];
        let mut of_accounts = 0;
        for operation in self.estate.operations() {
            let count = self.estate.count(&operation);
            let first = count.calls - count.further - count.throttled;
            if each.contains(&operation.as_str()) {
                of_accounts += first;
            }
            let further = match (operation.as_str(), count.further) {
                (_, 0) => String::new(),
                ("GetResources", _) => format!("+ {} behind pages that tell nothing", count.further),
                (_, further) => format!("+ {further} further pages"),
            };
            let throttled = format!("{} throttled", count.throttled);
            let throttled = if count.throttled == 0 { "" } else { &throttled };
            line(&format!("  {operation}"), first, &format!("{further} {throttled}"));
        }
        line("  all calls", self.estate.total().calls, "");
        let aim = format!("at most {most}: accounts x (regions + 3)");
        line("  calls that each account and region needs", of_accounts, &aim);
        assert!(of_accounts <= most, "{of_accounts} calls instead of {most} at most");
    }

    /// The same report with the calls of the known report.
    fn reference(&self) -> f64 {
        self.estate.forget_calls();
        let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/reference.py");
        let management = &self.estate.organizations.first().unwrap().management;
        let mut command = Command::new(python);
        command.env_clear().envs(self.stub.environment()).arg(script).args([management, ROLE, MEMBER_ROLE]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said.get("accounts"), Some(&Value::from(self.size.accounts)));
        said.get("seconds").and_then(Value::as_f64).unwrap()
    }

    /// The number of calls of the reference.
    fn reference_calls(&self) -> u64 {
        let of_organization = self.estate.organizations.iter().map(|organization| {
            let accounts = organization.accounts.len() as u64;
            // The roles of the organization and of its other members, the description, the tags.
            let once = accounts + 1 + accounts + accounts.div_ceil(20);
            once + organization.accounts.iter().map(reference_pages).sum::<u64>()
        });
        of_organization.sum()
    }
}

/// The regions that the reference has built in.
const BUILT_IN: [&str; 13] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "sa-east-1",
];

/// The pages that the reference reads of an account: all of each region, and of the first one twice.
fn reference_pages(account: &Account) -> u64 {
    let pages =
        |region: &&str| account.regions.get(*region).map_or(1, |holdings: &Holdings| holdings.pages(50));
    BUILT_IN.iter().chain(BUILT_IN.first()).map(pages).sum()
}

/// Both programs over a small estate, extrapolated to the usual one.
fn compare(scale: &Scale, usual: &StubbedEstate, took: Duration) {
    let little = StubbedEstate::new(scale.little, scale.takes, Limits::real());
    let ours = little.ours(RateLimiter::Usual).took.as_secs_f64();
    let reference = little.reference();
    let calls = little.estate.total().calls;
    assert_eq!(
        calls,
        little.reference_calls(),
        "the reference calls something else than is counted on below"
    );
    println!("beside the known report's way (Python with boto3, one call after the other):");
    println!("  measured: {}", size(scale.little));
    line("    ours, s", format!("{ours:.2}"), "");
    line(&format!("    reference, s, {calls} calls"), format!("{reference:.2}"), "");
    line("    ours is times faster", format!("{:.1}", reference / ours), "");
    let a_call = reference / calls as f64;
    // Ours makes the same number of calls for more tagged resources: it stops at the first one that counts.
    for resources in [scale.little.resources, scale.usual.resources] {
        let needed = StubbedEstate::new(Size { resources, ..usual.size }, scale.takes, Limits::real())
            .reference_calls();
        let whole = a_call * needed as f64;
        println!("  not measured: {}", size(Size { resources, ..usual.size }));
        line(
            &format!("    reference, s: {needed} calls, {:.1} ms each", a_call * 1_000.0),
            format!("{whole:.0}"),
            "",
        );
        let aim = if resources == usual.size.resources { "at least 600" } else { "" };
        line("    ours is times faster", format!("{:.0}", whole / took.as_secs_f64()), aim);
    }
}

/// Runs to the end, and looks at the memory meanwhile: the highest mark only grows.
fn watched(command: &mut Command, said: &Path) -> Took {
    command.stderr(fs::File::create(said).unwrap());
    let began = Instant::now();
    let mut process = command.spawn().unwrap();
    let (status, mut megabytes) = (format!("/proc/{}/status", process.id()), f64::NAN);
    let ended = loop {
        if let Some(ended) = process.try_wait().unwrap() {
            break ended;
        }
        megabytes = peak_megabytes(Path::new(&status)).max(megabytes);
        std::thread::sleep(Duration::from_millis(2));
    };
    let took = began.elapsed();
    assert!(ended.success(), "{ended}: {}", fs::read_to_string(said).unwrap());
    Took { took, megabytes }
}

/// The most memory that a process has had at once. Not a number where the system does not tell, or it has ended.
fn peak_megabytes(status: &Path) -> f64 {
    let status = fs::read_to_string(status).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1_024.0)
}
