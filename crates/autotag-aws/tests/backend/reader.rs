//! The present tags: in bulk if AWS has such a call, and never "none" if they are unknown.

use crate::emulated::{Aws, HERE, failure, item, rule, sorted, tags};
use autotag_handlers::backend::{BackendReader as _, TaggableResource};
use autotag_handlers::error::ErrorClass;
use autotag_model::rule::TagCall;
use autotag_testkit::{Call, Fault, Reply};
use aws_sdk_ec2::types::Tag;
use serde_json::json;

const OPERATION: &str = "GetResources";

fn arn(item: &TaggableResource) -> String {
    item.resource.arn.as_ref().unwrap().to_string()
}

fn cluster(name: &str) -> TaggableResource {
    let arn = format!("arn:aws:ecs:eu-west-1:{HERE}:cluster/{name}");
    item("ecs:CreateCluster", "AWS::ECS::Cluster", &arn, &arn)
}

async fn make_cluster(aws: &Aws, name: &str, owner: Option<&str>) -> TaggableResource {
    let target = "AmazonEC2ContainerServiceV20141113";
    let tags: Vec<_> = owner.iter().map(|owner| json!({"key": "Owner", "value": owner})).collect();
    aws.ask("ecs", target, "CreateCluster", &json!({"clusterName": name, "tags": tags})).await;
    cluster(name)
}

fn volume(id: &str) -> TaggableResource {
    let arn = format!("arn:aws:ec2:eu-west-1:{HERE}:volume/{id}");
    item("ec2:CreateVolume", "AWS::EC2::Volume", id, &arn)
}

/// The list that the tagging API answers with.
fn listed(arns: &[String]) -> Reply {
    let one = |arn: &String| json!({"ResourceARN": arn, "Tags": [{"Key": "Of", "Value": arn}]});
    let all: Vec<_> = arns.iter().map(one).collect();
    Reply::json(200, &json!({"PaginationToken": "", "ResourceTagMappingList": all}))
}

#[tokio::test]
async fn many_resources_are_one_call_for_each_hundred() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        // In another order than they were asked for.
        let arns: Vec<String> = call.resources().into_iter().rev().collect();
        (call.operation == OPERATION).then(|| listed(&arns))
    });
    let items: Vec<TaggableResource> = (0..250).map(|number| cluster(&format!("c-{number}"))).collect();
    let answers = aws.backend().existing_tags(&items).await;
    for (item, answer) in items.iter().zip(&answers) {
        assert_eq!(answer, &Ok(vec![("Of".to_owned(), arn(item))]));
    }
    assert_eq!(answers.len(), 250);
    let mut sizes: Vec<usize> =
        aws.calls("tagging", OPERATION).iter().map(|call| call.resources().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 100, 100]);
    assert_eq!(aws.proxy.count("ecs", "ListTagsForResource"), 0, "all of them are listed");
}

/// Not listed is "never tagged", or "not a type that is listed".
#[tokio::test]
async fn what_is_not_listed_is_asked_of_its_service() {
    let aws = Aws::new().await;
    let tagged = make_cluster(&aws, "read-tagged", Some("mara")).await;
    let unlisted = make_cluster(&aws, "read-unlisted", Some("noor")).await;
    let bare = make_cluster(&aws, "read-bare", None).await;
    let only = arn(&tagged);
    aws.proxy
        .route("/", move |call| (call.operation == OPERATION).then(|| listed(std::slice::from_ref(&only))));
    let answers = aws.backend().existing_tags(&[unlisted, tagged.clone(), bare, tagged.clone()]).await;
    assert_eq!(answers[0], Ok(tags(&[("Owner", "noor")])));
    assert_eq!(answers[1], Ok(tags(&[("Of", &arn(&tagged))])), "listed: not asked again");
    assert_eq!(answers[2], Ok(Vec::new()));
    assert_eq!(aws.proxy.count("ecs", "ListTagsForResource"), 2);
    assert_eq!(aws.proxy.count("tagging", OPERATION), 1);
}

/// Most new resources have no tags, and each would have to be asked for once more.
#[tokio::test]
async fn a_few_resources_are_asked_of_their_services_at_once() {
    let aws = Aws::new().await;
    let tagged = make_cluster(&aws, "few-tagged", Some("mara")).await;
    let bare = make_cluster(&aws, "few-bare", None).await;
    let answers = aws.backend().existing_tags(&[bare, tagged]).await;
    assert_eq!(answers, [Ok(Vec::new()), Ok(tags(&[("Owner", "mara")]))]);
    assert_eq!(aws.proxy.count("ecs", "ListTagsForResource"), 2);
    assert_eq!(aws.proxy.count("tagging", OPERATION), 0);
}

