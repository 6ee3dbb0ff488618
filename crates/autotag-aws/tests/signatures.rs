//! The signature of each kind of request is the one that botocore computes: a wrong one would only show against AWS.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

use autotag_aws::signed::{self, Request};
use autotag_model::arn::Region;
use autotag_testkit::Emulator;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;

/// Takes one request and says yes; the request as it came.
fn take(listener: &TcpListener) -> Value {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let first = line();
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let headers: serde_json::Map<String, Value> = std::iter::repeat_with(&mut line)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), json!(value))).unwrap())
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.as_str().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").unwrap();
    json!({"method": method, "target": target, "headers": headers, "body": String::from_utf8(body).unwrap()})
}

async fn config(url: &str, token: Option<&str>) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            token.map(str::to_owned),
            None,
            "tests",
        ))
        .load()
        .await
}

fn rest(signing: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Request {
    Request {
        signing: signing.to_owned(),
        region: Region::new("eu-west-1").unwrap(),
        operation: "Any".to_owned(),
        host: String::new(),
        method: method.to_owned(),
        target: target.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.to_owned(),
    }
}

fn requests() -> Vec<Request> {
    let arn = "arn%3Aaws%3Aeks%3Aeu-west-1%3A111122223333%3Acluster%2Fa%20b%2B%C3%BC~_.-";
    let form = "content-type";
    let region = Region::new("us-east-1").unwrap();
    vec![
        Request::json(signed::SQS, "TagQueue", &region, &json!({"Tags": {"Team": "a&b ü"}})),
        rest(
            "iam",
            "POST",
            "/",
            &[(form, "application/x-www-form-urlencoded; charset=utf-8")],
            "Action=TagRole&Value=a%2Bb",
        ),
        rest(
            "eks",
            "POST",
            &format!("/tags/{arn}"),
            &[("accept", "application/json")],
            r#"{"tags":{"ü":"x"}}"#,
        ),
        rest("eks", "GET", &format!("/tags/{arn}"), &[("accept", "application/json")], ""),
        rest(
            "cloudfront",
            "POST",
            &format!("/2020-05-31/tagging?Operation=Tag&Resource={arn}"),
            &[],
            "<Tags/>",
        ),
        rest("iot", "GET", &format!("/tags?resourceArn={arn}&nextToken=a%2F%2B%3D&empty="), &[], ""),
        rest("route53", "POST", "/2013-04-01/tags/hostedzone/Z1", &[], "<ChangeTagsForResourceRequest/>"),
        rest(
            "s3",
            "POST",
            &format!("/v20180820/tags/{arn}"),
            &[("x-amz-account-id", "111122223333")],
            "<T>ü</T>",
        ),
        rest("s3", "GET", &format!("/v20180820/tags/{arn}"), &[("x-amz-account-id", "111122223333")], ""),
    ]
}

/// The answers of botocore to each request as it came.
fn botocore(came: &[Value]) -> Vec<String> {
    let python = Emulator::python(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/signatures.py");
    let mut python =
        Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = python.stdin.take().unwrap();
    for request in came {
        writeln!(stdin, "{request}").unwrap();
    }
    drop(stdin);
    let said = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    said.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_request_is_signed_as_botocore_signs_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = requests().len() * 2;
    let taking = thread::spawn(move || (0..count).map(|_| take(&listener)).collect::<Vec<Value>>());
    for token in [None, Some("a token/+=")] {
        let config = config(&url, token).await;
        for request in requests() {
            signed::send(&config, request).await.unwrap();
        }
    }
    let came = taking.join().unwrap();
    let said = botocore(&came);
    assert_eq!(said.len(), count);
    for (request, signature) in came.iter().zip(said) {
        let authorization = request["headers"]["authorization"].as_str().unwrap();
        assert!(authorization.ends_with(&format!("Signature={signature}")), "not {signature}: {request}");
    }
}
