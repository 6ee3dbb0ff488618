//! The program as its users run it: on the shipped trail, on odd and broken input, with wrong usage.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]

mod common;
#[path = "cli/console.rs"]
mod console;
mod pages;
#[path = "cli/screens.rs"]
mod screens;

use common::{BIN, autotag, lines, root, stderr, stdout};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The plan in short, for snapshots: what a reader compares.
fn in_short(output: &Output) -> String {
    let mut text = String::new();
    for line in lines(output) {
        let field = |name: &str| line[name].as_str().unwrap_or("-").to_owned();
        let service = field("event_source").split('.').next().unwrap().to_owned();
        writeln!(
            text,
            "{} {service}:{}\n  {} {}\n  {} ({})\n  {}{}",
            field("event_time"),
            field("event_name"),
            field("resource_type"),
            field("arn"),
            field("owner"),
            field("owner_source"),
            field("outcome"),
            line["reason"].as_str().map_or(String::new(), |reason| format!(": {reason}")),
        )
        .unwrap();
        for (key, value) in line["tags"].as_object().unwrap() {
            writeln!(text, "    {key} = {}", value.as_str().unwrap()).unwrap();
        }
    }
    // The commands that follow depend on the features of the build.
    let said = stderr(output);
    format!("{text}\n{}", said.split("        next ").next().unwrap())
}

