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
    let refused = |payload: &str| parse_payload(payload, None).unwrap_err().to_string();
    let cut = refused("{\"Items\": [");
    assert_eq!(cut, "the payload is not JSON: the value was cut, its end is missing (line 1, column 11)");
    let damaged = refused("{\"token\": secret}");
    assert!(damaged.starts_with("the payload is not JSON: "), "{damaged}");
    assert!(!damaged.contains("secret") && !damaged.contains("expected"), "{damaged}");
}

#[test]
fn keys_that_are_no_text_are_not_decoded() {
    assert_eq!(decoded("%zz"), None);
    assert_eq!(decoded("%"), None);
    assert_eq!(decoded("%ff"), None);
    assert_eq!(decoded("%C3%A4").as_deref(), Some("ä"));
}

/// The sources of a payload and of a message with it: the same.
fn sources_anyhow(payload: &Value) -> Vec<Source> {
    let direct = sources_of(payload);
    let queued = apart(&json!({"Records": [message("a", &payload.to_string())]}));
    assert_eq!(queued.jobs.iter().map(|job| job.source.clone()).collect::<Vec<_>>(), direct, "{payload}");
    assert!(queued.jobs.iter().all(|job| queued.message(job.origin).unwrap().id == "a"), "{payload}");
    direct
}

fn assert_unusable(source: &Source, payload: &Value) {
    assert!(matches!(source, Source::Unusable(_)), "{payload}: {source:?}");
}

#[test]
fn a_notice_that_names_no_object_is_never_dropped() {
    let of_s3 = |s3: Value| json!({"Records": [{"eventSource": "aws:s3", "s3": s3}]});
    let by_bus =
        |detail: Value| json!({"source": "aws.s3", "detail-type": "Object Created", "detail": detail});
    for payload in [
        notice("%zz"),
        notice("%ff%fe"),
        notice("%"),
        notice(""),
        json!({"Records": [{"eventSource": "aws:s3"}]}),
        of_s3(json!({})),
        of_s3(json!({"bucket": {"name": "trail"}})),
        of_s3(json!({"bucket": {"name": "trail"}, "object": {"key": 5}})),
        of_s3(json!({"object": {"key": "a.json.gz"}})),
        by_bus(json!({})),
        by_bus(json!({"bucket": {"name": "trail"}})),
        json!({"source": "aws.s3", "detail-type": "Object Created"}),
        json!({"s3Bucket": "trail", "s3ObjectKey": []}),
        json!({"s3Bucket": "trail", "s3ObjectKey": 5}),
    ] {
        let sources = sources_anyhow(&payload);
        assert_eq!(sources.len(), 1, "{payload}");
        assert_unusable(&sources[0], &payload);
        let by_topic = json!({"Type": "Notification", "Message": payload.to_string()});
        assert_unusable(&sources_anyhow(&by_topic)[0], &payload);
    }
}

#[test]
fn what_is_good_beside_a_bad_notice_is_still_read() {
    let good =
        json!({"eventSource": "aws:s3", "s3": {"bucket": {"name": "trail"}, "object": {"key": "a.json.gz"}}});
    for bad in [json!({"eventSource": "aws:s3"}), json!({"eventSource": "aws:sns"}), json!(7)] {
        let sources = sources_anyhow(&json!({"Records": [bad, good]}));
        assert_unusable(&sources[0], &bad);
        assert_eq!(sources[1..], [object("trail", "a.json.gz")]);
    }
    let of_cloudtrail = json!({"s3Bucket": "trail", "s3ObjectKey": [5, null, "a.json.gz"]});
    let sources = sources_anyhow(&of_cloudtrail);
    assert_unusable(&sources[0], &of_cloudtrail);
    assert_unusable(&sources[1], &of_cloudtrail);
    assert_eq!(sources[2..], [object("trail", "a.json.gz")]);
    let listed = json!({"bucket": "trail", "keys": [{"Size": 1}, "a.json.gz"]});
    assert_unusable(&sources_of(&listed)[0], &listed);
    let sns = json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": notice("a.json.gz").to_string()}},
        {"EventSource": "aws:sns", "Sns": {}}]});
    assert_eq!(sources_of(&sns)[0], object("trail", "a.json.gz"));
    assert_unusable(&sources_of(&sns)[1], &sns);
}

#[test]
fn a_record_that_is_no_message_goes_back_with_its_batch() {
    let batch = json!({"Records": [message("a", "{}"), {"messageId": "b", "eventSource": "aws:s3"}, {"eventName": "x"}]});
    let invocation = apart(&batch);
    assert!(invocation.from_queue);
    let [read, other, nameless] = invocation.jobs.as_slice() else { panic!("{:?}", invocation.jobs) };
    assert_eq!(read.source, Source::Text("{}".to_owned()));
    assert_unusable(&other.source, &batch);
    assert_eq!(invocation.message(other.origin).unwrap().id, "b");
    assert_unusable(&nameless.source, &batch);
    assert_eq!(invocation.message(nameless.origin).unwrap().id, "", "Lambda then returns the whole batch");
}
