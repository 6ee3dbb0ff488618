//! Reading, planning, rechecks and writing end by themselves: a service that does not answer keeps no tags of other
//! resources from being written. And a failure goes back with the message that Lambda knows.

mod common;

use autotag_testkit::records::{self, batch, message};
use autotag_testkit::{Answer, Call, Fault, Proxy};
use common::{start_function, volume};
use serde_json::{Value, json};
use std::time::Duration;

/// The timeout of the function in these tests.
const TIMEOUT: Duration = Duration::from_secs(8);

/// The volumes of all `CreateTags` calls.
fn tagged(proxy: &Proxy) -> Vec<String> {
    let writes = |call: &Call| call.operation == "CreateTags";
    proxy.calls().iter().filter(|call| writes(call)).flat_map(Call::resources).collect()
}

/// Otherwise each batch with one creation of an unknown session stays unwritten as long as the queue does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_recheck_queue_that_does_not_answer_keeps_only_its_own_events_from_being_written() {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    proxy.keep_bodies();
    proxy.rule(|call| (call.operation == "SendMessageBatch").then_some(Fault::Slow(Duration::from_mins(5))));
    let queue = format!("{}/123456789012/rechecks", proxy.url());
    let variables =
        [("AUTOTAG_SESSION_TABLE", "sessions"), ("AUTOTAG_SECOND_LOOK_QUEUE_URL", queue.as_str())];
    let function = start_function(&proxy.environment(), &variables).await;
    let now = records::time(Duration::ZERO);
    let unknown = records::session("deploy", "build", "ASIAUNKNOWN", &now);
    let provisional = records::volume("vol-provisional", &unknown, Duration::ZERO);
    let payload = batch(&[volume("vol-known"), provisional.clone()]);
    let answer = function.runtime.invoke(&payload, TIMEOUT).await;
    let Answer::Response(answer) = &answer else { panic!("{answer:?}\n{}", function.process.logs()) };
    let id = provisional["eventID"].as_str().unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{"itemIdentifier": id}]), "{}", function.process.logs());
    assert_eq!(tagged(&proxy), ["vol-known"], "a provisional name is not written without a recheck");
}

/// Lambda knows the outer message only. An answer that names the inner one would acknowledge both.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_a_message_within_a_message_returns_the_outer_message() {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    proxy.rule(|call| (call.operation == "CreateTags").then(|| Fault::refused("UnauthorizedOperation")));
    let function = start_function(&proxy.environment(), &[]).await;
    let inner = json!({"Records": [message("inner", &volume("vol-1").to_string())]});
    let outer: Value = json!({"Records": [message("outer", &inner.to_string())]});
    assert_eq!(function.returned(&outer).await, ["outer"], "{}", function.process.logs());
}
