//! `autotag catalog`, and what `plan` and `explain` say about the evidence of rules.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{autotag, stderr, stdout};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Output;

fn json_of(args: &[&str]) -> Vec<Value> {
    serde_json::from_str(&stdout(&autotag(&[args, &["--format", "json"]].concat()))).unwrap()
}

/// A folder with a derived rule for Grafana, a record of its event, and a policy.
struct Grafana {
    folder: tempfile::TempDir,
}

const WORKSPACE: &str = "arn:aws:grafana:eu-west-1:111122223333:/workspaces/g-1";

impl Grafana {
    fn new() -> Self {
        let grafana = Self { folder: tempfile::tempdir().unwrap() };
        let rules = "source = \"grafana.amazonaws.com\"\nname = \"Grafana\"\nevidence = \"derived\"\n\n[[rule]]\n\
                     event = \"CreateWorkspace\"\ntype = \"AWS::Grafana::Workspace\"\n\
                     id = \"response.workspace.arn\"\nkind = \"grafana:/workspaces/*\"\n";
        fs::write(grafana.path("grafana.toml"), rules).unwrap();
        let record = json!({"eventSource": "grafana.amazonaws.com", "eventName": "CreateWorkspace", "eventID": "g",
            "eventTime": "2026-03-02T09:00:00Z", "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
                "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/mara"},
            "requestParameters": {}, "responseElements": {"workspace": {"arn": WORKSPACE}}});
        fs::write(grafana.path("record.json"), record.to_string()).unwrap();
        grafana
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command on the record, with the rule and the policy `text`.
    fn run(&self, command: &str, text: &str, more: &[&str]) -> Output {
        let paths =
            ["record.json", "grafana.toml", "policy.toml"].map(|name| self.path(name).display().to_string());
        fs::write(self.path("policy.toml"), text).unwrap();
        autotag(&[&[command, &paths[0], "--rules", &paths[1], "--policy", &paths[2]], more].concat())
    }
}

#[test]
fn rules_say_their_evidence_and_kind_in_every_format() {
    let rule = json_of(&["catalog", "--service", "kafka", "--type", "serverless"]).remove(0);
    assert_eq!(rule["resource_type"], "AWS::MSK::ServerlessCluster");
    assert_eq!(rule["kind"], json!(["kafka:cluster/*/*"]));
    assert!(["seen", "documented"].contains(&rule["evidence"].as_str().unwrap()), "{rule}");
    let csv = stdout(&autotag(&["catalog", "--service", "sqs", "--format", "csv"]));
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].ends_with(",note,evidence,kind,also") && rows[1].ends_with(",seen,sqs:*,"), "{csv}");
    let subnets = json_of(&["catalog", "--type", "docdb::dbsubnetgroup"]).remove(0);
    assert_eq!(subnets["resource_type"], "AWS::RDS::DBSubnetGroup", "another type of the same resource");
    let table = stdout(&autotag(&["catalog", "--service", "sqs"]));
    assert!(table.contains("EVIDENCE") && table.contains("seen") && table.contains("sqs:*"), "{table}");
}

#[test]
fn rules_are_chosen_by_service_type_and_evidence_and_counted() {
    let seen = json_of(&["catalog", "--evidence", "seen"]);
    assert!(seen.len() >= 91 && seen.iter().all(|rule| rule["evidence"] == "seen"), "{}", seen.len());
    let queues = autotag(&["catalog", "--type", "sqs::queue"]);
    assert!(stderr(&queues).contains("1 rule of 1 service: 1 type, 1 event; 1 seen"), "{}", stderr(&queues));
    let none = autotag(&["catalog", "--service", "sqs", "--evidence", "derived"]);
    assert_eq!((none.status.code(), stderr(&none).as_str()), (Some(1), "no rule matches\n"));
    assert_eq!(autotag(&["catalog", "--evidence", "guessed"]).status.code(), Some(2));
}

