//! A killed process loses no work: the repeated delivery finishes it.

mod common;

use autotag_testkit::lambda::DEADLINE;
use autotag_testkit::records::batch;
use autotag_testkit::{Answer, RuntimeApi};
use common::{ec2, ec2_tags, emulator, new_volumes, proxy_with_iam, start_process, volume};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const KILLS: u64 = 100;

/// Pseudo-random numbers that are the same in every run (splitmix64).
fn random(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x2026_0302);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Creates ten volumes and a tagged bucket. Returns the batch with their records, and the volumes' ids.
async fn new_batch(ec2: &aws_sdk_ec2::Client, s3: &aws_sdk_s3::Client, bucket: &str) -> (Value, Vec<String>) {
    let ids = new_volumes(ec2, 10).await;
    common::new_bucket(s3, bucket, &[("Cost", "7"), ("Team", "shop")]).await;
    let mut records: Vec<Value> = ids.iter().map(|id| volume(id)).collect();
    records.push(common::record(
        bucket,
        Duration::ZERO,
        "s3:CreateBucket",
        &json!({"bucketName": bucket}),
        &Value::Null,
    ));
    (batch(&records), ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_a_hundred_moments_and_delivered_again() {
    let emulator = emulator();
    let proxy = proxy_with_iam(&emulator);
    let ec2 = ec2(&proxy.url());
    let bucket = common::s3(&proxy.url());
    let runtime = RuntimeApi::start().await.unwrap();
    // Measures the time from the start of the process to its answer, with resources that the test ignores afterwards.
    let (others, _) = new_batch(&ec2, &bucket, "others").await;
    let began = Instant::now();
    let process = start_process(&runtime, &proxy.environment(), &[]);
    assert!(matches!(runtime.invoke(&others, DEADLINE).await, Answer::Response(_)), "{}", process.logs());
    let undisturbed = u64::try_from(began.elapsed().as_micros()).unwrap();
    process.kill();

    let (batch, ids) = new_batch(&ec2, &bucket, "kept").await;
    let mut lost = 0;
    for kill in 0..KILLS {
        let process = start_process(&runtime, &proxy.environment(), &[]);
        let answer = tokio::spawn(runtime.invoke(&batch, DEADLINE));
        // At a moment from before the start until after the answer.
        tokio::time::sleep(Duration::from_micros(random(kill) % (undisturbed * 5 / 4))).await;
        process.kill();
        if answer.await.unwrap() == Answer::Lost {
            lost += 1;
        }
    }
    assert!(lost > KILLS / 10, "only {lost} of {KILLS} kills hit a running invocation");
    let process = start_process(&runtime, &proxy.environment(), &[]);
    match runtime.invoke(&batch, DEADLINE).await {
        Answer::Response(answer) => assert_eq!(answer["batchItemFailures"], json!([]), "{}", process.logs()),
        other => panic!("{other:?}\n{}", process.logs()),
    }
    let tags = ec2_tags(&ec2, &ids).await;
    for (number, id) in ids.iter().enumerate() {
        let keys: Vec<&str> = tags[id].keys().map(String::as_str).collect();
        assert_eq!(keys, ["CreatedBy", "Name", "Owner", "PrincipalId"]);
        assert_eq!(tags[id]["Name"], format!("disk-{number}"));
        assert_eq!(tags[id]["Owner"], "mara");
    }
    let tags = common::bucket_tags(&bucket, "kept").await;
    let keys: Vec<&str> = tags.keys().map(String::as_str).collect();
    assert_eq!(keys, ["Cost", "CreatedBy", "Owner", "PrincipalId", "Team"]);
    assert_eq!((tags["Cost"].as_str(), tags["Team"].as_str()), ("7", "shop"));
}
