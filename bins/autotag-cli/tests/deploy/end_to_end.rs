//! A deployment end to end in the emulator. Its CloudFormation creates the stacks, and a record is put on the
//! default bus of a region. The message in the queue is passed to the real binary, with the environment that the
//! stack gives its function.
//!
//! Moto emulates these links: default bus -> rule -> the hub's bus in another region -> rule -> queue; configuration, versions and
//! mappings of functions; the table. It does not emulate these:
//!
//! - CloudTrail, which sends records to the bus. The test puts them there.
//! - Policies of buses and queues, roles and permissions. Moto enforces none, and its CloudFormation creates neither policies of
//!   buses and queues nor aliases nor alarms. The test creates the aliases by their API.
//! - Retries, dead letters and states of rules, and a second account.
//! - Region and account of a forwarded event. Moto replaces the region and drops the account; the test restores both.
//! - The poller of the queue and its partial batch responses. The test receives the messages and invokes the function.

use crate::common::BIN;
use crate::{FOLDER, generated, generated_for, installed, said, script};
use autotag_testkit::{Answer, Emulator, FunctionProcess, RuntimeApi};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const ACCOUNT: &str = "123456789012";
/// A region that is not the hub's.
const REGION: &str = "eu-central-1";

/// Stacks of a deployment in the emulator.
pub(crate) struct Deployment {
    emulator: Emulator,
    /// The script that made the stacks.
    script: &'static str,
    pub(crate) stacks: Value,
}

impl Deployment {
    fn deployed() -> Self {
        Self::made_by("stacks.py", &generated(), "create", &[])
    }

    /// A deployment that a script makes by a command, from generated files in a folder.
    pub(crate) fn made_by(script: &'static str, folder: &Path, command: &str, args: &[&str]) -> Self {
        let emulator = installed(Emulator::with_stacks(FOLDER));
        let mut deployment = Self { emulator, script, stacks: Value::Null };
        let args = [&[command, folder.to_str().unwrap()], args].concat();
        deployment.stacks = deployment.run(&args, &Value::Null);
        deployment
    }

    pub(crate) fn run(&self, args: &[&str], input: &Value) -> Value {
        let python = installed(Emulator::python_with_stacks(FOLDER));
        let mut command = Command::new(python);
        command.arg(script(self.script)).args(args).envs(self.emulator.environment());
        said(&mut command, input)
    }

    fn volume(&self) -> String {
        self.run(&["volume"], &Value::Null)["id"].as_str().unwrap().to_owned()
    }

    fn put(&self, region: &str, record: &Value) {
        self.run(&["put", region], record);
    }

    /// Receives the messages in the queue of a function.
    fn receive(&self, function: &str) -> Value {
        self.run(&["receive", self.stacks[function]["queue"].as_str().unwrap()], &Value::Null)
    }

