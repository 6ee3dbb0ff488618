//! Both functions, each the real binary, over one emulated AWS: `session-handler` keeps sessions, `tag-handler` reads them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests; each test uses some"
)]

use autotag_testkit::lambda::{self, Function};
use autotag_testkit::records::batch;
use autotag_testkit::{Emulator, Proxy};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_sdk_sqs::types::Message;
use aws_types::SdkConfig;
use serde_json::{Map, Value, json};
use session_store::DynamoDbStore;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The table of sessions.
pub const TABLE: &str = "sessions";

/// The region of the table, which is not the functions' region.
pub const TABLE_REGION: &str = "us-east-1";

/// The tags of every IAM role. IAM users have none.
const ROLE_TAGS: [(&str, &str); 2] = [("Team", "platform"), ("CostCenter", "42")];

/// The binary under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_session-handler");

/// The binary of `tag-handler`, built if necessary.
pub fn tag_handler() -> PathBuf {
    lambda::binary("tag-handler", PROGRAM).unwrap_or_else(|error| panic!("{error}"))
}

/// An emulated AWS with the table of sessions, and `session-handler`.
pub struct SessionHandler {
    pub emulator: Emulator,
    pub proxy: Proxy,
    pub function: Function,
}

impl SessionHandler {
    pub async fn start() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        lambda::route_iam_tags(&proxy, &ROLE_TAGS);
        let table = aws_sdk_dynamodb::Client::new(&config(&emulator.url(), TABLE_REGION));
        DynamoDbStore::new(table, TABLE).create().await.unwrap();
        let variables = [("AUTOTAG_SESSION_TABLE", TABLE), ("AUTOTAG_SESSION_REGION", TABLE_REGION)];
        let function = Function::start(Path::new(PROGRAM), &proxy.environment(), &variables).await.unwrap();
        Self { emulator, proxy, function }
    }

    /// A client for the table, past the proxy.
    pub fn table(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&config(&self.emulator.url(), TABLE_REGION))
    }

    /// Delivers records. All must be done.
    pub async fn keep(&self, records: &[Value]) {
        let returned = self.function.returned(batch(records)).await;
        assert!(returned.is_empty(), "{returned:?}\n{}", self.function.process.logs());
    }
}

/// Both functions, and a queue for rechecks.
pub struct BothFunctions {
    pub sessions: SessionHandler,
    pub tagging: Function,
    pub queue_url: String,
    config: SdkConfig,
}

impl BothFunctions {
    /// Starts both functions. `variables` are added to those of `tag-handler`.
    pub async fn start(variables: &[(&'static str, &str)]) -> Self {
        let sessions = SessionHandler::start().await;
        let config = config(&sessions.proxy.url(), "eu-west-1");
        let queue = aws_sdk_sqs::Client::new(&config).create_queue().queue_name("rechecks").send().await;
        let queue_url = queue.unwrap().queue_url.unwrap();
        let own = [
            ("AUTOTAG_SESSION_TABLE", TABLE),
            ("AUTOTAG_SESSION_REGION", TABLE_REGION),
            ("AUTOTAG_SECOND_LOOK_QUEUE_URL", queue_url.as_str()),
            ("AUTOTAG_SECOND_LOOK_SECONDS", "0"),
        ];
        let variables = [&own, variables].concat();
        let endpoint = sessions.proxy.environment();
        let tagging = Function::start(&tag_handler(), &endpoint, &variables).await.unwrap();
        sessions.proxy.forget_calls();
        Self { sessions, tagging, queue_url, config }
    }

    pub fn proxy(&self) -> &Proxy {
        &self.sessions.proxy
    }

    pub fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config)
    }

    pub async fn new_volume(&self) -> String {
        let created = self.ec2().create_volume().availability_zone("eu-west-1a").size(1).send().await;
        created.unwrap().volume_id.unwrap()
    }

    /// The tags of a volume.
    pub async fn tags(&self, id: &str) -> BTreeMap<String, String> {
        let filter = aws_sdk_ec2::types::Filter::builder().name("resource-id").values(id).build();
        let answer = self.ec2().describe_tags().filters(filter).send().await.unwrap();
        let tags = answer.tags.unwrap_or_default().into_iter();
        tags.map(|tag| (tag.key.unwrap(), tag.value.unwrap_or_default())).collect()
    }

    /// Delivers records to `session-handler`. All must be done.
    pub async fn keep(&self, records: &[Value]) {
        self.sessions.keep(records).await;
    }

    /// Delivers records to `tag-handler`. All must be done.
    pub async fn tag(&self, records: &[Value]) {
        self.deliver(&batch(records)).await;
    }

    async fn deliver(&self, batch: &Value) {
        let returned = self.tagging.returned(batch).await;
        assert!(returned.is_empty(), "{returned:?}\n{}", self.tagging.process.logs());
    }

    /// Delivers the messages of the recheck queue to `tag-handler`, as Lambda does, and deletes them. Returns their number.
    pub async fn recheck(&self) -> usize {
        let sqs = aws_sdk_sqs::Client::new(&self.config);
        let mut count = 0;
        loop {
            let request = sqs.receive_message().queue_url(&self.queue_url).max_number_of_messages(10);
            let answer = request.message_attribute_names("All").wait_time_seconds(0).send().await.unwrap();
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                return count;
            }
            count += messages.len();
            let records: Vec<Value> = messages.iter().map(message_for_lambda).collect();
            self.deliver(&json!({"Records": records})).await;
            for message in &messages {
                let request = sqs.delete_message().queue_url(&self.queue_url);
                request.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
            }
        }
    }
}

/// A received message in the format of Lambda's event.
fn message_for_lambda(message: &Message) -> Value {
    let attributes = message.message_attributes.clone().unwrap_or_default().into_iter();
    let attributes: Map<String, Value> = attributes
        .map(|(name, value)| {
            (name, json!({"stringValue": value.string_value(), "dataType": value.data_type()}))
        })
        .collect();
    let mut record =
        autotag_testkit::records::message(message.message_id().unwrap(), message.body().unwrap());
    record["messageAttributes"] = Value::Object(attributes);
    record
}

fn config(url: &str, region: &'static str) -> SdkConfig {
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// Writes an object, and creates its bucket if necessary.
pub async fn put_object(url: &str, bucket: &str, key: &str, body: String) {
    let config = aws_sdk_s3::config::Builder::from(&config(url, "us-east-1")).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    // The bucket may already exist.
    let _ = s3.create_bucket().bucket(bucket).send().await;
    s3.put_object().bucket(bucket).key(key).body(body.into_bytes().into()).send().await.unwrap();
}
