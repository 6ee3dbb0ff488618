//! Tests of row facts about owners and tags besides the names: persons, required tags, and the callers of uncovered
//! events.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::autotag_in;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

/// The output of a command that succeeded.
fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", common::stderr(output));
    common::stdout(output)
}

fn rows(folder: &Path, args: &[&str]) -> Vec<Value> {
    let all = [&["plan", "trail", "--all", "--format", "jsonl"], args].concat();
    stdout(&autotag_in(folder, &all)).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn user(account: &str, name: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{account}{name}"), "accountId": account,
        "arn": format!("arn:aws:iam::{account}:user/{name}")})
}

fn role(account: &str, session: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROADEPLOY:{session}"), "accountId": account,
        "accessKeyId": format!("ASIA{session}"), "arn": format!("arn:aws:sts::{account}:assumed-role/Deploy/{session}"),
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"}, "sessionIssuer": {"type": "Role",
            "userName": "Deploy", "principalId": "AROADEPLOY", "arn": format!("arn:aws:iam::{account}:role/Deploy")}}})
}

/// A call to a service that no rule knows, by the user agent of the command line.
fn uncovered(id: &str, account: &str, who: &Value) -> Value {
    json!({"eventSource": "none.amazonaws.com", "eventName": "CreateThing", "eventID": id, "awsRegion": "eu-west-1",
        "eventTime": "2026-03-02T09:00:00Z", "recipientAccountId": account, "userIdentity": who,
        "userAgent": "aws-cli/2.31.0", "requestParameters": {}, "responseElements": {"id": id}})
}

/// `AssumeRole` of the session, by the caller.
fn assume(account: &str, session: &str, caller: &Value) -> Value {
    json!({"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventID": format!("sts-{session}"),
        "awsRegion": "eu-west-1", "eventTime": "2026-03-02T08:00:00Z", "recipientAccountId": account,
        "userIdentity": caller,
        "requestParameters": {"roleArn": format!("arn:aws:iam::{account}:role/Deploy"), "roleSessionName": session},
        "responseElements": {
            "credentials": {"accessKeyId": format!("ASIA{session}"), "expiration": "Mar 2, 2026, 12:00:00 PM"},
            "assumedRoleUser": {"assumedRoleId": format!("AROADEPLOY:{session}"),
                "arn": format!("arn:aws:sts::{account}:assumed-role/Deploy/{session}")}}})
}

const ONE: &str = "111122223333";
const OTHER: &str = "444455556666";

/// Uncovered events of two users of one name, and of two sessions: of one of them the STS record is in a later file.
fn trail() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("trail")).unwrap();
    let write = |name: &str, records: &[Value]| {
        let text: Vec<String> = records.iter().map(Value::to_string).collect();
        fs::write(folder.path().join("trail").join(name), text.join("\n")).unwrap();
    };
    let known = role(ONE, "boss");
    let unknown = role(ONE, "bob");
    let calls = [
        uncovered("1", ONE, &user(ONE, "bob")),
        uncovered("2", OTHER, &user(OTHER, "bob")),
        uncovered("3", ONE, &known),
        uncovered("4", ONE, &unknown),
        uncovered("5", ONE, &known),
    ];
    write("1-calls.jsonl", &calls);
    write("2-sts.jsonl", &[assume(ONE, "boss", &user(ONE, "mallory"))]);
    folder
}

/// Event, owner, proof, account and person.
fn owners(rows: &[Value]) -> Vec<[&str; 5]> {
    let keys = ["event_id", "owner", "proof", "owner_account", "person"];
    rows.iter().map(|row| keys.map(|key| row[key].as_str().unwrap_or("-"))).collect()
}

