//! Answers that are not those of AWS: successes that are none, throttles without a code, bodies without an end.

use crate::emulated::{config, failure, item, write};
use autotag_aws::backend::AwsBackend;
use autotag_aws::{Accounts, LONGEST_ANSWER, Settings};
use autotag_handlers::backend::{BackendReader as _, TagWriter as _, TaggableResource};
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_testkit::{Fault, Proxy, Reply};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A backend over a server that answers everything with success.
async fn stub() -> (Proxy, AwsBackend) {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    let accounts = Accounts::new(config(&proxy.url()).await, Settings::default());
    (proxy, AwsBackend::new(Arc::new(accounts)))
}

fn volume(id: &str) -> TaggableResource {
    let arn = format!("arn:aws:ec2:eu-west-1:123456789012:volume/{id}");
    item("ec2:CreateVolume", "AWS::EC2::Volume", id, &arn)
}

fn cluster(name: &str) -> TaggableResource {
    let arn = format!("arn:aws:ecs:eu-west-1:123456789012:cluster/{name}");
    item("ecs:CreateCluster", "AWS::ECS::Cluster", &arn, &arn)
}

fn table() -> TaggableResource {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/t";
    item("dynamodb:CreateTable", "AWS::DynamoDB::Table", arn, arn)
}

fn database() -> TaggableResource {
    let arn = "arn:aws:rds:eu-west-1:123456789012:db:d";
    item("rds:CreateDBInstance", "AWS::RDS::DBInstance", arn, arn)
}

/// A resource whose call the catalogue declares.
fn queue() -> TaggableResource {
    let arn = "arn:aws:sqs:eu-west-1:123456789012:q";
    item("sqs:CreateQueue", "AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/q", arn)
}

/// One resource for each kind of tag call, and the operation of that call.
fn one_of_each() -> [(TaggableResource, &'static str); 5] {
    [
        (volume("vol-1"), "CreateTags"),
        (cluster("c"), "TagResources"),
        (table(), "TagResource"),
        (database(), "AddTagsToResource"),
        (queue(), "TagQueue"),
    ]
}

async fn tagged(backend: &AwsBackend, item: &TaggableResource) -> Result<(), BackendError> {
    let mut answers = backend.write_tags(&write(std::slice::from_ref(item), &[("Owner", "mara")])).await;
    answers.pop().unwrap()
}

fn answer_always(proxy: &Proxy, operation: &'static str, reply: Reply) {
    proxy.rule(move |call| (call.operation == operation).then(|| Fault::Answered(reply.clone())));
}

#[tokio::test]
async fn every_documented_success_is_one() {
    let (_proxy, backend) = stub().await;
    for (item, operation) in one_of_each() {
        assert_eq!(tagged(&backend, &item).await, Ok(()), "{operation}");
    }
}

#[tokio::test]
async fn a_success_with_another_body_than_the_documented_one_is_a_failure() {
    let html = || Reply::new(200, "text/html", "<html><body>log in to the network</body></html>");
    for (item, operation) in one_of_each() {
        let (proxy, backend) = stub().await;
        answer_always(&proxy, operation, html());
        let answer = tagged(&backend, &item).await;
        assert_eq!(failure(&answer), (ErrorClass::Transport, "UnreadableAnswer"), "{operation}");
    }
    let undone = "<CreateTagsResponse><requestId>r</requestId><return>false</return></CreateTagsResponse>";
    for (item, operation, reply) in [
        (volume("vol-1"), "CreateTags", Reply::xml(200, undone)),
        (volume("vol-1"), "CreateTags", Reply::empty(200)),
        (database(), "AddTagsToResource", Reply::empty(200)),
        (cluster("c"), "TagResources", Reply::empty(200)),
        (cluster("c"), "TagResources", Reply::json(200, &json!({"FailedResourcesMap": ["x"]}))),
    ] {
        let (proxy, backend) = stub().await;
        answer_always(&proxy, operation, reply.clone());
        let answer = tagged(&backend, &item).await;
        assert_eq!(failure(&answer), (ErrorClass::Transport, "UnreadableAnswer"), "{operation} {reply:?}");
    }
}

#[tokio::test]
async fn a_failure_of_an_arn_that_was_not_asked_for_may_be_that_of_any_resource() {
    let (proxy, backend) = stub().await;
    let [first, second] = [cluster("first"), cluster("second")];
    let arn = |item: &TaggableResource| item.resource.arn.as_ref().unwrap().to_string();
    let refused = json!({"StatusCode": 403, "ErrorCode": "AccessDeniedException"});
    let map =
        json!({arn(&first): refused.clone(), "arn:aws:ecs:eu-west-1:123456789012:cluster/other": refused});
    answer_always(&proxy, "TagResources", Reply::json(200, &json!({"FailedResourcesMap": map})));
    let answers = backend.write_tags(&write(&[first, second], &[("Owner", "mara")])).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Denied, "AccessDeniedException"));
    assert_eq!(failure(&answers[1]), (ErrorClass::Transport, "UnreadableAnswer"));
}

