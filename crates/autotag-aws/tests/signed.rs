//! Signed requests: their retries, and the codes of their failures.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_aws::signed::{self, Request, SignedError};
use autotag_model::arn::Region;
use autotag_testkit::{Fault, Reply};
use aws_config::timeout::TimeoutConfig;
use common::Aws;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[expect(dead_code, reason = "each test file uses a part of it")]
mod common;

const OPERATION: &str = "TagQueue";

fn request() -> Request {
    let region = Region::new("ap-southeast-2").unwrap();
    Request::json(signed::SQS, OPERATION, &region, &json!({"QueueUrl": "q"}))
}

async fn send(aws: &Aws) -> Result<Value, SignedError> {
    signed::send_json(&aws.config, request()).await
}

fn count(aws: &Aws) -> u64 {
    aws.proxy.count("sqs", OPERATION)
}

/// Answers all calls with success. Moto would answer with an error, because there is no such queue.
fn succeed(aws: &Aws) {
    aws.proxy.route("/", |_| Some(Reply::json(200, &json!({"said": "yes"}))));
}

/// The first `count` calls fail with this fault.
fn first(aws: &Aws, count: u32, fault: Fault) {
    let left = AtomicU32::new(count);
    aws.proxy.rule(move |_| {
        let one_less = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        one_less.is_ok().then(|| fault.clone())
    });
}

#[test]
fn requests_in_json_go_to_their_service_in_every_partition() {
    let host = |region: &str| {
        let region = Region::new(region).unwrap();
        Request::json(signed::SQS, OPERATION, &region, &Value::Null).host
    };
    assert_eq!(host("ap-southeast-2"), "sqs.ap-southeast-2.amazonaws.com");
    assert_eq!(host("cn-north-1"), "sqs.cn-north-1.amazonaws.com.cn");
    let header = |name: &str| request().headers.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(header("x-amz-target"), "AmazonSQS.TagQueue");
    assert_eq!(header("content-type"), "application/x-amz-json-1.0");
}

#[tokio::test]
async fn requests_are_sent_unchanged_and_signed() {
    let aws = Aws::new().await;
    succeed(&aws);
    let mut request = request();
    request.signing = "eks".to_owned();
    request.method = "PUT".to_owned();
    request.target = "/tags/arn%3Aaws%3Aeks%2F%20x//y?b=%2B&a=1&empty=".to_owned();
    request.headers = Vec::new();
    request.body = "{\"tags\":\"ü\"}".to_owned();
    assert_eq!(signed::send_json(&aws.config, request.clone()).await, Ok(json!({"said": "yes"})));
    let calls = aws.proxy.calls();
    let call = calls.first().unwrap();
    assert_eq!(format!("{}?{}", call.path, call.query), request.target);
    assert_eq!((call.method.as_str(), &*call.body), ("PUT", request.body.as_bytes()));
    let signer = [&call.access_key, &call.region, &call.service].map(String::as_str);
    assert_eq!(signer, ["testing", "ap-southeast-2", "eks"]);
}

#[tokio::test]
async fn an_empty_answer_is_null_and_a_broken_one_an_error() {
    let aws = Aws::new().await;
    for (body, want) in [("", Ok(Value::Null)), ("{}", Ok(json!({}))), ("{", Err("UnreadableAnswer"))] {
        aws.proxy.repair();
        aws.proxy.rule(move |_| Some(Fault::Answered(Reply::new(200, "application/json", body))));
        let answer = send(&aws).await;
        assert_eq!(answer.as_ref().map_err(|error| error.code.as_str()), want.as_ref().map_err(|code| *code));
    }
}