#[test]
fn events_that_no_rule_covers_are_listed_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("records.jsonl");
    let record = |source: &str, name: &str, id: &str| {
        json!({"eventSource": source, "eventName": name, "eventID": id, "awsRegion": "eu-west-1",
            "eventTime": "2026-03-02T09:00:00Z", "recipientAccountId": "111122223333", "userIdentity": {"type": "Root"}})
    };
    let records = [
        record("none.amazonaws.com", "CreateThing", "1"),
        record("other.amazonaws.com", "CreateBucket", "2"),
        record("other.amazonaws.com", "CreateBucket", "3"),
        record("other.amazonaws.com", "DescribeBucket", "4"),
    ];
    fs::write(&trail, records.map(|record| record.to_string()).join("\n")).unwrap();
    let uncovered = ["catalog", "--uncovered-by", trail.to_str().unwrap()];
    let event = |source: &str, name: &str, records: u64| {
        let root = json!({"owner": "root", "proof": "person", "owner_account": null, "person": null, "records": records});
        json!({"event_source": source, "event_name": name, "records": records, "owners": 1, "callers": [root]})
    };
    let buckets = event("other.amazonaws.com", "CreateBucket", 2);
    assert_eq!(json_of(&uncovered), [buckets.clone(), event("none.amazonaws.com", "CreateThing", 1)]);
    assert_eq!(json_of(&[&uncovered[..], &["--service", "other"]].concat()), [buckets]);
    let csv = autotag(&[&uncovered[..], &["--service", "none", "--format", "csv"]].concat());
    let cells = "none.amazonaws.com,CreateThing,1,1,\"[{\"\"owner\"\":\"\"root\"\",";
    let csv_text = stdout(&csv);
    assert!(csv_text.starts_with("event_source,event_name,records,owners,callers\n"), "{csv_text}");
    assert!(csv_text.lines().nth(1).unwrap().starts_with(cells), "{csv_text}");
    assert_eq!(stderr(&csv), "1 uncovered event in 1 of 4 records\n");
    let table = stdout(&autotag(&uncovered));
    assert!(table.contains("CreateThing") && table.contains("CreateBucket"), "{table}");

    let grafana = Grafana::new();
    let (record, rules) = (grafana.path("record.json"), grafana.path("grafana.toml"));
    let with_rule =
        autotag(&["catalog", "--uncovered-by", record.to_str().unwrap(), "--rules", rules.to_str().unwrap()]);
    assert_eq!(stdout(&with_rule), "", "a rule covers it");
}

#[test]
fn a_plan_counts_what_derived_rules_found_and_says_how_to_confirm_them() {
    let grafana = Grafana::new();
    let output = grafana.run("plan", "", &["--format", "jsonl"]);
    let row: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((&row["outcome"], &row["evidence"]), (&json!("WouldTag"), &json!("derived")));
    let summary = stderr(&output);
    assert!(summary.contains("Plan: 1 resource: 1 gets tags"), "{summary}");
    assert!(
        summary.contains("1 resource by rules that no record has confirmed: grafana CreateWorkspace 1"),
        "{summary}"
    );
    assert!(summary.contains("docs/adding-a-service.md#fixtures"), "{summary}");
    let csv = stdout(&grafana.run("plan", "", &["--format", "csv"]));
    assert!(
        csv.lines().next().unwrap().contains(",evidence,owner_arn,") && csv.contains(",derived,arn:aws:iam:"),
        "{csv}"
    );
    let shipped = stderr(&autotag(&["plan", "fixtures/trail"]));
    assert!(!shipped.contains("derived"), "nothing is said where no derived rule applied: {shipped}");
}

#[test]
fn explain_says_that_a_rule_is_derived() {
    let text = stdout(&Grafana::new().run("explain", "", &[]));
    assert!(text.contains("(derived from AWS's models; not yet seen in a record)"), "{text}");
    let queue = stdout(&autotag(&["explain", "fixtures/trail"]));
    assert!(!queue.contains("derived from"), "other rules have no remark");
}

#[test]
fn a_policy_can_show_what_derived_rules_find_without_writing_it_or_leave_them_out() {
    let grafana = Grafana::new();
    let planned = grafana.run("plan", "[policy]\nderived = \"plan\"\n", &["--format", "jsonl"]);
    let row: Value = serde_json::from_str(&stdout(&planned)).unwrap();
    assert_eq!((&row["outcome"], &row["arn"]), (&json!("Skipped"), &json!(WORKSPACE)));
    assert_eq!(row["tags"]["Owner"], "mara", "what would be written is shown");
    assert!(row["reason"].as_str().unwrap().contains("`derived = \"plan\"`"), "{row}");

    let off = grafana.run("plan", "[policy]\nderived = \"off\"\n", &["--format", "jsonl"]);
    assert_eq!(stdout(&off), "");
    assert!(stderr(&off).contains("uncovered 1 creating event:"), "{}", stderr(&off));
}
