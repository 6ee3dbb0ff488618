//! S3: its tag calls replace the whole set, so nothing of others may be lost.

use crate::emulated::{Aws, failure, item, sorted, tags, write};
use autotag_handlers::backend::{BackendReader as _, TagWriter as _, TaggableResource, Tags};
use autotag_handlers::error::ErrorClass;
use autotag_testkit::{Call, Fault, Reply};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, Tag, Tagging,
    VersioningConfiguration,
};
use std::sync::{Arc, Mutex};

const OURS: &[(&str, &str)] = &[("Owner", "mara"), ("Team", "a b+c@d/ü"), ("Cost", "")];

fn bucket(name: &str) -> TaggableResource {
    item("s3:CreateBucket", "AWS::S3::Bucket", name, &format!("arn:aws:s3:::{name}"))
}

fn object(bucket: &str, key: &str) -> TaggableResource {
    item("s3:PutObject", "AWS::S3::Object", key, &format!("arn:aws:s3:::{bucket}/{key}"))
}

fn client(aws: &Aws) -> Client {
    Client::from_conf(Builder::from(&aws.direct).force_path_style(true).build())
}

async fn made(aws: &Aws, name: &str) -> Client {
    let client = client(aws);
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1);
    let create = client.create_bucket().bucket(name).create_bucket_configuration(place.build());
    create.send().await.unwrap();
    client
}

fn users(count: usize) -> Tags {
    (0..count).map(|number| (format!("user-{number:02}"), format!("value {number}"))).collect()
}

fn tagging(tags: &Tags) -> Tagging {
    let tag = |(key, value): &(String, String)| Tag::builder().key(key).value(value).build().unwrap();
    Tagging::builder().set_tag_set(Some(tags.iter().map(tag).collect())).build().unwrap()
}

/// A bucket in moto with so many tags of its user's.
async fn with_tags(aws: &Aws, name: &str, count: usize) -> Client {
    let client = made(aws, name).await;
    client.put_bucket_tagging().bucket(name).tagging(tagging(&users(count))).send().await.unwrap();
    client
}

