//! `autotag guard --dry-run`, through the real binary: who would have been denied, and who would not.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod common;

use common::BIN;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Runs the command on these records.
fn run(records: &[Value], args: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.args(["guard", "--dry-run", "-"]).args(args).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let trail = json!({"Records": records}).to_string();
    child.stdin.take().unwrap().write_all(trail.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn rows_of(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn rows(records: &[Value], args: &[&str]) -> Vec<Value> {
    let output = run(records, args);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    rows_of(&output)
}

/// `statement event count`, in the order of the output.
fn short(rows: &[Value]) -> Vec<String> {
    let one = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        format!("{} {} {}", text("statement"), text("event_name"), row["count"])
    };
    rows.iter().map(one).collect()
}

/// A call by a session of a role, at a minute of the day.
fn call(minute: u32, event: &str, role: &str, request: &Value) -> Value {
    let (service, name) = event.split_once(':').unwrap();
    json!({
        "eventVersion": "1.09", "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
        "eventTime": format!("2026-03-02T09:{minute:02}:00Z"), "awsRegion": "eu-west-1",
        "eventID": format!("00000000-0000-0000-0000-{minute:012}"), "recipientAccountId": "111122223333",
        "eventType": "AwsApiCall", "eventCategory": "Management", "readOnly": false, "requestParameters": request,
        "userIdentity": {
            "type": "AssumedRole", "principalId": format!("AROAEXAMPLE:{role}"), "accountId": "111122223333",
            "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/session"),
            "sessionContext": {"sessionIssuer": {"type": "Role", "userName": role, "principalId": "AROAEXAMPLE",
                "arn": format!("arn:aws:iam::111122223333:role/{role}"), "accountId": "111122223333"}},
        },
    })
}

fn run_instances(minute: u32, role: &str, key: &str, value: &str) -> Value {
    let tags = json!([{"resourceType": "instance", "tags": [{"key": key, "value": value}]}]);
    call(minute, "ec2:RunInstances", role, &json!({"tagSpecificationSet": {"items": tags}}))
}

fn untag(minute: u32, role: &str, key: &str) -> Value {
    let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/orders";
    call(minute, "sqs:UntagQueue", role, &json!({"queueUrl": url, "tagKeys": [key]}))
}

fn with(mut record: Value, name: &str, value: Value) -> Value {
    record[name] = value;
    record
}

#[test]
fn what_the_guards_would_deny_is_named_by_statement_and_principal() {
    let records = [
        run_instances(1, "ci", "Owner", "boss"),
        run_instances(5, "ci", "owner", "boss"),
        run_instances(3, "ci", "Team", "web"),
        untag(6, "ci", "PrincipalId"),
        untag(7, "ci", "CreatedBy"),
        call(8, "events:DeleteRule", "ops", &json!({"name": "autotag-creations-1"})),
        call(9, "events:DeleteRule", "ops", &json!({"name": "nightly"})),
        call(10, "iam:AttachRolePolicy", "ops", &json!({"roleName": "autotag-member", "policyArn": "p"})),
        call(
            11,
            "ec2:DeleteTags",
            "ops",
            &json!({"resourcesSet": {"items": [{"resourceId": "i-1"}]}, "tagSet": {}}),
        ),
    ];
    let found = rows(&records, &[]);
    assert_eq!(
        short(&found),
        [
            "IdentityTags UntagQueue 1",
            "IdentityTags4 RunInstances 2",
            "AllTagsAtOnce DeleteTags 1",
            "TaggerRoles AttachRolePolicy 1",
            "OwnParts DeleteRule 1",
        ]
    );
    let run = &found[1];
    let keys: Vec<&str> = run.as_object().unwrap().keys().map(String::as_str).collect();
    let mut sorted = vec![
        "profile",
        "file",
        "statement",
        "verdict",
        "principal",
        "event_source",
        "event_name",
        "keys",
        "count",
        "first",
        "last",
        "event_id",
    ];
    sorted.sort_unstable();
    let mut seen = keys.clone();
    seen.sort_unstable();
    assert_eq!(seen, sorted);
    assert_eq!(run["principal"], "arn:aws:iam::111122223333:role/ci");
    assert_eq!(
        (&run["file"], &run["profile"], &run["verdict"]),
        (&json!("scp.json"), &json!("proof"), &json!("denied"))
    );
    assert_eq!(
        (&run["first"], &run["last"]),
        (&json!("2026-03-02T09:01:00Z"), &json!("2026-03-02T09:05:00Z"))
    );
    assert_eq!(
        (&run["event_id"], &run["keys"]),
        (&json!("00000000-0000-0000-0000-000000000001"), &json!(["Owner"]))
    );
}

#[test]
fn what_the_guards_let_through_is_not_named() {
    let mut forged = run_instances(1, "x", "Owner", "boss");
    forged["userIdentity"] = json!({"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"});
    let linked =
        with(run_instances(2, "AWSServiceRoleForAutoScaling", "Owner", "boss"), "eventID", json!("linked"));
    let mut linked = linked;
    linked["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = json!(
        "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
    );
    let records = [
        forged,
        linked,
        run_instances(3, "autotag-member", "Owner", "mara"),
        run_instances(4, "tester", "Owner", "IoTDeviceTester"),
        with(run_instances(5, "ci", "Owner", "boss"), "errorCode", json!("Client.UnauthorizedOperation")),
        with(run_instances(6, "ci", "Owner", "boss"), "errorCode", json!("Client.InstanceLimitExceeded")),
        with(run_instances(7, "ci", "Owner", "boss"), "recipientAccountId", json!("444455556666")),
        with(untag(8, "ci", "Owner"), "readOnly", json!(true)),
        call(9, "events:DeleteRule", "autotag-deployer", &json!({"name": "autotag-creations-1"})),
        call(10, "sts:AssumeRole", "ci", &json!({"roleArn": "arn:aws:iam::111122223333:role/ops"})),
    ];
    let output = run(&records, &["--all"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(rows_of(&output).is_empty(), "{:?}", rows_of(&output));
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(
        summary.contains(
            "5 evaluated + 1 denied already + 1 failed + 2 of services + 1 from other accounts + 0 exempt + 0 of other times + \
             0 rejected"
        ),
        "{summary}"
    );
    assert!(summary.contains("proof 0 denied + 0 unknown + 5 not denied"), "{summary}");
}

#[test]
fn roles_values_and_accounts_can_be_exempt() {
    let mut elsewhere = run_instances(4, "ci", "Owner", "boss");
    elsewhere["recipientAccountId"] = json!("444455556666");
    elsewhere["userIdentity"]["accountId"] = json!("444455556666");
    let records = [
        run_instances(1, "break-glass", "Owner", "boss"),
        run_instances(2, "ci", "Owner", "shared"),
        run_instances(3, "ci", "PrincipalId", "shared"),
        elsewhere,
        call(5, "iam:UpdateAssumeRolePolicy", "ci", &json!({"roleName": "break-glass"})),
    ];
    let counts = |args: &[&str]| short(&rows(&records, args));
    assert_eq!(
        counts(&[]),
        ["IdentityTags2 RunInstances 1", "IdentityTags4 RunInstances 2", "IdentityTags4 RunInstances 1"]
    );
    let exempt =
        ["--exempt", "other,break-*", "--exempt-value", "Owner=shared", "--exempt-accounts", "444455556666"];
    // A principal who could change the exempt role would be exempt.
    assert_eq!(counts(&exempt), ["IdentityTags2 RunInstances 1", "ExemptRole UpdateAssumeRolePolicy 1"]);
    for wrong in [["--exempt-value", "Team=a"], ["--exempt-value", "Owner"], ["--exempt-accounts", "1"]] {
        assert_eq!(run(&records, &wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn each_profile_has_its_own_guards() {
    let records = [run_instances(1, "ci", "Owner", "boss"), run_instances(2, "ci", "PrincipalId", "x")];
    let found = rows(&records, &["--profile", "declared,proof"]);
    let seen: Vec<String> = found.iter().map(|row| format!("{} {}", row["profile"], row["keys"])).collect();
    assert_eq!(
        seen,
        ["\"proof\" [\"PrincipalId\"]", "\"proof\" [\"Owner\"]", "\"declared\" [\"PrincipalId\"]"]
    );
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("autotag.toml");
    fs::write(&policy, "[policy]\nprofile = \"declared\"").unwrap();
    let found = rows(&records, &["--policy", policy.to_str().unwrap()]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn a_call_of_which_the_record_does_not_say_enough_is_unknown() {
    let object = call(1, "s3:PutObjectTagging", "ci", &json!({"bucketName": "b", "key": "k"}));
    let hidden = json!({"queueName": "q", "tags": {"HIDDEN_DUE_TO_SECURITY_REASONS": "HIDDEN_DUE_TO_SECURITY_REASONS"}});
    let records =
        [object, call(2, "sqs:CreateQueue", "ci", &hidden), run_instances(3, "ci", "Owner", "boss")];
    let denied = run(&records, &[]);
    assert_eq!(short(&rows_of(&denied)), ["IdentityTags4 RunInstances 1"]);
    let summary = String::from_utf8(denied.stderr).unwrap();
    assert!(summary.contains("proof 1 denied + 2 unknown + 0 not denied"), "{summary}");
    let all = rows(&records, &["--all"]);
    let unknown: Vec<&Value> = all.iter().filter(|row| row["verdict"] == "unknown").collect();
    assert_eq!(unknown.len(), 4, "{unknown:?}");
    assert!(
        unknown.iter().any(|row| row["statement"] == "ObjectsWith1" && row["file"] == "scp-objects.json")
    );
}

#[test]
fn source_identities_and_tag_calls_without_conditions_have_files_of_their_own() {
    let assume = |minute, role: &str| {
        let request = json!({"roleArn": "arn:aws:iam::111122223333:role/ops", "sourceIdentity": "boss"});
        with(call(minute, "sts:AssumeRole", role, &request), "readOnly", json!(true))
    };
    let bucket = call(3, "s3:PutBucketTagging", "ci", &json!({"bucketName": "b", "tagging": ""}));
    let found = rows(&[assume(1, "ci"), assume(2, "Broker"), bucket], &[]);
    let files: Vec<&Value> = found.iter().map(|row| &row["file"]).collect();
    assert_eq!(files, ["scp-strict.json", "scp-source-identity.json", "scp-source-identity.json"]);
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("autotag.toml");
    fs::write(&policy, "[trust]\nsource_identity = [\"arn:aws:iam::111122223333:role/Broker\"]").unwrap();
    let found = rows(&[assume(1, "ci"), assume(2, "Broker")], &["--policy", policy.to_str().unwrap()]);
    assert_eq!(short(&found), ["SourceIdentity AssumeRole 1"]);
}

#[test]
fn only_the_time_that_is_asked_for_counts() {
    let records = [run_instances(1, "ci", "Owner", "a"), run_instances(20, "ci", "Owner", "a")];
    let found = rows(&records, &["--since", "2026-03-02T09:10:00Z", "--until", "2026-03-02T09:30:00Z"]);
    assert_eq!((found.len(), &found[0]["count"]), (1, &json!(1)));
    assert!(rows(&records, &["--since", "2026-03-03"]).is_empty());
}

#[test]
fn every_format_has_every_row_and_hostile_names_do_no_harm() {
    let records = [run_instances(1, "=cmd", "Owner", "a"), run_instances(2, "ci\u{1b}[31m", "Owner", "a")];
    let output = |format: &str| String::from_utf8(run(&records, &["--format", format]).stdout).unwrap();
    let csv = output("csv");
    assert!(csv.starts_with("profile,file,statement,verdict,principal,"), "{csv}");
    assert_eq!(csv.lines().count(), 3);
    let table = output("table");
    assert!(table.contains("RunInstances") && !table.contains('\u{1b}'), "{table}");
    assert_eq!(output("jsonl").lines().count(), 2);
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let good = json!({"Records": [run_instances(1, "ci", "Owner", "a")]}).to_string();
    fs::write(folder.path().join("good.json"), good).unwrap();
    fs::write(folder.path().join("bad.json"), "{\"Records\": [{\"eventSource\"").unwrap();
    let output = Command::new(BIN).args(["guard", "--dry-run"]).arg(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(rows_of(&output).len(), 1);
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(summary.contains("unreadable 1") && summary.contains("bad.json"), "{summary}");
    let without = Command::new(BIN).arg("guard").arg(folder.path()).output().unwrap();
    assert_eq!(without.status.code(), Some(2), "there is no mode but the dry run");
}

/// The output is the same whatever the number of jobs, and every record of the shipped trail is counted once.
#[test]
fn the_shipped_trail_is_evaluated_whole() {
    let of = |jobs: &str| {
        let trail = Path::new(ROOT).join("fixtures/trail");
        Command::new(BIN).args(["guard", "--dry-run", "--all", "--jobs", jobs]).arg(trail).output().unwrap()
    };
    let (one, many) = (of("1"), of("7"));
    assert_eq!(one.status.code(), Some(0));
    assert_eq!(one.stdout, many.stdout);
    let summary = String::from_utf8(one.stderr).unwrap();
    let numbers = |line: &str| -> Vec<u64> {
        line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
    };
    // Brackets hold the number of statements; the numbers before them count records.
    let of_line = |name: &str| {
        let line = summary.lines().find(|line| line.trim().starts_with(name)).unwrap();
        let records: Vec<&str> = line.split(['(', ')']).step_by(2).collect();
        numbers(&records.concat())
    };
    let records = of_line("records")[0];
    let parts = of_line("of which");
    assert!(records > 100, "{summary}");
    assert_eq!(parts.iter().sum::<u64>(), records, "{summary}");
    assert_eq!(of_line("proof").iter().sum::<u64>(), parts[0], "{summary}");
}