#[test]
fn an_uncovered_event_says_who_called_by_the_sessions_of_all_files() {
    let folder = trail();
    let rows = rows(folder.path(), &[]);
    assert_eq!(
        owners(&rows),
        [
            ["1", "bob", "person", ONE, "-"],
            ["2", "bob", "person", OTHER, "-"],
            ["3", "mallory", "person", ONE, "-"],
            ["4", "bob", "name-only", ONE, "-"],
            ["5", "mallory", "person", ONE, "-"],
        ]
    );
    for row in &rows {
        assert_eq!(
            (&row["outcome"], &row["channel"], &row["tool"]),
            (&json!("NoRule"), &json!("cli"), &json!("aws-cli"))
        );
        assert_eq!((&row["requested_tags"], &row["missing_tags"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn uncovered_events_have_the_same_rows_from_disk() {
    let folder = trail();
    let bytes = |format: &str, memory: &str| {
        let args = ["plan", "trail", "--all", "--format", format, "--memory-bytes", memory];
        stdout(&autotag_in(folder.path(), &args))
    };
    for format in ["jsonl", "csv", "table"] {
        assert_eq!(bytes(format, "100"), bytes(format, "1000000000"), "{format}");
    }
}

#[test]
fn the_state_file_tells_the_sessions_of_uncovered_events_too() {
    let folder = trail();
    let state = ["--state", "sessions.redb"];
    rows(folder.path(), &state);
    fs::remove_file(folder.path().join("trail/2-sts.jsonl")).unwrap();
    assert_eq!(rows(folder.path(), &[])[2]["owner"], "boss", "by the name that the caller chose");
    assert_eq!(rows(folder.path(), &state)[2]["owner"], "mallory");
}

#[test]
fn two_users_are_one_person_if_the_policy_says_so_and_no_session_name_is() {
    let folder = trail();
    let policy = format!(
        "[people]\n\"bob@example.com\" = [\"arn:aws:iam::{ONE}:user/bob\", \"arn:aws:iam::{OTHER}:user/bob\", \"bob\"]\n"
    );
    fs::write(folder.path().join("autotag.toml"), policy).unwrap();
    let rows = rows(folder.path(), &[]);
    assert_eq!(
        owners(&rows)[..4],
        [
            ["1", "bob@example.com", "person", ONE, "bob@example.com"],
            ["2", "bob@example.com", "person", OTHER, "bob@example.com"],
            ["3", "mallory", "person", ONE, "-"],
            ["4", "bob", "name-only", ONE, "-"],
        ]
    );
    assert_eq!(rows[1]["owner_arn"], format!("arn:aws:iam::{OTHER}:user/bob"));
}

#[test]
fn the_catalogue_lists_the_callers_of_an_uncovered_event() {
    let folder = trail();
    let args = ["catalog", "--uncovered-by", "trail", "--format"];
    let json = stdout(&autotag_in(folder.path(), &[&args[..], &["json"]].concat()));
    let events: Vec<Value> = serde_json::from_str(&json).unwrap();
    assert_eq!((&events[0]["records"], &events[0]["owners"]), (&json!(5), &json!(4)));
    let caller = |owner: &str, proof: &str, account: &str, records: u64| json!({"owner": owner, "proof": proof, "owner_account": account, "person": null, "records": records});
    assert_eq!(
        events[0]["callers"],
        json!([
            caller("mallory", "person", ONE, 2),
            caller("bob", "name-only", ONE, 1),
            caller("bob", "person", ONE, 1),
            caller("bob", "person", OTHER, 1),
        ])
    );
    let page = stdout(&autotag_in(folder.path(), &[&args[..], &["markdown"]].concat()));
    assert!(page.contains("| mallory 2, bob (name-only) 1, bob 1, and 1 more |"), "{page}");
}

#[test]
fn required_tags_that_are_missing_are_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("trail")).unwrap();
    let queue = json!({"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "eventID": "q",
        "eventTime": "2026-03-02T09:00:00Z", "awsRegion": "eu-west-1", "recipientAccountId": ONE,
        "userIdentity": user(ONE, "bob"), "requestParameters": {"queueName": "q", "tags": {"Team": "=shop"}},
        "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/{ONE}/q")}});
    fs::write(folder.path().join("trail/q.json"), queue.to_string()).unwrap();
    let policy = "[require]\nkeys = [\"Team\", \"Cost Center\", \"Owner\"]\n";
    fs::write(folder.path().join("autotag.toml"), policy).unwrap();
    let row = rows(folder.path(), &[]).remove(0);
    assert_eq!(row["requested_tags"], json!({"Team": "=shop"}));
    assert_eq!(row["missing_tags"], json!(["Cost Center"]));
    let csv = stdout(&autotag_in(folder.path(), &["plan", "trail", "--format", "csv"]));
    assert!(csv.trim_end().ends_with(",\"{\"\"Team\"\":\"\"=shop\"\"}\",\"[\"\"Cost Center\"\"]\""), "{csv}");
}
