//! A run can be killed at any moment: its files are complete or missing, and only the calls in flight are repeated.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_testkit::{Fault, Proxy};
use common::estate::{Count, Estate, Size, random};
use common::run::{UNFINISHED, finish, header, manifest, reports, visible, without_pace};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const KILLS: u64 = 50;

/// The number of calls in flight.
const CONCURRENCY: u64 = 16;

/// The operations whose answers cost most.
const KEPT: [&str; 2] = ["ListTagsForResource", "GetResources"];

struct KillSuite {
    stub: Proxy,
    estate: Arc<Estate>,
}

impl KillSuite {
    fn new(organizations: usize, accounts: usize) -> Self {
        let size = Size { organizations, accounts, regions: 5, resources: 50_000 };
        let stub = Proxy::stub(Duration::from_millis(4)).unwrap();
        let estate = Estate::new(7, size).behind(&stub);
        Self { stub, estate }
    }

    fn command(&self, out: &Path) -> Command {
        let mut command = without_pace(&self.stub, out);
        command.args(["--format", "csv,jsonl,html", "--concurrency", &CONCURRENCY.to_string()]);
        command
    }

    /// Resumes the run in the folder if it has not come to its end; then its report must be whole and right.
    fn complete(&self, out: &Path) {
        if is_unfinished(out) || manifest(out).is_none() {
            let (code, said) = finish(self.command(out).arg("--resume"));
            assert_eq!(code, 0, "{said}");
        }
        self.assert_whole_files(out);
        let found = reports(out, &header(&[]));
        assert_eq!(found.len(), self.estate.organizations.len());
        for organization in &self.estate.organizations {
            assert_eq!(found[&organization.management], organization.rows());
        }
        assert!(!is_unfinished(out), "the report is whole, and still unfinished");
    }

    /// The calls since the last time.
    fn calls(&self) -> [Count; 2] {
        let calls = KEPT.map(|operation| self.estate.count(operation));
        self.estate.forget_calls();
        calls
    }

    /// The duration and the calls of an undisturbed run.
    fn undisturbed(&self, folder: impl Fn() -> TempDir) -> (Duration, [Count; 2]) {
        // The first one finds nothing of the program in memory, and takes longer.
        self.complete(folder().path());
        self.calls();
        let (out, began) = (folder(), Instant::now());
        self.complete(out.path());
        (began.elapsed(), self.calls())
    }

