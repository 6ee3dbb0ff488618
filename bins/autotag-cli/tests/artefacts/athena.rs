//! The query of `athena/`: what it writes is planned like the log files that it read.
//!
//! The tests do not cover Athena itself: `DuckDB` runs the query, and the script does what AWS documents of the table's `SerDe`.

use crate::{FOLDER, deploy, installed, script, text};
use autotag_testkit::Tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The rows of the plan, without those that lead to no tags.
fn plan(path: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autotag"));
    let output = command.arg("plan").arg(path).current_dir(root().join("fixtures")).output().unwrap();
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Plans the result of the query over these log files.
fn planned_by_query(logs: &Path) -> String {
    let folder = deploy(None);
    let results = folder.path().join("results");
    fs::create_dir(&results).unwrap();
    // As Athena names its files.
    let result = results.join("20260302_120000_00007_ab1c2_0f6d.gz");
    let mut python = Command::new(installed(Tools::queries(FOLDER)));
    python.arg(script("athena.py")).arg(folder.path().join("deploy")).arg(logs).arg(result);
    text(&python.output().unwrap());
    plan(&results)
}

#[test]
fn a_trail_is_planned_from_the_result_as_from_its_log_files() {
    let logs = root().join("fixtures/trail");
    assert_eq!(sorted(&planned_by_query(&logs)), sorted(&plan(&logs)));
}

/// All forms of callers, and of what proves them.
#[test]
fn owners_are_found_from_the_result_as_from_the_records() {
    let logs = root().join("fixtures/owners");
    assert_eq!(sorted(&planned_by_query(&logs)), sorted(&plan(&logs)));
}

/// Events of the same time have no order in the result.
fn sorted(rows: &str) -> Vec<&str> {
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.sort_unstable();
    rows
}
