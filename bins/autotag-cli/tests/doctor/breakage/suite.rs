//! Breaks a deployment, and compares the report of doctor with the expected one.

use crate::deployment::Deployment;
use crate::{named, report};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The checks that must be broken (`check @ place`), and those that must be unknown because they depend on them.
pub struct Expected {
    broken: Vec<String>,
    unknown: Vec<String>,
}

pub fn only(broken: &[&str]) -> Expected {
    with(broken, &[])
}

pub fn with(broken: &[&str], unknown: &[&str]) -> Expected {
    let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
    Expected { broken: owned(broken), unknown: owned(unknown) }
}

/// Compares a report with the expected one.
///
/// # Errors
/// The first difference.
pub fn compare(report: &Value, wanted: &Expected) -> Result<(), String> {
    let (broken, unknown) = (named(report, "broken"), named(report, "unknown"));
    let expected = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    if broken != expected(&wanted.broken) {
        return Err(format!("broken are {broken:?}, not {:?}", wanted.broken));
    }
    if unknown != expected(&wanted.unknown) {
        return Err(format!("unknown are {unknown:?}, not {:?}", wanted.unknown));
    }
    let fixes = report["checks"].as_array().unwrap().iter().filter(|check| check["state"] != "ok");
    for check in fixes {
        let fix = check["fix"].as_str().unwrap_or_default();
        if fix.is_empty() || fix.contains('\n') {
            return Err(format!("{} has no fix in one line", check["check"]));
        }
        let command = ["aws ", "autotag "].iter().any(|program| fix.contains(program));
        let placeholder = fix.split('{').skip(1).any(|rest| rest.starts_with(char::is_alphabetic));
        if check["state"] == "broken" && (!command || placeholder) {
            return Err(format!("the fix of {} is no command with names: {fix}", check["check"]));
        }
    }
    Ok(())
}

/// Breaks a deployment, checks the report, and repairs it, several times. All differences are reported at the end.
pub struct BreakageSuite {
    pub deployment: Deployment,
    pub wrong: Vec<String>,
    seen: usize,
}

impl BreakageSuite {
    pub async fn new() -> Self {
        Self { deployment: Deployment::new().await, wrong: Vec::new(), seen: 0 }
    }

    pub fn check(&mut self, how: &str, wanted: &Expected) {
        let output = self.deployment.doctor(&["--format", "json"]);
        let report = report(&output);
        self.seen += 1;
        if let Err(why) = compare(&report, wanted) {
            self.wrong.push(format!("{how}: {why}"));
        }
        if output.status.code() != Some(1) {
            self.wrong.push(format!("{how}: the exit code is {:?}", output.status.code()));
        }
        for check in report["checks"].as_array().unwrap().iter().filter(|check| check["state"] == "broken") {
            eprintln!("{how} | {} @ {} | {}", check["check"], check["place"], check["seen"]);
        }
    }

    /// A healthy variant: nothing is broken or unknown.
    pub fn healthy(&mut self, how: &str) {
        self.healthy_with(how, &[]);
    }

    /// The same, with options of doctor.
    pub fn healthy_with(&mut self, how: &str, options: &[&str]) {
        let options = [&["--format", "json"], options].concat();
        let output = self.deployment.doctor(&options);
        let report = report(&output);
        self.seen += 1;
        if let Err(why) = compare(&report, &only(&[])) {
            self.wrong.push(format!("{how}: {why}"));
        }
        if output.status.code() != Some(0) {
            self.wrong.push(format!("{how}: the exit code is {:?}", output.status.code()));
        }
    }

    /// Everything must be repaired again. Otherwise an earlier breakage could hide a later one.
    pub fn finish(self) {
        let output = self.deployment.doctor(&["--format", "json"]);
        let well = compare(&report(&output), &only(&[]));
        assert_eq!(well, Ok(()), "not everything was repaired");
        assert!(self.wrong.is_empty(), "{} breakages:\n{}", self.seen, self.wrong.join("\n"));
    }
}

/// The comparison of these tests can fail: it finds a link that is not reported, one too many, and a missing fix.
#[test]
fn the_comparison_finds_differences() {
    let check = |check: &str, state: &str, fix: Value| json!({"check": check, "place": "here", "state": state, "fix": fix});
    let report = |checks: &[Value]| json!({"checks": checks});
    let (well, hurt) = (
        check("a", "ok", Value::Null),
        check("b", "broken", json!("aws cloudformation deploy --region eu-west-1")),
    );
    let wanted = only(&["b @ here"]);
    assert_eq!(compare(&report(&[well.clone(), hurt.clone()]), &wanted), Ok(()));
    assert!(compare(&report(std::slice::from_ref(&well)), &wanted).is_err(), "not reported");
    let beside = check("c", "broken", json!("aws cloudformation deploy --region eu-west-1"));
    assert!(compare(&report(&[hurt.clone(), beside]), &wanted).is_err(), "one too many");
    let doubt = check("c", "unknown", json!("look"));
    assert!(compare(&report(&[hurt, doubt]), &wanted).is_err(), "one unknown too many");
    assert!(compare(&report(&[check("b", "broken", Value::Null)]), &wanted).is_err(), "no fix");
}
