//! The whole way over the emulator: the stacks are created by its CloudFormation, a record is put on the default bus of a
//! region, and what arrives in the queue is brought to the real binary, with the environment that the stack gives its function.
//!
//! Which links moto emulates: default bus -> rule -> the hub's bus in another region -> rule -> queue; the functions'
//! configuration, versions and mappings; the table. Which it does not: CloudTrail, that puts records on the bus (the test
//! does); the bus policy, queue policies, roles and permissions (it enforces none of them, and its CloudFormation makes neither
//! policies of buses and queues nor aliases nor alarms: an alias is made by its API); retries and dead letters of rules; the
//! state of a rule; a second account; the region and account of an event that is sent on (it puts its own region there and
//! leaves the account out: the test puts it back); the poller of the queue and its partial batch response (the test
//! receives, and brings the messages).

use crate::{FOLDER, generated, installed, said, script};
use autotag_testkit::{Answer, Emulator, FunctionProcess, RuntimeApi};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const ACCOUNT: &str = "123456789012";
/// A region that is not the hub's.
const REGION: &str = "eu-central-1";

/// A deployment.
struct World {
    emulator: Emulator,
    stacks: Value,
}

impl World {
    fn deployed(policy: &str) -> Self {
        let folder = generated(policy);
        let emulator = installed(Emulator::with_stacks(FOLDER));
        let mut world = Self { emulator, stacks: Value::Null };
        world.stacks = world.run(&["create", folder.path().to_str().unwrap()], &Value::Null);
        world
    }

    fn run(&self, args: &[&str], input: &Value) -> Value {
        let python = installed(Emulator::python_with_stacks(FOLDER));
        let mut command = Command::new(python);
        command.arg(script("stacks.py")).args(args).envs(self.emulator.environment());
        said(&mut command, input)
    }

    fn volume(&self) -> String {
        self.run(&["volume"], &Value::Null)["id"].as_str().unwrap().to_owned()
    }

    fn put(&self, region: &str, record: &Value) {
        self.run(&["put", region], record);
    }

    /// What has arrived in the queue of a function.
    fn arrived(&self, function: &str) -> Value {
        self.run(&["receive", self.stacks[function]["queue"].as_str().unwrap()], &Value::Null)
    }

    /// Brings messages to a function's binary as the stack configures it; all of them are done. Answers what it has logged.
    async fn work(&self, function: &str, batch: &Value) -> String {
        let runtime = RuntimeApi::start().await.unwrap();
        let stack = self.stacks[function]["environment"].as_object().unwrap();
        let stack = stack.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned()));
        let endpoint = self.emulator.environment();
        let environment: Vec<(&str, String)> = endpoint.into_iter().chain(stack).collect();
        let process = FunctionProcess::start(&binary(function), &environment, &runtime).unwrap();
        let answer = runtime.invoke(batch, Duration::from_mins(1)).await;
        process.kill();
        let logs = process.logs();
        let Answer::Response(answer) = answer else { panic!("{answer:?}\n{logs}") };
        assert_eq!(answer, json!({"batchItemFailures": []}), "{logs}");
        logs
    }

    fn tags(&self, volume: &str) -> Value {
        self.run(&["tags", volume], &Value::Null)
    }
}

/// The binary of a function, which the same build has put beside ours.
fn binary(function: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_autotag")).with_file_name(format!("{function}-handler"));
    assert!(
        path.is_file(),
        "`{}` is not there: this test runs the functions, build them with \
         `cargo build --workspace --all-features`, or test with `cargo test --workspace --all-features`",
        path.display()
    );
    path
}

/// Some seconds ago, as records write it.
#[expect(clippy::disallowed_methods, reason = "the functions compare records with their own clock")]
fn ago(seconds: i64) -> String {
    let time = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn record(id: &str, region: &str, event: (&str, &str), more: &Value) -> Value {
    let mut record = json!({"eventVersion": "1.11", "eventID": id, "eventTime": ago(20), "eventSource": event.0,
        "eventName": event.1, "awsRegion": region, "recipientAccountId": ACCOUNT, "readOnly": false,
        "eventType": "AwsApiCall", "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
            "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:user/mara")}});
    let (into, more) = (record.as_object_mut().unwrap(), more.as_object().unwrap());
    into.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    record
}

