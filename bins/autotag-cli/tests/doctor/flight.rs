//! The canary: made, tagged by the real `tag-handler` where the chain is whole, and removed whatever happens.

use crate::deployment::{ACCOUNT, BIN, HUB, World};
use crate::report;
use autotag_aws::signed::{SQS, SSM};
use autotag_testkit::{Answer, Fault, FunctionProcess, RuntimeApi};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Doctor with a canary, begun.
fn fly(world: &World, more: &[&str]) -> Child {
    let mut command = Command::new(BIN);
    command.args(["doctor", "--canary", "--format", "json", "--look-in-role", "autotag-look"]).args(more);
    command
        .envs(world.proxy.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

async fn end(child: Child) -> Output {
    tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap()
}

/// The canary's parameter, as soon as it is made.
async fn made(world: &World) -> String {
    for _ in 0..600 {
        let call = world.proxy.calls().into_iter().find(|call| call.operation == "PutParameter");
        // Counted when it comes; a moment later it is done.
        if let Some(call) = call.filter(|_| world.proxy.count("ssm", "ListTagsForResource") > 0) {
            return call.json()["Name"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no canary was made");
}

async fn parameters(world: &World) -> usize {
    let listed = world.hub.json(SSM, "DescribeParameters", HUB, json!({})).await;
    listed["Parameters"].as_array().unwrap().len()
}

/// The event by which the rules would bring the canary's record to the queue.
fn event(parameter: &str) -> Value {
    let record = json!({"eventVersion": "1.11", "eventID": "canary-1", "eventTime": crate::deployment::now(),
        "eventSource": "ssm.amazonaws.com", "eventName": "PutParameter", "awsRegion": HUB, "readOnly": false,
        "recipientAccountId": ACCOUNT, "requestParameters": {"name": parameter, "type": "String"},
        "responseElements": {"version": 1, "tier": "Standard"},
        "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA", "accountId": ACCOUNT,
            "arn": format!("arn:aws:iam::{ACCOUNT}:user/mara")}});
    json!({"version": "0", "id": "canary-1", "source": "aws.ssm", "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT, "region": HUB, "time": record["eventTime"], "resources": [], "detail": record})
}

/// The one message of the queue, as Lambda gives it to the function.
async fn delivered(world: &World) -> Value {
    let input = json!({"QueueUrl": world.url("autotag-tag"), "AttributeNames": ["All"]});
    let answer = world.hub.json(SQS, "ReceiveMessage", HUB, input).await;
    let message = &answer["Messages"][0];
    assert!(message["Body"].is_string(), "{answer}");
    json!({"Records": [{"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"], "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs",
        "awsRegion": HUB, "eventSourceARN": format!("arn:aws:sqs:{HUB}:{ACCOUNT}:autotag-tag")}]})
}

/// From the queue by the real binary to the tags. What brings the record to the queue (`CloudTrail`, the rules of both
/// buses) and the messages to the function (Lambda's poller) is played by the test.
#[tokio::test(flavor = "multi_thread")]
async fn a_canary_comes_through_a_whole_chain() {
    let world = World::new().await;
    world.proxy.keep_bodies();
    let child = fly(&world, &["--wait", "120"]);
    let parameter = made(&world).await;
    world.send("autotag-tag", &event(&parameter).to_string(), json!({})).await;
    // So long that doctor sees it there.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let runtime = RuntimeApi::start().await.unwrap();
    let program = Path::new(BIN).with_file_name("tag-handler");
    assert!(program.exists(), "{} is not built: cargo build -p tag-handler", program.display());
    let more = [
        ("AUTOTAG_FIRST_BACKOFF_MS", "10".to_owned()),
        ("AUTOTAG_POLICY", "[copy]\niam_tags = false\n".to_owned()),
    ];
    let environment: Vec<(&str, String)> = world.proxy.environment().into_iter().chain(more).collect();
    let function = FunctionProcess::start(&program, &environment, &runtime).unwrap();
    let answer = runtime.invoke(delivered(&world).await, Duration::from_mins(1)).await;
    assert_eq!(answer, Answer::Response(json!({"batchItemFailures": []})), "{}", function.logs());

    let output = end(child).await;
    let report = report(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let canary = &report["canary"];
    assert_eq!(canary["tags"]["Owner"], "mara", "{canary:#}");
    assert_eq!(canary["removed"], true);
    let hops: Vec<&str> =
        canary["hops"].as_array().unwrap().iter().map(|hop| hop["hop"].as_str().unwrap()).collect();
    assert_eq!(hops, ["made", "a message more in the queue", "tagged"], "{canary:#}");
    assert_eq!(parameters(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_without_tags_is_broken_and_removed() {
    let world = World::new().await;
    let output = end(fly(&world, &["--wait", "3"])).await;
    let report = report(&output);
    assert_eq!(crate::named(&report, "broken").into_iter().collect::<Vec<_>>(), ["canary @ eu-west-1"]);
    assert_eq!((output.status.code(), &report["canary"]["removed"]), (Some(1), &json!(true)));
    assert_eq!(parameters(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_canary_is_removed() {
    let world = World::new().await;
    for signal in ["-INT", "-TERM", "-HUP"] {
        world.proxy.forget_calls();
        world.proxy.keep_bodies();
        let child = fly(&world, &[]);
        made(&world).await;
        assert_eq!(parameters(&world).await, 1);
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = end(child).await;
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        let report = report(&output);
        assert_eq!(report["canary"]["removed"], true);
        assert_eq!(crate::named(&report, "broken"), std::collections::BTreeSet::new(), "nobody knows");
        assert_eq!(parameters(&world).await, 0, "{signal}");
    }
}

/// The answer is lost, the parameter is there: it is removed all the same. And what cannot be removed is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_removed_even_if_nobody_knows_that_it_is_there() {
    let world = World::new().await;
    world.proxy.rule(|call| {
        (call.operation == "ListTagsForResource" && call.service == "ssm")
            .then(|| Fault::refused("AccessDenied"))
    });
    let output = end(fly(&world, &[])).await;
    assert_eq!(report(&output)["canary"]["removed"], true);
    assert_eq!(parameters(&world).await, 0);

    world.proxy.rule(|call| (call.operation == "DeleteParameter").then(|| Fault::refused("AccessDenied")));
    let output = end(fly(&world, &["--wait", "1"])).await;
    let report = report(&output);
    assert_eq!(report["canary"]["removed"], false);
    let canary = report["checks"].as_array().unwrap().last().unwrap();
    let seen = canary["seen"].as_str().unwrap();
    let name = report["canary"]["parameter"].as_str().unwrap();
    assert!(seen.contains(&format!("aws ssm delete-parameter --name {name}")), "{seen}");
}
