//! The state machine of `backfill.yaml`: it is valid Amazon States Language, and moto runs it.
//!
//! These tests do not cover batches (moto has no `ItemBatcher`; the test makes a batch of each file in the same form), tolerated
//! failures and redriving, concurrency, limits of histories and payloads, and permissions. The functions' own tests cover the
//! payload.

use crate::{FOLDER, deploy, installed, node, script};
use autotag_testkit::PolicySimulators;
use serde_json::{Value, json};
use std::process::Command;

fn run() -> Value {
    let folder = deploy(None);
    let python = installed(PolicySimulators::states(FOLDER));
    let mut command = Command::new(python);
    let output =
        command.arg(script("states.py")).arg(folder.path().join("deploy/backfill.yaml")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn key(account: &str, region: &str, day: &str) -> String {
    format!("AWSLogs/o-example1/{account}/CloudTrail/{region}/{day}/file.json.gz")
}

#[test]
fn each_day_is_read_for_sessions_and_then_for_creations() {
    let ran = run();
    assert_eq!(node("language.cjs", &ran["definition"]), "", "the definition is not a valid state machine");
    assert_eq!(ran["status"], "SUCCEEDED");
    let calls = ran["calls"].as_array().unwrap();
    let mut left: Vec<(String, String)> = Vec::new();
    for call in calls {
        assert_eq!(call[2], json!({"bucket": "trail", "backfill": true}), "{call}");
        for file in call[1].as_array().unwrap() {
            left.push((call[0].as_str().unwrap().to_owned(), file.as_str().unwrap().to_owned()));
        }
    }
    // The calls of one function for one day may have any order.
    let mut next = |function: &str, day: &str| {
        let want =
            [("111122223333", "eu-west-1"), ("111122223333", "us-east-1"), ("444455556666", "eu-west-1")]
                .map(|(account, region)| (function.to_owned(), key(account, region, day)));
        let mut came: Vec<(String, String)> = left.drain(..want.len().min(left.len())).collect();
        came.sort();
        assert_eq!(came, want, "{function} on {day}");
    };
    // The first day is read for sessions only.
    next("autotag-session-handler", "2026/02/28");
    next("autotag-session-handler", "2026/03/01");
    next("autotag-tag-handler", "2026/03/01");
    next("autotag-session-handler", "2026/03/02");
    next("autotag-tag-handler", "2026/03/02");
    assert_eq!(left, [], "files outside of the days");
    let results = ran["results"].to_string();
    assert!(results.contains("\"sessions/") && results.contains("\"creations/"), "{results}");
}

/// A file of sessions that is not read leads to wrong owners, which are never corrected.
#[test]
fn no_file_of_sessions_may_fail() {
    let folder = deploy(None);
    let text = std::fs::read_to_string(folder.path().join("deploy/backfill.yaml")).unwrap();
    let tolerated: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"ToleratedFailurePercentage\": "))
        .collect();
    assert_eq!(tolerated, ["0,", "${ToleratedFailurePercentage},"]);
}