fn volume_made(id: &str, volume: &str, more: &Value) -> Value {
    let mut record = record(id, REGION, ("ec2.amazonaws.com", "CreateVolume"), more);
    record["responseElements"] = json!({"volumeId": volume});
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_in_a_region_is_tagged_by_the_hub() {
    let world = World::deployed("");
    let volume = world.volume();
    world.put(REGION, &volume_made("made", &volume, &json!({})));
    let batch = world.arrived("tag");
    assert_eq!(batch["Records"].as_array().unwrap().len(), 1, "{batch}");
    let logs = world.work("tag", &batch).await;
    let tags = world.tags(&volume);
    assert_eq!(tags["Owner"], "mara", "{tags}\n{logs}");
    assert_eq!(tags["PrincipalId"], "AIDAMARA", "{tags}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_got_in_us_east_1_says_who_created_something_elsewhere() {
    let world = World::deployed("");
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/ops/ops-shift");
    let issued = ago(60);
    let mut assumed = record(
        "assumed",
        "us-east-1",
        ("sts.amazonaws.com", "AssumeRole"),
        &json!({"readOnly": true,
        "eventTime": issued, "userIdentity": {"type": "IAMUser", "userName": "victor", "principalId": "AIDAVICTOR",
            "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:user/victor"), "accessKeyId": "AKIAEXAMPLE"},
        "requestParameters": {"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/ops"), "roleSessionName": "ops-shift"}}),
    );
    assumed["responseElements"] = json!({"credentials": {"accessKeyId": "ASIAEXAMPLE", "expiration": "Mar 2, 2030, 10:00:00 AM"},
        "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLEOPS:ops-shift", "arn": session}});
    world.put("us-east-1", &assumed);
    let sessions = world.arrived("session");
    assert_eq!(sessions["Records"].as_array().unwrap().len(), 1, "{sessions}");
    assert_eq!(world.arrived("tag")["Records"], json!([]));
    world.work("session", &sessions).await;
    let volume = world.volume();
    let by_the_session = json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROAEXAMPLEOPS:ops-shift", "arn": session,
        "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLE", "sessionContext": {"attributes": {"creationDate": issued},
            "sessionIssuer": {"type": "Role", "userName": "ops", "principalId": "AROAEXAMPLEOPS", "accountId": ACCOUNT,
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/ops")}}}});
    world.put(REGION, &volume_made("made", &volume, &by_the_session));
    let logs = world.work("tag", &world.arrived("tag")).await;
    let tags = world.tags(&volume);
    assert_eq!(tags["Owner"], "victor", "{tags}\n{logs}");
    assert_eq!(tags["PrincipalId"], "AROAEXAMPLEOPS:ops-shift", "{tags}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_lets_through_does_not_arrive() {
    let world = World::deployed("[ignore]\nevents = [\"ec2:CreateVolume\"]\n");
    world.put(REGION, &volume_made("ignored", "vol-1", &json!({})));
    let failed = json!({"errorCode": "AccessDenied", "requestParameters": {"name": "x"}});
    world.put(REGION, &record("failed", REGION, ("sns.amazonaws.com", "CreateTopic"), &failed));
    world.put(
        REGION,
        &record("read", REGION, ("sns.amazonaws.com", "ListTopics"), &json!({"readOnly": true})),
    );
    // A region without a stack.
    world.put(
        "ap-south-1",
        &record("elsewhere", "ap-south-1", ("sns.amazonaws.com", "CreateTopic"), &json!({})),
    );
    assert_eq!(world.arrived("tag")["Records"], json!([]));
    assert_eq!(world.arrived("session")["Records"], json!([]));
    world.put(REGION, &record("made", REGION, ("sns.amazonaws.com", "CreateTopic"), &json!({})));
    assert_eq!(world.arrived("tag")["Records"].as_array().unwrap().len(), 1);
}

#[test]
fn the_functions_are_as_the_documentation_says() {
    let world = World::deployed("");
    for (function, queue) in [("tag", "autotag-tag"), ("session", "autotag-session")] {
        let stack = &world.stacks[function];
        assert_eq!(stack["timeout"], 60, "{stack}");
        assert_eq!(stack["visibility"]["VisibilityTimeout"], "360", "{stack}");
        assert_eq!(stack["versions"], json!(["$LATEST", "1"]), "{stack}");
        let [mapping] = stack["mappings"].as_array().unwrap().as_slice() else { panic!("{stack}") };
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        assert!(
            mapping["ScalingConfig"]["MaximumConcurrency"].is_string()
                || mapping["ScalingConfig"]["MaximumConcurrency"].is_number(),
            "{mapping}"
        );
        assert!(mapping["EventSourceArn"].as_str().unwrap().ends_with(&format!(":{queue}")), "{mapping}");
    }
    let tag = &world.stacks["tag"]["environment"];
    let outputs = &world.stacks["outputs"];
    assert_eq!(tag["AUTOTAG_SECOND_LOOK_QUEUE_URL"], outputs["TagQueueUrl"]);
    assert_eq!(tag["AUTOTAG_DEAD_LETTER_QUEUE_URL"], outputs["TagDeadLettersUrl"]);
    assert_eq!(tag["AUTOTAG_SESSION_TABLE"], outputs["SessionTableName"]);
    assert_eq!(tag["AUTOTAG_MAX_RECEIVES"], "5");
}
