use crate::client::{Answer as Http, send};
use autotag_testkit::{Answer, RuntimeApi};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LONG: Duration = Duration::from_mins(1);

/// Requests the next invocation as a function's runtime does. On its own thread, because the request blocks.
async fn next(api: &RuntimeApi) -> Http {
    let url = api.address();
    tokio::task::spawn_blocking(move || {
        send(&url, "GET", "/2018-06-01/runtime/invocation/next", &[], b"").unwrap()
    })
    .await
    .unwrap()
}

fn post(api: &RuntimeApi, path: &str, body: &str) -> u16 {
    send(&api.address(), "POST", &format!("/2018-06-01/runtime/{path}"), &[], body.as_bytes()).unwrap().status
}

fn id(taken: &Http) -> String {
    taken.header("lambda-runtime-aws-request-id").unwrap().to_owned()
}

#[tokio::test]
async fn invocation_reaches_the_function_and_returns_its_answer() {
    let api = RuntimeApi::start().await.unwrap();
    let answer = api.invoke(json!({"Records": []}), LONG);
    let taken = next(&api).await;
    assert_eq!(taken.json(), json!({"Records": []}));
    assert_eq!(taken.header("lambda-runtime-invoked-function-arn"), Some(autotag_testkit::FUNCTION_ARN));
    assert!(taken.header("lambda-runtime-trace-id").is_some_and(|id| id.starts_with("Root=1-")));
    let deadline: u128 = taken.header("lambda-runtime-deadline-ms").unwrap().parse().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the deadline is wall time")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    assert!((now + 50_000..=now + 60_000).contains(&deadline), "{deadline} is not 60 s from {now}");
    assert_eq!(post(&api, &format!("invocation/{}/response", id(&taken)), r#"{"done":1}"#), 202);
    assert_eq!(answer.await, Answer::Response(json!({"done": 1})));
    let again = post(&api, &format!("invocation/{}/response", id(&taken)), "{}");
    assert_eq!(again, 400, "a second answer to the same invocation");
}

#[tokio::test]
async fn queued_invocations_are_delivered_once_and_in_order() {
    let api = RuntimeApi::start().await.unwrap();
    let answers: Vec<_> = (0..3).map(|number| api.invoke(json!(number), LONG)).collect();
    for number in 0..3 {
        let taken = next(&api).await;
        assert_eq!(taken.json(), json!(number), "wrong order");
        let end = if number == 1 { "error" } else { "response" };
        assert_eq!(post(&api, &format!("invocation/{}/{end}", id(&taken)), &taken.text()), 202);
    }
    let mut came = Vec::new();
    for answer in answers {
        came.push(answer.await);
    }
    assert_eq!(came, [Answer::Response(json!(0)), Answer::Error(json!(1)), Answer::Response(json!(2))]);
}

#[tokio::test]
async fn next_waits_for_an_invocation() {
    let api = RuntimeApi::start().await.unwrap();
    let (answer, ()) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            api.invoke(b"late".as_slice(), LONG).await
        },
        async {
            let taken = next(&api).await;
            assert_eq!(taken.text(), "late");
            post(&api, &format!("invocation/{}/response", id(&taken)), "no JSON");
        }
    );
    assert_eq!(answer, Answer::Response(json!("no JSON")));
}

#[tokio::test]
async fn invocation_without_a_caller_is_not_delivered() {
    let api = RuntimeApi::start().await.unwrap();
    drop(api.invoke(json!("gone"), LONG));
    let _answer = api.invoke(json!("here"), LONG);
    assert_eq!(next(&api).await.json(), json!("here"));
}

#[tokio::test]
async fn abandoned_invocations_are_lost() {
    let api = RuntimeApi::start().await.unwrap();
    let (first, second) = (api.invoke(json!(1), LONG), api.invoke(json!(2), LONG));
    next(&api).await;
    api.abandon();
    assert_eq!((first.await, second.await), (Answer::Lost, Answer::Lost));
}

#[tokio::test]
async fn deadline_ends_an_invocation() {
    let api = RuntimeApi::start().await.unwrap();
    let answer = api.invoke(json!(1), Duration::from_millis(20));
    next(&api).await;
    assert_eq!(answer.await, Answer::TimedOut);
}

#[tokio::test]
async fn start_error_is_the_answer_of_the_invocation() {
    let api = RuntimeApi::start().await.unwrap();
    let waiting = api.invoke(json!(1), LONG);
    let error = json!({"errorType": "Config"});
    assert_eq!(post(&api, "init/error", &error.to_string()), 202);
    assert_eq!(waiting.await, Answer::InitError(error.clone()));
    assert_eq!(post(&api, "init/error", &error.to_string()), 202);
    assert_eq!(
        api.invoke(json!(2), LONG).await,
        Answer::InitError(error),
        "an error without a waiting invocation is lost"
    );
}