async fn tags_on(client: &Client, name: &str) -> Tags {
    let there = client.get_bucket_tagging().bucket(name).send().await.unwrap();
    sorted(there.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

async fn tags_on_object(client: &Client, bucket: &str, key: &str, version: Option<&str>) -> Tags {
    let asked = client.get_object_tagging().bucket(bucket).key(key);
    let there = asked.set_version_id(version.map(str::to_owned)).send().await.unwrap();
    sorted(there.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

fn puts(aws: &Aws) -> u64 {
    aws.proxy.count("s3", "PutBucketTagging") + aws.proxy.count("s3", "PutObjectTagging")
}

/// The tags that a call would put.
fn put_by(call: &Call) -> Tags {
    let body = String::from_utf8(call.body.to_vec()).unwrap();
    let document = roxmltree::Document::parse(&body).unwrap();
    let text = |tag: roxmltree::Node<'_, '_>, name| {
        let found = tag.children().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    };
    let tags = document.descendants().filter(|node| node.tag_name().name() == "Tag");
    tags.map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
}

/// A bucket of our own before moto, with these tags. After each put, `meanwhile` may do what another writer does, who
/// knows what was there before.
fn shop(
    aws: &Aws,
    name: &str,
    tags: Tags,
    meanwhile: impl Fn(usize, &Tags, &mut Tags) + Send + Sync + 'static,
) -> Arc<Mutex<Tags>> {
    let held = Arc::new(Mutex::new(tags));
    let (shared, count) = (Arc::clone(&held), Mutex::new(0));
    aws.proxy.route(&format!("/{name}"), move |call| {
        let mut held = shared.lock().unwrap();
        match call.operation.as_str() {
            "GetBucketTagging" => {
                let one = |(key, value): &(String, String)| {
                    format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>")
                };
                let set: String = held.iter().map(one).collect();
                Some(Reply::xml(200, format!("<Tagging><TagSet>{set}</TagSet></Tagging>")))
            }
            "PutBucketTagging" => {
                let before = std::mem::replace(&mut *held, put_by(call));
                let mut count = count.lock().unwrap();
                *count += 1;
                meanwhile(*count, &before, &mut held);
                Some(Reply::empty(204))
            }
            _ => None,
        }
    });
    held
}

#[tokio::test]
async fn a_bucket_without_tags_gets_ours() {
    let aws = Aws::new().await;
    let client = made(&aws, "without-tags").await;
    assert_eq!(aws.backend().write_tags(&write(&[bucket("without-tags")], OURS)).await, [Ok(())]);
    assert_eq!(tags_on(&client, "without-tags").await, sorted(tags(OURS)));
}

#[tokio::test]
async fn a_bucket_keeps_all_that_is_there() {
    let aws = Aws::new().await;
    let client = with_tags(&aws, "with-47", 47).await;
    assert_eq!(aws.backend().write_tags(&write(&[bucket("with-47")], OURS)).await, [Ok(())]);
    assert_eq!(tags_on(&client, "with-47").await, sorted([users(47), tags(OURS)].concat()));
    assert_eq!(puts(&aws), 1);
}

#[tokio::test]
async fn a_bucket_without_room_loses_nothing() {
    let aws = Aws::new().await;
    let client = with_tags(&aws, "with-49", 49).await;
    let answers = aws.backend().write_tags(&write(&[bucket("with-49")], OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Invalid, "TooManyTags"));
    assert_eq!(tags_on(&client, "with-49").await, users(49));
    assert_eq!(puts(&aws), 0);
    let control = |call: &Call| call.path.starts_with("/v20180820");
    assert!(!aws.proxy.calls().iter().any(control), "the other way has no more room");
}

#[tokio::test]
async fn our_own_tags_take_no_room_twice() {
    let aws = Aws::new().await;
    let client = made(&aws, "full-with-ours").await;
    let before = [users(48), tags(&[("Owner", "noor"), ("Team", "x")])].concat();
    client.put_bucket_tagging().bucket("full-with-ours").tagging(tagging(&before)).send().await.unwrap();
    assert_eq!(aws.backend().write_tags(&write(&[bucket("full-with-ours")], &OURS[..2])).await, [Ok(())]);
    assert_eq!(tags_on(&client, "full-with-ours").await, sorted([users(48), tags(&OURS[..2])].concat()));
}

#[tokio::test]
async fn what_is_there_already_is_not_written_again() {
    let aws = Aws::new().await;
    let client = made(&aws, "tagged-already").await;
    client.put_bucket_tagging().bucket("tagged-already").tagging(tagging(&tags(OURS))).send().await.unwrap();
    assert_eq!(aws.backend().write_tags(&write(&[bucket("tagged-already")], OURS)).await, [Ok(())]);
    assert_eq!(puts(&aws), 0);
}

/// AWS takes the set only with its own tags in it; and they take no room.
#[tokio::test]
async fn tags_of_aws_are_sent_back() {
    let aws = Aws::new().await;
    let of_aws = tags(&[("aws:cloudformation:stack-name", "shop"), ("aws:cloudformation:logical-id", "B")]);
    let before = [of_aws.clone(), users(47)].concat();
    let held = shop(&aws, "of-a-stack", before.clone(), |_, _, _| ());
    assert_eq!(aws.backend().write_tags(&write(&[bucket("of-a-stack")], OURS)).await, [Ok(())]);
    assert_eq!(*held.lock().unwrap(), [before, tags(OURS)].concat(), "52 tags, 50 of them users'");
}

#[tokio::test]
async fn a_read_that_fails_is_never_a_bucket_without_tags() {
    for (status, code, class) in [
        (500, "InternalError", ErrorClass::Transport),
        (503, "SlowDown", ErrorClass::Throttled),
        (403, "AccessDenied", ErrorClass::Denied),
        (404, "NoSuchBucket", ErrorClass::NotFound),
        (400, "InvalidRequest", ErrorClass::Invalid),
    ] {
        let aws = Aws::new().await;
        aws.proxy.rule(move |call| {
            let refused = || Fault::Refused { status, code: code.to_owned(), message: String::new() };
            (call.operation == "GetBucketTagging").then(refused)
        });
        // The second call for buckets that refuse the older call does not replace a read.
        aws.proxy.rule(|call| call.path.starts_with("/v20180820").then(|| Fault::refused("InvalidRequest")));
        let items = [bucket("unreadable")];
        let answers = aws.backend().write_tags(&write(&items, OURS)).await;
        assert_eq!(failure(&answers[0]), (class, code));
        assert_eq!(failure(&aws.backend().existing_tags(&items).await[0]), (class, code));
        assert_eq!(puts(&aws), 0, "{code}: written over what nobody has read");
    }
}

#[tokio::test]
async fn a_read_that_breaks_off_is_never_a_bucket_without_tags() {
    let aws = Aws::new().await;
    aws.proxy.rule(|call| (call.operation == "GetBucketTagging").then_some(Fault::Reset));
    let answers = aws.backend().write_tags(&write(&[bucket("unreachable")], OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Transport, "NoConnection"));
    assert_eq!(puts(&aws), 0);
}

#[tokio::test]
async fn an_answer_that_is_no_list_of_tags_is_never_a_bucket_without_tags() {
    for body in ["", "busy", "<html><body>busy</body></html>"] {
        let aws = Aws::new().await;
        aws.proxy.rule(move |call| {
            (call.operation == "GetBucketTagging").then(|| Fault::Answered(Reply::xml(200, body)))
        });
        let answers = aws.backend().write_tags(&write(&[bucket("odd")], OURS)).await;
        assert_eq!(failure(&answers[0]).0, ErrorClass::Transport, "{body:?}");
        assert_eq!(puts(&aws), 0, "{body:?}");
    }
}

/// Somebody has read before we wrote, and writes after us: our tags are gone, and so would theirs be, if we only wrote
/// ours again.
#[tokio::test]
async fn a_writer_who_writes_over_us_loses_nothing_and_neither_do_we() {
    let aws = Aws::new().await;
    let held = shop(&aws, "contended", users(2), |count, before, there| {
        if count == 1 {
            *there = [before.clone(), tags(&[("Theirs", "1")])].concat();
        }
    });
    assert_eq!(aws.backend().write_tags(&write(&[bucket("contended")], OURS)).await, [Ok(())]);
    let want = [users(2), tags(&[("Theirs", "1")]), tags(OURS)].concat();
    assert_eq!(sorted(held.lock().unwrap().clone()), sorted(want));
}

/// The same with our keys: the last of us wins, but never a mixture of both.
#[tokio::test]
async fn a_writer_who_changes_our_tags_is_written_over() {
    let aws = Aws::new().await;
    let held = shop(&aws, "contended-keys", users(1), |count, before, there| {
        if count == 1 {
            *there = [before.clone(), tags(&[("Owner", "noor")])].concat();
        }
    });
    assert_eq!(aws.backend().write_tags(&write(&[bucket("contended-keys")], OURS)).await, [Ok(())]);
    assert_eq!(sorted(held.lock().unwrap().clone()), sorted([users(1), tags(OURS)].concat()));
}

#[tokio::test]
async fn a_writer_who_never_stops_is_a_conflict() {
    let aws = Aws::new().await;
    shop(&aws, "busy", users(1), |_, _, there| *there = users(1));
    let answers = aws.backend().write_tags(&write(&[bucket("busy")], OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Conflict, "TagsChanged"));
    assert_eq!(puts(&aws), 3);
}

#[tokio::test]
async fn a_set_that_somebody_is_changing_is_a_conflict() {
    let aws = Aws::new().await;
    made(&aws, "aborted").await;
    aws.proxy.rule(|call| {
        let (code, message) = ("OperationAborted".to_owned(), String::new());
        (call.operation == "PutBucketTagging").then_some(Fault::Refused { status: 409, code, message })
    });
    let answers = aws.backend().write_tags(&write(&[bucket("aborted")], OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Conflict, "OperationAborted"));
}

// ---- Access control by tags ----

const CONTROL: &str = "POST /v20180820/tags/arn%3Aaws%3As3%3A%3A%3A";

#[tokio::test]
async fn a_bucket_under_access_control_by_tags_is_tagged_by_the_call_that_merges() {
    let aws = Aws::new().await;
    let client = with_tags(&aws, "abac", 2).await;
    aws.proxy.rule(|call| (call.operation == "PutBucketTagging").then(|| Fault::refused("InvalidRequest")));
    assert_eq!(aws.backend().write_tags(&write(&[bucket("abac")], OURS)).await, [Ok(())]);
    let calls = aws.calls("s3", &format!("{CONTROL}abac"));
    assert_eq!(calls.len(), 1, "{:?}", aws.proxy.counts());
    assert_eq!(put_by(&calls[0]), tags(OURS), "it merges: only ours");
    assert_eq!(tags_on(&client, "abac").await, sorted([users(2), tags(OURS)].concat()));
}

#[tokio::test]
async fn if_both_calls_refuse_the_first_refusal_counts() {
    let aws = Aws::new().await;
    made(&aws, "abac-refused").await;
    aws.proxy.rule(|call| (call.operation == "PutBucketTagging").then(|| Fault::refused("InvalidTag")));
    aws.proxy.rule(|call| call.path.starts_with("/v20180820").then(|| Fault::refused("MalformedXML")));
    let answers = aws.backend().write_tags(&write(&[bucket("abac-refused")], OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Invalid, "InvalidTag"));
}

#[tokio::test]
async fn what_is_forbidden_is_not_tried_by_the_other_call() {
    let aws = Aws::new().await;
    made(&aws, "forbidden").await;
    aws.proxy.rule(|call| {
        let (code, message) = ("AccessDenied".to_owned(), String::new());
        (call.operation == "PutBucketTagging").then_some(Fault::Refused { status: 403, code, message })
    });
    let answers = aws.backend().write_tags(&write(&[bucket("forbidden")], OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::Denied, "AccessDenied"));
    assert!(aws.calls("s3", &format!("{CONTROL}forbidden")).is_empty());
}

// ---- Objects ----

async fn put(client: &Client, bucket: &str, key: &str) -> Option<String> {
    let body = ByteStream::from_static(b"x");
    client.put_object().bucket(bucket).key(key).body(body).send().await.unwrap().version_id
}

#[tokio::test]
async fn an_object_has_room_for_ten_tags() {
    let aws = Aws::new().await;
    let client = made(&aws, "with-objects").await;
    let key = "photos/a b/ü+&%2F:=x?.jpg";
    put(&client, "with-objects", key).await;
    let nine = tagging(&users(9));
    client.put_object_tagging().bucket("with-objects").key(key).tagging(nine).send().await.unwrap();
    let items = [object("with-objects", key)];
    let two = aws.backend().write_tags(&write(&items, &OURS[..2])).await;
    assert_eq!(failure(&two[0]), (ErrorClass::Invalid, "TooManyTags"));
    assert_eq!(tags_on_object(&client, "with-objects", key, None).await, users(9));
    assert_eq!(aws.backend().write_tags(&write(&items, &OURS[..1])).await, [Ok(())]);
    let want = sorted([users(9), tags(&OURS[..1])].concat());
    assert_eq!(tags_on_object(&client, "with-objects", key, None).await, want);
    assert_eq!(aws.backend().existing_tags(&items).await[0].clone().map(sorted), Ok(want));
}

/// The version that the record is about, not the one that lies above it by now.
#[tokio::test]
async fn the_version_of_the_record_is_tagged() {
    let aws = Aws::new().await;
    let client = made(&aws, "with-versions").await;
    let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    client.put_bucket_versioning().bucket("with-versions").versioning_configuration(on).send().await.unwrap();
    let first = put(&client, "with-versions", "k").await.unwrap();
    let second = put(&client, "with-versions", "k").await.unwrap();
    let mut items = [object("with-versions", "k")];
    items[0].resource.version = Some(first.clone());
    assert_eq!(aws.backend().write_tags(&write(&items, OURS)).await, [Ok(())]);
    for operation in ["GetObjectTagging", "PutObjectTagging"] {
        for call in aws.calls("s3", operation) {
            assert_eq!(call.query_values("versionId").collect::<Vec<_>>(), [first.as_str()], "{operation}");
        }
    }
    assert_eq!(tags_on_object(&client, "with-versions", "k", Some(&first)).await, sorted(tags(OURS)));
    assert_eq!(tags_on_object(&client, "with-versions", "k", Some(&second)).await, []);
}

#[tokio::test]
async fn an_object_that_is_gone_is_not_found() {
    let aws = Aws::new().await;
    made(&aws, "without-objects").await;
    let answers = aws.backend().write_tags(&write(&[object("without-objects", "gone")], OURS)).await;
    assert_eq!(failure(&answers[0]).0, ErrorClass::NotFound);
    assert_eq!(puts(&aws), 0);
}

#[tokio::test]
async fn buckets_of_one_write_do_not_mix() {
    let aws = Aws::new().await;
    let names: Vec<String> = (0..12).map(|number| format!("one-of-many-{number}")).collect();
    for name in &names[1..] {
        with_tags(&aws, name, name.len() % 7).await;
    }
    let items: Vec<TaggableResource> = names.iter().map(|name| bucket(name)).collect();
    let answers = aws.backend().write_tags(&write(&items, OURS)).await;
    assert_eq!(failure(&answers[0]), (ErrorClass::NotFound, "NoSuchBucket"));
    for (name, answer) in names.iter().zip(&answers).skip(1) {
        assert_eq!(answer, &Ok(()), "{name}");
        assert_eq!(tags_on(&client(&aws), name).await, sorted([users(name.len() % 7), tags(OURS)].concat()));
    }
}
