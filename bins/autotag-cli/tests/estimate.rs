//! `autotag estimate`: costs add up, samples are scaled to a month, and the documentation shows what the program prints.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn estimate(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_autotag")).arg("estimate").args(args).current_dir(ROOT).output().unwrap()
}

fn json(args: &[&str]) -> Value {
    let output = estimate(&[args, &["--format", "json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The dollars of a line.
fn usd(answer: &Value, item: &str) -> f64 {
    let lines = answer["costs"].as_array().unwrap();
    let line = lines.iter().find(|line| line["item"] == item);
    line.map_or(0.0, |line| line["usd"].as_f64().unwrap())
}

#[test]
fn costs_grow_with_what_causes_them_and_add_up() {
    let one = json(&["--creations", "1000000", "--accounts", "10", "--regions", "2"]);
    let two = json(&["--creations", "2000000", "--accounts", "10", "--regions", "2"]);
    let forwarded = "events sent to the hub's bus";
    assert!((usd(&one, forwarded) - 1.0).abs() < 1e-9);
    assert!((usd(&two, forwarded) - 2.0).abs() < 1e-9);
    for answer in [&one, &two] {
        let sum: f64 =
            answer["costs"].as_array().unwrap().iter().map(|line| line["usd"].as_f64().unwrap()).sum();
        assert!((sum - answer["usd_a_month"].as_f64().unwrap()).abs() < 1e-9);
    }
    let items = "a configuration item for each tagged resource";
    assert!(usd(&one, items).abs() < 1e-9);
    let config = json(&["--creations", "1000000", "--config"]);
    assert!((usd(&config, items) - 3000.0).abs() < 1e-6);
}

/// A sample of another length must not change the rates.
#[test]
fn a_sample_is_scaled_to_a_month() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, days: u32| {
        let records: Vec<Value> = (0..=days)
            .map(|day| {
                serde_json::json!({
                    "eventVersion": "1.09", "eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue",
                    "eventTime": format!("2026-03-{:02}T00:00:00Z", day + 1), "awsRegion": "eu-west-1",
                    "eventID": format!("00000000-0000-0000-0000-{day:012}"), "recipientAccountId": "111122223333",
                    "eventType": "AwsApiCall", "eventCategory": "Management", "readOnly": false,
                    "userIdentity": {"type": "IAMUser", "userName": "mara", "accountId": "111122223333",
                        "arn": "arn:aws:iam::111122223333:user/mara", "principalId": "AIDAEXAMPLE"},
                    "requestParameters": {"queueName": format!("q{day}")},
                    "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/q{day}")},
                })
            })
            .collect();
        let path = folder.path().join(name);
        fs::write(&path, serde_json::json!({"Records": records}).to_string()).unwrap();
        path.display().to_string()
    };
    let invocations = |path: &str| {
        let answer = json(&[path]);
        let lines = answer["costs"].as_array().unwrap();
        let line = lines.iter().find(|line| line["part"] == "tag-handler").unwrap();
        line["quantity"].as_f64().unwrap()
    };
    // One creation a day and one at the end.
    assert!((invocations(&write("five.json", 5)) - 6.0 * 730.0 / 120.0).abs() < 1e-6);
    assert!((invocations(&write("ten.json", 10)) - 11.0 * 730.0 / 240.0).abs() < 1e-6);
    let output = estimate(&[&write("none.json", 0)]);
    assert_eq!(output.status.code(), Some(2), "one moment has no rate");
}

#[test]
fn the_first_limit_to_be_reached_is_the_first_line() {
    let large = json(&[
        "--creations",
        "3000000",
        "--sessions",
        "3000000000",
        "--accounts",
        "1000",
        "--regions",
        "17",
    ]);
    let first = &large["limits"][0];
    assert_eq!(first["name"], "session-handler");
    assert!(first["used"].as_f64() > first["most"].as_f64());
    let small = json(&["--creations", "100000", "--sessions", "2000000"]);
    let limits = small["limits"].as_array().unwrap();
    assert!(limits.iter().all(|limit| limit["used"].as_f64() < limit["most"].as_f64()), "{limits:?}");
}

/// Every command in docs/costs.md, with what it prints.
#[test]
fn the_documentation_shows_what_the_program_prints() {
    let path = Path::new(ROOT).join("docs/costs.md");
    let text = fs::read_to_string(&path).unwrap();
    let mut shown = 0;
    let mut expected = String::new();
    let commands = text.lines().filter_map(|line| line.strip_prefix("autotag estimate "));
    // The reader names a folder of theirs.
    for command in commands.filter(|command| !command.starts_with("FOLDER")) {
        let args: Vec<&str> = command.split_whitespace().collect();
        let output = estimate(&args);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        writeln!(expected, "```\nautotag estimate {command}\n```\n\n{printed}").unwrap();
        assert!(
            text.contains(printed.trim_end()),
            "docs/costs.md does not have what `{command}` prints:\n{printed}"
        );
        shown += 1;
    }
    assert!(shown >= 3, "{expected}");
}

/// A new alarm in the templates costs money, so it must be in the estimate.
#[test]
fn each_metric_of_an_alarm_is_paid_for() {
    let metrics = |files: &[&str]| -> usize {
        let texts =
            files.iter().map(|file| fs::read_to_string(Path::new(ROOT).join("deploy").join(file)).unwrap());
        texts.map(|text| text.matches("MetricName:").count()).sum()
    };
    let arguments = ["--creations", "1", "--accounts", "4", "--regions", "3"];
    let lines = |answer: &Value| answer["costs"].to_string();
    assert!(
        !lines(&json(&arguments)).contains("alarms of the regions"),
        "without a topic there are no alarms"
    );
    let answer = json(&[&arguments[..], &["--region-alarms"]].concat());
    let quantity = |item: &str| {
        let line = answer["costs"].as_array().unwrap().iter().find(|line| line["item"] == item).unwrap();
        line["quantity"].as_f64().unwrap().to_string()
    };
    assert_eq!(quantity("alarms of the hub"), metrics(&["hub.yaml", "session.yaml"]).to_string());
    assert_eq!(quantity("alarms of the regions"), (12 * metrics(&["region.yaml"])).to_string());
}
