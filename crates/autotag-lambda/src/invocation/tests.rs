use super::*;
use serde_json::json;

fn apart(payload: &Value) -> Invocation {
    parse_payload(&payload.to_string(), None).unwrap()
}

fn object(bucket: &str, key: &str) -> Source {
    Source::Object { bucket: bucket.to_owned(), key: key.to_owned() }
}

fn sources_of(payload: &Value) -> Vec<Source> {
    apart(payload).jobs.into_iter().map(|job| job.source).collect()
}

fn message(id: &str, body: &str) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "body": body, "attributes": {"ApproximateReceiveCount": "3"}})
}

fn notice(key: &str) -> Value {
    json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "trail"}, "object": {"key": key}}}]})
}

#[test]
fn an_event_is_its_own_source() {
    let event = json!({"source": "aws.sqs", "detail-type": "AWS API Call via CloudTrail", "detail": {}});
    let invocation = apart(&event);
    assert!(!invocation.from_queue);
    assert_eq!(invocation.jobs, [Job { origin: OriginId(0), source: Source::Text(event.to_string()) }]);
}

#[test]
fn each_message_of_a_batch_is_a_job_with_its_id() {
    let batch = json!({"Records": [message("a", "{\"x\":1}"), message("b", "no json {")]});
    let invocation = apart(&batch);
    assert!(invocation.from_queue);
    let ids: Vec<&str> =
        invocation.jobs.iter().map(|job| invocation.message(job.origin).unwrap().id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(invocation.jobs[1].source, Source::Text("no json {".to_owned()));
    assert_eq!(invocation.message(invocation.jobs[0].origin).unwrap().receives, 3);
}

#[test]
fn notices_of_log_files_by_every_way() {
    let key = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/a b+c.json.gz";
    let written = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/02/a+b%2Bc.json.gz";
    let by_bus = json!({"source": "aws.s3", "detail-type": "Object Created",
        "detail": {"bucket": {"name": "trail"}, "object": {"key": key}}});
    let by_sns = json!({"Type": "Notification", "Message": notice(written).to_string()});
    let of_cloudtrail = json!({"s3Bucket": "trail", "s3ObjectKey": [key]});
    let straight =
        json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": notice(written).to_string()}}]});
    assert_eq!(sources_of(&straight), [object("trail", key)]);
    for payload in [notice(written), by_bus, by_sns, of_cloudtrail] {
        assert_eq!(sources_of(&payload), [object("trail", key)], "{payload}");
        let queued = json!({"Records": [message("a", &payload.to_string())]});
        let invocation = apart(&queued);
        assert_eq!(invocation.jobs[0].source, object("trail", key), "{payload}");
        assert_eq!(invocation.message(invocation.jobs[0].origin).unwrap().id, "a");
    }
}

#[test]
fn digests_and_test_notices_are_no_work() {
    assert!(sources_of(&notice("AWSLogs/1/CloudTrail-Digest/x.json.gz")).is_empty());
    assert!(
        sources_of(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"})).is_empty()
    );
}

#[test]
fn a_map_lists_keys() {
    let want = [object("trail", "a.json.gz"), object("trail", "b.json.gz")];
    let items = json!([{"Key": "a.json.gz", "Size": 1}, {"Key": "b.json.gz", "Size": 2}]);
    assert_eq!(sources_of(&json!({"BatchInput": {"bucket": "trail"}, "Items": items})), want);
    assert_eq!(sources_of(&json!({"bucket": "trail", "keys": ["a.json.gz", "b.json.gz"]})), want);
    let single = json!({"Key": "a.json.gz", "Size": 1, "Etag": "e"}).to_string();
    assert_eq!(parse_payload(&single, Some("trail")).unwrap().jobs[0].source, want[0]);
    assert_eq!(parse_payload(&single, None), Err(InvocationError::NoBucket));
}

#[test]
fn who_lists_keys_says_whether_they_are_old() {
    let items = json!([{"Key": "a.json.gz"}]);
    let map = |input: Value| apart(&json!({"BatchInput": input, "Items": items})).backfill;
    assert!(map(json!({"bucket": "trail", "backfill": true})));
    assert!(!map(json!({"bucket": "trail"})));
    let unclear = json!({"BatchInput": {"bucket": "trail", "backfill": "true"}, "Items": items}).to_string();
    assert_eq!(parse_payload(&unclear, None), Err(InvocationError::Backfill));
    assert!(apart(&json!({"bucket": "trail", "keys": ["a.json.gz"], "backfill": true})).backfill);
    let mut event = notice("a.json.gz");
    event["backfill"] = json!(true);
    assert!(!apart(&event).backfill, "what is new is new, whatever is in a notice");
}

#[test]
fn what_is_no_json_is_refused_as_a_whole_only_when_it_is_the_whole() {
    assert!(matches!(parse_payload("{", None), Err(InvocationError::NotJson(_))));
}

#[test]
fn keys_that_are_no_text_are_left_out() {
    assert_eq!(decoded("%zz"), None);
    assert_eq!(decoded("%"), None);
    assert_eq!(decoded("%ff"), None);
    assert_eq!(decoded("%C3%A4").as_deref(), Some("ä"));
}