/// One ARN that the API does not take fails the list for all; each is then asked for alone.
#[tokio::test]
async fn one_bad_arn_hides_nobody_elses_tags() {
    let aws = Aws::new().await;
    let tagged = make_cluster(&aws, "list-tagged", Some("mara")).await;
    let project = rule("codebuild:CreateProject", "AWS::CodeBuild::Project");
    assert_eq!(project.fallback, None, "another rule is needed for this test");
    let alone = |name: &str| {
        let mut item = cluster(name);
        item.rule = project.clone();
        item
    };
    let (bad, listed_alone) = (alone("bad"), alone("listed-alone"));
    let only = arn(&listed_alone);
    aws.proxy.rule(|call| {
        let bad = call.operation == OPERATION && call.mentions("cluster/bad");
        bad.then(|| Fault::refused("InvalidParameterException"))
    });
    aws.proxy
        .route("/", move |call| (call.operation == OPERATION).then(|| listed(std::slice::from_ref(&only))));
    let answers = aws.backend().existing_tags(&[bad, tagged.clone(), listed_alone.clone(), tagged]).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Invalid, "InvalidParameterException"));
    assert_eq!(answers[1], Ok(tags(&[("Owner", "mara")])));
    assert_eq!(answers[2], Ok(tags(&[("Of", &arn(&listed_alone))])));
}

#[tokio::test]
async fn real_resources_through_all_read_calls_in_their_order() {
    let aws = Aws::new().await;
    let made = aws
        .ask("sqs", "AmazonSQS", "CreateQueue", &json!({"QueueName": "read", "tags": {"Owner": "q"}}))
        .await;
    let url = made["QueueUrl"].as_str().unwrap();
    let queue =
        item("sqs:CreateQueue", "AWS::SQS::Queue", url, &format!("arn:aws:sqs:eu-west-1:{HERE}:read"));
    let client = aws_sdk_ec2::Client::new(&aws.direct);
    let made = client.create_volume().availability_zone("eu-west-1a").size(1).send().await.unwrap();
    let id = made.volume_id().unwrap();
    client
        .create_tags()
        .resources(id)
        .tags(Tag::builder().key("Owner").value("v").build())
        .send()
        .await
        .unwrap();
    let other = client.create_volume().availability_zone("eu-west-1a").size(1).send().await.unwrap();
    let items = [
        volume(other.volume_id().unwrap()),
        queue,
        make_cluster(&aws, "read-calls", Some("c")).await,
        volume(id),
        make_cluster(&aws, "read-calls-bare", None).await,
    ];
    let answers = aws.backend().existing_tags(&items).await;
    let owner = |owner| Ok(tags(&[("Owner", owner)]));
    assert_eq!(answers, [Ok(Vec::new()), owner("q"), owner("c"), owner("v"), Ok(Vec::new())]);
}

/// The ids that EC2's `DescribeTags` is asked for.
fn ids_of(call: &Call) -> Vec<String> {
    call.form().filter(|(name, _)| name.starts_with("Filter.1.Value.")).map(|(_, id)| id).collect()
}

fn described(ids: &[String], next: Option<&str>) -> Reply {
    let one = |id: &String| {
        format!(
            "<item><resourceId>{id}</resourceId><resourceType>volume</resourceType><key>Of</key><value>{id}</value></item>"
        )
    };
    let items: String = ids.iter().map(one).collect();
    let next = next.map(|next| format!("<nextToken>{next}</nextToken>")).unwrap_or_default();
    Reply::xml(
        200,
        format!(
            "<DescribeTagsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><tagSet>{items}</tagSet>{next}\
             </DescribeTagsResponse>"
        ),
    )
}

#[tokio::test]
async fn ec2_is_asked_for_two_hundred_ids_at_once_and_for_all_pages() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        let ids = ids_of(call);
        let (front, back) = ids.split_at(ids.len() / 2);
        (call.operation == "DescribeTags").then(|| match call.field("NextToken") {
            None => described(front, Some("the rest")),
            Some(_) => described(back, None),
        })
    });
    let items: Vec<TaggableResource> = (0..250).map(|number| volume(&format!("vol-{number}"))).collect();
    let answers = aws.backend().existing_tags(&items).await;
    for (item, answer) in items.iter().zip(&answers) {
        assert_eq!(answer, &Ok(tags(&[("Of", &item.resource.id)])));
    }
    assert_eq!(answers.len(), 250);
    let mut sizes: Vec<usize> =
        aws.calls("ec2", "DescribeTags").iter().map(|call| ids_of(call).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 50, 200, 200], "two pages each");
    assert_eq!(aws.calls("ec2", "DescribeTags")[0].field("Filter.1.Name").as_deref(), Some("resource-id"));
}

