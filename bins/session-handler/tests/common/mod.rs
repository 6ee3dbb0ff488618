//! Both functions, each the real binary, over one emulated AWS: what `session-handler` keeps, `tag-handler` finds.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests; each test uses some"
)]

use autotag_aws::{Accounts, Settings};
use autotag_lambda::queue;
use autotag_testkit::{Answer, Emulator, FunctionProcess, Proxy, Reply, RuntimeApi};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_store::DynamoDbStore;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The account of the emulator.
pub const ACCOUNT: &str = "123456789012";

/// The table of sessions, in another region than the functions.
pub const TABLE: &str = "sessions";
pub const TABLE_REGION: &str = "us-east-1";

const DEADLINE: Duration = Duration::from_mins(1);

/// A function that runs.
#[derive(Debug)]
pub struct Function {
    pub process: FunctionProcess,
    pub runtime: RuntimeApi,
}

impl Function {
    pub async fn start(program: &Path, environment: &[(&'static str, String)]) -> Self {
        let runtime = RuntimeApi::start().await.unwrap();
        let process = FunctionProcess::start(program, environment, &runtime)
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
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

/// The binary of `tag-handler`, which the same build has put beside ours.
pub fn tag_handler() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_session-handler")).with_file_name("tag-handler");
    assert!(
        path.is_file(),
        "`{}` is not there: this test runs both functions, build them with \
         `cargo build --workspace --all-features`, or test with `cargo test --workspace --all-features`",
        path.display()
    );
    path
}

/// An emulated AWS with a table, a queue for second looks, and both functions.
pub struct World {
    pub emulator: Emulator,
    pub proxy: Proxy,
    pub config: SdkConfig,
    pub accounts: Accounts,
    pub sessions: Function,
    pub tagging: Function,
    pub looks: String,
}

impl World {
    pub async fn start(more: &[(&'static str, &str)]) -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let proxy = Proxy::start(&emulator.url()).unwrap();
        iam(&proxy);
        let config = config(&proxy.url(), "eu-west-1");
        let accounts = Accounts::new(config.clone(), Settings::default());
        let table = DynamoDbStore::new(
            aws_sdk_dynamodb::Client::new(&self::config(&emulator.url(), TABLE_REGION)),
            TABLE,
        );
        table.create().await.unwrap();
        let made = queue::call(&accounts, "CreateQueue", &json!({"QueueName": "looks"})).await.unwrap();
        let looks = made["QueueUrl"].as_str().unwrap().to_owned();
        let given = [
            ("AUTOTAG_SESSION_TABLE", TABLE),
            ("AUTOTAG_SESSION_REGION", TABLE_REGION),
            ("AUTOTAG_FIRST_BACKOFF_MS", "10"),
        ];
        let own = |pairs: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
            pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
        };
        let environment = [proxy.environment().to_vec(), own(&given)].concat();
        let sessions = Function::start(Path::new(env!("CARGO_BIN_EXE_session-handler")), &environment).await;
        let looks_at =
            [("AUTOTAG_SECOND_LOOK_QUEUE_URL", looks.as_str()), ("AUTOTAG_SECOND_LOOK_SECONDS", "0")];
        let environment = [environment, own(&looks_at), own(more)].concat();
        let tagging = Function::start(&tag_handler(), &environment).await;
        proxy.forget_calls();
        Self { emulator, proxy, config, accounts, sessions, tagging, looks }
    }

    pub fn ec2(&self) -> aws_sdk_ec2::Client {
        aws_sdk_ec2::Client::new(&self.config)
    }

    pub fn table(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&config(&self.emulator.url(), TABLE_REGION))
    }

    pub async fn new_volume(&self) -> String {
        let made = self.ec2().create_volume().availability_zone("eu-west-1a").size(1).send().await;
        made.unwrap().volume_id.unwrap()
    }

    /// The tags on a volume.
    pub async fn tags(&self, id: &str) -> BTreeMap<String, String> {
        let filter = aws_sdk_ec2::types::Filter::builder().name("resource-id").values(id).build();
        let answer = self.ec2().describe_tags().filters(filter).send().await.unwrap();
        let tags = answer.tags.unwrap_or_default().into_iter();
        tags.map(|tag| (tag.key.unwrap(), tag.value.unwrap_or_default())).collect()
    }

    /// Brings records to `session-handler`; all are done.
    pub async fn keep(&self, records: &[Value]) {
        let returned = self.sessions.returned(&batch(records)).await;
        assert!(returned.is_empty(), "{returned:?}\n{}", self.sessions.process.logs());
    }

    /// Brings records to `tag-handler`; all are done.
    pub async fn tag(&self, records: &[Value]) {
        let returned = self.tagging.returned(&batch(records)).await;
        assert!(returned.is_empty(), "{returned:?}\n{}", self.tagging.process.logs());
    }

    /// Takes the messages out of the queue and invokes `tag-handler` with them, as Lambda does; answers how many.
    pub async fn look_again(&self) -> usize {
        let mut looked = 0;
        loop {
            let input = json!({"QueueUrl": self.looks, "MaxNumberOfMessages": 10,
                "MessageAttributeNames": ["All"], "WaitTimeSeconds": 0});
            let answer = queue::call(&self.accounts, "ReceiveMessage", &input).await.unwrap();
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return looked;
            }
            looked += messages.len();
            let records: Vec<Value> = messages.iter().map(as_lambda_has_it).collect();
            let returned = self.tagging.returned(&json!({"Records": records})).await;
            assert!(returned.is_empty(), "{returned:?}\n{}", self.tagging.process.logs());
            for message in &messages {
                let input = json!({"QueueUrl": self.looks, "ReceiptHandle": message["ReceiptHandle"]});
                queue::call(&self.accounts, "DeleteMessage", &input).await.unwrap();
            }
        }
    }
}

fn as_lambda_has_it(message: &Value) -> Value {
    let attributes = message["MessageAttributes"].as_object().cloned().unwrap_or_default();
    let attribute =
        |value: &Value| json!({"stringValue": value["StringValue"], "dataType": value["DataType"]});
    let attributes: serde_json::Map<String, Value> =
        attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    json!({"messageId": message["MessageId"], "receiptHandle": "r", "body": message["Body"],
        "eventSource": "aws:sqs", "awsRegion": "eu-west-1", "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": attributes, "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:looks"})
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

/// Puts a text into a bucket, which is made if it is not there.
pub async fn put_object(url: &str, bucket: &str, key: &str, body: String) {
    let config = aws_sdk_s3::config::Builder::from(&config(url, "us-east-1")).force_path_style(true).build();
    let s3 = aws_sdk_s3::Client::from_conf(config);
    // There already is as good.
    let _ = s3.create_bucket().bucket(bucket).send().await;
    s3.put_object().bucket(bucket).key(key).body(body.into_bytes().into()).send().await.unwrap();
}

/// Every role and user is there; roles are tagged `Team=platform` and `CostCenter=42`.
fn iam(proxy: &Proxy) {
    proxy.route("/", |call| {
        if call.service != "iam" {
            return None;
        }
        let list = |operation: &str, tags: &str| {
            let body = format!(
                "<{operation}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{operation}Result>\
                 <Tags>{tags}</Tags><IsTruncated>false</IsTruncated></{operation}Result></{operation}Response>"
            );
            Some(Reply::xml(200, body))
        };
        let tag = |key: &str, value: &str| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
        match call.operation.as_str() {
            "ListUserTags" => list("ListUserTags", ""),
            "ListRoleTags" => {
                list("ListRoleTags", &(tag("Team", "platform") + &tag("CostCenter", "42")))
            }
            _ => None,
        }
    });
}

/// A batch of events, each a message whose id is its event's.
pub fn batch(records: &[Value]) -> Value {
    let of = |(number, record): (usize, &Value)| {
        let source = record["eventSource"].as_str().unwrap_or_default();
        let event = json!({"version": "0", "id": record["eventID"], "detail-type": "AWS API Call via CloudTrail",
            "source": format!("aws.{}", source.split('.').next().unwrap_or_default()),
            "account": record["recipientAccountId"], "time": record["eventTime"], "region": record["awsRegion"],
            "resources": [], "detail": record});
        json!({"messageId": format!("{number}-{}", record["eventID"].as_str().unwrap()), "body": event.to_string(),
            "receiptHandle": "r", "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
            "attributes": {"ApproximateReceiveCount": "1"}})
    };
    json!({"Records": records.iter().enumerate().map(of).collect::<Vec<_>>()})
}

/// Now.
#[expect(clippy::disallowed_methods, reason = "the functions compare records with their own clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A time, as records write it.
pub fn at(ago: Duration) -> String {
    let time = now() - SignedDuration::try_from(ago).unwrap();
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub fn user(name: &str) -> Value {
    json!({"type": "IAMUser", "userName": name, "principalId": format!("AIDA{name}"), "accountId": ACCOUNT,
        "accessKeyId": "AKIAEXAMPLE", "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}")})
}

/// The identity of calls in a session of `role`, issued at `issued`.
pub fn session(role: &str, name: &str, key: &str, issued: &str) -> Value {
    json!({"type": "AssumedRole", "principalId": format!("AROA{role}:{name}"), "accountId": ACCOUNT,
        "accessKeyId": key, "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}"),
        "sessionContext": {"attributes": {"creationDate": issued, "mfaAuthenticated": "false"},
            "sessionIssuer": {"type": "Role", "principalId": format!("AROA{role}"), "userName": role,
                "accountId": ACCOUNT, "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}")}}})
}

/// The STS record of that session: by whom it was asked for, and with what.
pub fn sts(identity: &Value, event: &str, caller: &Value, request: &Value, response: &Value) -> Value {
    let principal = identity["principalId"].as_str().unwrap();
    let (role, name) = principal.split_once(':').unwrap();
    let role = role.strip_prefix("AROA").unwrap();
    let key = identity["accessKeyId"].as_str().unwrap();
    let mut record = json!({"eventVersion": "1.08", "eventSource": "sts.amazonaws.com", "eventName": event,
        "eventID": format!("sts-{key}"), "eventTime": identity["sessionContext"]["attributes"]["creationDate"],
        "awsRegion": "us-east-1", "recipientAccountId": ACCOUNT, "readOnly": true, "userIdentity": caller,
        "requestParameters": {"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "roleSessionName": name,
            "durationSeconds": 3600},
        "responseElements": {"assumedRoleUser": {"assumedRoleId": principal, "arn": identity["arn"]},
            "credentials": {"accessKeyId": key, "sessionToken": "CANARY-session-token-must-never-be-printed"}}});
    for (part, more) in [("requestParameters", request), ("responseElements", response)] {
        let there = record[part].as_object_mut().unwrap();
        there.extend(more.as_object().cloned().unwrap_or_default());
    }
    record
}

/// The record of a volume that `identity` made.
pub fn volume(id: &str, identity: &Value, ago: Duration) -> Value {
    json!({"eventVersion": "1.11", "eventID": format!("event-{id}"), "eventTime": at(ago),
        "eventSource": "ec2.amazonaws.com", "eventName": "CreateVolume", "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT, "readOnly": false, "requestParameters": {},
        "responseElements": {"volumeId": id}, "userIdentity": identity})
}
