//! `autotag plan` of more than fits into memory: the same bytes as in memory, and no file is left, also after a kill.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::BIN;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ACCOUNT: &str = "111122223333";

/// A bound that no trail of these tests reaches.
const IN_MEMORY: [&str; 2] = ["--memory-bytes", "1000000000"];

/// Pseudo-random numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn user(name: u64) -> Value {
    json!({"type": "IAMUser", "userName": format!("user-{name}"), "principalId": format!("AIDA{name}"),
        "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:user/user-{name}")})
}

fn role(role: &str, path: &str, session: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA{role}:{session}"), "accountId": ACCOUNT,
        "accessKeyId": format!("ASIA{session}"), "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"),
        "sessionContext": {"attributes": {"creationDate": "2026-03-02T08:00:00Z"},
            "sessionIssuer": {"type": "Role", "userName": role, "principalId": format!("AROA{role}"),
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{path}{role}")}}})
}

/// A record: of a few names, so that creations depend on each other wherever the parts of a plan end.
fn record(random: &mut Random, number: u64) -> Value {
    let (name, session) = (format!("name-{}", random.below(60)), format!("session-{}", random.below(40)));
    let who = match random.below(3) {
        0 => role("Deploy", "", &session),
        _ => user(random.below(9)),
    };
    let group_tags = json!({"items": [{"resourceType": "instance",
        "tags": [{"key": "aws:autoscaling:groupName", "value": name}]}]});
    let (event, who, request, response) = match random.below(10) {
        0 | 1 => {
            let url = format!("https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/{name}");
            ("sqs:CreateQueue", who, json!({"queueName": name}), json!({"queueUrl": url}))
        }
        2 | 3 => ("s3:PutObject", who, json!({"bucketName": "states", "key": name}), Value::Null),
        4 => ("autoscaling:CreateAutoScalingGroup", who, json!({"autoScalingGroupName": name}), Value::Null),
        5 => (
            "ec2:RunInstances",
            role(
                "AWSServiceRoleForAutoScaling",
                "aws-service-role/autoscaling.amazonaws.com/",
                "AutoScaling",
            ),
            json!({"tagSpecificationSet": group_tags}),
            json!({"instancesSet": {"items": [{"instanceId": format!("i-{number}")}]}}),
        ),
        6 => (
            "ec2:CreateVolume",
            who,
            json!({"clientToken": name}),
            json!({"volumeId": format!("vol-{}", random.below(3_000))}),
        ),
        7 => ("example:CreateThing", who, Value::Null, Value::Null),
        8 => (
            "sts:AssumeRole",
            who,
            json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/Deploy"), "roleSessionName": session}),
            json!({"assumedRoleUser": {"assumedRoleId": format!("AROADeploy:{session}")},
                "credentials": {"accessKeyId": format!("ASIA{session}")}}),
        ),
        _ => ("ec2:CreateSecurityGroup", who, json!({"groupName": name}), Value::Null),
    };
    let (service, event_name) = event.split_once(':').unwrap();
    let second = random.below(3_000);
    let time = format!("2026-03-02T{:02}:{:02}:{:02}Z", 8 + second / 3_600, second / 60 % 60, second % 60);
    let mut record = json!({"eventSource": format!("{service}.amazonaws.com"), "eventName": event_name,
        "awsRegion": "eu-west-1", "eventTime": time, "eventID": format!("event-{number}"),
        "recipientAccountId": ACCOUNT, "userIdentity": who, "requestParameters": request,
        "responseElements": response});
    match random.below(12) {
        // A copy of the same event: delivered twice, of another account, or with another time.
        0 => record["eventID"] = json!(format!("event-{}", number.saturating_sub(random.below(2_000)))),
        1 => {
            record["sharedEventID"] = json!(format!("shared-{}", number / 2));
            record["userIdentity"] = json!({"type": "AWSAccount", "accountId": ACCOUNT});
        }
        2 => record["sharedEventID"] = json!(format!("shared-{}", number / 2)),
        3 => record["errorCode"] = json!("AccessDenied"),
        4 => record["eventTime"] = json!(time.replace('Z', ".000Z")),
        5 => record["eventTime"] = Value::Null,
        _ => {}
    }
    record
}

/// A trail of several files, some of their lines no records.
fn trail(files: u64, records: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(16);
    for file in 0..files {
        let mut text = String::new();
        for number in 0..records {
            writeln!(text, "{}", record(&mut random, file * records + number)).unwrap();
            if random.below(100) == 0 {
                text.push_str("{\"eventName\": 7}\n");
            }
        }
        std::fs::write(folder.path().join(format!("{file}.jsonl")), text).unwrap();
    }
    folder
}

fn autotag(name: &str, trail: &Path, temporary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.arg(name).arg(trail).args(args).env("TMPDIR", temporary).stdin(Stdio::null());
    command
}

fn plan(trail: &Path, temporary: &Path, args: &[&str]) -> Command {
    autotag("plan", trail, temporary, args)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn assert_equal(one: &Output, other: &Output, what: &str) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let differs =
        text(&one.stdout).lines().zip(text(&other.stdout).lines()).position(|(one, other)| one != other);
    assert!(one.stdout == other.stdout, "{what}: line {differs:?} differs");
    assert_eq!(text(&one.stderr), text(&other.stderr), "{what}");
    assert_eq!(one.status.code(), other.status.code(), "{what}");
}

#[test]
fn a_plan_that_spills_has_the_bytes_of_one_in_memory() {
    let trail = trail(4, 1_200);
    let temporary = tempfile::tempdir().unwrap();
    for args in [&["--all", "--format", "jsonl"][..], &["--all", "--format", "csv"], &["--format", "table"]] {
        let run =
            |more: &[&str]| plan(trail.path(), temporary.path(), &[args, more].concat()).output().unwrap();
        let in_memory = run(&IN_MEMORY);
        assert!(in_memory.stdout.len() > 100_000, "{}", String::from_utf8_lossy(&in_memory.stderr));
        for (bound, jobs) in [("120000", "1"), ("120000", "3"), ("900000", "2")] {
            let spilled = run(&["--memory-bytes", bound, "--jobs", jobs]);
            assert_equal(&in_memory, &spilled, &format!("{args:?} {bound} {jobs}"));
        }
    }
    assert_eq!(names(temporary.path()), Vec::<String>::new());
}

#[test]
fn explanations_and_callers_that_spill_have_the_bytes_of_those_in_memory() {
    let trail = trail(3, 800);
    let temporary = tempfile::tempdir().unwrap();
    let explained = autotag("explain", trail.path(), temporary.path(), &IN_MEMORY).output().unwrap();
    let explained = String::from_utf8(explained.stdout).unwrap();
    // An event somewhere in the middle.
    let mut ids = explained.lines().filter_map(|line| line.trim().strip_prefix("eventID "));
    let id = ids.nth(500).unwrap();
    for (command, args) in [
        ("explain", &["--jobs", "1"][..]),
        ("explain", &["--jobs", "3"]),
        ("explain", &["--event", id]),
        ("identify", &["--format", "jsonl"]),
        ("identify", &["--event", id]),
    ] {
        let run = |more: &[&str]| {
            autotag(command, trail.path(), temporary.path(), &[args, more].concat()).output().unwrap()
        };
        let in_memory = run(&IN_MEMORY);
        assert!(!in_memory.stdout.is_empty(), "{}", String::from_utf8_lossy(&in_memory.stderr));
        for bound in ["1", "60000", "300000"] {
            let spilled = run(&["--memory-bytes", bound]);
            assert_equal(&in_memory, &spilled, &format!("{command} {args:?} {bound}"));
        }
    }
    assert_eq!(names(temporary.path()), Vec::<String>::new());
}

/// Most records of a log file are not parsed when one event is asked for.
#[test]
fn one_event_of_a_log_file_has_the_caller_that_it_has_among_all() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(17);
    let mut records: Vec<Value> = (0..300).map(|number| record(&mut random, number)).collect();
    // Ids that JSON writes with escapes.
    for (number, id) in [(7, "a/b"), (8, "a\"b"), (9, "\u{e9}\n")] {
        records[number]["eventID"] = json!(id);
    }
    let text = json!({ "Records": records })
        .to_string()
        .replace("a/b", "a\\/b")
        .replace("event-150\"", "event-15\\u0030\"");
    assert!(text.starts_with("{\"Records\":[{") && text.contains("a\\/b") && text.contains("15\\u0030"));
    std::fs::write(folder.path().join("log.json"), text).unwrap();
    let identify = |args: &[&str]| {
        let args = [&["--format", "jsonl"], args].concat();
        let output = autotag("identify", folder.path(), folder.path(), &args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let all = identify(&[]);
    for id in ["event-20", "event-150", "event-299", "a/b", "a\"b", "\u{e9}\n"] {
        let is_asked_for = |line: &&str| serde_json::from_str::<Value>(line).unwrap()["event_id"] == id;
        let expected: Vec<&str> = all.lines().filter(is_asked_for).collect();
        let alone = identify(&["--event", id]);
        assert_eq!(alone.lines().collect::<Vec<_>>(), expected, "{id}");
        assert!(id.starts_with("event-") || expected.len() == 1, "{id}");
    }
}

/// If no file can be written, the records that fit into memory are planned. The rest is an error that names the
/// folder.
#[test]
fn nothing_touches_the_disk_below_the_bound() {
    let trail = trail(1, 200);
    let missing = trail.path().join("missing");
    let in_memory = plan(trail.path(), &missing, &[]).output().unwrap();
    assert!(!in_memory.stdout.is_empty());
    let spilled = plan(trail.path(), &missing, &["--memory-bytes", "1000"]).output().unwrap();
    assert_eq!(spilled.status.code(), Some(1));
    let said = String::from_utf8(spilled.stderr).unwrap();
    assert!(said.contains("cannot make a temporary file in") && said.contains("missing"), "{said}");
    assert!(spilled.stdout.is_empty());
}

#[test]
fn killed_at_fifty_points_it_leaves_no_file_and_the_next_run_goes_on() {
    const KILLS: u32 = 50;
    let trail = trail(3, 1_000);
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let args = ["--memory-bytes", "60000", "--state", state.to_str().unwrap()];
    let expected = plan(trail.path(), folder.path(), &IN_MEMORY).output().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let other_state = elsewhere.path().join("state");
    let measured = ["--memory-bytes", "60000", "--state", other_state.to_str().unwrap()];
    let began = Instant::now();
    assert!(plan(trail.path(), folder.path(), &measured).output().unwrap().status.code().is_some());
    let undisturbed = began.elapsed();
    let mut killed = 0;
    for kill in 0..KILLS {
        let mut run = plan(trail.path(), folder.path(), &args);
        let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(undisturbed * kill / KILLS + Duration::from_micros(u64::from(kill)));
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        let left = names(folder.path());
        assert!(left.iter().all(|name| name == "state"), "{left:?}");
    }
    assert!(killed > KILLS / 4, "only {killed} of {KILLS} kills hit a run");
    let mut resumed = plan(trail.path(), folder.path(), &args).output().unwrap();
    // The next commands repeat the option, and nothing else differs.
    let summary = String::from_utf8(resumed.stderr).unwrap();
    resumed.stderr = summary.replace(&format!(" --state {}", state.display()), "").into_bytes();
    assert_equal(&expected, &resumed, "after the kills");
    assert_eq!(names(folder.path()), ["state"]);
}