/// A resource without tags has no owner. An answer that says nothing must not give it a new one.
#[tokio::test]
async fn a_read_that_says_nothing_is_not_a_resource_without_tags() {
    let project = "arn:aws:codebuild:eu-west-1:123456789012:project/p";
    let project = item("codebuild:CreateProject", "AWS::CodeBuild::Project", project, project);
    for (item, operation) in [(project, "GetResources"), (queue(), "ListQueueTags")] {
        let (proxy, backend) = stub().await;
        answer_always(&proxy, operation, Reply::empty(200));
        let answer = backend.existing_tags(&[item]).await.pop().unwrap();
        assert_eq!(failure(&answer), (ErrorClass::Transport, "UnreadableAnswer"), "{operation}");
    }
}

#[tokio::test]
async fn status_429_without_a_body_is_a_throttle_and_retried() {
    for (item, operation) in one_of_each() {
        let (proxy, backend) = stub().await;
        let calls = AtomicU32::new(0);
        proxy.rule(move |call| {
            let is_throttled = call.operation == operation && calls.fetch_add(1, Ordering::Relaxed) < 2;
            is_throttled.then(|| Fault::Answered(Reply::empty(429)))
        });
        assert_eq!(tagged(&backend, &item).await, Ok(()), "{operation}");
        let made: u64 =
            proxy.counts().iter().filter(|((_, name), _)| name == operation).map(|(_, n)| n).sum();
        assert_eq!(made, 3, "{operation}");
    }
}

#[tokio::test]
async fn a_throttle_that_does_not_end_is_reported_as_one() {
    let (proxy, backend) = stub().await;
    answer_always(&proxy, "CreateTags", Reply::empty(429));
    let answer = tagged(&backend, &volume("vol-1")).await;
    assert_eq!(failure(&answer), (ErrorClass::Throttled, "Http429"));
}

#[tokio::test]
async fn the_body_of_an_answer_is_bounded() {
    let longer = vec![b' '; LONGEST_ANSWER + 1];
    for (item, operation) in one_of_each() {
        let (proxy, backend) = stub().await;
        answer_always(&proxy, operation, Reply::new(200, "text/xml", longer.clone()));
        let answer = tagged(&backend, &item).await;
        assert_eq!(failure(&answer), (ErrorClass::Transport, "AnswerTooLong"), "{operation}");
    }
    let (proxy, backend) = stub().await;
    let mut longest = b"<CreateTagsResponse><return>true</return></CreateTagsResponse>".to_vec();
    longest.resize(LONGEST_ANSWER, b' ');
    answer_always(&proxy, "CreateTags", Reply::xml(200, longest));
    assert_eq!(tagged(&backend, &volume("vol-1")).await, Ok(()));
}