#[tokio::test]
async fn a_list_that_fails_fails_all_it_was_asked_for() {
    let aws = Aws::new().await;
    aws.proxy.rule(|call| {
        let (code, message) = ("AccessDeniedException".to_owned(), String::new());
        (call.operation == OPERATION).then_some(Fault::Refused { status: 400, code, message })
    });
    aws.proxy.rule(|call| (call.operation == "DescribeTags").then_some(Fault::Throttled));
    let items =
        (0..4).flat_map(|number| [cluster(&format!("unread-{number}")), volume(&format!("vol-{number}"))]);
    let answers = aws.backend().existing_tags(&items.collect::<Vec<_>>()).await;
    assert_eq!(answers.len(), 8);
    for pair in answers.chunks(2) {
        assert_eq!(failure(&pair[0]), (ErrorClass::Denied, "AccessDeniedException"));
        assert_eq!(failure(&pair[1]), (ErrorClass::Throttled, "RequestLimitExceeded"));
    }
    assert_eq!(aws.proxy.count("ecs", "ListTagsForResource"), 0);
}

#[tokio::test]
async fn a_service_that_does_not_know_is_never_without_tags() {
    let aws = Aws::new().await;
    let known = make_cluster(&aws, "known", None).await;
    let (gone, refused) = (cluster("gone-since"), cluster("refused"));
    let arns = [arn(&gone), arn(&refused)];
    aws.proxy.rule(move |call| match call.operation.as_str() {
        "ListTagsForResource" if call.mentions(&arns[0]) => Some(Fault::NotFound(Vec::new())),
        "ListTagsForResource" if call.mentions(&arns[1]) => Some(Fault::Unavailable),
        _ => None,
    });
    let answers = aws.backend().existing_tags(&[gone, known, refused]).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::NotFound, "ResourceNotFoundException"));
    assert_eq!(answers[1], Ok(Vec::new()));
    assert_eq!(failure(&answers[2]), (ErrorClass::Transport, "ServiceUnavailableException"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_never_without_tags() {
    for body in ["<html>busy</html>", "{\"tags\":[{\"key\":\"Owner\""] {
        let aws = Aws::new().await;
        aws.proxy.route("/", |call| (call.operation == OPERATION).then(|| listed(&[])));
        aws.proxy.route("/", move |call| {
            (call.operation == "ListTagsForResource").then(|| Reply::new(200, "text/html", body))
        });
        let answers = aws.backend().existing_tags(&[cluster("odd")]).await;
        assert_eq!(failure(&answers[0]), (ErrorClass::Transport, "UnreadableAnswer"), "{body}");
    }
}

#[tokio::test]
async fn pages_of_a_service_are_read_to_the_end() {
    let aws = Aws::new().await;
    let page = |key: &str, next: serde_json::Value| {
        let tags = json!([{"TagKey": key, "TagValue": "x"}]);
        Reply::json(200, &json!({"Tags": tags, "NextMarker": next, "Truncated": !next.is_null()}))
    };
    aws.proxy.route("/", move |call| {
        let marker = call.json()["Marker"].as_str().map(str::to_owned);
        (call.operation == "ListResourceTags").then(|| match marker.as_deref() {
            None => page("a", json!("m2")),
            Some("m2") => page("b", json!("m3")),
            Some(_) => page("c", json!(null)),
        })
    });
    let mut key = item("kms:CreateKey", "AWS::KMS::Key", "k", &format!("arn:aws:kms:eu-west-1:{HERE}:key/k"));
    by_its_service(&mut key);
    let answers = aws.backend().existing_tags(&[key]).await;
    assert_eq!(answers[0].clone().map(sorted), Ok(tags(&[("a", "x"), ("b", "x"), ("c", "x")])));
    assert_eq!(aws.proxy.count("kms", "ListResourceTags"), 3);
}

/// The tags read so far are incomplete: an owner on a later page would be overwritten.
#[tokio::test]
async fn a_page_that_leads_back_is_no_end() {
    for (round, calls) in [(1, 2), (2, 3)] {
        let aws = Aws::new().await;
        aws.proxy.route("/", move |call| {
            // `m1` leads to `m2` and so on, and the last to `m1`.
            let number = |marker: &str| marker.trim_start_matches('m').parse().unwrap();
            let at = call.json()["Marker"].as_str().map_or(0, number);
            let next = format!("m{}", at % round + 1);
            let page =
                json!({"Tags": [{"TagKey": "a", "TagValue": "x"}], "NextMarker": next, "Truncated": true});
            (call.operation == "ListResourceTags").then(|| Reply::json(200, &page))
        });
        let arn = format!("arn:aws:kms:eu-west-1:{HERE}:key/k");
        let mut key = item("kms:CreateKey", "AWS::KMS::Key", "k", &arn);
        by_its_service(&mut key);
        let answers = aws.backend().existing_tags(&[key]).await;
        assert_eq!(failure(&answers[0]), (ErrorClass::Transport, "PagingDoesNotEnd"));
        assert_eq!(aws.proxy.count("kms", "ListResourceTags"), calls);
    }
}

#[tokio::test]
async fn a_page_of_a_table_that_leads_to_itself_is_no_end() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        let again = json!({"Tags": [{"Key": "a", "Value": "x"}], "NextToken": "again"});
        (call.operation == "ListTagsOfResource").then(|| Reply::json(200, &again))
    });
    let arn = format!("arn:aws:dynamodb:eu-west-1:{HERE}:table/t");
    let answers =
        aws.backend().existing_tags(&[item("dynamodb:CreateTable", "AWS::DynamoDB::Table", "t", &arn)]).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Transport, "PagingDoesNotEnd"));
    assert_eq!(aws.proxy.count("dynamodb", "ListTagsOfResource"), 2);
}