#[test]
fn the_plan_of_the_shipped_trail() {
    let output = autotag(&["plan", "fixtures/trail", "--all"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!(in_short(&output));
}

#[test]
fn the_plan_of_odd_records() {
    let output = autotag(&["plan", "fixtures/odd", "--all", "-v"]);
    assert_eq!(output.status.code(), Some(1), "some of these files hold no records");
    insta::assert_snapshot!(in_short(&output));
}

#[test]
fn the_plan_of_broken_files() {
    // `not-json.txt` has no name of a trail file; it is read only when it is named.
    let output = autotag(&["plan", "fixtures/broken", "fixtures/broken/not-json.txt", "-v"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(in_short(&output));
}

#[test]
fn a_json_line_has_exactly_the_promised_keys() {
    let output = autotag(&["plan", "fixtures/trail"]);
    let line = stdout(&output).lines().next().unwrap().to_owned();
    let keys = [
        "event_id",
        "event_time",
        "event_source",
        "event_name",
        "account",
        "region",
        "resource_type",
        "arn",
        "owner",
        "owner_source",
        "tags",
        "outcome",
        "reason",
        "proof",
        "claimed",
        "channel",
        "evidence",
        "owner_arn",
        "owner_account",
        "person",
        "tool",
        "requested_tags",
        "missing_tags",
    ];
    let places: Vec<usize> = keys.iter().map(|key| line.find(&format!("\"{key}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{line}");
    let object = lines(&output).remove(0);
    assert_eq!(object.as_object().unwrap().len(), keys.len());
}

/// The number of records, and the sum of what they are.
fn records_and_sum(output: &Output) -> (u64, u64) {
    let said = stderr(output);
    let line = said.lines().find_map(|line| line.trim_start().strip_prefix("records ")).unwrap();
    let (records, parts) = line.split_once(" = ").unwrap();
    let number = |text: &str| text.split_whitespace().next().unwrap().parse::<u64>().unwrap();
    (number(records), parts.split(" + ").map(number).sum())
}

#[test]
fn the_summary_adds_up() {
    for args in [
        &["plan", "fixtures/trail"][..],
        &["plan", "fixtures/odd"],
        &["plan", "fixtures/broken"],
        &["plan", "fixtures/trail", "--since", "2026-03-03", "--until", "2026-03-04"],
    ] {
        let (records, sum) = records_and_sum(&autotag(args));
        assert!(records > 0 && records == sum, "{args:?}: {records} {sum}");
    }
}

#[test]
fn what_cloudtrail_did_not_send_is_skipped_and_many_faults_are_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("input.jsonl");
    let event = serde_json::json!({"source": "com.evil", "detail-type": "x", "detail": {"Records": []}});
    fs::write(&file, format!("{event}\n{}", "{}\n".repeat(100_000))).unwrap();
    let output = autotag(&["plan", "--all", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("unreadable 100000 parts") && said.contains("99989 more parts"), "{said}");
    assert!(said.contains(" + 1 skipped + ") && said.lines().count() <= 15, "{said}");
    assert_eq!(records_and_sum(&output), (1, 1));
    let rows = lines(&output);
    assert!(rows[0]["reason"].as_str().unwrap().contains("com.evil"), "{rows:?}");
}

/// A terminal of this width shows whole lines, one a resource.
#[test]
fn the_table_has_one_line_a_resource_in_the_width_of_the_terminal() {
    for columns in [60_usize, 80, 120, 200] {
        let output = Command::new(BIN)
            .args(["plan", "fixtures/trail", "--format", "table"])
            .current_dir(root())
            .env("COLUMNS", columns.to_string())
            .output()
            .unwrap();
        let table = stdout(&output);
        let rows = lines(&autotag(&["plan", "fixtures/trail"])).len();
        assert_eq!(table.lines().count(), rows + 1, "a head, and a line for each row");
        let longest = table.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= columns, "{longest} of {columns}");
        assert!(table.contains("mara") && table.contains("name-only"), "{table}");
    }
}

#[test]
fn a_terminal_that_does_not_know_its_width_does_not_make_columns_of_one_character() {
    let output = Command::new(BIN)
        .args(["plan", "fixtures/trail", "--format", "table"])
        .current_dir(root())
        .env("COLUMNS", "0")
        .output()
        .unwrap();
    assert!(stdout(&output).contains("alice.ito@example.com"), "{}", stdout(&output));
}

#[test]
fn the_wide_table_has_tags_and_whole_arns() {
    let table = stdout(&autotag(&["plan", "fixtures/trail", "--format", "table", "--wide"]));
    for part in [
        "Owner=mara",
        "arn:aws:dynamodb:eu-west-1:444455556666:table/orders",
        "a caller claimed to be",
        "EVENT ID",
        "d8e4c8dd-6404-47f9-a73c-187fa3809a87",
    ] {
        assert!(table.contains(part), "{part} is not in {table}");
    }
}

#[test]
fn the_summary_alone_is_a_text_or_an_object() {
    let text = autotag(&["plan", "fixtures/trail", "--summary-only", "--format", "table"]);
    assert!(stdout(&text).starts_with("Plan: 143 resources: 132 get tags"), "{}", stdout(&text));
    assert!(stdout(&text).lines().count() <= 15 && stderr(&text).is_empty(), "{}", stderr(&text));
    assert!(stdout(&text).contains("next autotag explain fixtures/trail --event ID"), "{}", stdout(&text));
    let listed = stdout(&autotag(&["plan", "fixtures/trail", "--summary-only", "-v", "--format", "table"]));
    assert!(listed.contains("owners 24 owners:") && listed.contains("\n             victor 6\n"), "{listed}");
    let csv = autotag(&["plan", "fixtures/trail", "--summary-only", "--format", "csv"]);
    assert_eq!((csv.status.code(), stdout(&csv)), (Some(2), String::new()), "{}", stderr(&csv));
    let output = autotag(&["plan", "fixtures/trail", "--summary-only", "--format", "json"]);
    let summary: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let rows = lines(&autotag(&["plan", "fixtures/trail"]));
    let count = |proof: &str| rows.iter().filter(|row| row["proof"] == proof).count();
    for proof in ["person", "workload", "service", "name-only"] {
        assert_eq!(summary["proof"][proof], count(proof), "{proof}");
    }
    let owned: u64 =
        summary["owners"].as_array().unwrap().iter().map(|owner| owner["resources"].as_u64().unwrap()).sum();
    assert_eq!(owned, rows.iter().filter(|row| !row["owner"].is_null()).count() as u64);
    assert_eq!(summary["policy"], "built-in");
}

#[test]
fn only_what_gets_tags_is_shown_by_default() {
    let shown = lines(&autotag(&["plan", "fixtures/trail"]));
    assert!(shown.iter().all(|line| !line["tags"].as_object().unwrap().is_empty()));
    let all = lines(&autotag(&["plan", "fixtures/trail", "--all"]));
    assert!(all.len() > shown.len());
    for outcome in ["CallFailed", "NoRule", "AlreadyTagged", "Skipped"] {
        let of_outcome: Vec<_> = all.iter().filter(|line| line["outcome"] == outcome).collect();
        assert!(!of_outcome.is_empty(), "{outcome}");
        assert!(
            of_outcome.iter().all(|line| line["tags"].as_object().unwrap().is_empty()),
            "{outcome} gives no tags"
        );
    }
}

#[test]
fn the_number_of_jobs_changes_nothing() {
    let one = autotag(&["plan", "fixtures/trail", "--all", "--jobs", "1"]);
    let many = autotag(&["plan", "fixtures/trail", "--all", "--jobs", "7"]);
    assert_eq!(stdout(&one), stdout(&many));
    assert_eq!(stderr(&one), stderr(&many));
}

#[test]
fn csv_says_the_same_as_jsonl() {
    let csv = stdout(&autotag(&["plan", "fixtures/trail", "--all", "--format", "csv"]));
    let json = lines(&autotag(&["plan", "fixtures/trail", "--all", "--format", "jsonl"]));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), json.len());
    for (row, line) in rows.iter().zip(&json) {
        for (name, cell) in head.iter().zip(row) {
            let want = match &line[name] {
                serde_json::Value::Null => String::new(),
                serde_json::Value::String(text) => text.clone(),
                tags => {
                    let cell: serde_json::Value = serde_json::from_str(cell).unwrap();
                    assert_eq!(&cell, tags, "{name}");
                    continue;
                }
            };
            assert_eq!(cell, want, "{name}");
        }
    }
}

/// A name that a caller chooses must not become a formula for the reader who opens the file.
#[test]
fn no_cell_of_a_csv_is_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.json");
    for formula in ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx", "\nx"] {
        let record = serde_json::json!({"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue",
            "awsRegion": "eu-west-1", "recipientAccountId": "111122223333", "eventID": formula, "eventTime": formula,
            "userIdentity": {"type": "IAMUser", "userName": formula},
            "responseElements": {"queueUrl": "https://sqs/q"}});
        fs::write(&file, record.to_string()).unwrap();
        let csv = stdout(&autotag(&["plan", file.to_str().unwrap(), "--format", "csv"]));
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let head = reader.headers().unwrap().clone();
        let row = reader.records().next().unwrap().unwrap();
        let cell = |name: &str| row.get(head.iter().position(|known| known == name).unwrap()).unwrap();
        for name in ["event_id", "event_time", "owner"] {
            assert_eq!(cell(name), format!("'{formula}"), "{name}");
        }
    }
}

/// A cell of 65,535 characters made the table panic.
#[test]
fn a_table_takes_cells_of_any_length() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.json");
    let long = "x".repeat(70_000);
    let record = |changes: serde_json::Value| {
        let mut record = serde_json::json!({"eventSource": "sns.amazonaws.com", "eventName": "CreateTopic",
            "eventTime": "2026-03-02T09:00:00Z", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "eventID": "e", "userIdentity": {"type": "IAMUser", "userName": "mara"},
            "responseElements": {"topicArn": "arn:aws:sns:eu-west-1:111122223333:t"}});
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        record
    };
    let arn = format!("arn:aws:sns:eu-west-1:111122223333:{long}");
    let tags: Vec<_> = (0..1_000)
        .map(|number| serde_json::json!({"key": format!("k{number}{long}"), "value": long}))
        .collect();
    for changes in [
        serde_json::json!({"userIdentity": {"type": "IAMUser", "userName": long}}),
        serde_json::json!({"eventName": format!("Create{long}")}),
        serde_json::json!({"eventSource": format!("{long}.amazonaws.com"), "eventName": "CreateTopic"}),
        serde_json::json!({"eventTime": long}),
        serde_json::json!({"errorCode": long}),
        serde_json::json!({"responseElements": {"topicArn": arn}}),
        serde_json::json!({"requestParameters": {"tags": tags}}),
    ] {
        fs::write(&file, record(changes.clone()).to_string()).unwrap();
        let output = autotag(&["plan", file.to_str().unwrap(), "--all", "--format", "table"]);
        let what = changes.as_object().unwrap().keys().next().unwrap().clone();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{what}: {}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"), "{what}");
    }
}

