//! Ten thousand events in a world where nearly half of all calls fail: nothing is lost, and not many more calls are made.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use autotag_testkit::{Answer, Call, Fault, Faults, Reply, Stub};
use common::{Function, batch, record};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const EVENTS: usize = 10_000;
const BATCH: usize = 10;

/// How often a message may come back before the test gives up.
const ROUNDS: usize = 40;

/// The events, each with what its call names its resource by.
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

/// The resources of a call that are not there yet; each call is one of their tries.
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

/// What the world has done: the resources of the write calls that it answered with success.
#[derive(Default)]
struct Done(Mutex<BTreeSet<String>>);

fn stub(done: &Arc<Done>) -> Stub {
    let stub = Stub::start(Duration::ZERO).unwrap();
    let done = Arc::clone(done);
    stub.route("/", move |call| {
        if is_write(call) {
            done.0.lock().unwrap().extend(call.resources());
        }
        None
    });
    stub
}

/// Delivers all events, and again what comes back, until nothing does; how many messages came back in all.
async fn deliver(function: &Function, events: &[(String, Value)]) -> usize {
    let mut left: BTreeMap<String, Value> = events
        .iter()
        .map(|(_, record)| (record["eventID"].as_str().unwrap().to_owned(), record.clone()))
        .collect();
    let mut came_back = 0;
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
        came_back += returned.len();
        left.retain(|id, _| returned.contains(id));
        if left.is_empty() {
            return came_back;
        }
    }
    panic!("{} messages still come back, for example {:?}", left.len(), left.values().next());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_events_lose_nothing_and_cost_little() {
    let events = events();
    let names: BTreeSet<String> = events.iter().map(|(name, _)| name.clone()).collect();
    let quick =
        [("AUTOTAG_FIRST_BACKOFF_MS", "1"), ("AUTOTAG_CALL_TIMEOUT_MS", "250"), ("AUTOTAG_LOG", "error")];

    let calm_done = Arc::new(Done::default());
    let calm = stub(&calm_done);
    let function = Function::start(&calm.environment(), &quick).await;
    assert_eq!(deliver(&function, &events).await, 0, "{}", function.process.logs());
    assert_eq!(*calm_done.0.lock().unwrap(), names);
    let calls_without: u64 = calm.counts().values().sum();

    let done = Arc::new(Done::default());
    let stormy = stub(&done);
    // Every twentieth resource is not found yet, for one to five tries.
    let slow_ones = names.iter().enumerate().filter(|(index, _)| index % 20 == 0);
    let not_yet = slow_ones.map(|(index, name)| (name.clone(), 1 + index / 20 % 5)).collect();
    let (not_yet, rest_is_done): (Mutex<HashMap<String, usize>>, _) =
        (Mutex::new(not_yet), Arc::clone(&done));
    stormy.rule(move |call| {
        let missing = if is_write(call) { missing(call, &mut not_yet.lock().unwrap()) } else { Vec::new() };
        if missing.is_empty() {
            return None;
        }
        if call.operation != "TagResources" {
            return Some(Fault::NotFound(missing));
        }
        // The tagging API refuses only what is missing, and does the rest.
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
    stormy.faults(20_260_302, faults, |_| true);
    let function = Function::start(&stormy.environment(), &quick).await;
    let came_back = deliver(&function, &events).await;
    assert!(
        came_back > 0 && stormy.faulted() > 1_000,
        "the storm was none: {came_back}, {}",
        stormy.faulted()
    );
    let done = done.0.lock().unwrap();
    let lost: Vec<&String> = names.difference(&done).collect();
    assert!(lost.is_empty(), "{} lost, for example {:?}", lost.len(), lost.first());
    let calls: u64 = stormy.counts().values().sum();
    println!("{calls_without} calls without faults, {calls} with; {came_back} messages came back");
    assert!(calls * 10 <= calls_without * 25, "{calls} calls instead of {calls_without}");
}
