//! The state machine of `backfill.yaml`: it is valid Amazon States Language, and moto runs it.
//!
//! These tests do not cover batches (moto has no `ItemBatcher`; the test makes a batch of each file in the same form), tolerated
//! failures and redriving, concurrency, limits of histories and payloads, and permissions. The functions' own tests cover the
//! payload.

use crate::{FOLDER, deploy, installed, node, read, resolved, script};
use autotag_testkit::PolicySimulators;
use serde_json::{Value, json};
use std::process::Command;

/// For a trail of another account, or of the own one.
fn run(trail_account: Option<&str>) -> Value {
    let folder = deploy(None);
    let python = installed(PolicySimulators::states(FOLDER));
    let mut command = Command::new(python);
    command.arg(script("states.py")).arg(folder.path().join("deploy/backfill.yaml")).args(trail_account);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn key(account: &str, region: &str, day: &str, name: &str) -> String {
    format!("AWSLogs/o-example1/{account}/CloudTrail/{region}/{day}/{name}.json.gz")
}

#[test]
fn each_day_is_read_for_sessions_and_then_for_creations() {
    reads_each_day(&run(None));
}

/// A map cannot list such a bucket, so it is listed by pages.
#[test]
fn a_trail_of_another_account_is_read_in_the_same_order() {
    reads_each_day(&run(Some("123456789012")));
}

fn reads_each_day(ran: &Value) {
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
        let places =
            [("111122223333", "eu-west-1"), ("111122223333", "us-east-1"), ("444455556666", "eu-west-1")];
        let files = |(account, region)| ["1", "2"].map(|name| key(account, region, day, name));
        let want: Vec<_> = places.into_iter().flat_map(files).map(|key| (function.to_owned(), key)).collect();
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

/// The policies in the trail's account allow what the roles of the templates are allowed in their own, and only to them.
#[test]
fn the_policies_for_a_trail_of_another_account_name_the_roles_and_what_they_do() {
    let folder = deploy(None);
    let bucket = read(folder.path(), "iam/trail-bucket-policy.json");
    let key = read(folder.path(), "iam/trail-key-policy.json");
    let template = folder.path().join("deploy/backfill.yaml");
    let parameters = [
        "TrailBucket=example-trail",
        "TrailAccount=444455556666",
        "TrailKeyArn=arn:aws:kms:eu-west-1:444455556666:key/x",
        "SessionHandlerRoleName=autotag-session-handler",
        "TagHandlerRoleName=autotag-tag-handler",
    ];
    let resolved = resolved(&template, &parameters);
    let allowed = |role: &str, statement: &str| {
        let statements = resolved[role]["Statement"].as_array().unwrap();
        statements.iter().find(|one| one["Sid"] == statement).unwrap().clone()
    };
    let same = |ours: &Value, of_role: &Value, roles: &[&str]| {
        assert_eq!((&ours["Action"], &ours["Resource"]), (&of_role["Action"], &of_role["Resource"]));
        let arn = |role: &&str| format!("arn:aws:iam::111122223333:role/{role}");
        let roles: Vec<String> = roles.iter().map(arn).collect();
        assert_eq!(ours["Condition"]["ArnLike"]["aws:PrincipalArn"], json!(roles));
        assert_eq!(of_role["Condition"]["StringEquals"]["aws:ResourceAccount"], "444455556666");
    };
    let functions = ["autotag-session-SessionHandlerRole-*", "autotag-tag-handler"];
    same(&bucket["Statement"][0], &allowed("BackfillRole", "LogFiles"), &["autotag-backfill"]);
    for role in ["SessionHandlerReads", "TagHandlerReads"] {
        same(&bucket["Statement"][1], &allowed(role, "LogFiles"), &functions);
        assert_eq!(key["Statement"][0]["Action"], allowed(role, "LogFilesKey")["Action"]);
    }
    // The names of the roles; that of session-handler is made of the stack and of the name in the template.
    let names =
        |template: &str| std::fs::read_to_string(folder.path().join("deploy").join(template)).unwrap();
    assert!(names("backfill.yaml").contains("RoleName: autotag-backfill\n"));
    assert!(names("hub.yaml").contains("RoleName: autotag-tag-handler\n"));
    assert!(names("session.yaml").contains("\n  SessionHandlerRole:\n    Type: AWS::IAM::Role\n"));
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
    // Of all files of a day and region, and of those of a page.
    assert_eq!(tolerated, ["0,", "0,", "${ToleratedFailurePercentage},", "${ToleratedFailurePercentage},"]);
}
