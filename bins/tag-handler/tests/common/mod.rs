//! The real binary between a runtime API and an emulated AWS.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests; each test uses some"
)]

use emulator::{Answer, Emulator, FunctionProcess, Proxy, RuntimeApi};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";

/// Where the emulator is installed, for all tests together.
pub const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// How long an invocation may take.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub fn emulator() -> Emulator {
    Emulator::start(FOLDER).unwrap_or_else(|error| panic!("{error}"))
}

/// A function that runs, and the world it runs in.
#[derive(Debug)]
pub struct Function {
    pub process: FunctionProcess,
    pub runtime: RuntimeApi,
}

impl Function {
    /// Starts the binary with the environment that leads to `endpoint`, and more.
    pub async fn start(endpoint: &[(&'static str, String)], more: &[(&'static str, &str)]) -> Self {
        let runtime = RuntimeApi::start().await.unwrap();
        let process = start(&runtime, endpoint, more);
        Self { process, runtime }
    }

    pub async fn invoke(&self, payload: &Value) -> Answer {
        self.runtime.invoke(payload, DEADLINE).await
    }

    /// The ids that an invocation by a queue returns.
    pub async fn returned(&self, batch: &Value) -> Vec<String> {
        match self.invoke(batch).await {
            Answer::Response(answer) => {
                let failures = answer["batchItemFailures"].as_array().unwrap();
                failures
                    .iter()
                    .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
                    .collect()
            }
            other => panic!("{other:?}\n{}", self.process.logs()),
        }
    }
}

pub fn start(
    runtime: &RuntimeApi,
    endpoint: &[(&'static str, String)],
    more: &[(&'static str, &str)],
) -> FunctionProcess {
    let defaults = [("AUTOTAG_FIRST_BACKOFF_MS", "10")];
    let more = defaults.iter().chain(more).map(|(name, value)| (*name, (*value).to_owned()));
    let environment: Vec<(&str, String)> = endpoint.iter().cloned().chain(more).collect();
    FunctionProcess::start(Path::new(env!("CARGO_BIN_EXE_tag-handler")), &environment, runtime).unwrap()
}

/// The event by which `EventBridge` brings a record.
pub fn event(record: &Value) -> Value {
    let source = record["eventSource"].as_str().unwrap_or_default();
    json!({"version": "0", "id": record["eventID"], "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{}", source.split('.').next().unwrap_or_default()),
        "account": record["recipientAccountId"], "time": record["eventTime"], "region": record["awsRegion"],
        "resources": [], "detail": record})
}

/// A message of a queue.
pub fn message(id: &str, body: &str) -> Value {
    json!({"messageId": id, "receiptHandle": "r", "body": body, "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
        "attributes": {"ApproximateReceiveCount": "1"}, "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:tag"})
}

/// A batch of events, each a message whose id is its event's.
pub fn batch(records: &[Value]) -> Value {
    let of = |record: &Value| message(record["eventID"].as_str().unwrap(), &event(record).to_string());
    json!({"Records": records.iter().map(of).collect::<Vec<_>>()})
}

/// A client for the emulated S3.
pub fn s3(endpoint: &str) -> aws_sdk_s3::Client {
    use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}

/// A client for the emulated EC2.
pub fn ec2(endpoint: &str) -> aws_sdk_ec2::Client {
    use aws_sdk_ec2::config::{BehaviorVersion, Config, Credentials, Region};
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "test"))
        .endpoint_url(endpoint)
        .build();
    aws_sdk_ec2::Client::from_conf(config)
}

/// A proxy before an emulator, with the routes that it lacks.
pub fn proxy(emulator: &Emulator) -> Proxy {
    Proxy::start(&emulator.url()).unwrap().with_our_routes()
}
