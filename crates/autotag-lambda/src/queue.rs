//! Sends messages to SQS queues in the function's own account and region.

use autotag_aws::signed::{self, calls};
use autotag_aws::{Accounts, CallError};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The most messages in one [`send_batch`], a limit of SQS.
pub const MAX_BATCH: usize = 10;

const SEND: &str = "SendMessage";

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMessage {
    /// The body.
    pub body: String,
    /// The attributes, all of type `String`.
    pub attributes: Vec<(&'static str, String)>,
    /// The delivery delay, in whole seconds, at most 15 minutes. `None` is the queue's.
    pub delay: Option<Duration>,
}

/// Sends one message with `SendMessage`.
///
/// # Errors
/// [`CallError`] if SQS refuses the message or does not answer. Without an answer the message may have been sent.
pub async fn send(accounts: &Accounts, queue_url: &str, message: OutgoingMessage) -> Result<(), CallError> {
    let mut input = input(message);
    input.insert("QueueUrl".to_owned(), json!(queue_url));
    let answer = call(accounts, SEND, &Value::Object(input)).await?;
    // The message is deleted from its own queue if this answer counts.
    let id = answer.get("MessageId").and_then(Value::as_str);
    id.map(drop).ok_or_else(|| CallError::unsent(SEND, "UnreadableAnswer"))
}

/// Sends up to [`MAX_BATCH`] messages with one `SendMessageBatch`. Returns for each message whether SQS accepted it.
///
/// # Errors
/// [`CallError`] if SQS refuses the whole call or does not answer. Without an answer the messages may have been sent.
pub async fn send_batch(
    accounts: &Accounts,
    queue_url: &str,
    messages: Vec<OutgoingMessage>,
) -> Result<Vec<bool>, CallError> {
    let count = messages.len();
    let entry = |(number, message): (usize, OutgoingMessage)| {
        let mut entry = input(message);
        entry.insert("Id".to_owned(), json!(number.to_string()));
        Value::Object(entry)
    };
    let entries: Vec<Value> = messages.into_iter().enumerate().map(entry).collect();
    let answer =
        call(accounts, "SendMessageBatch", &json!({"QueueUrl": queue_url, "Entries": entries})).await?;
    let accepted = answer.get("Successful").and_then(Value::as_array).into_iter().flatten();
    let accepted: BTreeSet<&str> = accepted.filter_map(|message| message.get("Id")?.as_str()).collect();
    Ok((0..count).map(|number| accepted.contains(number.to_string().as_str())).collect())
}

/// Calls SQS with the function's own credentials, and the attempts and timeouts of `accounts`.
async fn call(accounts: &Accounts, operation: &str, input: &Value) -> Result<Value, CallError> {
    let region = accounts.home_region().ok_or_else(|| CallError::unsent(operation, "NoRegion"))?;
    let request = signed::Request::json(calls::SQS, operation, &region, input);
    signed::send_json(accounts.ambient(), request).await
}

/// A message as SQS takes it.
fn input(message: OutgoingMessage) -> Map<String, Value> {
    let attribute = |(name, text): (&'static str, String)| {
        (name.to_owned(), json!({"DataType": "String", "StringValue": text}))
    };
    let attributes: Map<String, Value> = message.attributes.into_iter().map(attribute).collect();
    let mut input = Map::new();
    input.insert("MessageBody".to_owned(), json!(message.body));
    input.insert("MessageAttributes".to_owned(), Value::Object(attributes));
    if let Some(delay) = message.delay {
        input.insert("DelaySeconds".to_owned(), json!(delay.as_secs()));
    }
    input
}
