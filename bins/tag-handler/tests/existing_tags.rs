//! Existing tags: tags of users stay, and forged identity tags are replaced.

mod common;

use autotag_testkit::records::batch;
use aws_sdk_ec2::types::{InstanceType, ResourceType, Tag, TagSpecification};
use common::{
    bucket_tags, ec2, ec2_tags, emulator, new_bucket, object_tags, proxy_with_iam, record, s3, start_function,
};
use serde_json::{Value, json};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

fn numbered(count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| (format!("key-{number:02}"), format!("value {number}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_bucket_and_a_full_object_keep_what_they_have() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let s3 = s3(&proxy.url());
    let user: Vec<(String, String)> = numbered(49);
    let user: Vec<(&str, &str)> = user.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    new_bucket(&s3, "full", &user).await;
    let nine = &user[..9];
    let text = nine
        .iter()
        .map(|(key, value)| format!("{key}={}", value.replace(' ', "%20")))
        .collect::<Vec<_>>()
        .join("&");
    s3.put_object()
        .bucket("full")
        .key("a/b c.txt")
        .tagging(text)
        .body(b"x".to_vec().into())
        .send()
        .await
        .unwrap();
    let object = json!([{"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::full/a/b c.txt"},
        {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::full", "accountId": "123456789012"}]);
    let mut put =
        record("object", NOW, "s3:PutObject", &json!({"bucketName": "full", "key": "a/b c.txt"}), &json!({}));
    put["resources"] = object;
    let bucket = record("bucket", NOW, "s3:CreateBucket", &json!({"bucketName": "full"}), &Value::Null);
    let function =
        start_function(&proxy.environment(), &[("AUTOTAG_POLICY", "[existing]\nread_at_creation = true\n")])
            .await;
    let returned = function.returned(&batch(&[bucket, put])).await;
    let logs = function.process.logs();
    assert!(returned.is_empty(), "{returned:?}\n{logs}");
    // Each has space for one more tag: the first identity tag gets it.
    let tags = bucket_tags(&s3, "full").await;
    assert_eq!(tags.len(), 50, "{tags:?}");
    assert!(user.iter().all(|(key, value)| tags[*key] == *value), "{tags:?}");
    assert_eq!(tags["Owner"], "mara");
    let tags = object_tags(&s3, "full", "a/b c.txt").await;
    assert_eq!(tags.len(), 10, "{tags:?}");
    assert!(nine.iter().all(|(key, value)| tags[*key] == *value), "{tags:?}");
    assert_eq!(tags["Owner"], "mara");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_principal_is_replaced_and_the_rest_of_the_users_tags_stay() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let asked = TagSpecification::builder()
        .resource_type(ResourceType::Instance)
        .tags(tag("PrincipalId", "AIDABOSS"))
        .tags(tag("Owner", "boss"))
        .tags(tag("Name", "web"))
        .build();
    let run = ec2
        .run_instances()
        .image_id("ami-12c6146b")
        .instance_type(InstanceType::T3Micro)
        .min_count(1)
        .max_count(1);
    let run = run.tag_specifications(asked).send().await.unwrap();
    let id = run.instances()[0].instance_id().unwrap().to_owned();
    let request = json!({"tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": [
        {"key": "PrincipalId", "value": "AIDABOSS"}, {"key": "Owner", "value": "boss"}, {"key": "Name", "value": "web"}]}]}});
    let response = json!({"instancesSet": {"items": [{"instanceId": id}]}});
    let function = start_function(&proxy.environment(), &[]).await;
    let returned =
        function.returned(&batch(&[record("run", NOW, "ec2:RunInstances", &request, &response)])).await;
    assert!(returned.is_empty(), "{}", function.process.logs());
    let tags = ec2_tags(&ec2, std::slice::from_ref(&id)).await;
    assert_eq!(tags[&id]["PrincipalId"], "AIDAMARA");
    assert_eq!(tags[&id]["Owner"], "mara");
    assert_eq!(tags[&id]["Name"], "web");
}
