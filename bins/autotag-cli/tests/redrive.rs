//! `autotag redrive` against an emulated SQS: lists reasons, sends messages back, loses neither messages nor its report.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_aws::signed::{self, Request};
use autotag_aws::{Accounts, AssumedRole, MemberRole, Settings};
use autotag_model::arn::{AccountId, Partition, Region};
use autotag_testkit::{Emulator, Fault, Proxy, Reply};
use common::{BIN, lines, stderr};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

struct Queues {
    _emulator: Emulator,
    /// Between the program and the emulator.
    proxy: Proxy,
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
        let proxy = Proxy::start(&emulator.url()).unwrap();
        let loaded = Accounts::connect(Settings::default()).await;
        let config = config
            .http_client(loaded.ambient().http_client().unwrap())
            .sleep_impl(loaded.ambient().sleep_impl().unwrap())
            .identity_cache(loaded.ambient().identity_cache().unwrap())
            .build();
        Self { _emulator: emulator, proxy, config }
    }

    async fn call(&self, operation: &str, input: &Value) -> Value {
        call_in(&self.config, "eu-west-1", operation, input).await
    }

    /// The credentials of a role in another account. The emulator keeps the accounts apart by them.
    fn member(&self) -> aws_config::SdkConfig {
        let role = MemberRole { name: "redrive".to_owned(), external_id: None, session_policy: None };
        let account = AccountId::new(MEMBER).unwrap();
        Arc::new(AssumedRole::new(&self.config, &Partition::default(), &account, &role, "test"))
            .config(&self.config)
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

    async fn send(&self, url: &str, body: &str, attributes: &Value) {
        let input = json!({"QueueUrl": url, "MessageBody": body, "MessageAttributes": attributes});
        self.call("SendMessage", &input).await;
    }

    /// A dead-letter queue with messages, and the queue that it belongs to.
    async fn with_messages(count: usize) -> (Self, String, String) {
        let queues = Self::new().await;
        let dead = queues.create("dead", &json!({})).await;
        let policy =
            json!({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead", "maxReceiveCount": 5});
        let source = queues.create("tag", &json!({"RedrivePolicy": policy.to_string()})).await;
        for _ in 0..count {
            queues.send(&dead, &event("CreateVolume"), &json!({})).await;
        }
        (queues, dead, source)
    }

    /// Denies calls of the program, after a number of them.
    fn deny_after(&self, operation: &'static str, allowed: u32) {
        let calls = AtomicU32::new(0);
        self.proxy.rule(move |call| {
            let denied = call.operation == operation && calls.fetch_add(1, Ordering::Relaxed) >= allowed;
            denied.then(|| Fault::refused("AccessDenied"))
        });
    }

    fn redrive(&self, args: &[&str]) -> Output {
        let mut command = Command::new(BIN);
        command.arg("redrive").args(args).envs(self.proxy.environment()).stdin(Stdio::null());
        command.output().unwrap()
    }
}

/// The account of a member; the hub's is the emulator's own, 123456789012.
const MEMBER: &str = "444455556666";

async fn call_in(config: &aws_config::SdkConfig, region: &str, operation: &str, input: &Value) -> Value {
    let request = Request::json(signed::SQS, operation, &Region::new(region).unwrap(), input);
    signed::send_json(config, request).await.unwrap()
}

/// Makes a queue with these messages.
async fn fill(config: &aws_config::SdkConfig, region: &str, name: &str, bodies: &[String]) {
    call_in(config, region, "CreateQueue", &json!({"QueueName": name})).await;
    for body in bodies {
        let input = json!({"QueueUrl": url(region, MEMBER, name), "MessageBody": body});
        call_in(config, region, "SendMessage", &input).await;
    }
}

async fn bodies(config: &aws_config::SdkConfig, region: &str, url: &str) -> Vec<String> {
    let input = json!({"QueueUrl": url, "MaxNumberOfMessages": 10});
    let got = call_in(config, region, "ReceiveMessage", &input).await;
    let messages = got["Messages"].as_array().cloned().unwrap_or_default();
    let mut all: Vec<String> = messages.iter().map(|one| one["Body"].as_str().unwrap().to_owned()).collect();
    all.sort();
    all
}

fn url(region: &str, account: &str, name: &str) -> String {
    format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
}

fn event(name: &str) -> String {
    event_of("ec2", name, "2026-03-02T09:00:00Z")
}

fn event_of(service: &str, name: &str, time: &str) -> String {
    json!({"source": format!("aws.{service}"), "detail-type": "AWS API Call via CloudTrail", "account": "123456789012",
        "region": "eu-west-1", "detail": {"eventSource": format!("{service}.amazonaws.com"), "eventName": name,
        "eventID": "e-1", "eventTime": time, "recipientAccountId": "123456789012"}})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_with_their_reason_and_sent_to_their_queue() {
    let (queues, dead, source) = Queues::with_messages(0).await;
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({"ERROR_CODE": text("Refused"), "ERROR_MESSAGE": text("CreateTags answered UnauthorizedOperation")});
    queues.send(&dead, &event("CreateVolume"), &attributes).await;
    // A recheck that failed stays a recheck.
    let recheck = json!({"autotag-first-look": text("{\"Owner\":\"build\"}"), "ERROR_CODE": text("Refused")});
    queues.send(&dead, &event("RunInstances"), &recheck).await;

    let listed = queues.redrive(&[&dead]);
    assert_eq!(listed.status.code(), Some(0), "{}", stderr(&listed));
    let mut messages = lines(&listed);
    messages.sort_by_key(|message| message["event_name"].to_string());
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["event_name"], "CreateVolume");
    assert_eq!(messages[0]["error"], "Refused: CreateTags answered UnauthorizedOperation");
    assert_eq!(messages[1]["error"], "Refused");
    assert!(messages.iter().all(|message| message["sent"] == false));
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&source).await.as_str()), ("2", "0"));

    let sent = queues.redrive(&[&dead, "--yes"]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    assert!(lines(&sent).iter().all(|message| message["sent"] == true), "{}", stderr(&sent));
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&source).await.as_str()), ("0", "2"));
    let input = json!({"QueueUrl": source, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]});
    let got = queues.call("ReceiveMessage", &input).await;
    let attributes = got["Messages"].as_array().unwrap().iter().map(|message| &message["MessageAttributes"]);
    let attributes: Vec<&Value> = attributes.filter(|attributes| !attributes.is_null()).collect();
    assert_eq!(attributes.len(), 1, "the reason of a failure is not sent back: {got}");
    assert_eq!(attributes[0]["autotag-first-look"]["StringValue"], "{\"Owner\":\"build\"}");
    let bodies: Vec<&str> =
        got["Messages"].as_array().unwrap().iter().map(|m| m["Body"].as_str().unwrap()).collect();
    assert!(bodies.contains(&event("CreateVolume").as_str()), "{bodies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_rule_need_a_target() {
    let queues = Queues::new().await;
    let dead = queues.create("rule-dead", &json!({})).await;
    let target = queues.create("tag", &json!({})).await;
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    let attributes = json!({"ERROR_CODE": text("NO_PERMISSIONS"), "RULE_ARN": text("arn:aws:events:eu-west-1:123456789012:rule/x")});
    queues.send(&dead, &event("CreateVolume"), &attributes).await;
    for wrong in [&[&dead, "--yes"][..], &[&dead, "--yes", "--to", &dead]] {
        let refused = queues.redrive(wrong);
        assert_eq!(refused.status.code(), Some(2));
        assert!(stderr(&refused).contains("--to"), "{}", stderr(&refused));
        assert_eq!(queues.count(&dead).await, "1");
    }
    let sent = queues.redrive(&[&dead, "--yes", "--to", &target]);
    assert_eq!(lines(&sent)[0]["error"], "NO_PERMISSIONS: arn:aws:events:eu-west-1:123456789012:rule/x");
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&target).await.as_str()), ("0", "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receive_that_fails_midway_keeps_the_report_of_sent_messages() {
    let (queues, dead, source) = Queues::with_messages(12).await;
    queues.deny_after("ReceiveMessage", 1);
    let output = queues.redrive(&[&dead, "--yes"]);
    let sent = lines(&output);
    assert!(!sent.is_empty() && sent.iter().all(|message| message["sent"] == true), "{}", stderr(&output));
    assert_eq!(queues.count(&source).await, sent.len().to_string());
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains(&format!("{} dead letters, {} sent\n", sent.len(), sent.len())), "{told}");
    assert!(told.contains("ReceiveMessage answered AccessDenied"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receive_that_fails_midway_leaves_unsent_messages_visible() {
    let (queues, dead, source) = Queues::with_messages(12).await;
    queues.deny_after("ReceiveMessage", 1);
    for format in ["table", "csv"] {
        let output = queues.redrive(&[&dead, "--format", format]);
        assert_eq!(output.status.code(), Some(1));
        queues.proxy.repair();
        queues.deny_after("ReceiveMessage", 1);
        let report = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(report.contains("CreateVolume"), "{format}: {report}{}", stderr(&output));
        assert_eq!(queues.count(&dead).await, "12", "{format}: all are visible");
    }
    // Now a message cannot be sent: it is reported, and the others are sent.
    queues.proxy.repair();
    queues.deny_after("SendMessage", 3);
    let output = queues.redrive(&[&dead, "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let sent = lines(&output).iter().filter(|message| message["sent"] == true).count();
    assert_eq!((lines(&output).len(), sent), (12, 3), "{}", stderr(&output));
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&source).await.as_str()), ("9", "3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_cannot_be_read_is_an_error() {
    let (queues, dead, _) = Queues::with_messages(1).await;
    queues.deny_after("ReceiveMessage", 0);
    let output = queues.redrive(&[&dead]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert_eq!(stderr(&output), "autotag: ReceiveMessage answered AccessDenied\n");
}

/// The dead letters of the rules that forward: another region than the hub's, another account, and both kinds of events.
#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_regions_and_members_reach_the_queues_of_the_hub() {
    let queues = Queues::new().await;
    let (tag, session) = (queues.create("tag", &json!({})).await, queues.create("session", &json!({})).await);
    let member = queues.member();
    let (made, assumed) = (event("CreateVolume"), event_of("sts", "AssumeRole", "2026-03-02T08:00:00Z"));
    let unknown = "{\"detail\": ".to_owned();
    fill(&member, "us-east-1", "autotag-forward-dead", &[made.clone(), assumed.clone(), unknown.clone()])
        .await;
    fill(&member, "ap-southeast-2", "autotag-forward-dead", std::slice::from_ref(&made)).await;

    let args = [
        "--regions",
        "us-east-1,eu-central-1,ap-southeast-2",
        "--accounts",
        MEMBER,
        "--receive-role",
        "redrive",
    ];
    let listed = queues.redrive(&args);
    assert_eq!(listed.status.code(), Some(1), "one of the regions has no such queue");
    assert_eq!(lines(&listed).len(), 4, "{}", stderr(&listed));
    let missing = format!(
        "{}: ReceiveMessage answered AWS.SimpleQueueService.NonExistentQueue",
        url("eu-central-1", MEMBER, "autotag-forward-dead")
    );
    assert!(stderr(&listed).contains(&missing), "{}", stderr(&listed));

    let to = [
        "--yes",
        "--to",
        &url("eu-west-1", "123456789012", "tag"),
        "--sessions-to",
        &url("eu-west-1", "123456789012", "session"),
    ];
    let sent = queues.redrive(&[&args[..], &to].concat());
    assert_eq!(sent.status.code(), Some(1), "what is not understood is not done");
    assert_eq!(bodies(&queues.config, "eu-west-1", &tag).await, [made.clone(), made]);
    assert_eq!(bodies(&queues.config, "eu-west-1", &session).await, [assumed]);
    let left = url("us-east-1", MEMBER, "autotag-forward-dead");
    assert_eq!(bodies(&member, "us-east-1", &left).await, [unknown]);
    let told = stderr(&sent);
    assert!(told.contains(": its body is not understood, so it stays in the queue"), "{told}");
    assert!(told.contains("4 dead letters in 3 queues (1 of them not read to the end), 3 sent\n"), "{told}");
    let rows = lines(&sent);
    assert!(rows.iter().any(|row| row["queue"] == left.as_str() && row["sent"] == false), "{rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_queue_for_its_kind_stays() {
    let queues = Queues::new().await;
    let (dead, tag) = (queues.create("dead", &json!({})).await, queues.create("tag", &json!({})).await);
    queues.send(&dead, &event_of("sts", "AssumeRole", "2026-03-02T08:00:00Z"), &json!({})).await;
    let output = queues.redrive(&[&dead, "--yes", "--to", &tag]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("it holds STS records: name the queue with --sessions-to"),
        "{}",
        stderr(&output)
    );
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&tag).await.as_str()), ("1", "0"));
}

/// The other way round: the credentials of a member receive, and a role of the hub's account sends.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_the_hub_sends_what_a_member_receives() {
    let queues = Queues::new().await;
    let member = queues.member();
    fill(&member, "us-east-1", "inbox", &[]).await;
    let dead = queues.create("dead", &json!({})).await;
    queues.send(&dead, &event("CreateVolume"), &json!({})).await;
    let to = url("us-east-1", MEMBER, "inbox");
    let output = queues.redrive(&[&dead, "--yes", "--to", &to, "--send-role", "redrive"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(bodies(&member, "us-east-1", &to).await, [event("CreateVolume")]);
    assert_eq!(queues.count(&dead).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_messages_and_the_others_stay() {
    let queues = Queues::new().await;
    let (dead, tag) = (queues.create("dead", &json!({})).await, queues.create("tag", &json!({})).await);
    let reason = |code: &str| json!({"ERROR_CODE": {"DataType": "String", "StringValue": code}});
    queues
        .send(&dead, &event_of("ec2", "CreateVolume", "2026-03-01T23:59:59Z"), &reason("NO_PERMISSIONS"))
        .await;
    queues
        .send(&dead, &event_of("ec2", "CreateVolume", "2026-03-02T00:00:00Z"), &reason("NO_PERMISSIONS"))
        .await;
    queues.send(&dead, &event_of("ec2", "CreateVolume", "2026-03-02T09:00:00Z"), &reason("Malformed")).await;
    let args = [dead.as_str(), "--yes", "--to", &tag, "--since", "2026-03-02", "--reason", "no_perm"];
    let output = queues.redrive(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(lines(&output).len(), 1);
    assert!(stderr(&output).contains("1 dead letter, 1 sent, 2 left out\n"), "{}", stderr(&output));
    assert_eq!((queues.count(&dead).await.as_str(), queues.count(&tag).await.as_str()), ("2", "1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_set_names_accounts_and_regions() {
    let queues = Queues::new().await;
    fill(&queues.member(), "us-east-1", "autotag-forward-dead", &[event("CreateVolume")]).await;
    queues.proxy.route("/", |call| {
        let form = std::str::from_utf8(&call.body).unwrap_or_default();
        let is_asked = call.operation == "ListStackInstances" && form.contains("StackSetName=autotag-region");
        let (region, next) = if form.contains("NextToken=second") {
            ("us-east-1", "")
        } else {
            ("eu-west-1", "<NextToken>second</NextToken>")
        };
        is_asked.then(|| {
            Reply::xml(200, format!("<ListStackInstancesResponse><ListStackInstancesResult>{next}<Summaries><member>\
                <Account>{MEMBER}</Account><Region>{region}</Region><Status>CURRENT</Status></member></Summaries>\
                </ListStackInstancesResult></ListStackInstancesResponse>"))
        })
    });
    let args = ["--stack-set", "autotag-region", "--receive-role", "redrive", "--regions", "us-east-1"];
    let output = queues.redrive(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = lines(&output);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["queue"], url("us-east-1", MEMBER, "autotag-forward-dead"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_more_messages_than_can_be_hidden_is_not_done() {
    let (queues, dead, _) = Queues::with_messages(25).await;
    let output = queues.redrive(&[&dead, "--most-hidden", "20"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("20 messages are not sent, and the rest was not read"),
        "{}",
        stderr(&output)
    );
    assert_eq!(queues.count(&dead).await, "25", "all are visible again");
}
