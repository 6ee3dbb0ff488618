//! The query of `athena/`: what it writes is planned like the log files that it read.
//!
//! The tests do not cover Athena itself: `DuckDB` runs the query, and the script does what AWS documents of the table's `SerDe`.

use crate::common::{autotag_in, root, stderr, stdout};
use crate::{FOLDER, deploy, installed, script, text};
use autotag_testkit::Tools;
use std::path::Path;
use std::process::Command;

/// The rows of the plan, without those that lead to no tags.
fn plan(path: &Path) -> String {
    let output = autotag_in(&root().join("fixtures"), &["plan", path.to_str().unwrap()]);
    assert!(!output.stdout.is_empty(), "{}", stderr(&output));
    stdout(&output)
}

/// Plans the result of the query over these log files.
fn planned_by_query(logs: &Path) -> String {
    let results = tempfile::tempdir().unwrap();
    // As Athena names its files.
    let result = results.path().join("20260302_120000_00007_ab1c2_0f6d.gz");
    let mut python = Command::new(installed(Tools::queries(FOLDER)));
    python.arg(script("athena.py")).arg(deploy(None).path().join("deploy")).arg(logs).arg(result);
    text(&python.output().unwrap());
    plan(results.path())
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
