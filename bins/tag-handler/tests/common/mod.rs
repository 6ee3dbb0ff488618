//! The real binary between a runtime API and an emulated AWS.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests; each test uses some"
)]

use autotag_testkit::lambda::{self, Function};
use autotag_testkit::{Emulator, FunctionProcess, Proxy, RuntimeApi, records};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The folder of the emulator's installation, shared by all tests.
pub const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// The binary under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tag-handler");

pub fn emulator() -> Emulator {
    Emulator::start(FOLDER).unwrap_or_else(|error| panic!("{error}"))
}

/// A proxy in front of an emulator, with the routes that moto lacks.
pub fn proxy(emulator: &Emulator) -> Proxy {
    Proxy::start(&emulator.url()).unwrap().with_our_routes()
}

/// The same, with IAM: the tags of every user and role can be read, and are empty.
pub fn proxy_with_iam(emulator: &Emulator) -> Proxy {
    let proxy = proxy(emulator);
    lambda::route_iam_tags(&proxy, &[]);
    proxy
}

/// Starts the function with a runtime API of its own.
pub async fn start_function(
    endpoint: &[(&'static str, String)],
    variables: &[(&'static str, &str)],
) -> Function {
    Function::start(Path::new(PROGRAM), endpoint, variables).await.unwrap()
}

/// Starts the function as a process of `runtime`.
pub fn start_process(
    runtime: &RuntimeApi,
    endpoint: &[(&'static str, String)],
    variables: &[(&'static str, &str)],
) -> FunctionProcess {
    lambda::start(Path::new(PROGRAM), runtime, endpoint, variables).unwrap()
}

/// The record of a call that mara made `ago`.
pub fn record(id: &str, ago: Duration, event: &str, request: &Value, response: &Value) -> Value {
    records::call(id, ago, event, &records::user("mara"), request, response)
}

/// The record of a volume that mara created just now.
pub fn volume(id: &str) -> Value {
    records::volume(id, &records::user("mara"), Duration::ZERO)
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

/// Creates volumes, each with a `Name` tag of its user.
pub async fn new_volumes(ec2: &aws_sdk_ec2::Client, count: usize) -> Vec<String> {
    use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
    let mut ids = Vec::new();
    for number in 0..count {
        let tag = Tag::builder().key("Name").value(format!("disk-{number}")).build();
        let tags = TagSpecification::builder().resource_type(ResourceType::Volume).tags(tag).build();
        let created = ec2.create_volume().availability_zone("eu-west-1a").size(1).tag_specifications(tags);
        ids.push(created.send().await.unwrap().volume_id.unwrap());
    }
    ids
}

/// The tags of EC2 resources, by resource id.
pub async fn ec2_tags(
    ec2: &aws_sdk_ec2::Client,
    ids: &[String],
) -> BTreeMap<String, BTreeMap<String, String>> {
    let filter =
        aws_sdk_ec2::types::Filter::builder().name("resource-id").set_values(Some(ids.to_vec())).build();
    let answer = ec2.describe_tags().filters(filter).send().await.unwrap();
    let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::default();
    for tag in answer.tags.unwrap_or_default() {
        let of_resource = tags.entry(tag.resource_id.unwrap()).or_default();
        of_resource.insert(tag.key.unwrap(), tag.value.unwrap_or_default());
    }
    tags
}

/// Creates a bucket with tags of its user.
pub async fn new_bucket(s3: &aws_sdk_s3::Client, name: &str, tags: &[(&str, &str)]) {
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};
    let location =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    s3.create_bucket().bucket(name).create_bucket_configuration(location).send().await.unwrap();
    let tags =
        tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap()).collect();
    let set = Tagging::builder().set_tag_set(Some(tags)).build().unwrap();
    s3.put_bucket_tagging().bucket(name).tagging(set).send().await.unwrap();
}

pub async fn bucket_tags(s3: &aws_sdk_s3::Client, name: &str) -> BTreeMap<String, String> {
    let answer = s3.get_bucket_tagging().bucket(name).send().await.unwrap();
    answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub async fn object_tags(s3: &aws_sdk_s3::Client, bucket: &str, key: &str) -> BTreeMap<String, String> {
    let answer = s3.get_object_tagging().bucket(bucket).key(key).send().await.unwrap();
    answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()
}
