use crate::client::{json, query, send, signed_for};
use autotag_testkit::{Fault, Faults, Proxy, Reply};
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// A proxy in front of a stub. Both count calls, so a test can tell which calls were forwarded.
fn pair() -> (Proxy, Proxy) {
    let stub = Proxy::stub(Duration::ZERO).unwrap();
    (Proxy::start(&stub.url()).unwrap(), stub)
}

#[test]
fn requests_and_answers_are_forwarded_unchanged() {
    let (proxy, stub) = pair();
    stub.keep_bodies();
    stub.rule(|call| {
        let seen = format!("{} {}?{} {}", call.method, call.path, call.query, call.body.len());
        Some(Fault::Answered(Reply::new(207, "text/odd", seen).with_header("x-of-upstream", "yes")))
    });
    let path = "/a%20b/arn%3Aaws?x=1%2B2&tagging";
    let answer =
        send(&proxy.url(), "PUT", path, &[("authorization", &signed_for("s3"))], &vec![7; 100_000]).unwrap();
    assert_eq!(answer.status, 207);
    assert_eq!(answer.text(), "PUT /a%20b/arn%3Aaws?x=1%2B2&tagging 100000");
    assert_eq!(
        (answer.header("content-type"), answer.header("x-of-upstream")),
        (Some("text/odd"), Some("yes"))
    );
    let seen = stub.calls();
    assert_eq!((seen[0].service.as_str(), seen[0].region.as_str()), ("s3", "eu-west-1"));
}

