//! The tagging API: grouped, and each resource answered for by itself.

use crate::emulated::{Aws, failure, item, resource, rule, sorted, tags, write};
use autotag_handlers::backend::{TagWriter as _, TaggableResource, Tags};
use autotag_handlers::error::ErrorClass;
use autotag_testkit::Fault;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TAGS: &[(&str, &str)] = &[("Owner", "mara"), ("Team", "a b+c@d/ü")];

/// A cluster of ECS, which moto's tagging API knows.
async fn cluster(aws: &Aws, name: &str) -> TaggableResource {
    let target = "AmazonEC2ContainerServiceV20141113";
    let made = aws.ask("ecs", target, "CreateCluster", &json!({"clusterName": name})).await;
    let arn = made["cluster"]["clusterArn"].as_str().unwrap();
    item("ecs:CreateCluster", "AWS::ECS::Cluster", arn, arn)
}

async fn clusters(aws: &Aws, prefix: &str, count: usize) -> Vec<TaggableResource> {
    let mut all = Vec::new();
    for number in 0..count {
        all.push(cluster(aws, &format!("{prefix}-{number}")).await);
    }
    all
}

async fn log_group(aws: &Aws, name: &str) -> TaggableResource {
    aws.ask("logs", "Logs_20140328", "CreateLogGroup", &json!({"logGroupName": name})).await;
    let arn = format!("arn:aws:logs:eu-west-1:123456789012:log-group:{name}");
    item("logs:CreateLogGroup", "AWS::Logs::LogGroup", name, &arn)
}

async fn secret(aws: &Aws, name: &str) -> TaggableResource {
    let body = json!({"Name": name, "SecretString": "x"});
    let made = aws.ask("secretsmanager", "secretsmanager", "CreateSecret", &body).await;
    let arn = made["ARN"].as_str().unwrap();
    item("secretsmanager:CreateSecret", "AWS::SecretsManager::Secret", arn, arn)
}

fn arn(item: &TaggableResource) -> String {
    item.resource.arn.as_ref().unwrap().to_string()
}

/// The tags on a cluster, as the service itself has them.
async fn tags_on_cluster(aws: &Aws, item: &TaggableResource) -> Tags {
    let target = "AmazonEC2ContainerServiceV20141113";
    let asked = json!({"resourceArn": arn(item)});
    let said = aws.ask("ecs", target, "ListTagsForResource", &asked).await;
    pairs(&said["tags"], "key", "value")
}

fn pairs(list: &Value, key: &str, value: &str) -> Tags {
    let text = |tag: &Value, name: &str| tag[name].as_str().unwrap().to_owned();
    let there = list.as_array().into_iter().flatten();
    sorted(there.map(|tag| (text(tag, key), text(tag, value))).collect())
}

fn ours() -> Tags {
    tags(TAGS)
}

#[tokio::test]
async fn resources_of_several_services_share_calls_of_at_most_twenty() {
    let aws = Aws::new().await;
    let mut items = clusters(&aws, "shared", 15).await;
    for number in 0..15 {
        items.push(log_group(&aws, &format!("shared/group-{number}")).await);
        items.push(secret(&aws, &format!("shared-secret-{number}")).await);
    }
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(answers, vec![Ok(()); 45]);
    let calls = aws.calls("tagging", "TagResources");
    let mut sizes: Vec<usize> = calls.iter().map(|call| call.resources().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 20, 20]);
    let named: BTreeSet<String> = calls.iter().flat_map(autotag_testkit::Call::resources).collect();
    assert_eq!(named, items.iter().map(arn).collect());
    assert_eq!(
        aws.proxy.counts().keys().map(|(service, _)| service.as_str()).collect::<Vec<_>>(),
        ["sts", "tagging"]
    );
    for item in [&items[0], &items[14]] {
        assert_eq!(tags_on_cluster(&aws, item).await, ours());
    }
    let asked = json!({"SecretId": arn(&items[44])});
    let secret = aws.ask("secretsmanager", "secretsmanager", "DescribeSecret", &asked).await;
    assert_eq!(pairs(&secret["Tags"], "Key", "Value"), ours());
}

