//! Ten thousand events while nearly half of all calls fail: no event is lost, and the number of calls stays bounded.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_testkit::lambda::Function;
use autotag_testkit::records::batch;
use autotag_testkit::{Answer, Call, Fault, Faults, Proxy, Reply};
use common::{record, start_function};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EVENTS: usize = 10_000;
const BATCH: usize = 10;

/// Maximum number of deliveries of a message.
const ROUNDS: usize = 40;

/// The events, each with the name of its resource in the tag call.
fn events() -> Vec<(String, Value)> {
    (0..EVENTS)
        .map(|number| {
            let id = format!("event-{number:05}");
            let just_now = Duration::ZERO;
            let topic = format!("arn:aws:sns:eu-west-1:123456789012:topic-{number:05}-t");
            let (name, record) = match number % 5 {
                0 | 1 => {
                    let volume = format!("vol-{number:017x}");
                    let response = json!({"volumeId": volume});
                    (volume, record(&id, just_now, "ec2:CreateVolume", &json!({}), &response))
                }
                2 => {
                    let group = format!("sg-{number:017x}");
                    let response = json!({"groupId": group});
                    (group, record(&id, just_now, "ec2:CreateSecurityGroup", &json!({}), &response))
                }
                3 => {
                    let function = format!("arn:aws:lambda:eu-west-1:123456789012:function:f-{number:05}-f");
                    let response = json!({"functionArn": function});
                    (function, record(&id, just_now, "lambda:CreateFunction20150331", &json!({}), &response))
                }
                _ => {
                    let response = json!({"topicArn": topic});
                    (topic, record(&id, just_now, "sns:CreateTopic", &json!({}), &response))
                }
            };
            (name, record)
        })
        .collect()
}

fn is_write(call: &Call) -> bool {
    ["CreateTags", "TagResources", "TagResource"].contains(&call.operation.as_str())
}

/// The resources of a call that do not exist yet. Each call counts as one attempt.
fn missing(call: &Call, not_yet: &mut HashMap<String, usize>) -> Vec<String> {
    let missing: Vec<String> =
        call.resources().into_iter().filter(|name| not_yet.contains_key(name)).collect();
    for name in &missing {
        match not_yet.get_mut(name) {
            Some(left) if *left > 1 => *left -= 1,
            _ => drop(not_yet.remove(name)),
        }
    }
    missing
}

/// The resources of the write calls that were answered with success.
#[derive(Default)]
struct Written(Mutex<BTreeSet<String>>);

fn stub(done: &Arc<Written>) -> Proxy {
    let stub = Proxy::stub(Duration::ZERO).unwrap();
    let done = Arc::clone(done);
    stub.route("/", move |call| {
        if is_write(call) {
            done.0.lock().unwrap().extend(call.resources());
        }
        None
    });
    stub
}

/// Delivers all events, and repeats the returned ones until none is returned. Returns the number of returned messages.
async fn deliver(function: &Function, events: &[(String, Value)]) -> usize {
    let mut left: BTreeMap<String, Value> = events
        .iter()
        .map(|(_, record)| (record["eventID"].as_str().unwrap().to_owned(), record.clone()))
        .collect();
    let mut returned_count = 0;
    for _ in 0..ROUNDS {
        let records: Vec<Value> = left.values().cloned().collect();
        let mut returned = BTreeSet::new();
        for part in records.chunks(BATCH) {
            match function.invoke(&batch(part)).await {
                Answer::Response(answer) => {
                    let failures = answer["batchItemFailures"].as_array().unwrap().iter();
                    returned.extend(
                        failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()),
                    );
                }
                other => panic!("{other:?}"),
            }
        }
        returned_count += returned.len();
        left.retain(|id, _| returned.contains(id));
        if left.is_empty() {
            return returned_count;
        }
    }
    panic!("{} messages are still returned, for example {:?}", left.len(), left.values().next());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_lose_nothing_and_cost_little() {
    let events = events();
    let names: BTreeSet<String> = events.iter().map(|(name, _)| name.clone()).collect();
    let quick =
        [("AUTOTAG_FIRST_BACKOFF_MS", "1"), ("AUTOTAG_CALL_TIMEOUT_MS", "250"), ("AUTOTAG_LOG", "error")];

    let calm_done = Arc::new(Written::default());
    let calm = stub(&calm_done);
    let function = start_function(&calm.environment(), &quick).await;
    assert_eq!(deliver(&function, &events).await, 0, "{}", function.process.logs());
    assert_eq!(*calm_done.0.lock().unwrap(), names);
    let calls_without: u64 = calm.counts().values().sum();

    let done = Arc::new(Written::default());
    let unreliable = stub(&done);
    // Every twentieth resource is not found for one to five attempts.
    let late_resources = names.iter().enumerate().filter(|(index, _)| index % 20 == 0);
    let not_yet = late_resources.map(|(index, name)| (name.clone(), 1 + index / 20 % 5)).collect();
    let (not_yet, rest_is_done): (Mutex<HashMap<String, usize>>, _) =
        (Mutex::new(not_yet), Arc::clone(&done));
    unreliable.rule(move |call| {
        let missing = if is_write(call) { missing(call, &mut not_yet.lock().unwrap()) } else { Vec::new() };
        if missing.is_empty() {
            return None;
        }
        if call.operation != "TagResources" {
            return Some(Fault::NotFound(missing));
        }
        // The tagging API refuses only the missing resources and tags the others.
        let rest = call.resources().into_iter().filter(|arn| !missing.contains(arn));
        rest_is_done.0.lock().unwrap().extend(rest);
        let failure = json!({"StatusCode": 404, "ErrorCode": "ResourceNotFoundException"});
        let failed: BTreeMap<&String, &Value> = missing.iter().map(|arn| (arn, &failure)).collect();
        Some(Fault::Answered(Reply::json(200, &json!({"FailedResourcesMap": failed}))))
    });
    let faults = Faults {
        throttled: 0.30,
        unavailable: 0.10,
        reset: 0.05,
        slow: 0.01,
        slow_for: Duration::from_millis(400),
        ..Faults::default()
    };
    unreliable.faults(20_260_302, faults, |_| true);
    let function = start_function(&unreliable.environment(), &quick).await;
    let returned_count = deliver(&function, &events).await;
    assert!(
        returned_count > 0 && unreliable.faulted() > 1_000,
        "too few faults: {returned_count} messages returned, {} faults",
        unreliable.faulted()
    );
    let done = done.0.lock().unwrap();
    let lost: Vec<&String> = names.difference(&done).collect();
    assert!(lost.is_empty(), "{} lost, for example {:?}", lost.len(), lost.first());
    let calls: u64 = unreliable.counts().values().sum();
    println!("{calls_without} calls without faults, {calls} with; {returned_count} messages returned");
    assert!(calls * 10 <= calls_without * 25, "{calls} calls instead of {calls_without}");
}