#[test]
fn nothing_secret_is_printed_and_no_colour_goes_into_pipes() {
    for args in [
        &["plan", "fixtures/trail", "fixtures/odd", "--all", "--format", "table"][..],
        &["plan", "fixtures/trail", "fixtures/odd", "--all", "--format", "jsonl"],
        &["plan", "fixtures/trail", "fixtures/odd", "--all", "--format", "csv"],
        &["explain", "fixtures/trail", "fixtures/odd"],
    ] {
        let output = autotag(args);
        let text = stdout(&output) + &stderr(&output);
        assert!(text.len() > 10_000, "{args:?}");
        assert!(!text.contains("CANARY"), "{args:?}: a session token");
        assert!(!text.contains("ASIA") && !text.contains("AKIA"), "{args:?}: an access key id");
        assert!(!text.contains("sensitiveDataRemoved"), "{args:?}: user data");
        assert!(!text.contains('\u{1b}'), "{args:?}: colours");
    }
}

#[test]
fn explain_names_the_person_at_the_origin_and_each_hop() {
    let output = autotag(&["explain", "fixtures/trail", "--event", "d8e4c8dd-6404-47f9-a73c-187fa3809a87"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(stdout(&output));
    let none = autotag(&["explain", "fixtures/trail", "--event", "no-such-event"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(stderr(&none).contains("no creation has the eventID `no-such-event` ("), "{}", stderr(&none));
}

#[test]
fn explain_takes_the_filters_of_plan() {
    let of_mara =
        stdout(&autotag(&["explain", "fixtures/trail", "--owner", "mara", "--type", "DynamoDB::Table"]));
    assert!(of_mara.contains("table/orders") && of_mara.contains("6 owner     mara"), "{of_mara}");
    assert_eq!(of_mara.matches("1 unwrap").count(), of_mara.matches("6 owner     mara").count());
    let nobody = autotag(&["explain", "fixtures/trail", "--owner", "nobody-at-all"]);
    assert_eq!((nobody.status.code(), stdout(&nobody)), (Some(1), String::new()));
    assert!(stderr(&nobody).contains("no creation fits --owner nobody-at-all"), "{}", stderr(&nobody));
}

#[test]
fn explain_tells_why_a_record_leads_to_nothing() {
    let failed = autotag(&["explain", "fixtures/trail", "--event", "5d66724f-8c87-4414-a7bb-4607db4f0d1e"]);
    assert!(
        stdout(&failed).contains("the API call itself failed: Client.UnauthorizedOperation"),
        "{}",
        stdout(&failed)
    );
    let uncovered =
        autotag(&["explain", "fixtures/trail", "--event", "d270a070-037a-4586-ace5-eba4edc64738"]);
    assert!(stdout(&uncovered).contains("NoRule"), "{}", stdout(&uncovered));
}

#[test]
fn sessions_of_an_earlier_run_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let sts = folder.path().join("sts.json");
    let create = folder.path().join("create.json");
    fs::write(
        &sts,
        r#"{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","eventTime":"2026-03-02T09:00:00Z",
            "userIdentity":{"type":"IAMUser","userName":"mara","arn":"arn:aws:iam::111122223333:user/mara"},
            "requestParameters":{"tags":[{"key":"Team","value":"shop"}]},
            "responseElements":{"credentials":{"accessKeyId":"ASIAONE"},
            "assumedRoleUser":{"assumedRoleId":"AROAX:build"}}}"#,
    )
    .unwrap();
    fs::write(
        &create,
        r#"{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","eventTime":"2026-03-02T09:01:00Z",
            "awsRegion":"eu-west-1","recipientAccountId":"111122223333","eventID":"e",
            "userIdentity":{"type":"AssumedRole","principalId":"AROAX:build","accessKeyId":"ASIAONE",
            "arn":"arn:aws:sts::111122223333:assumed-role/ci/build"},
            "responseElements":{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/111122223333/q"}}"#,
    )
    .unwrap();
    let state = folder.path().join("state.redb");
    let plan = |paths: &[&Path], state: Option<&Path>| {
        let mut command = Command::new(BIN);
        command.arg("plan").args(paths);
        if let Some(state) = state {
            command.arg("--state").arg(state);
        }
        command.output().unwrap()
    };
    assert_eq!(plan(&[&sts], Some(&state)).status.code(), Some(0));
    let with = lines(&plan(&[&create], Some(&state))).remove(0);
    assert_eq!((with["owner"].as_str(), with["tags"]["Team"].as_str()), (Some("mara"), Some("shop")));
    let without = lines(&plan(&[&create], None)).remove(0);
    assert_eq!(
        (without["owner"].as_str(), without["owner_source"].as_str()),
        (Some("build"), Some("role-session"))
    );
    let not_a_store = plan(&[&create], Some(&sts));
    assert_eq!(not_a_store.status.code(), Some(2), "{}", stderr(&not_a_store));
    assert!(stderr(&not_a_store).contains("sts.json"), "{}", stderr(&not_a_store));
}

#[test]
fn a_span_of_time_counts_creations_and_keeps_their_sessions() {
    let day = lines(&autotag(&["plan", "fixtures/trail", "--since", "2026-03-03", "--until", "2026-03-04"]));
    assert!(!day.is_empty());
    assert!(day.iter().all(|line| line["event_time"].as_str().unwrap().starts_with("2026-03-03")));
    let all = lines(&autotag(&["plan", "fixtures/trail"]));
    let same: Vec<_> = all
        .into_iter()
        .filter(|line| line["event_time"].as_str().unwrap().starts_with("2026-03-03"))
        .collect();
    assert_eq!(day, same);
    assert_eq!(autotag(&["plan", "fixtures/trail", "--since", "someday"]).status.code(), Some(2));
}

#[test]
fn a_quiet_time_is_an_empty_plan_and_a_reversed_one_is_refused() {
    let quiet = autotag(&["plan", "fixtures/trail", "--since", "2026-05-01"]);
    assert_eq!(quiet.status.code(), Some(0), "{}", stderr(&quiet));
    let said = stderr(&quiet);
    let text = "no file of the time from 2026-05-01T00:00:00Z in fixtures/trail, which has 37 files";
    assert!(said.contains(text) && !said.contains("unreadable"), "{said}");
    let reversed = autotag(&["plan", "fixtures/trail", "--since", "2026-03-04", "--until", "2026-03-03"]);
    assert_eq!(reversed.status.code(), Some(2), "{}", stderr(&reversed));
    assert!(stderr(&reversed).contains("is not before --until"), "{}", stderr(&reversed));
    let folder = tempfile::tempdir().unwrap();
    let empty =
        Command::new(BIN).arg("plan").arg(folder.path()).args(["--since", "2026-05-01"]).output().unwrap();
    assert_eq!(empty.status.code(), Some(1));
    assert!(stderr(&empty).contains("1 × no file to read: "), "{}", stderr(&empty));
}

/// Tells the rows that a filter chooses.
type Choice = Box<dyn Fn(&Value) -> bool>;

/// A filter chooses rows, and decides nothing: each row is the same as without it.
#[test]
fn filters_choose_rows_and_change_none() {
    let all = lines(&autotag(&["plan", "fixtures/trail", "--all"]));
    let is = |key: &'static str, value: &'static str| move |row: &Value| row[key] == value;
    let tagged = |row: &Value| row["outcome"] == "WouldTag" || row["outcome"] == "WouldLookUp";
    let cases: [(&[&str], Choice); 6] = [
        (&["--owner", "tomas"], Box::new(move |row| is("owner", "tomas")(row) && tagged(row))),
        (&["--account", "444455556666", "--all"], Box::new(is("account", "444455556666"))),
        (&["--service", "EC2", "--all"], Box::new(is("event_source", "ec2.amazonaws.com"))),
        (
            &["--type", "EC2::VPC,sns::topic"],
            Box::new(move |row| {
                (is("resource_type", "AWS::EC2::VPC")(row) || is("resource_type", "AWS::SNS::Topic")(row))
                    && tagged(row)
            }),
        ),
        (&["--proof", "name-only"], Box::new(move |row| is("proof", "name-only")(row) && tagged(row))),
        (
            &["--outcome", "norule,Skipped"],
            Box::new(move |row| is("outcome", "NoRule")(row) || is("outcome", "Skipped")(row)),
        ),
    ];
    for (args, chosen) in cases {
        let output = autotag(&[&["plan", "fixtures/trail"], args].concat());
        let expected: Vec<&Value> = all.iter().filter(|row| chosen(row)).collect();
        assert!(!expected.is_empty(), "{args:?}");
        assert_eq!(lines(&output).iter().collect::<Vec<_>>(), expected, "{args:?}");
        assert!(stderr(&output).contains("filter --"), "{}", stderr(&output));
    }
}

/// A resource that is named twice counts neither among the chosen resources nor among the others.
#[test]
fn chosen_resources_and_the_others_are_all() {
    let said = stderr(&autotag(&["plan", "fixtures/trail", "--owner", "victor"]));
    assert!(
        said.contains("Plan: 6 resources") && said.contains("; 137 other resources are left out"),
        "{said}"
    );
    let none = stderr(&autotag(&["plan", "fixtures/trail", "--owner", "nobody"]));
    assert!(none.contains("Plan: 0 resources: nothing to tag"), "{none}");
    assert!(none.contains("; 143 other resources are left out"), "{none}");
}

/// Callers choose the names of their sessions.
#[test]
fn a_long_name_does_not_fill_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.json");
    let record = fs::read_to_string(root().join("fixtures/odd/eventbridge.json")).unwrap();
    fs::write(&file, record.replace("olga", &"x".repeat(5_000))).unwrap();
    let said = stderr(&autotag(&["plan", file.to_str().unwrap()]));
    assert!(said.contains(&format!("owners {}… 1", "x".repeat(59))), "{said}");
}

#[test]
fn a_plan_fails_on_what_a_check_forbids_and_names_it_in_one_line() {
    let checked = |limit: &str| autotag(&["plan", "fixtures/trail", "--fail-on", limit]);
    let failed = checked("uncovered,name-only=2,claimed=100");
    assert_eq!(failed.status.code(), Some(3), "{}", stderr(&failed));
    let said = stderr(&failed);
    assert!(said.contains("fail-on 2 uncovered, 3 name-only (exit code 3)"), "{said}");
    assert_eq!(stdout(&failed), stdout(&autotag(&["plan", "fixtures/trail"])), "a check changes no row");
    let passed = checked("uncovered=2,name-only=3");
    assert_eq!(passed.status.code(), Some(0), "{}", stderr(&passed));
    assert!(!stderr(&passed).contains("fail-on"), "{}", stderr(&passed));
    // A part that could not be read may have had more: that is a failure of another kind.
    let broken = autotag(&["plan", "fixtures/broken", "fixtures/trail", "--fail-on", "uncovered"]);
    assert_eq!(broken.status.code(), Some(1), "{}", stderr(&broken));
    let code = "2 uncovered (exit code 1, because something could not be read)";
    assert!(stderr(&broken).contains(code), "{}", stderr(&broken));
    let wrong = checked("uncoverd");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(stderr(&wrong).contains("did you mean `uncovered`?"), "{}", stderr(&wrong));
}

/// Otherwise a pasted command would write more than the plan shows.
#[test]
fn the_commands_that_follow_are_for_the_rows_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("a trail");
    fs::create_dir(&trail).unwrap();
    fs::copy(root().join("fixtures/odd/eventbridge.json"), trail.join("event.json")).unwrap();
    fs::write(folder.path().join("p.toml"), "[identity]\nOwner = \"{owner}\"\n").unwrap();
    let next = |args: &[&str]| {
        let output = Command::new(BIN).arg("plan").args(args).current_dir(folder.path()).output().unwrap();
        let said = stderr(&output);
        let (_, next) = said.split_once("        next ").unwrap_or_default();
        let lines =
            next.lines().enumerate().take_while(|(number, line)| *number == 0 || line.starts_with(' '));
        let commands =
            lines.filter_map(|(_, line)| line.split("  ").map(str::trim).find(|part| !part.is_empty()));
        commands.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let built = |commands: &[&str]| {
        let has = |text: &&str| cfg!(feature = "aws") || !text.contains("autotag apply");
        commands.iter().copied().filter(has).map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    assert_eq!(
        next(&["a trail", "--owner", "ol*,x", "--since", "2026-01-01", "--policy", "p.toml"]),
        built(&[
            "autotag explain 'a trail' --policy p.toml --event ID",
            "autotag apply 'a trail' --owner 'ol*,x' --since 2026-01-01T00:00:00Z --policy p.toml",
        ])
    );
    // `apply` cannot choose outcomes.
    let outcome = ["a trail", "--outcome", "WouldTag"];
    assert_eq!(next(&outcome), ["autotag explain 'a trail' --event ID"]);
    assert_eq!(next(&["a trail", "--out", "the plan.jsonl"]), built(&["autotag apply 'the plan.jsonl'"]));
    for nothing in [&["a trail", "--owner", "nobody"][..], &["a trail", "--outcome", "Skipped"], &["p.toml"]]
    {
        assert_eq!(next(nothing), [""; 0], "{nothing:?}");
    }
}

#[test]
fn a_saved_plan_has_what_the_filter_chooses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.jsonl");
    let output = autotag(&["plan", "fixtures/trail", "--owner", "tomas", "--out", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let saved = fs::read_to_string(&path).unwrap();
    let owners: Vec<Value> = saved.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    let owners: Vec<&str> = owners.iter().filter_map(|line| line["owner"]["name"].as_str()).collect();
    assert!(owners.len() > 10 && owners.iter().all(|owner| *owner == "tomas"), "{owners:?}");
    for command in ["plan", "explain"] {
        let again = autotag(&[command, path.to_str().unwrap()]);
        assert_eq!(again.status.code(), Some(2), "{command}");
        assert!(stderr(&again).contains("is a saved plan: write its tags with"), "{}", stderr(&again));
    }
}

#[test]
fn standard_input_is_an_input() {
    let mut child = Command::new(BIN)
        .args(["plan", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let event = fs::read(root().join("fixtures/odd/eventbridge.json")).unwrap();
    child.stdin.take().unwrap().write_all(&event).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(lines(&output).len(), lines(&autotag(&["plan", "fixtures/odd/eventbridge.json"])).len());
    assert!(!lines(&output).is_empty());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let command = format!("{BIN} plan fixtures/trail | head -n 1");
    let output = Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {command}")])
        .current_dir(root())
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn wrong_usage_is_refused_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let policy = file("policy.toml", "[identity]\nOwner = \"{onwer}\"\n");
    let rules = file(
        "rules.toml",
        "source = \"sqs.amazonaws.com\"\nname = \"x\"\n[[rule]]\nevent = \"E\"\ntype = \"A::B\"\nid = \"x.y\"\n",
    );
    for (args, what) in [
        (vec!["plan"], "PATH"),
        (vec!["plan", "fixtures/trail", "--policy", &policy], "no placeholder `onwer`"),
        (vec!["plan", "fixtures/trail", "--policy", "no-such.toml"], "no-such.toml"),
        // The path behind the option is not a second rule file.
        (vec!["plan", "--rules", &rules, "fixtures/trail"], "line 6, column 6"),
        (vec!["plan", "fixtures/trail", "--format", "xml"], "xml"),
        (vec!["plan", "fixtures/trail", "--jobs", "0"], "jobs"),
        (vec!["plan", "fixtures/trail", "--service", "dynamo"], "did you mean `dynamodb`?"),
        (vec!["plan", "fixtures/trail", "--region", "ireland"], "expected a region"),
        (vec!["plan", "fixtures/trail", "--fail-on", "missing-tags"], "the policy has no [require]"),
        (vec!["plan", "fixtures/trial"], "`fixtures/trial`: no such file or folder"),
        (vec!["explain", "fixtures/trail", "fixtures/trial"], "`fixtures/trial`: no such file or folder"),
    ] {
        let output = autotag(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(what), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn the_policy_decides_and_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("autotag.toml"), "[identity]\nMadeBy = \"{owner}\"\n").unwrap();
    let trail = root().join("fixtures/odd/eventbridge.json");
    let output = Command::new(BIN).arg("plan").arg(&trail).current_dir(folder.path()).output().unwrap();
    assert_eq!(lines(&output)[0]["tags"], serde_json::json!({"MadeBy": "olga"}));
    assert!(stderr(&output).contains("policy ./autotag.toml"), "{}", stderr(&output));
    let elsewhere = autotag(&["plan", trail.to_str().unwrap()]);
    assert_eq!(lines(&elsewhere)[0]["tags"]["Owner"], "olga");
}

#[test]
fn programs_get_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("record.json");
    let record = r#"{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","awsRegion":"eu-west-1",
        "recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","userName":"ev\u001b[31mil"},
        "responseElements":{"queueUrl":"https://sqs/q"}}"#;
    fs::write(&file, record).unwrap();
    let plan = |format| autotag(&["plan", file.to_str().unwrap(), "--format", format]);
    assert!(stdout(&plan("csv")).contains("ev\u{1b}[31mil"));
    assert_eq!(lines(&plan("jsonl"))[0]["owner"], "ev\u{1b}[31mil");
    assert!(!stdout(&plan("table")).contains('\u{1b}'), "people get none that drives their terminal");
}

#[test]
fn a_users_rules_cover_what_the_catalogue_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("finspace.toml");
    fs::write(
        &rules,
        "source = \"finspace.amazonaws.com\"\nname = \"Amazon FinSpace\"\nactions = [\"finspace:TagResource\"]\n\n[[rule]]\nevent = \"CreateEnvironment\"\ntype = \"AWS::FinSpace::Environment\"\nid = \"response.environmentArn\"\n",
    )
    .unwrap();
    let finspace = |output: &Output| {
        lines(output).iter().filter(|line| line["event_source"] == "finspace.amazonaws.com").count()
    };
    assert_eq!(finspace(&autotag(&["plan", "fixtures/trail"])), 0);
    assert_eq!(finspace(&autotag(&["plan", "fixtures/trail", "--rules", rules.to_str().unwrap()])), 1);
}

#[test]
fn the_catalogue_is_listed_for_people_and_programs() {
    let json = autotag(&["catalog", "--service", "sqs", "--format", "json"]);
    let rules: Vec<serde_json::Value> = serde_json::from_str(&stdout(&json)).unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["event_name"], "CreateQueue");
    assert_eq!(rules[0]["iam_actions"], serde_json::json!(["sqs:TagQueue"]));
    let table = autotag(&["catalog", "--service", "Amazon SQS"]);
    assert!(stdout(&table).contains("CreateQueue") && stderr(&table).contains("1 rule of 1 service"));
    assert_eq!(autotag(&["catalog", "--service", "no-such"]).status.code(), Some(1));
}

#[test]
fn the_page_of_services_is_up_to_date() {
    let page = fs::read_to_string(root().join("docs/services.md")).unwrap();
    let generated = stdout(&autotag(&["catalog", "--format", "markdown"]));
    assert!(
        page == generated,
        "docs/services.md is stale: run `cargo run -p autotag-cli -- catalog --format markdown > docs/services.md`"
    );
}

/// Each of these is beside a good file, which is still planned.
#[test]
fn hostile_input_is_named_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let good = fs::read(root().join("fixtures/odd/eventbridge.json")).unwrap();
    put("good.json", &good);
    put("brackets.json", &b"[".repeat(64 << 20));
    put("deep.json", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).as_bytes());
    put("deep-record.json", format!(
        r#"{{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","eventID":"deep","requestParameters":{}{}}}"#,
        "[".repeat(10_000),
        "]".repeat(10_000)
    ).as_bytes());
    put("utf8.json", b"{\"eventSource\":\"\xff\xfe\",\"eventName\":\"x\"}");
    put("long.json", format!(r#"{{"eventSource":"{}"}}"#, "x".repeat(50 << 20)).as_bytes());
    put("empty.json", b"");
    symlink("nowhere", folder.path().join("dangling.json")).unwrap();
    let output = Command::new(BIN).arg("plan").arg(folder.path()).arg("--verbose").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let good_lines = lines(&autotag(&["plan", "fixtures/odd/eventbridge.json"])).len();
    assert_eq!(lines(&output).len(), good_lines, "the good file is planned");
    let said = stderr(&output);
    for (file, what) in [
        ("brackets.json", "longer than"),
        ("deep.json", "wrapped more than eight times"),
        ("deep-record.json", "nested deeper than 128 levels"),
        ("utf8.json", "not UTF-8"),
        ("long.json", "longer than"),
        ("empty.json", "empty"),
        ("dangling.json", "No such file"),
    ] {
        // The places are below the reason that they share.
        let (before, _) =
            said.split_once(&format!("/{file}")).unwrap_or_else(|| panic!("{file} is not named in {said}"));
        let reason = before.lines().rev().find(|line| line.contains(" × ")).unwrap();
        assert!(reason.contains(what), "{file}: {reason}");
    }
    assert!(said.contains("utf8.json: record 1, byte 16"), "{said}");
}

#[test]
fn a_pipe_or_a_device_in_a_folder_is_named_and_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(Command::new("mkfifo").arg(path.join("a.json")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", path.join("z.json")).unwrap();
    fs::copy(root().join("fixtures/odd/eventbridge.json"), path.join("good.json")).unwrap();
    let output = autotag(&["plan", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for name in ["a.json", "z.json"] {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(said.contains("a pipe or a device"), "{said}");
    assert!(!lines(&output).is_empty(), "the good file is planned");
}

#[test]
fn an_endless_policy_is_refused() {
    let output = autotag(&["plan", "--policy", "/dev/zero", "fixtures/odd/eventbridge.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read `/dev/zero`: larger than 16 MB"), "{}", stderr(&output));
}

#[test]
fn a_folder_without_permission_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let allow = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(path, 0o755);
    // By another process: a program that is open for writing, if only in a child of another test, cannot be started.
    assert!(Command::new("cp").arg(BIN).arg(path.join("autotag")).status().unwrap().success());
    fs::create_dir(path.join("locked")).unwrap();
    fs::copy(root().join("fixtures/odd/eventbridge.json"), path.join("good.json")).unwrap();
    allow(&path.join("locked"), 0o000);
    let mut command = Command::new(path.join("autotag"));
    command.arg("plan").arg(path).current_dir(path);
    // Root may read everything; somebody else may not.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65_534);
    }
    let output = command.output().unwrap();
    allow(&path.join("locked"), 0o755);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("Permission denied") && said.contains("/locked"), "{said}");
    assert!(!lines(&output).is_empty(), "the good file is planned");
}
