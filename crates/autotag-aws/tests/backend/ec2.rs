//! EC2: many ids in a call, which fails as a whole if one of them is wrong.

use crate::emulated::{Aws, HERE, failure, item, write};
use autotag_handlers::backend::{TagWriter as _, TaggableResource};
use autotag_handlers::error::{BackendError, ErrorClass};
use autotag_testkit::{Fault, Reply};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::Filter;

const TAGS: &[(&str, &str)] = &[("Owner", "mara"), ("Team", "a b+c@d/ü")];

fn volume(id: &str) -> TaggableResource {
    let arn = format!("arn:aws:ec2:eu-west-1:{HERE}:volume/{id}");
    item("ec2:CreateVolume", "AWS::EC2::Volume", id, &arn)
}

async fn volumes(aws: &Aws, count: usize) -> Vec<TaggableResource> {
    let client = Client::new(&aws.direct);
    let mut all = Vec::new();
    for _ in 0..count {
        let made = client.create_volume().availability_zone("eu-west-1a").size(1).send().await.unwrap();
        all.push(volume(made.volume_id().unwrap()));
    }
    all
}

async fn tags_on(aws: &Aws, item: &TaggableResource) -> Vec<(String, String)> {
    let filter = Filter::builder().name("resource-id").values(&item.resource.id).build();
    let described = Client::new(&aws.direct).describe_tags().filters(filter).send().await.unwrap();
    let tags = described.tags.unwrap().into_iter().map(|tag| (tag.key.unwrap(), tag.value.unwrap()));
    let mut tags: Vec<_> = tags.collect();
    tags.sort();
    tags
}

fn ours() -> Vec<(String, String)> {
    TAGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn count(aws: &Aws) -> u64 {
    aws.proxy.count("ec2", "CreateTags")
}

/// Those whose answer is a failure.
fn failed(answers: &[Result<(), BackendError>]) -> Vec<usize> {
    (0..answers.len()).filter(|index| answers[*index].is_err()).collect()
}

#[tokio::test]
async fn many_ids_are_one_call() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 5).await;
    assert_eq!(aws.backend().write_tags(&write(&items, TAGS)).await, vec![Ok(()); 5]);
    assert_eq!(count(&aws), 1);
    for item in &items {
        assert_eq!(tags_on(&aws, item).await, ours());
    }
}

#[tokio::test]
async fn calls_take_at_most_two_hundred_ids() {
    let aws = Aws::new().await;
    aws.proxy.route("/", |call| {
        (call.operation == "CreateTags")
            .then(|| Reply::xml(200, "<CreateTagsResponse><return>true</return></CreateTagsResponse>"))
    });
    let items: Vec<TaggableResource> = (0..450).map(|number| volume(&format!("vol-{number:017}"))).collect();
    assert_eq!(aws.backend().write_tags(&write(&items, TAGS)).await, vec![Ok(()); 450]);
    let calls = aws.calls("ec2", "CreateTags");
    let mut sizes: Vec<usize> = calls.iter().map(|call| call.resources().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 200, 200]);
}

#[tokio::test]
async fn one_that_is_gone_keeps_nobody_else_from_their_tags() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 3).await;
    let gone = items[1].resource.id.clone();
    aws.proxy.rule(move |call| {
        (call.operation == "CreateTags" && call.mentions(&gone)).then(|| Fault::NotFound(vec![gone.clone()]))
    });
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[1]), (ErrorClass::NotFound, "InvalidVolume.NotFound"));
    assert_eq!(failed(&answers), [1]);
    assert_eq!(count(&aws), 2, "the error says which it is");
    assert_eq!(tags_on(&aws, &items[0]).await, ours());
    assert_eq!(tags_on(&aws, &items[2]).await, ours());
}

