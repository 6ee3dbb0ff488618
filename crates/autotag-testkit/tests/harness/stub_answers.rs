use crate::client::{json, query, send, signed_for};
use autotag_testkit::{Fault, Proxy, Reply};
use std::time::{Duration, Instant};

#[test]
fn tag_calls_succeed_after_the_delay_and_are_counted() {
    let delay = Duration::from_millis(30);
    let stub = Proxy::stub(delay).unwrap();
    let url = stub.url();
    let began = Instant::now();
    let answer = query(&url, "ec2", "Action=CreateTags&ResourceId.1=i-1&Tag.1.Key=a").unwrap();
    assert!(began.elapsed() >= delay, "answered too early");
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("<CreateTagsResponse>"), "{}", answer.text());
    assert!(answer.text().contains("<return>true</return>"), "{}", answer.text());
    let answer = json(&url, "tagging", "TagResources", r#"{"ResourceARNList":["arn:a"]}"#).unwrap();
    assert_eq!(answer.text(), r#"{"FailedResourcesMap":{}}"#);
    for _ in 0..3 {
        assert_eq!(json(&url, "sqs", "TagQueue", "{}").unwrap().text(), "{}");
    }
    assert_eq!(stub.count("ec2", "CreateTags"), 1);
    assert_eq!(stub.count("sqs", "TagQueue"), 3);
    assert_eq!(stub.counts().len(), 3, "{:?}", stub.counts());
    assert_eq!(stub.forwarded(), 5);
    assert!(stub.calls().is_empty(), "bodies are kept without `keep_bodies`");
}

#[test]
fn routes_are_delayed_and_refusals_are_not() {
    let delay = Duration::from_secs(1);
    let stub = Proxy::stub(delay).unwrap();
    stub.route("/", |call| {
        (call.operation == "GetResources").then(|| Reply::json(200, &serde_json::json!({"routed": true})))
    });
    stub.rule(|call| (call.service == "sqs").then_some(Fault::Throttled));
    let began = Instant::now();
    let answer = json(&stub.url(), "tagging", "GetResources", "{}").unwrap();
    assert!(began.elapsed() >= delay, "the route answered too early");
    assert_eq!(answer.text(), r#"{"routed":true}"#);
    let began = Instant::now();
    assert_eq!(json(&stub.url(), "sqs", "TagQueue", "{}").unwrap().status, 400);
    assert!(began.elapsed() < delay, "the refusal was delayed");
    assert_eq!((stub.count("tagging", "GetResources"), stub.forwarded()), (1, 0));
}

#[test]
fn assume_role_returns_keys_with_the_account() {
    let stub = Proxy::stub(Duration::ZERO).unwrap();
    let role = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fpath%2Ftagger&RoleSessionName=s";
    let answer = query(&stub.url(), "sts", role).unwrap().text();
    for part in
        ["<AccessKeyId>ASIA111122223333<", "arn:aws:sts::111122223333:assumed-role/tagger/s<", "<Expiration>"]
    {
        assert!(answer.contains(part), "no {part} in {answer}");
    }
    let answer = query(&stub.url(), "iam", "Action=ListRoleTags&RoleName=r").unwrap().text();
    assert!(answer.contains("<ListRoleTagsResult><IsTruncated>false</IsTruncated><Tags>"), "{answer}");
}

#[test]
fn stub_applies_rules() {
    let stub = Proxy::stub(Duration::ZERO).unwrap();
    stub.rule(|call| (call.operation == "PutBucketTagging").then(|| Fault::refused("OperationAborted")));
    let s3 = signed_for("s3");
    let put = send(&stub.url(), "PUT", "/bucket?tagging", &[("authorization", &s3)], b"<T/>").unwrap();
    assert_eq!(put.status, 400);
    assert!(put.text().contains("<Error><Code>OperationAborted</Code>"), "{}", put.text());
    let get = send(&stub.url(), "GET", "/bucket?tagging", &[("authorization", &s3)], b"").unwrap();
    assert_eq!((get.status, &*get.text()), (200, "<Tagging><TagSet></TagSet></Tagging>"));
    assert_eq!((stub.faulted(), stub.forwarded()), (1, 1));
}

#[test]
fn concurrent_calls_do_not_wait_for_each_other() {
    let stub = Proxy::stub(Duration::from_millis(200)).unwrap();
    let (url, began) = (stub.url(), Instant::now());
    std::thread::scope(|scope| {
        for number in 0..50 {
            let url = &url;
            scope
                .spawn(move || json(url, "tagging", "TagResources", &format!("{{\"n\":{number}}}")).unwrap());
        }
    });
    assert!(began.elapsed() < Duration::from_secs(5), "sequential: {:?}", began.elapsed());
    assert_eq!(stub.count("tagging", "TagResources"), 50);
}
