//! Sending to SQS, over HTTP against a stub.

use autotag_aws::{Accounts, NotInLambda, Settings};
use autotag_lambda::queue::{self, OutgoingMessage};
use autotag_testkit::{Fault, Proxy, Reply};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/rechecks";

fn accounts(proxy: &Proxy) -> Result<Accounts, NotInLambda> {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", &proxy.url()),
    ];
    let variables: HashMap<_, _> =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Accounts::in_lambda(&variables, Settings::default())
}

fn message(body: &str) -> OutgoingMessage {
    let attributes = vec![("autotag-first-look", "{}".to_owned())];
    OutgoingMessage { body: body.to_owned(), attributes, delay: Some(Duration::from_mins(15)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_tells_which_messages_were_accepted() {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    proxy.keep_bodies();
    proxy.route("/", |_| {
        let accepted = |id: &str| json!({"Id": id, "MessageId": id, "MD5OfMessageBody": ""});
        let failed = json!({"Id": "1", "SenderFault": true, "Code": "InvalidMessageContents"});
        Some(Reply::json(200, &json!({"Successful": [accepted("2"), accepted("0")], "Failed": [failed]})))
    });
    let messages = ["a", "b", "c"].map(message).to_vec();
    assert_eq!(
        queue::send_batch(&accounts(&proxy).unwrap(), QUEUE, messages).await,
        Ok(vec![true, false, true])
    );
    let calls = proxy.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let sent = calls.first().unwrap().json();
    assert_eq!(sent.pointer("/QueueUrl"), Some(&json!(QUEUE)));
    let entry = json!({"Id": "1", "MessageBody": "b", "DelaySeconds": 900,
        "MessageAttributes": {"autotag-first-look": {"StringValue": "{}", "DataType": "String"}}});
    assert_eq!(sent.pointer("/Entries/1"), Some(&entry));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_id_is_not_sent() {
    for (answer, is_sent) in [(json!({"MessageId": "m-1"}), true), (json!({}), false), (json!([]), false)] {
        let proxy = Proxy::stub(Duration::ZERO).unwrap();
        proxy.route("/", move |_| Some(Reply::json(200, &answer)));
        let sent = queue::send(&accounts(&proxy).unwrap(), QUEUE, message("a")).await;
        assert_eq!(
            sent.map_err(|error| error.code),
            is_sent.then_some(()).ok_or("UnreadableAnswer".to_owned())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusal_names_operation_and_code() {
    let proxy = Proxy::stub(Duration::ZERO).unwrap();
    proxy.rule(|_| Some(Fault::refused("QueueDoesNotExist")));
    let accounts = accounts(&proxy).unwrap();
    let error = queue::send(&accounts, QUEUE, message("a")).await.unwrap_err();
    assert_eq!(error.to_string(), "SendMessage answered QueueDoesNotExist");
    let error = queue::send_batch(&accounts, QUEUE, vec![message("a")]).await.unwrap_err();
    assert_eq!(error.to_string(), "SendMessageBatch answered QueueDoesNotExist");
    assert_eq!(proxy.count("sqs", "SendMessage"), 1, "a refusal is not repeated");
}
