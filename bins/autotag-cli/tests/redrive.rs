//! `autotag redrive` against an emulated SQS: shows why, sends on, loses nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

use autotag_aws::signed::{self, Request};
use autotag_aws::{Accounts, Settings};
use autotag_model::arn::Region;
use autotag_testkit::Emulator;
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

const BIN: &str = env!("CARGO_BIN_EXE_autotag");

struct Queues {
    emulator: Emulator,
    config: aws_config::SdkConfig,
}

impl Queues {
    async fn new() -> Self {
        let emulator = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let config = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-west-1"))
            .endpoint_url(emulator.url())
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                aws_credential_types::Credentials::new("testing", "testing", None, None, "test"),
            ));
        let loaded = Accounts::connect(Settings::default()).await;
        let config = config
            .http_client(loaded.ambient().http_client().unwrap())
            .sleep_impl(loaded.ambient().sleep_impl().unwrap())
            .identity_cache(loaded.ambient().identity_cache().unwrap())
            .build();
        Self { emulator, config }
    }

    async fn call(&self, operation: &str, input: &Value) -> Value {
        let region = Region::new("eu-west-1").unwrap();
        let request = Request::json(signed::SQS, operation, &region, input);
        signed::send_json(&self.config, request).await.unwrap()
    }

    async fn create(&self, name: &str, attributes: &Value) -> String {
        let answer = self.call("CreateQueue", &json!({"QueueName": name, "Attributes": attributes})).await;
        answer["QueueUrl"].as_str().unwrap().to_owned()
    }

    async fn count(&self, url: &str) -> String {
        let input = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]});
        let answer = self.call("GetQueueAttributes", &input).await;
        answer["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap().to_owned()
    }

    fn redrive(&self, args: &[&str]) -> Output {
        let mut command = Command::new(BIN);
        command.arg("redrive").args(args).envs(self.emulator.environment()).stdin(Stdio::null());
        command.output().unwrap()
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn event(name: &str) -> String {
    json!({"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "account": "123456789012",
        "region": "eu-west-1", "detail": {"eventSource": "ec2.amazonaws.com", "eventName": name, "eventID": "e-1",
        "eventTime": "2026-03-02T09:00:00Z", "recipientAccountId": "123456789012"}})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_shown_with_their_reason_and_sent_to_the_queue_they_came_from() {
    let queues = Queues::new().await;
    let dead = queues.create("dead", &json!({})).await;
    let policy =
        json!({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": 5});
    let source = queues.create("tag", &json!({"RedrivePolicy": policy.to_string()})).await;
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({"ERROR_CODE": text("Refused"), "ERROR_MESSAGE": text("CreateTags answered UnauthorizedOperation")});
    queues
        .call(
            "SendMessage",
            &json!({"QueueUrl": dead, "MessageBody": event("CreateVolume"), "MessageAttributes": attributes}),
        )
        .await;
    // A second look that failed stays one.
    let looked = json!({"autotag-first-look": text("{\"Owner\":\"build\"}"), "ERROR_CODE": text("Refused")});
    queues
        .call(
            "SendMessage",
            &json!({"QueueUrl": dead, "MessageBody": "{\"detail\": ", "MessageAttributes": looked}),
        )
        .await;

    let shown = queues.redrive(&[&dead]);
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    let mut letters = lines(&shown);
    letters.sort_by_key(|letter| letter["event_name"].to_string());
    assert_eq!(letters.len(), 2, "{letters:?}");
    assert_eq!(letters[0]["event_name"], "CreateVolume");
    assert_eq!(letters[0]["error"], "Refused: CreateTags answered UnauthorizedOperation");
    assert_eq!(letters[1]["error"], "Refused");
    assert!(letters.iter().all(|letter| letter["sent"] == false));
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&source).await.as_str()), ("2", "0"));

    let sent = queues.redrive(&[&dead, "--yes"]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert!(lines(&sent).iter().all(|letter| letter["sent"] == true), "{}", stderr(&sent));
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&source).await.as_str()), ("0", "2"));
    let input = json!({"QueueUrl": source, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]});
    let got = queues.call("ReceiveMessage", &input).await;
    let looks = got["Messages"].as_array().unwrap().iter().map(|message| &message["MessageAttributes"]);
    let looks: Vec<&Value> = looks.filter(|attributes| !attributes.is_null()).collect();
    assert_eq!(looks.len(), 1, "what was noted about a failure does not go on: {got}");
    assert_eq!(looks[0]["autotag-first-look"]["StringValue"], "{\"Owner\":\"build\"}");
    let bodies: Vec<&str> =
        got["Messages"].as_array().unwrap().iter().map(|m| m["Body"].as_str().unwrap()).collect();
    assert!(bodies.contains(&event("CreateVolume").as_str()), "{bodies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_of_a_rule_need_to_be_told_where_to() {
    let queues = Queues::new().await;
    let dead = queues.create("rule-dead", &json!({})).await;
    let target = queues.create("tag", &json!({})).await;
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({"ERROR_CODE": text("NO_PERMISSIONS"), "RULE_ARN": text("arn:aws:events:eu-west-1:123456789012:rule/x")});
    queues
        .call(
            "SendMessage",
            &json!({"QueueUrl": dead, "MessageBody": event("CreateVolume"), "MessageAttributes": attributes}),
        )
        .await;
    let untold = queues.redrive(&[&dead, "--yes"]);
    assert_eq!(untold.status.code(), Some(2));
    assert!(stderr(&untold).contains("--to"), "{}", stderr(&untold));
    assert_eq!(queues.count(&dead).await, "1");
    let told = queues.redrive(&[&dead, "--yes", "--to", &target]);
    assert_eq!(lines(&told)[0]["error"], "NO_PERMISSIONS: arn:aws:events:eu-west-1:123456789012:rule/x");
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&target).await.as_str()), ("0", "1"));
}