    /// Invokes a function's binary with messages, in the environment of its stack. All of them succeed. Returns the logs.
    pub(crate) async fn invoke(&self, function: &str, batch: &Value) -> String {
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

/// The binary of a function, from the same build.
fn binary(function: &str) -> PathBuf {
    let path = Path::new(BIN).with_file_name(format!("{function}-handler"));
    assert!(
        path.is_file(),
        "`{}` is not there: this test runs the functions, build them with \
         `cargo build --workspace --all-features`, or test with `cargo test --workspace --all-features`",
        path.display()
    );
    path
}

/// The time some seconds ago, in the format of records.
#[expect(clippy::disallowed_methods, reason = "the functions compare records with their own clock")]
pub(crate) fn ago(seconds: i64) -> String {
    let time = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(crate) fn record(id: &str, region: &str, event: (&str, &str), more: &Value) -> Value {
    let mut record = json!({"eventVersion": "1.11", "eventID": id, "eventTime": ago(20), "eventSource": event.0,
        "eventName": event.1, "awsRegion": region, "recipientAccountId": ACCOUNT, "readOnly": false,
        "eventType": "AwsApiCall", "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
            "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:user/mara")}});
    let (into, more) = (record.as_object_mut().unwrap(), more.as_object().unwrap());
    into.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
    record
}

fn volume_record(id: &str, volume: &str, more: &Value) -> Value {
    let mut record = record(id, REGION, ("ec2.amazonaws.com", "CreateVolume"), more);
    record["responseElements"] = json!({"volumeId": volume});
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_in_a_region_is_tagged_by_the_hub() {
    let deployment = Deployment::deployed();
    let volume = deployment.volume();
    deployment.put(REGION, &volume_record("made", &volume, &json!({})));
    let batch = deployment.receive("tag");
    assert_eq!(batch["Records"].as_array().unwrap().len(), 1, "{batch}");
    let logs = deployment.invoke("tag", &batch).await;
    let tags = deployment.tags(&volume);
    assert_eq!(tags["Owner"], "mara", "{tags}\n{logs}");
    assert_eq!(tags["PrincipalId"], "AIDAMARA", "{tags}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_us_east_1_names_the_owner_of_a_creation_elsewhere() {
    let deployment = Deployment::deployed();
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
    deployment.put("us-east-1", &assumed);
    let sessions = deployment.receive("session");
    assert_eq!(sessions["Records"].as_array().unwrap().len(), 1, "{sessions}");
    assert_eq!(deployment.receive("tag")["Records"], json!([]));
    deployment.invoke("session", &sessions).await;
    let volume = deployment.volume();
    let by_the_session = json!({"userIdentity": {"type": "AssumedRole", "principalId": "AROAEXAMPLEOPS:ops-shift", "arn": session,
        "accountId": ACCOUNT, "accessKeyId": "ASIAEXAMPLE", "sessionContext": {"attributes": {"creationDate": issued},
            "sessionIssuer": {"type": "Role", "userName": "ops", "principalId": "AROAEXAMPLEOPS", "accountId": ACCOUNT,
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/ops")}}}});
    deployment.put(REGION, &volume_record("made", &volume, &by_the_session));
    let logs = deployment.invoke("tag", &deployment.receive("tag")).await;
    let tags = deployment.tags(&volume);
    assert_eq!(tags["Owner"], "victor", "{tags}\n{logs}");
    assert_eq!(tags["PrincipalId"], "AROAEXAMPLEOPS:ops-shift", "{tags}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_a_matching_rule_do_not_arrive() {
    let folder = generated_for("[ignore]\nevents = [\"ec2:CreateVolume\"]\n");
    let deployment = Deployment::made_by("stacks.py", folder.path(), "create", &[]);
    deployment.put(REGION, &volume_record("ignored", "vol-1", &json!({})));
    let failed = json!({"errorCode": "AccessDenied", "requestParameters": {"name": "x"}});
    deployment.put(REGION, &record("failed", REGION, ("sns.amazonaws.com", "CreateTopic"), &failed));
    deployment.put(
        REGION,
        &record("read", REGION, ("sns.amazonaws.com", "ListTopics"), &json!({"readOnly": true})),
    );
    // A region without a stack.
    deployment.put(
        "ap-south-1",
        &record("elsewhere", "ap-south-1", ("sns.amazonaws.com", "CreateTopic"), &json!({})),
    );
    assert_eq!(deployment.receive("tag")["Records"], json!([]));
    assert_eq!(deployment.receive("session")["Records"], json!([]));
    deployment.put(REGION, &record("made", REGION, ("sns.amazonaws.com", "CreateTopic"), &json!({})));
    assert_eq!(deployment.receive("tag")["Records"].as_array().unwrap().len(), 1);
}

#[test]
fn functions_are_configured_as_documented() {
    let deployment = Deployment::deployed();
    for (function, queue) in [("tag", "autotag-tag"), ("session", "autotag-session")] {
        let stack = &deployment.stacks[function];
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
    let tag = &deployment.stacks["tag"]["environment"];
    let outputs = &deployment.stacks["outputs"];
    assert_eq!(tag["AUTOTAG_SECOND_LOOK_QUEUE_URL"], outputs["TagQueueUrl"]);
    assert_eq!(tag["AUTOTAG_DEAD_LETTER_QUEUE_URL"], outputs["TagDeadLettersUrl"]);
    assert_eq!(tag["AUTOTAG_SESSION_TABLE"], outputs["SessionTableName"]);
    assert_eq!(tag["AUTOTAG_MAX_RECEIVES"], "5");
}