#[tokio::test]
async fn error_codes_are_read_from_headers_and_bodies() {
    let aws = Aws::new().await;
    let json = |body: &str| Reply::new(400, "application/x-amz-json-1.0", body.to_owned());
    let xml = "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>Odd</Code></Error></ErrorResponse>";
    for (reply, code, message) in [
        (json(r#"{"__type":"com.amazonaws.sqs#Odd","message":"m"}"#), "Odd", Some("m")),
        (json(r#"{"code":"Odd","Message":"m"}"#), "Odd", Some("m")),
        (
            json(r#"{"message":"m"}"#).with_header("x-amzn-errortype", "Odd:http://example.com/"),
            "Odd",
            Some("m"),
        ),
        (json(r#"{"__type":"Other"}"#).with_header("x-amzn-errortype", "Odd"), "Odd", None),
        (Reply::xml(400, xml), "Odd", None),
        (Reply::xml(400, "<Error><Code>Odd</Code><Message>a &lt; b</Message></Error>"), "Odd", Some("a < b")),
        (Reply::new(404, "text/html", "<html>not here</html>"), "Http404", None),
        (Reply::empty(403), "Http403", None),
    ] {
        aws.proxy.repair();
        let answered = reply.clone();
        aws.proxy.rule(move |_| Some(Fault::Answered(answered.clone())));
        let error = send(&aws).await.unwrap_err();
        let want = (OPERATION, code, Some(reply.status), message);
        let SignedError { operation, code, status, message } = &error;
        assert_eq!((operation.as_str(), code.as_str(), *status, message.as_deref()), want, "{reply:?}");
    }
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let odd = |status| Fault::Answered(Reply::new(status, "text/html", "<html>try later</html>"));
    for fault in [
        Fault::Throttled,
        Fault::Unavailable,
        Fault::refused("ThrottlingException"),
        Fault::refused("RequestLimitExceeded"),
        Fault::refused("TooManyRequestsException"),
        odd(500),
        odd(502),
        odd(503),
        odd(504),
        Fault::Reset,
        Fault::AnswerLost,
    ] {
        let aws = Aws::new().await;
        succeed(&aws);
        first(&aws, 2, fault.clone());
        assert_eq!(send(&aws).await, Ok(json!({"said": "yes"})), "{fault:?}");
        assert_eq!(count(&aws), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn the_last_failure_is_returned() {
    for (fault, code, status) in [
        (Fault::Throttled, "ThrottlingException", Some(400)),
        (Fault::Unavailable, "ServiceUnavailableException", Some(503)),
        (Fault::Reset, "NoConnection", None),
    ] {
        let aws = Aws::new().await;
        first(&aws, 3, fault);
        let error = send(&aws).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.status), (code, status));
        assert_eq!(count(&aws), 3);
    }
}

/// A retry would fail the same way, and would take the time of other calls.
#[tokio::test]
async fn permanent_failures_are_not_retried() {
    for code in
        ["ValidationException", "AccessDeniedException", "ResourceNotFoundException", "QueueDoesNotExist"]
    {
        let aws = Aws::new().await;
        succeed(&aws);
        first(&aws, 1, Fault::refused(code));
        assert_eq!(send(&aws).await.unwrap_err().code, code);
        assert_eq!(count(&aws), 1, "{code}");
    }
}

/// Failing calls must not use up the attempts of other calls.
#[tokio::test]
async fn retries_do_not_run_out() {
    let aws = Aws::new().await;
    for _ in 0..60 {
        aws.proxy.repair();
        aws.proxy.forget_calls();
        first(&aws, 3, Fault::Unavailable);
        send(&aws).await.unwrap_err();
        assert_eq!(count(&aws), 3);
    }
}

#[tokio::test]
async fn a_missing_answer_is_a_timeout() {
    let aws = Aws::new().await;
    aws.proxy.rule(|_| Some(Fault::Slow(Duration::from_mins(10))));
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(500)).build();
    let config = aws.config.to_builder().timeout_config(timeouts).build();
    let error = signed::send_json(&config, request()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("Timeout", None));
    assert_eq!(count(&aws), 3, "and it is tried again");
}

#[tokio::test]
async fn a_timeout_is_retried() {
    let aws = Aws::new().await;
    succeed(&aws);
    first(&aws, 1, Fault::Slow(Duration::from_mins(10)));
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(2)).build();
    let config = aws.config.to_builder().timeout_config(timeouts).build();
    assert_eq!(signed::send_json(&config, request()).await, Ok(json!({"said": "yes"})));
    assert_eq!(count(&aws), 2);
}

#[tokio::test]
async fn a_closed_port_is_no_connection() {
    let aws = Aws::new().await;
    let gone = autotag_testkit::Proxy::stub(Duration::ZERO).unwrap().url();
    let config = aws.config.to_builder().endpoint_url(gone).build();
    let error = signed::send_json(&config, request()).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("NoConnection", None));
}

/// Missing credentials are not an answer of the service.
#[tokio::test]
async fn a_request_without_credentials_is_not_sent() {
    let aws = Aws::new().await;
    let config = aws_config::SdkConfig::builder().endpoint_url(aws.proxy.url()).build();
    let error = signed::send_json(&config, request()).await.unwrap_err();
    assert_eq!(error.status, None, "{error:?}");
    assert_eq!(aws.counts(), []);
}
