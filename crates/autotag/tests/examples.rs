//! Every example runs and prints what it promises.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_testkit::Answer;
use autotag_testkit::lambda::Function;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Cargo builds examples beside the tests of a package.
fn example(name: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.parent().unwrap().parent().unwrap().join("examples").join(name)
}

fn output(name: &str) -> String {
    let run = Command::new(example(name)).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(run.status.success(), "{name}: {}", text(&run.stderr));
    text(&run.stdout)
}

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:orders";

#[test]
fn plan_file_prints_owner_tags_and_reasons() {
    let plan = output("plan_file");
    assert!(
        plan.contains(&format!("{QUEUE}: WouldTag for mara, by role-chain\n    Owner = mara\n")),
        "{plan}"
    );
    assert!(plan.contains("    PrincipalId = AROAEXAMPLEDEPLOY001:build-42\n"), "{plan}");
    assert!(plan.contains("arn:aws:s3:::example-orders: WouldTag for noor, by iam-user"), "{plan}");
}

#[test]
fn classify_record_prints_the_resource() {
    assert_eq!(output("classify_record"), format!("creates {QUEUE} (AWS::SQS::Queue)\n"));
}

#[test]
fn own_session_store_names_the_person_behind_the_role_session() {
    let identified = output("own_session_store");
    assert!(
        identified.starts_with("mara\n    arn:aws:sts::111122223333:assumed-role/deploy/build-42: "),
        "{identified}"
    );
}

#[test]
fn own_backend_executes_the_part_of_the_plan_that_it_keeps() {
    let executed = output("own_backend");
    let mut lines = executed.lines();
    let row: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(
        (&row["arn"], &row["outcome"], &row["owner"]),
        (&json!(QUEUE), &json!("Tagged"), &json!("mara"))
    );
    let inventory = lines.next().unwrap();
    assert!(
        inventory.contains("\"Owner\": \"mara\"") && !inventory.contains("example-orders"),
        "{inventory}"
    );
    assert_eq!(lines.next(), None);
}

#[tokio::test]
async fn lambda_answers_an_event_with_the_plan() {
    let record: Value = serde_json::from_str(include_str!("../examples/create-queue.json")).unwrap();
    let event = json!({"source": "aws.sqs", "detail-type": "AWS API Call via CloudTrail", "account": "111122223333",
        "region": "eu-west-1", "detail": record});
    let function = Function::start(Path::new(&example("lambda")), &[], &[]).await.unwrap();
    let answer = function.invoke(&event).await;
    let Answer::Response(answer) = &answer else { panic!("{answer:?}\n{}", function.stop_and_read_logs()) };
    assert_eq!(answer["resources"][0]["arn"], QUEUE);
    assert_eq!(answer["resources"][0]["outcome"], "WouldTag");
    // Without the STS record the session's own name is all that is known.
    assert_eq!(answer["resources"][0]["owner_source"], "role-session");
}

#[test]
fn an_owner_serializes_with_its_evidence_and_without_its_session() {
    let trail = std::fs::File::open("examples/trail.json").unwrap();
    let plan = autotag::Autotag::new().plan(trail);
    let owner = plan.resources().find_map(|row| row.owner.clone()).unwrap();
    assert!(owner.session.is_some());
    let json = serde_json::to_value(&*owner).unwrap();
    assert_eq!((&json["name"], &json["source"]), (&json!("mara"), &json!("role-chain")));
    assert_eq!(json["chain"][0]["session"], "arn:aws:sts::111122223333:assumed-role/deploy/build-42");
    assert!(!json.to_string().contains("ASIAEXAMPLEDEPLOY001"), "{json}");
}

/// A store that is chosen at run time.
#[test]
fn a_session_store_can_be_a_trait_object() {
    let store: std::sync::Arc<dyn autotag::SessionReader> = std::sync::Arc::new(autotag::MemoryStore::new());
    let backend: std::sync::Arc<dyn autotag::Backend> = std::sync::Arc::new(autotag::MemoryBackend::new());
    let autotag = autotag::Autotag::new();
    let planner = autotag.planner(&*store, &*backend, autotag::Timestamp::UNIX_EPOCH);
    assert!(format!("{planner:?}").starts_with("Planner"));
}
