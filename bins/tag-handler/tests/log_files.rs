//! Log files of trails that do not end: the messages beside them are done, and nothing reads on after the answer.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_testkit::lambda::Function;
use autotag_testkit::records::{batch, message};
use autotag_testkit::{Answer, Fault, Proxy, Reply};
use common::{start_function, volume};
use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

/// The time that Lambda gives an invocation.
const INVOCATION: Duration = Duration::from_secs(8);

/// The message of a log file.
fn notice(key: &str) -> Value {
    let record = json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": key}}});
    message(key, &json!({"Records": [record]}).to_string())
}

/// A server whose log files with `slow` in their names send a byte a second, and those with `large` hold 60 GB of blanks.
fn stub() -> Proxy {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    let blanks = vec![b' '; 64 << 20];
    let mut member = vec![0; 1 << 20];
    let length = Compressor::new(CompressionLvl::best()).gzip_compress(&blanks, &mut member).unwrap();
    member.truncate(length);
    let large = member.repeat(960);
    let file = |body: Vec<u8>| Reply::new(200, "application/octet-stream", body);
    let (slow, large) = (file(vec![b'{'; 100_000]), file(large));
    proxy.rule(move |call| match call.path.as_str() {
        path if path.contains("slow") => Some(Fault::AnsweredSlowly(slow.clone(), Duration::from_secs(1))),
        path if path.contains("large") => Some(Fault::Answered(large.clone())),
        _ => None,
    });
    proxy
}

/// The ids of the messages that go back to the queue.
async fn returned(function: &Function, batch: Value) -> Vec<String> {
    let answer = function.runtime.invoke(batch, INVOCATION).await;
    let Answer::Response(answer) = answer else { panic!("{answer:?}\n{}", function.process.logs()) };
    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
    failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// The processor time that the function has used.
fn processor_time(function: &Function) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", function.process.pid())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_log_file_does_not_keep_the_message_beside_it() {
    let proxy = stub();
    let function = start_function(&proxy.environment(), &[]).await;
    let mut batch = batch(&[volume("vol-1")]);
    batch["Records"].as_array_mut().unwrap().insert(0, notice("slow"));
    assert_eq!(returned(&function, batch).await, ["slow"], "{}", function.process.logs());
    assert_eq!(proxy.count("ec2", "CreateTags"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_log_file_does_not_keep_the_message_beside_it_and_is_not_read_after_the_answer() {
    let proxy = stub();
    let function = start_function(&proxy.environment(), &[]).await;
    let mut batch = batch(&[volume("vol-1")]);
    batch["Records"].as_array_mut().unwrap().insert(0, notice("large"));
    assert_eq!(returned(&function, batch).await, ["large"], "{}", function.process.logs());
    assert_eq!(proxy.count("ec2", "CreateTags"), 1);
    let before = processor_time(&function);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = processor_time(&function).saturating_sub(before);
    assert!(after < Duration::from_millis(500), "{after:?} of processor time after the answer");
}

/// More log files than are read at a time: those behind slow ones are read too.
#[tokio::test(flavor = "multi_thread")]
async fn slow_log_files_do_not_keep_those_behind_them() {
    let proxy = stub();
    proxy.route("/trail/good", |_| {
        let body = json!({"Records": [volume("vol-1")]}).to_string();
        Some(Reply::new(200, "application/json", body))
    });
    let function = start_function(&proxy.environment(), &[("AUTOTAG_CONCURRENCY", "2")]).await;
    let keys = ["slow-1", "slow-2", "good"];
    let batch = json!({"Records": keys.map(notice)});
    assert_eq!(returned(&function, batch).await, ["slow-1", "slow-2"], "{}", function.process.logs());
    assert_eq!(proxy.count("ec2", "CreateTags"), 1);
}