/// Moto's tagging API does not know target groups, as the real one does not know this or that.
#[tokio::test]
async fn what_the_api_does_not_know_is_tagged_by_its_service() {
    let aws = Aws::new().await;
    let (service, version) = ("elasticloadbalancing", "2015-12-01");
    let create = "CreateTargetGroup&Name=unknown&TargetType=lambda";
    let made = aws.form(service, version, create).await;
    let (_, rest) = made.split_once("<TargetGroupArn>").unwrap();
    let (group, _) = rest.split_once("</TargetGroupArn>").unwrap();
    let kind = "AWS::ElasticLoadBalancingV2::TargetGroup";
    let items = [
        cluster(&aws, "known-to-the-api").await,
        item("elasticloadbalancing:CreateTargetGroup", kind, group, group),
        log_group(&aws, "known-to-the-api").await,
    ];
    assert_eq!(aws.backend().write_tags(&write(&items, TAGS)).await, vec![Ok(()); 3]);
    let counts = aws.proxy.counts();
    let calls: Vec<_> = counts.iter().map(|((service, call), count)| (&**service, &**call, *count)).collect();
    let want = [
        ("elasticloadbalancing", "AddTags", 1),
        ("sts", "GetCallerIdentity", 1),
        ("tagging", "TagResources", 1),
    ];
    assert_eq!(calls, want);
    let there = aws.form(service, version, &format!("DescribeTags&ResourceArns.member.1={group}")).await;
    for text in ["<Value>mara</Value>", "<Value>a b+c@d/ü</Value>"] {
        assert!(there.contains(text), "no {text} in {there}");
    }
    assert_eq!(tags_on_cluster(&aws, &items[0]).await, ours());
}

#[tokio::test]
async fn what_the_api_does_not_know_and_no_service_call_can_tag_keeps_its_error() {
    let aws = Aws::new().await;
    let job = "arn:aws:s3:eu-west-1:123456789012:job/j-1";
    let items = [item("s3:CreateJob", "AWS::S3::Job", "j-1", job), cluster(&aws, "beside-a-job").await];
    let unsupported =
        || Fault::RefusedFor { resources: vec![job.to_owned()], code: "InvalidParameterException".into() };
    aws.proxy.rule(move |call| (call.operation == "TagResources").then(unsupported));
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Invalid, "InvalidParameterException"));
    assert_eq!(answers[1], Ok(()));
}

#[tokio::test]
async fn only_the_resource_that_is_gone_fails() {
    let aws = Aws::new().await;
    let items = clusters(&aws, "one-is-gone", 3).await;
    let gone = arn(&items[1]);
    aws.proxy.rule(move |call| (call.service == "tagging").then(|| Fault::NotFound(vec![gone.clone()])));
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[1]), (ErrorClass::NotFound, "ResourceNotFoundException"));
    assert_eq!((&answers[0], &answers[2]), (&Ok(()), &Ok(())));
    assert_eq!(aws.proxy.count("tagging", "TagResources"), 1, "who is gone is not asked for again");
    assert_eq!(aws.proxy.count("ecs", "TagResource"), 0, "the service would say the same");
    assert_eq!(tags_on_cluster(&aws, &items[2]).await, ours());
    assert_eq!(tags_on_cluster(&aws, &items[1]).await, []);
}

/// AWS refuses a call as a whole if one ARN is not as it should be, and does not say which.
#[tokio::test]
async fn one_bad_arn_keeps_nobody_else_from_their_tags() {
    let aws = Aws::new().await;
    let mut items = clusters(&aws, "beside-a-bad-one", 3).await;
    let bad = "arn:aws:ecs:eu-west-1:123456789012:cluster/bad";
    items.insert(1, item("ecs:CreateCluster", "AWS::ECS::Cluster", bad, bad));
    aws.proxy.rule(|call| call.mentions("cluster/bad").then(|| Fault::refused("InvalidParameterException")));
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[1]), (ErrorClass::Invalid, "InvalidParameterException"));
    for number in [0, 2, 3] {
        assert_eq!(answers[number], Ok(()));
        assert_eq!(tags_on_cluster(&aws, &items[number]).await, ours());
    }
}