/// Kinesis says that there are more tags than it names.
#[tokio::test]
async fn a_list_that_is_not_whole_is_no_answer() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        let part = json!({"Tags": [{"Key": "a", "Value": "x"}], "HasMoreTags": true});
        (call.operation == "ListTagsForStream").then(|| Reply::json(200, &part))
    });
    let arn = format!("arn:aws:kinesis:eu-west-1:{HERE}:stream/s");
    let stream = item("kinesis:CreateStream", "AWS::Kinesis::Stream", "s", &arn);
    let answers = aws.backend().existing_tags(&[stream]).await;
    assert_eq!(failure(&answers[0]).0, ErrorClass::Transport);
}

/// Such a rule of a user's has no way to ask: an existing owner would be overwritten.
#[tokio::test]
async fn a_call_that_cannot_read_is_never_without_tags() {
    let aws = Aws::new().await;
    let mut without_read = (*rule("sqs:CreateQueue", "AWS::SQS::Queue")).clone();
    let TagCall::Native(call) = &without_read.call else { panic!("{:?}", without_read.call) };
    let mut call = (**call).clone();
    call.read = None;
    without_read.call = TagCall::Native(call.into());
    let mut queue = item("sqs:CreateQueue", "AWS::SQS::Queue", "https://sqs/q", "");
    queue.rule = without_read.into();
    let answers = aws.backend().existing_tags(&[queue]).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Invalid, "TagsCannotBeRead"));
}

#[tokio::test]
async fn nothing_is_asked_for_nothing() {
    let aws = Aws::new().await;
    assert_eq!(aws.backend().existing_tags(&[]).await, []);
    assert_eq!(aws.proxy.counts().len(), 0);
}

/// The rule with the call in place of the tagging API, if that is its first.
fn by_its_service(item: &mut TaggableResource) {
    let mut rule = (*item.rule).clone();
    if rule.call == TagCall::TaggingApi {
        rule.call = TagCall::Native(rule.fallback.clone().unwrap());
    }
    item.rule = rule.into();
}

/// A stack cannot be tagged, but its resources belong to its owner.
#[tokio::test]
async fn the_tags_of_a_stack_are_read_and_never_written() {
    let aws = Aws::new().await;
    let arn =
        format!("arn:aws:cloudformation:eu-west-1:{HERE}:stack/shop/11112222-3333-4444-5555-666677778888");
    // In the form of AWS's documentation; the emulator's own stacks need packages that it does not come with.
    aws.proxy.route("/", |call| {
        let asked = call.operation == "DescribeStacks" && call.field("StackName")?.ends_with("stack/shop/11112222-3333-4444-5555-666677778888");
        let body = "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
            <Stacks><member><StackName>shop</StackName><Tags><member><Key>Owner</Key><Value>priya</Value></member></Tags>\
            </member></Stacks></DescribeStacksResult></DescribeStacksResponse>";
        asked.then(|| Reply::xml(200, body))
    });
    let stack = item("cloudformation:CreateStack", "AWS::CloudFormation::Stack", &arn, &arn);
    assert_eq!(stack.rule.call, TagCall::None);
    let answers = aws.backend().existing_tags(&[stack]).await;
    assert_eq!(answers, [Ok(tags(&[("Owner", "priya")]))]);
}