/// EC2 names several at once, of one kind; those of another kind only the next time.
#[tokio::test]
async fn several_that_are_gone_are_found_together() {
    let aws = Aws::new().await;
    let mut items = volumes(&aws, 2).await;
    items.extend(["vol-0a", "vol-0b"].map(volume));
    items.push(item("ec2:RunInstances", "AWS::EC2::Instance", "i-0c", ""));
    aws.proxy.rule(|call| {
        let gone = |kind: &str| -> Vec<String> {
            call.resources().into_iter().filter(|id| id.starts_with(kind)).collect()
        };
        let gone = [gone("vol-0a"), gone("vol-0b")].concat();
        let gone = if gone.is_empty() { call.resources() } else { gone };
        let missing = gone.iter().any(|id| ["vol-0a", "vol-0b", "i-0c"].contains(&id.as_str()));
        let named = gone.into_iter().filter(|id| ["vol-0a", "vol-0b", "i-0c"].contains(&id.as_str()));
        (call.operation == "CreateTags" && missing).then(|| Fault::NotFound(named.collect()))
    });
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failed(&answers), [2, 3, 4]);
    assert_eq!(failure(&answers[3]), (ErrorClass::NotFound, "InvalidVolume.NotFound"));
    assert_eq!(failure(&answers[4]), (ErrorClass::NotFound, "InvalidInstanceID.NotFound"));
    assert_eq!(count(&aws), 3);
    assert_eq!(tags_on(&aws, &items[1]).await, ours());
}

#[tokio::test]
async fn an_error_that_names_nobody_is_found_by_halves() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 8).await;
    let bad = items[5].resource.id.clone();
    aws.proxy.rule(move |call| {
        (call.operation == "CreateTags" && call.mentions(&bad)).then(|| Fault::refused("InvalidID"))
    });
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[5]), (ErrorClass::Invalid, "InvalidID"));
    assert_eq!(failed(&answers), [5]);
    for item in [&items[0], &items[4], &items[6], &items[7]] {
        assert_eq!(tags_on(&aws, item).await, ours());
    }
    assert_eq!(count(&aws), 7, "eight, four and four, two and two, one and one");
}

#[tokio::test]
async fn a_resource_without_room_keeps_nobody_else_from_their_tags() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 2).await;
    let full: Vec<(String, String)> =
        (0..50).map(|number| (format!("user-{number}"), "x".to_owned())).collect();
    let tag =
        |(key, value): &(String, String)| aws_sdk_ec2::types::Tag::builder().key(key).value(value).build();
    let create = Client::new(&aws.direct).create_tags().resources(&items[0].resource.id);
    create.set_tags(Some(full.iter().map(tag).collect())).send().await.unwrap();
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Invalid, "TagLimitExceeded"));
    assert_eq!(answers[1], Ok(()));
    assert_eq!(tags_on(&aws, &items[0]).await.len(), 50);
    assert_eq!(tags_on(&aws, &items[1]).await, ours());
}

/// Asking for parts would only be more of what is too much.
#[tokio::test]
async fn what_is_throttled_is_retried_whole_and_never_in_parts() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 3).await;
    aws.proxy.rule(|call| (call.operation == "CreateTags").then_some(Fault::Throttled));
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    for answer in &answers {
        assert_eq!(failure(answer), (ErrorClass::Throttled, "RequestLimitExceeded"));
    }
    assert_eq!(count(&aws), 3, "the attempts of the configuration");
}

#[tokio::test]
async fn what_is_throttled_once_is_done_the_next_time() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 2).await;
    let first = std::sync::atomic::AtomicBool::new(true);
    aws.proxy.rule(move |call| {
        let now = || first.swap(false, std::sync::atomic::Ordering::Relaxed);
        (call.operation == "CreateTags" && now()).then_some(Fault::Throttled)
    });
    assert_eq!(aws.backend().write_tags(&write(&items, TAGS)).await, vec![Ok(()); 2]);
    assert_eq!(count(&aws), 2);
}

#[tokio::test]
async fn a_missing_permission_is_everybodys() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 3).await;
    aws.proxy.rule(|call| {
        let (code, message) = ("UnauthorizedOperation".to_owned(), "You are not authorized".to_owned());
        (call.operation == "CreateTags").then_some(Fault::Refused { status: 403, code, message })
    });
    let answers = aws.backend().write_tags(&write(&items, TAGS)).await;
    for answer in &answers {
        assert_eq!(failure(answer), (ErrorClass::Denied, "UnauthorizedOperation"));
    }
    assert_eq!(count(&aws), 1);
}

/// The answer got lost: the call is made again, which changes nothing.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again() {
    let aws = Aws::new().await;
    let items = volumes(&aws, 2).await;
    let first = std::sync::atomic::AtomicBool::new(true);
    aws.proxy.rule(move |call| {
        let now = || first.swap(false, std::sync::atomic::Ordering::Relaxed);
        (call.operation == "CreateTags" && now()).then_some(Fault::AnswerLost)
    });
    assert_eq!(aws.backend().write_tags(&write(&items, TAGS)).await, vec![Ok(()); 2]);
    assert_eq!(tags_on(&aws, &items[0]).await, ours());
}