/// The same for resources that have no call of their own: each goes alone.
#[tokio::test]
async fn one_bad_arn_is_found_without_calls_of_the_services() {
    let aws = Aws::new().await;
    let project = rule("codebuild:CreateProject", "AWS::CodeBuild::Project");
    assert_eq!(project.fallback, None, "another rule is needed for this test");
    let mut items = clusters(&aws, "alone", 2).await;
    items.push(items[0].clone());
    items[2].resource =
        resource("AWS::ECS::Cluster", "bad", "arn:aws:ecs:eu-west-1:123456789012:cluster/bad");
    for item in &mut items {
        item.rule = project.clone();
    }
    aws.proxy.rule(|call| call.mentions("cluster/bad").then(|| Fault::refused("InvalidParameterException")));
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!((&answers[0], &answers[1]), (&Ok(()), &Ok(())));
    assert_eq!(failure(&answers[2]), (ErrorClass::Invalid, "InvalidParameterException"));
    assert_eq!(aws.proxy.count("tagging", "TagResources"), 4, "one for all, and one each");
    assert_eq!(tags_on_cluster(&aws, &items[1]).await, ours());
}

/// Other failures must not be tried with another call.
#[tokio::test]
async fn other_failures_are_not_tried_at_the_service() {
    for (code, class) in [
        ("AccessDeniedException", ErrorClass::Denied),
        ("ThrottlingException", ErrorClass::Throttled),
        ("ConcurrentModificationException", ErrorClass::Conflict),
        ("InvalidReplicationGroupState", ErrorClass::WrongState),
        ("TooManyTagsException", ErrorClass::Invalid),
    ] {
        let aws = Aws::new().await;
        let items = clusters(&aws, &format!("refused-{code}"), 2).await;
        let refused = vec![arn(&items[0])];
        aws.proxy.rule(move |call| {
            let fault = || Fault::RefusedFor { resources: refused.clone(), code: code.to_owned() };
            (call.service == "tagging").then(fault)
        });
        let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
        assert_eq!(failure(&answers[0]), (class, code));
        assert_eq!(answers[1], Ok(()));
        assert_eq!(aws.proxy.count("ecs", "TagResource"), 0, "{code}");
        assert_eq!(aws.proxy.count("tagging", "TagResources"), 1, "{code}");
    }
}

#[tokio::test]
async fn throttled_calls_are_retried_and_then_fail_as_throttled() {
    let aws = Aws::new().await;
    let items = clusters(&aws, "throttled", 2).await;
    aws.proxy.rule(|call| (call.service == "tagging").then_some(Fault::Throttled));
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    for answer in &answers {
        assert_eq!(failure(answer).0, ErrorClass::Throttled);
    }
    assert_eq!(aws.proxy.count("tagging", "TagResources"), 3, "the attempts of the configuration");
    assert_eq!(aws.proxy.forwarded(), 1, "GetCallerIdentity alone: {:?}", aws.proxy.counts());
}

#[tokio::test]
async fn a_resource_without_an_arn_fails_alone() {
    let aws = Aws::new().await;
    let mut items = clusters(&aws, "without-arn", 2).await;
    items[0].resource.arn = None;
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[0]).0, ErrorClass::Invalid);
    assert_eq!(answers[1], Ok(()));
}

/// The account is not allowed: no call is made for it with our own credentials.
#[tokio::test]
async fn resources_of_other_accounts_are_refused_before_any_call() {
    let aws = Aws::new().await;
    let arn = "arn:aws:ecs:eu-west-1:444455556666:cluster/c";
    let items = [item("ecs:CreateCluster", "AWS::ECS::Cluster", arn, arn)];
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Denied, "AccountNotAllowed"));
    let calls: Vec<_> = aws.proxy.counts().into_keys().collect();
    assert_eq!(calls, [("sts".to_owned(), "GetCallerIdentity".to_owned())]);
}