    fn start(&self, out: &Path, more: &[&str]) -> Child {
        let mut command = self.command(out);
        command.args(more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn kill(&self, out: &Path, mut process: Child) {
        process.kill().unwrap();
        process.wait().unwrap();
        self.assert_whole_files(out);
    }

    /// Asserts that all visible files are complete: reports have all their rows, and the manifest describes the files.
    fn assert_whole_files(&self, out: &Path) {
        for (management, rows) in reports(out, &header(&[])) {
            assert_eq!(rows.len(), self.estate.organization(&management).accounts.len());
        }
        for (name, path) in visible(out) {
            let text = fs::read_to_string(&path).unwrap();
            match name.rsplit_once('.').unwrap_or_default().1 {
                // Seen to above and below.
                "csv" | "json" => {}
                "jsonl" if name == UNFINISHED => assert_lines(&text, false),
                "jsonl" => {
                    assert_lines(&text, true);
                    assert_eq!(text.lines().count(), self.estate.accounts().count());
                }
                "html" => assert!(text.trim_end().ends_with("</html>"), "{name} is cut"),
                _ => panic!("what is {name}?"),
            }
        }
        if let Some(manifest) = manifest(out) {
            assert_sums(out, &manifest);
        }
    }
}

fn between_0_and_1(seed: u64) -> f64 {
    f64::from(u32::try_from(random(seed) >> 32).unwrap()) / f64::from(u32::MAX)
}

fn is_unfinished(out: &Path) -> bool {
    visible(out).contains_key(UNFINISHED)
}

/// That each line is JSON; the last one may be cut where it is not said to be whole.
fn assert_lines(text: &str, whole: bool) {
    for line in text.split_inclusive('\n').filter(|line| whole || line.ends_with('\n')) {
        let is_json = serde_json::from_str::<Value>(line).is_ok();
        assert!(line.ends_with('\n') && is_json, "not a line of JSON: {line}");
    }
}

fn assert_sums(out: &Path, manifest: &Value) {
    let files = manifest["files"].as_array().unwrap_or_else(|| panic!("no files in {manifest}"));
    assert!(!files.is_empty(), "no files in {manifest}");
    for file in files {
        let bytes = fs::read(out.join(file["name"].as_str().unwrap())).unwrap();
        let sum: Vec<String> = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file["sha256"], sum.concat(), "{file}");
    }
}

fn new() -> TempDir {
    tempdir().unwrap()
}

#[test]
fn killed_at_fifty_moments_and_resumed() {
    let suite = KillSuite::new(2, 16);
    let (takes, undisturbed) = suite.undisturbed(new);
    let (mut made, mut in_between) = (0, 0);
    while made < KILLS {
        let (out, mut kills) = (new(), 0);
        // Every other run is killed once more while it is resumed.
        while kills <= made % 2 && (kills == 0 || is_unfinished(out.path())) {
            let process = suite.start(out.path(), if kills == 0 { &[] } else { &["--resume"] });
            // From before it has started to after it has ended.
            std::thread::sleep(takes.mul_f64(1.1 * between_0_and_1(made + kills)));
            suite.kill(out.path(), process);
            kills += 1;
            in_between += u64::from(is_unfinished(out.path()));
        }
        made += kills;
        suite.complete(out.path());
        for ((operation, Count { calls, .. }), undisturbed) in KEPT.iter().zip(suite.calls()).zip(undisturbed)
        {
            // A list without its last page is not an answer yet, so all its pages are read again.
            let most = undisturbed.calls + kills * (CONCURRENCY + undisturbed.further);
            let expected = undisturbed.calls..=most;
            assert!(expected.contains(&calls), "{calls} of {operation}, not {expected:?}, after kill {made}");
        }
    }
    assert!(in_between > KILLS / 3, "only {in_between} of {made} kills came in between");
}

/// Files take the place of others then, and what the manifest says of them must still be true.
#[test]
fn killed_while_an_incomplete_report_is_resumed() {
    let suite = KillSuite::new(12, 2);
    let before = new();
    suite
        .stub
        .rule(|call| (call.operation == "GetResources").then(|| Fault::refused("AccessDeniedException")));
    let (code, said) = finish(&mut suite.command(before.path()));
    assert_eq!(code, 1, "{said}");
    suite.stub.repair();
    let copy = || {
        let out = new();
        for (name, path) in visible(before.path()) {
            fs::copy(path, out.path().join(name)).unwrap();
        }
        out
    };
    let mut in_between = 0;
    for files in 0..12 {
        let out = copy();
        let old = marks(out.path());
        let process = suite.start(out.path(), &["--resume"]);
        // Until about so many files have taken the place of others.
        while marks(out.path()).difference(&old).count() <= files && is_unfinished(out.path()) {}
        suite.kill(out.path(), process);
        in_between += u64::from(is_unfinished(out.path()));
        suite.complete(out.path());
    }
    assert!(in_between > 3, "only {in_between} kills came in between");
}

/// The identity of a file, to tell it from another one of the same name.
fn marks(out: &Path) -> BTreeSet<(String, u64)> {
    let finished = visible(out).into_iter().filter(|(name, _)| name != UNFINISHED);
    finished.filter_map(|(name, path)| Some((name, fs::metadata(path).ok()?.ino()))).collect()
}

/// The end of the machine may cut what a kill leaves whole: anywhere, also within a letter.
#[test]
fn truncated_answers_are_resumed() {
    let suite = KillSuite::new(1, 4);
    let before = new();
    suite
        .stub
        .rule(|call| (call.operation == "GetResources").then(|| Fault::refused("AccessDeniedException")));
    let (code, said) = finish(&mut suite.command(before.path()));
    assert_eq!(code, 1, "{said}");
    suite.stub.repair();
    let kept = fs::read(before.path().join(UNFINISHED)).unwrap();
    let within_letters = (0..kept.len()).filter(|at| kept[*at] & 0b1100_0000 == 0b1000_0000);
    let anywhere = (0..10).map(|seed| usize::try_from(random(seed)).unwrap() % kept.len());
    let cuts: BTreeSet<usize> = within_letters.chain(anywhere).chain([0, 1]).collect();
    assert!(cuts.len() > 10, "no letter is longer than a byte");
    for cut in cuts {
        let out = new();
        fs::write(out.path().join(UNFINISHED), &kept[..cut]).unwrap();
        let (code, said) = finish(suite.command(out.path()).arg("--resume"));
        assert_eq!(code, 0, "cut behind {cut} bytes: {said}");
        suite.complete(out.path());
    }
}
