//! The state machine of `backfill.yaml`: it is valid Amazon States Language, and moto runs it.
//!
//! These tests do not cover batches (moto has no `ItemBatcher`; the test makes a batch of each file in the same form), tolerated
//! failures and redriving, concurrency, limits of histories and payloads, and permissions. The functions' own tests cover the
//! payload.

use crate::{FOLDER, deploy, installed, node, node_json, read, resolved, script};
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
    assert!(names("hub.yaml").contains("RoleName: !Sub ${Name}-tag-handler\n"));
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

/// The definition of the state machine, as the template has it.
fn definition() -> Value {
    let folder = deploy(None);
    let text = std::fs::read_to_string(folder.path().join("deploy/backfill.yaml")).unwrap();
    let (_, text) = text.split_once("DefinitionString: |\n").unwrap();
    let lines = text.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    let text: String = lines.collect::<Vec<_>>().join("\n");
    // Numbers are substituted without quotes.
    let text = ["FilesPerCall", "AccountsAtOnce", "CallsAtOnce", "ToleratedFailurePercentage"]
        .iter()
        .fold(text, |text, name| text.replace(&format!("${{{name}}}"), "1"));
    serde_json::from_str(&text).unwrap()
}

/// The day before the first is read for its sessions, and the day of the run for what is new.
#[test]
fn the_last_hours_are_whole_days_also_at_the_ends_of_months_and_years() {
    let cases = [
        ("2026-11-15T03:30:00.123Z", 48, vec!["2026/11/12", "2026/11/13", "2026/11/14", "2026/11/15"]),
        ("2026-03-01T03:30:00Z", 48, vec!["2026/02/26", "2026/02/27", "2026/02/28", "2026/03/01"]),
        ("2028-03-01T12:00:00Z", 24, vec!["2028/02/28", "2028/02/29", "2028/03/01"]),
        ("2027-01-01T00:10:00Z", 1, vec!["2026/12/30", "2026/12/31", "2027/01/01"]),
        ("2026-12-31T23:59:59.999Z", 1, vec!["2026/12/30", "2026/12/31"]),
        ("2027-01-01T00:00:00Z", 24, vec!["2026/12/30", "2026/12/31", "2027/01/01"]),
    ];
    let state = &definition()["States"]["Days of the last hours"];
    let input = |hours: i32| json!({"hours": hours, "accounts": ["111122223333"], "regions": ["eu-west-1"]});
    let given: Vec<Value> =
        cases.iter().map(|(start, hours, _)| json!({"start": start, "input": input(*hours)})).collect();
    let answers = node_json("jsonata.cjs", &json!({"state": state, "cases": given}));
    for ((start, hours, days), answer) in cases.iter().zip(answers.as_array().unwrap()) {
        let expected = json!({"days": days, "accounts": ["111122223333"], "regions": ["eu-west-1"]});
        assert_eq!(*answer, expected, "{hours} hours before {start}");
    }
    let month = json!({"state": state, "cases": [{"start": "2026-03-31T12:00:00Z", "input": input(720)}]});
    let answer = node_json("jsonata.cjs", &month);
    assert_eq!(
        answer[0]["days"].as_array().unwrap().len(),
        32,
        "30 days, the day of the run, and the day before"
    );
    assert_eq!(state["Next"], "Days");
}

/// The schedule may start the machine and nothing else, and what it gives is what the machine takes.
#[test]
fn the_schedule_starts_the_machine_with_the_last_hours() {
    let folder = deploy(None);
    let template = folder.path().join("deploy/backfill.yaml");
    let parameters = ["Reconcile=true", "TrailBucket=example-trail"];
    let resolved = resolved(&template, &parameters);
    let statements = resolved["ReconcileRole"]["Statement"].as_array().unwrap();
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Action"], "states:StartExecution");
    let machine = statements[0]["Resource"].as_str().unwrap();
    assert!(machine.ends_with(":stateMachine:autotag-backfill"), "{machine}");
    let text = std::fs::read_to_string(template).unwrap();
    let given =
        "'{\"hours\": ${ReconcileHours}, \"accounts\": [\"${Accounts}\"], \"regions\": [\"${Regions}\"]}'";
    assert!(text.contains(given), "{text}");
    let choice = &definition()["States"]["Days or hours?"];
    assert_eq!((&choice["Choices"][0]["Variable"], &choice["Default"]), (&json!("$.hours"), &json!("Days")));
}
