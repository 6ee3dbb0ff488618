//! The real binary between a runtime API and an emulated AWS.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests; each test uses some"
)]

use autotag_testkit::{Answer, Emulator, FunctionProcess, Proxy, RuntimeApi};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";

/// Where the emulator is installed, for all tests together.
pub const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// How long an invocation may take.
pub const DEADLINE: Duration = Duration::from_mins(1);

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

    /// All that it has written. It is killed for that: what it wrote last may not be read while it lives.
    pub fn last_words(&self) -> String {
        self.process.kill();
        self.process.logs()
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

/// Now, as records write it.
#[expect(clippy::disallowed_methods, reason = "the function compares the record with its own clock")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A record of mara's call, made `ago`.
pub fn record(id: &str, ago: Duration, event: &str, request: &Value, response: &Value) -> Value {
    let (service, name) = event.split_once(':').unwrap();
    let time = now() - jiff::SignedDuration::try_from(ago).unwrap();
    json!({"eventVersion": "1.11", "eventID": id, "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT, "readOnly": false, "requestParameters": request, "responseElements": response,
        "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA", "accountId": ACCOUNT,
            "arn": format!("arn:aws:iam::{ACCOUNT}:user/mara")}})
}

/// A record of a volume that mara made just now.
pub fn volume(id: &str) -> Value {
    record(&format!("event-{id}"), Duration::ZERO, "ec2:CreateVolume", &json!({}), &json!({"volumeId": id}))
}

/// A proxy before an emulator in which mara is known, so that her tags can be asked for.
pub fn world(emulator: &Emulator) -> Proxy {
    let proxy = proxy(emulator);
    proxy.route("/", |call| {
        let known = call.service == "iam" && call.operation == "ListUserTags";
        let empty = "<ListUserTagsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUserTagsResult>\
            <Tags/><IsTruncated>false</IsTruncated></ListUserTagsResult></ListUserTagsResponse>";
        known.then(|| autotag_testkit::Reply::xml(200, empty))
    });
    proxy
}

/// New volumes with a tag of their user's.
pub async fn new_volumes(ec2: &aws_sdk_ec2::Client, count: usize) -> Vec<String> {
    use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
    let mut ids = Vec::new();
    for number in 0..count {
        let tag = Tag::builder().key("Name").value(format!("disk-{number}")).build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Volume).tags(tag).build();
        let made = ec2.create_volume().availability_zone("eu-west-1a").size(1).tag_specifications(tags);
        ids.push(made.send().await.unwrap().volume_id.unwrap());
    }
    ids
}

/// The tags on EC2 resources.
pub async fn ec2_tags(
    ec2: &aws_sdk_ec2::Client,
    ids: &[String],
) -> std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>> {
    let filter =
        aws_sdk_ec2::types::Filter::builder().name("resource-id").set_values(Some(ids.to_vec())).build();
    let answer = ec2.describe_tags().filters(filter).send().await.unwrap();
    let mut tags: std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>> =
        std::collections::BTreeMap::default();
    for tag in answer.tags.unwrap_or_default() {
        let of = tags.entry(tag.resource_id.unwrap()).or_default();
        of.insert(tag.key.unwrap(), tag.value.unwrap_or_default());
    }
    tags
}

/// A new bucket with tags of its user's.
pub async fn new_bucket(s3: &aws_sdk_s3::Client, name: &str, tags: &[(&str, &str)]) {
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};
    let here =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    s3.create_bucket().bucket(name).create_bucket_configuration(here).send().await.unwrap();
    let tags =
        tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap()).collect();
    let set = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
    s3.put_bucket_tagging().bucket(name).tagging(set).send().await.unwrap();
}

pub async fn bucket_tags(s3: &aws_sdk_s3::Client, name: &str) -> std::collections::BTreeMap<String, String> {
    let answer = s3.get_bucket_tagging().bucket(name).send().await.unwrap();
    answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub async fn object_tags(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
) -> std::collections::BTreeMap<String, String> {
    let answer = s3.get_object_tagging().bucket(bucket).key(key).send().await.unwrap();
    answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
}
