//! The canary: created, tagged by the real `tag-handler`, and always removed.

use crate::deployment::Deployment;
use crate::names::{ACCOUNT, BIN, HUB};
use crate::report;
use autotag_aws::signed::{SQS, SSM};
use autotag_testkit::{Answer, Fault, FunctionProcess, RuntimeApi};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Starts doctor with a canary.
fn start_canary(deployment: &Deployment, more: &[&str]) -> Child {
    let mut command = Command::new(BIN);
    command
        .args(["doctor", "--canary", "--format", "json", "--inspect-role", "autotag-look", "--regions", HUB])
        .args(more);
    command
        .envs(deployment.proxy.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

async fn wait_for(child: Child) -> Output {
    tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap()
}

/// The canary's parameter, as soon as it is created.
async fn created(deployment: &Deployment) -> String {
    for _ in 0..600 {
        let call = deployment.proxy.calls().into_iter().find(|call| call.operation == "PutParameter");
        // The proxy counts a call when it arrives. The next call shows that it was answered.
        if let Some(call) = call.filter(|_| deployment.proxy.count("ssm", "ListTagsForResource") > 0) {
            return call.json()["Name"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no canary was created");
}

async fn parameters(deployment: &Deployment) -> usize {
    let listed = deployment.hub.json(SSM, "DescribeParameters", HUB, json!({})).await;
    listed["Parameters"].as_array().unwrap().len()
}

/// The event with the canary's record, as the rules would send it to the queue.
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

/// The message of the queue, as Lambda passes it to the function.
async fn delivered(deployment: &Deployment) -> Value {
    let input = json!({"QueueUrl": deployment.url("autotag-tag"), "AttributeNames": ["All"]});
    let answer = deployment.hub.json(SQS, "ReceiveMessage", HUB, input).await;
    let message = &answer["Messages"][0];
    assert!(message["Body"].is_string(), "{answer}");
    json!({"Records": [{"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"], "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs",
        "awsRegion": HUB, "eventSourceARN": format!("arn:aws:sqs:{HUB}:{ACCOUNT}:autotag-tag")}]})
}

/// The real binary tags the canary. The test takes the part of `CloudTrail` and the rules, which send the record to the queue, and of
/// Lambda, which polls the queue.
#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_tagged_by_a_working_chain() {
    let deployment = Deployment::new().await;
    deployment.proxy.keep_bodies();
    let child = start_canary(&deployment, &["--wait", "120"]);
    let parameter = created(&deployment).await;
    deployment.send("autotag-tag", &event(&parameter).to_string(), json!({})).await;
    // Doctor needs time to see the message in the queue.
    tokio::time::sleep(Duration::from_secs(3)).await;

    let runtime = RuntimeApi::start().await.unwrap();
    let program = Path::new(BIN).with_file_name("tag-handler");
    assert!(program.exists(), "{} is not built: cargo build -p tag-handler", program.display());
    let more = [
        ("AUTOTAG_FIRST_BACKOFF_MS", "10".to_owned()),
        ("AUTOTAG_POLICY", "[copy]\niam_tags = false\n".to_owned()),
    ];
    let environment: Vec<(&str, String)> = deployment.proxy.environment().into_iter().chain(more).collect();
    let function = FunctionProcess::start(&program, &environment, &runtime).unwrap();
    let answer = runtime.invoke(delivered(&deployment).await, Duration::from_mins(1)).await;
    assert_eq!(answer, Answer::Response(json!({"batchItemFailures": []})), "{}", function.logs());

    let output = wait_for(child).await;
    let report = report(&output);
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    let canary = &report["canary"];
    assert_eq!(canary["tags"]["Owner"], "mara", "{canary:#}");
    assert_eq!(canary["removed"], true);
    let hops: Vec<&str> =
        canary["hops"].as_array().unwrap().iter().map(|hop| hop["hop"].as_str().unwrap()).collect();
    assert_eq!(hops, ["made", "a message more in the queue", "tagged"], "{canary:#}");
    assert_eq!(parameters(&deployment).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_without_tags_is_broken_and_removed() {
    let deployment = Deployment::new().await;
    let output = wait_for(start_canary(&deployment, &["--wait", "3"])).await;
    let report = report(&output);
    assert_eq!(crate::named(&report, "broken").into_iter().collect::<Vec<_>>(), ["canary @ eu-west-1"]);
    assert_eq!((output.status.code(), &report["canary"]["removed"]), (Some(1), &json!(true)));
    assert_eq!(parameters(&deployment).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_canary_is_removed() {
    let deployment = Deployment::new().await;
    for signal in ["-INT", "-TERM", "-HUP"] {
        deployment.proxy.forget_calls();
        deployment.proxy.keep_bodies();
        let child = start_canary(&deployment, &[]);
        created(&deployment).await;
        assert_eq!(parameters(&deployment).await, 1);
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = wait_for(child).await;
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        let report = report(&output);
        assert_eq!(report["canary"]["removed"], true);
        assert_eq!(
            crate::named(&report, "broken"),
            std::collections::BTreeSet::new(),
            "the result is unknown"
        );
        assert_eq!(parameters(&deployment).await, 0, "{signal}");
    }
}

/// If the answer to the creation is lost, the parameter is still removed. If it cannot be removed, the report names
/// it.
#[tokio::test(flavor = "multi_thread")]
async fn a_canary_is_removed_after_an_error_or_named() {
    let deployment = Deployment::new().await;
    deployment.proxy.rule(|call| {
        (call.operation == "ListTagsForResource" && call.service == "ssm")
            .then(|| Fault::refused("AccessDenied"))
    });
    let output = wait_for(start_canary(&deployment, &[])).await;
    assert_eq!(report(&output)["canary"]["removed"], true);
    assert_eq!(parameters(&deployment).await, 0);

    deployment
        .proxy
        .rule(|call| (call.operation == "DeleteParameter").then(|| Fault::refused("AccessDenied")));
    let output = wait_for(start_canary(&deployment, &["--wait", "1"])).await;
    let report = report(&output);
    assert_eq!(report["canary"]["removed"], false);
    let canary = report["checks"].as_array().unwrap().last().unwrap();
    let seen = canary["seen"].as_str().unwrap();
    let name = report["canary"]["parameter"].as_str().unwrap();
    assert!(seen.contains(&format!("aws ssm delete-parameter --name {name}")), "{seen}");
}
