//! `autotag whois`, by its binary: over a trail, and over an event history that keeps AWS's rules.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

#[cfg(feature = "history")]
mod history;

#[path = "../common/mod.rs"]
mod common;

use common::{BIN, autotag, lines, root, stderr, stdout};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const TABLE: &str = "arn:aws:dynamodb:eu-west-1:444455556666:table/orders";

/// The rows of the plan of the shipped trail that have an owner, by their ARN.
fn planned() -> BTreeMap<String, Vec<Value>> {
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in lines(&autotag(&["plan", "--all", "--format", "jsonl", "fixtures/trail"])) {
        if let (Some(arn), Some(_)) = (row["arn"].as_str(), row["owner"].as_str()) {
            rows.entry(arn.to_owned()).or_default().push(row);
        }
    }
    rows
}

/// The answer has the owner of its event's row in the plan.
fn assert_as_planned(answer: &Value, rows: &[Value]) {
    let row = rows.iter().find(|row| row["event_id"] == answer["event_id"]).unwrap();
    for key in ["owner", "owner_source", "proof", "claimed", "channel", "arn", "event_time"] {
        assert_eq!(answer[key], row[key], "{key} of {answer}");
    }
}

#[test]
fn every_resource_of_a_trail_has_the_owner_of_its_plan() {
    let (rows, folder) = (planned(), tempfile::tempdir().unwrap());
    let list = folder.path().join("arns.txt");
    fs::write(&list, rows.keys().fold("# a comment\n\n".to_owned(), |list, arn| format!("{list}{arn}\n")))
        .unwrap();
    let list = list.to_str().unwrap();
    let output = autotag(&["whois", "--file", list, "--trail", "fixtures/trail"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answers = lines(&output);
    assert_eq!(answers.len(), rows.len());
    for answer in &answers {
        assert_as_planned(answer, &rows[answer["asked"].as_str().unwrap()]);
    }
    // With hardly any memory, and by one job, it answers the same.
    let spilled = autotag(&[
        "whois",
        "--file",
        list,
        "--trail",
        "fixtures/trail",
        "--memory-bytes",
        "1",
        "--jobs",
        "1",
    ]);
    assert_eq!(lines(&spilled), answers, "{}", stderr(&spilled));
}

#[test]
fn people_read_who_it_is_and_how_that_was_found() {
    let output = autotag(&["whois", TABLE, "--trail", "fixtures/trail", "--format", "text"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!(stdout(&output));
}

#[test]
fn a_resource_without_a_creation_is_unknown_and_says_why() {
    let output = autotag(&["whois", "no-such-queue", TABLE, "--trail", "fixtures/trail"]);
    assert_eq!(output.status.code(), Some(1));
    let answers = lines(&output);
    assert_eq!((&answers[0]["answer"], &answers[0]["owner"]), (&"unknown".into(), &Value::Null));
    assert_eq!(answers[0]["reasons"][0], "no creation in the trail names it");
    assert_eq!((&answers[1]["answer"], &answers[1]["owner"]), (&"known".into(), &"mara".into()));
}

#[test]
fn the_list_may_come_from_standard_input_and_the_answer_be_one_document() {
    let mut child = Command::new(BIN)
        .args(["whois", "-", "--trail", "fixtures/trail", "--format", "json"])
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    write!(child.stdin.take().unwrap(), "{TABLE}\n{TABLE}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let document: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document.len(), 1, "a resource that is named twice is asked for once");
    assert_eq!(document[0]["hops"].as_array().unwrap().len(), 3);
}

/// The sessions may have been read earlier, of other files.
#[test]
fn sessions_of_an_earlier_run_count() {
    let folder = tempfile::tempdir().unwrap();
    let (sessions, call) = (folder.path().join("sessions.json"), folder.path().join("call.json"));
    let state = folder.path().join("state").to_str().unwrap().to_owned();
    let record = |name: &str| -> Value {
        serde_json::from_str(match name {
            "sts" => {
                r#"{"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventTime": "2026-03-02T08:00:00Z",
                "eventID": "s1", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
                "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA", "accountId": "111122223333",
                    "arn": "arn:aws:iam::111122223333:user/mara"},
                "requestParameters": {"roleArn": "arn:aws:iam::111122223333:role/deploy", "roleSessionName": "ci"},
                "responseElements": {"credentials": {"accessKeyId": "ASIAONE", "expiration": "Mar 2, 2026, 10:00:00 AM"},
                    "assumedRoleUser": {"assumedRoleId": "AROADEPLOY:ci",
                        "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci"}}}"#
            }
            _ => {
                r#"{"eventSource": "dynamodb.amazonaws.com", "eventName": "CreateTable", "eventTime": "2026-03-02T09:00:00Z",
                "eventID": "c1", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
                "userIdentity": {"type": "AssumedRole", "principalId": "AROADEPLOY:ci", "accessKeyId": "ASIAONE",
                    "accountId": "111122223333", "arn": "arn:aws:sts::111122223333:assumed-role/deploy/ci"},
                "requestParameters": {"tableName": "orders"}, "responseElements": {"tableDescription":
                    {"tableArn": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"}}}"#
            }
        })
        .unwrap()
    };
    fs::write(&sessions, record("sts").to_string()).unwrap();
    fs::write(&call, record("call").to_string()).unwrap();
    let (sessions, call) = (sessions.to_str().unwrap(), call.to_str().unwrap());
    let alone = lines(&autotag(&["whois", "orders", "--trail", call]));
    assert_eq!((&alone[0]["owner"], &alone[0]["proof"]), (&"ci".into(), &"name-only".into()));
    assert!(
        alone[0]["reasons"].to_string().contains("STS record missing of account 111122223333"),
        "{alone:?}"
    );
    autotag(&["plan", "--state", &state, sessions]);
    let known = lines(&autotag(&["whois", "orders", "--trail", call, "--state", &state]));
    assert_eq!((&known[0]["owner"], &known[0]["proof"]), (&"mara".into(), &"person".into()));
}

#[test]
fn a_broken_file_is_named_and_the_others_are_read() {
    let output = autotag(&["whois", TABLE, "--trail", "fixtures/trail", "--trail", "fixtures/broken"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output)[0]["owner"], "mara");
    assert!(stderr(&output).contains("unreadable: fixtures/broken"), "{}", stderr(&output));
}

#[test]
fn errors_about_a_list_say_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.txt");
    let path = list.to_str().unwrap();
    let long = "x".repeat(1 << 17);
    let (control, bad_arn, comment) =
        ("a\n\n# b\nc\u{1}d\n", "a\na\narn:aws:sqs\n", format!("a\n# {long}\n"));
    for (bytes, told) in [
        (control.as_bytes(), "line 4: expected an ARN, an id or a name"),
        (bad_arn.as_bytes(), "line 3: `arn:aws:sqs` begins with `arn:`"),
        (b"a\r\nb\r\nc\xffd\r\n", "line 3: it is not UTF-8: save the list as UTF-8"),
        (b"\xff\xfea\0\n\0", "line 1: it is not UTF-8"),
        (comment.as_bytes(), "line 2: it is too long"),
        (b"# none\n", "the list of resources is empty"),
    ] {
        fs::write(&list, bytes).unwrap();
        let output = autotag(&["whois", "--file", path, "--trail", "fixtures/trail"]);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
        assert!(
            !told.starts_with("line") || stderr(&output).contains(&format!("--file `{path}`, line")),
            "{told}"
        );
        let mut command = Command::new(BIN);
        let piped = command.args(["whois", "-", "--trail", "fixtures/trail"]).current_dir(root());
        let output = piped.stdin(File::open(&list).unwrap()).output().unwrap();
        assert!(stderr(&output).contains(told), "{told}: {}", stderr(&output));
    }
    fs::write(&list, "\u{feff}orders\r\n orders \n").unwrap();
    let answers = lines(&autotag(&["whois", "orders", "--file", path, "--trail", "fixtures/trail"]));
    assert_eq!(answers.len(), 1, "each is asked once: {answers:?}");
    let many: Vec<String> = (0..10_001).map(|number| number.to_string()).collect();
    fs::write(&list, many.join("\n")).unwrap();
    let output = autotag(&["whois", "--file", path, "--trail", "fixtures/trail"]);
    assert!(stderr(&output).contains("at most 10000 resources: split the list"), "{}", stderr(&output));
    let output = autotag(&["whois", "--file", ".", "--trail", "fixtures/trail"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--file `.`"), "{}", stderr(&output));
}

#[test]
fn wrong_usage_is_told_before_anything_is_read() {
    let wrong: [(&[&str], &str); 5] = [
        (&["whois"], "RESOURCE"),
        (&["whois", "arn:aws:sqs", "--trail", "fixtures/trail"], "is not an ARN"),
        (&["whois", "x", "--state", "state"], "--trail"),
        (&["whois", "-", "--trail", "-"], "standard input twice"),
        (&["whois", "--file", "no-such-file", "--trail", "fixtures/trail"], "--file `no-such-file`"),
    ];
    for (args, why) in wrong {
        let output = autotag(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(why), "{args:?}: {}", stderr(&output));
    }
}

/// A queue that was made, deleted and made again, and deleted in the end.
fn used_twice(folder: &Path, events: usize) -> String {
    let record = |(number, (name, who)): (usize, &(&str, &str))| {
        format!(
            r#"{{"eventSource": "sqs.amazonaws.com", "eventName": "{name}", "eventTime": "2026-03-02T09:0{number}:00Z",
            "eventID": "e{number}", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "userIdentity": {{"type": "IAMUser", "userName": "{who}", "accountId": "111122223333",
                "arn": "arn:aws:iam::111122223333:user/{who}", "principalId": "AIDA{who}"}},
            "requestParameters": {{"queueName": "orders",
                "queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"}},
            "responseElements": {{"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"}}}}"#
        )
    };
    let all =
        [("CreateQueue", "mara"), ("DeleteQueue", "noor"), ("CreateQueue", "omar"), ("DeleteQueue", "mara")];
    let records: Vec<String> = all.iter().take(events).enumerate().map(record).collect();
    let trail = folder.join(format!("trail-{events}.json"));
    fs::write(&trail, format!(r#"{{"Records": [{}]}}"#, records.join(","))).unwrap();
    trail.to_str().unwrap().to_owned()
}

#[test]
fn a_name_that_is_used_twice_is_two_resources() {
    let folder = tempfile::tempdir().unwrap();
    for (events, owner, deleted_by) in [
        (1, "mara", Value::Null),
        (2, "mara", "noor".into()),
        (3, "omar", Value::Null),
        (4, "omar", "mara".into()),
    ] {
        let trail = used_twice(folder.path(), events);
        for more in [&[][..], &["--memory-bytes", "1", "--jobs", "1"]] {
            let output = autotag(&[&["whois", "orders", "--trail", &trail], more].concat());
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            let answer = lines(&output).remove(0);
            assert_eq!(answer["owner"], owner, "{events}: {answer}");
            assert_eq!(answer["deletion"]["by"], deleted_by, "{events}: {answer}");
            assert_eq!(answer["creations"], if events < 3 { 1 } else { 2 }, "{answer}");
            let line = stdout(&output);
            assert!(
                line.find("\"asked_for\":") < line.find("\"deletion\":"),
                "new keys are at the end: {line}"
            );
        }
    }
    let trail = used_twice(folder.path(), 4);
    let output = autotag(&["whois", "orders", "--trail", &trail, "--format", "text"]);
    let expected = "deleted   2026-03-02T09:03:00Z by sqs DeleteQueue, event e3, by mara (iam-user, person)";
    assert!(stdout(&output).contains(expected), "{}", stdout(&output));
}

/// The creator of a resource chooses the names in its records.
#[test]
fn no_name_in_a_record_reaches_the_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("trail.json");
    let record = r#"{"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "eventTime": "2026-03-02T09:00:00Z",
        "eventID": "e\u001b[2J", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "userName": "ma\u001b[31mra", "accountId": "111122223333"},
        "requestParameters": {"queueName": "orders"},
        "responseElements": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"}}"#;
    fs::write(&trail, record).unwrap();
    let output = autotag(&["whois", "orders", "--trail", trail.to_str().unwrap(), "--format", "text"]);
    let shown = stdout(&output);
    assert!(shown.contains("owner     ma") && shown.contains("event e"), "{shown}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
}