#[test]
fn errors_use_the_protocol_of_the_call() {
    let (proxy, stub) = pair();
    proxy.rule(|_| Some(Fault::refused("Odd<Code")));
    let url = proxy.url();
    let ec2 = query(&url, "ec2", "Action=CreateTags").unwrap();
    assert!(ec2.text().contains("<Response><Errors><Error><Code>Odd&lt;Code</Code>"), "{}", ec2.text());
    let rds = query(&url, "rds", "Action=AddTagsToResource").unwrap();
    assert!(
        rds.text().contains("<ErrorResponse><Error><Type>Sender</Type><Code>Odd&lt;Code</Code>"),
        "{}",
        rds.text()
    );
    let s3 = signed_for("s3");
    let bucket = send(&url, "GET", "/bucket", &[("authorization", &s3)], b"").unwrap();
    assert!(bucket.text().contains("?><Error><Code>Odd&lt;Code</Code>"), "{}", bucket.text());
    let sqs = json(&url, "sqs", "TagQueue", "{}").unwrap();
    assert_eq!(sqs.header("x-amzn-errortype"), Some("Odd<Code"));
    assert_eq!(sqs.json()["__type"], "Odd<Code");
    let cbor = [("authorization", &*signed_for("tagging")), ("smithy-protocol", "rpc-v2-cbor")];
    let cbor = send(&url, "POST", "/service/X/operation/TagResources", &cbor, b"\xa0").unwrap();
    assert_eq!(cbor.header("smithy-protocol"), Some("rpc-v2-cbor"));
    assert!(cbor.body.starts_with(b"\xa2\x66__type\x68Odd<Code\x67message"), "{:?}", cbor.body);
    for answer in [ec2, rds, bucket, sqs, cbor] {
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    assert_eq!((proxy.faulted(), proxy.forwarded(), stub.forwarded()), (5, 0, 0));
}

#[test]
fn reset_makes_no_call() {
    let (proxy, stub) = pair();
    proxy.rule(|_| Some(Fault::Reset));
    let error = query(&proxy.url(), "ec2", "Action=CreateTags").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert_eq!(stub.forwarded(), 0, "a reset call reached the upstream");
}

#[test]
fn lost_answer_is_a_reset_after_the_call() {
    let (proxy, stub) = pair();
    proxy.rule(|_| Some(Fault::AnswerLost));
    let error = query(&proxy.url(), "ec2", "Action=CreateTags").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    assert_eq!(stub.count("ec2", "CreateTags"), 1, "the call did not reach the upstream");
}

#[test]
fn slow_call_is_made_after_the_delay() {
    let (proxy, stub) = pair();
    let delay = Duration::from_millis(50);
    proxy.rule(move |_| Some(Fault::Slow(delay)));
    let began = Instant::now();
    assert_eq!(query(&proxy.url(), "ec2", "Action=CreateTags").unwrap().status, 200);
    assert!(began.elapsed() >= delay, "too early");
    assert_eq!(stub.forwarded(), 1);
}

#[test]
fn not_found_first_fails_the_first_calls_only() {
    let (proxy, stub) = pair();
    proxy.not_found_first("i-1", 2);
    let tag = || query(&proxy.url(), "ec2", "Action=CreateTags&ResourceId.1=i-1&ResourceId.2=vol-2").unwrap();
    for _ in 0..2 {
        let answer = tag();
        assert_eq!(answer.status, 400);
        let error =
            "<Code>InvalidInstanceID.NotFound</Code><Message>The instance ID 'i-1' does not exist</Message>";
        assert!(answer.text().contains(error), "{}", answer.text());
    }
    assert_eq!(tag().status, 200, "the third call does not find it either");
    assert_eq!(query(&proxy.url(), "ec2", "Action=CreateTags&ResourceId.1=i-9").unwrap().status, 200);
    assert_eq!((proxy.count("ec2", "CreateTags"), stub.count("ec2", "CreateTags")), (4, 2));
}

#[test]
fn ec2_error_names_all_missing_ids_of_one_kind() {
    let (proxy, _stub) = pair();
    proxy.rule(|call| Some(Fault::NotFound(call.resources())));
    let answer =
        query(&proxy.url(), "ec2", "Action=CreateTags&ResourceId.1=i-1&ResourceId.2=i-2&ResourceId.3=vol-3")
            .unwrap();
    assert!(answer.text().contains("The instance IDs 'i-1, i-2' do not exist"), "{}", answer.text());
}

#[test]
fn tagging_api_refuses_some_resources_and_tags_the_others() {
    let (proxy, stub) = pair();
    stub.keep_bodies();
    let (instance, table) = ("arn:aws:ec2:eu-west-1:1:instance/i-1", "arn:aws:dynamodb:eu-west-1:1:table/t");
    let body = format!(r#"{{"ResourceARNList":["{instance}","{table}"],"Tags":{{"a":"b"}}}}"#);
    let tag = || json(&proxy.url(), "tagging", "TagResources", &body).unwrap().json();
    proxy.not_found_first("i-1", 1);
    let answer = tag();
    let failed = &answer["FailedResourcesMap"];
    assert_eq!(failed[instance]["ErrorCode"], "InvalidInstanceID.NotFound", "{answer}");
    assert_eq!(failed.as_object().unwrap().len(), 1, "{answer}");
    let seen = stub.calls()[0].json();
    assert_eq!(seen["ResourceARNList"], serde_json::json!([table]), "{seen}");
    assert_eq!(seen["Tags"]["a"], "b", "{seen}");
    assert_eq!(tag()["FailedResourcesMap"], serde_json::json!({}));
    stub.forget_calls();
    proxy.rule(|call| {
        let code = "InvalidInstanceState".to_owned();
        Some(Fault::RefusedFor { resources: call.resources(), code })
    });
    let answer = tag();
    assert_eq!(answer["FailedResourcesMap"][table]["ErrorCode"], "InvalidInstanceState", "{answer}");
    assert_eq!(stub.forwarded(), 0, "no resource was left to forward");
}

#[test]
fn seed_reproduces_faults() {
    let run = |seed: u64| -> Vec<u16> {
        let (proxy, _stub) = pair();
        let faults = Faults { throttled: 0.2, unavailable: 0.2, reset: 0.2, ..Faults::default() };
        proxy.faults(seed, faults, |call| call.service == "tagging");
        let call = |number: u32| {
            let answer = json(&proxy.url(), "tagging", "TagResources", &format!("{{\"n\":{number}}}"));
            answer.map_or(0, |answer| answer.status)
        };
        let statuses = (0..60).map(call).collect();
        assert_eq!(
            query(&proxy.url(), "ec2", "Action=CreateTags").unwrap().status,
            200,
            "the faults do not apply to EC2"
        );
        proxy.repair();
        assert!((0..20).all(|number| call(number) == 200), "faults after `repair`");
        statuses
    };
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
    for status in [0, 200, 400, 503] {
        assert!(first.contains(&status), "no {status} among 60: {first:?}");
    }
}

#[test]
fn route_answers_instead_of_the_upstream() {
    let (proxy, stub) = pair();
    proxy.route("/list-regions", |call| {
        (call.service == "account").then(|| Reply::json(200, &serde_json::json!({ "Regions": [] })))
    });
    let account = signed_for("account");
    let answer = send(&proxy.url(), "POST", "/list-regions", &[("authorization", &account)], b"{}").unwrap();
    assert_eq!(answer.text(), r#"{"Regions":[]}"#);
    assert_eq!((proxy.forwarded(), stub.forwarded()), (0, 0));
}

#[test]
fn rewrite_changes_the_answer_of_the_upstream() {
    let (proxy, stub) = pair();
    stub.rule(|_| {
        let body = serde_json::json!({ "Accounts": [{ "Id": "1", "State": "ACTIVE" }], "NextToken": "2" });
        Some(Fault::Answered(Reply::json(200, &body).with_header("x-of-upstream", "yes")))
    });
    proxy.rewrite("/", |call, mut reply| {
        if call.operation == "ListAccounts" {
            reply.body = String::from_utf8_lossy(&reply.body).replace("State", "Status of old").into();
        }
        reply
    });
    proxy.rewrite("/", |call, reply| match call.operation.as_str() {
        "ListAccounts" => Reply { status: 202, ..reply },
        _ => reply,
    });
    proxy.rewrite("/elsewhere", |_, _| Reply::empty(500));
    let list = |operation| json(&proxy.url(), "organizations", operation, "{}").unwrap();
    let (changed, other) = (list("ListAccounts"), list("ListRoots"));
    assert_eq!(changed.json()["Accounts"][0]["Status of old"], "ACTIVE", "{changed:?}");
    assert_eq!(changed.json()["NextToken"], "2", "a part of the answer is missing: {changed:?}");
    assert_eq!((changed.status, changed.header("x-of-upstream")), (202, Some("yes")), "{changed:?}");
    assert_eq!(other.json()["Accounts"][0]["State"], "ACTIVE", "{other:?}");
    assert_eq!((other.status, stub.count("organizations", "ListAccounts")), (200, 1), "{other:?}");
}

#[test]
fn rewrite_does_not_change_faults_and_routes() {
    let (proxy, stub) = pair();
    let rewritten = || Reply::json(200, &serde_json::json!({ "rewritten": true }));
    proxy.rewrite("/", move |_, _| rewritten());
    proxy.rule(|call| (call.operation == "Fault").then(|| Fault::refused("OddCode")));
    proxy.route("/", |call| (call.operation == "Route").then(|| Reply::json(200, &"ours".into())));
    let text = |operation| json(&proxy.url(), "tagging", operation, "{}").unwrap().text();
    assert!(text("Fault").contains("OddCode"), "{}", text("Fault"));
    assert_eq!(text("Route"), r#""ours""#);
    assert_eq!(text("Other"), r#"{"rewritten":true}"#);
    stub.rewrite("/", |_, _| Reply::empty(204));
    assert_eq!(
        json(&stub.url(), "tagging", "Other", "{}").unwrap().status,
        204,
        "the stub's answer is not rewritten"
    );
}

#[test]
fn unreachable_upstream_is_a_bad_gateway() {
    let gone = Proxy::stub(Duration::ZERO).unwrap().url();
    let proxy = Proxy::start(&gone).unwrap();
    let answer = query(&proxy.url(), "ec2", "Action=CreateTags").unwrap();
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("does not answer"), "{}", answer.text());
    assert!(Proxy::start("https://example.com").is_err(), "TLS is not supported");
}
