//! Sends messages to SQS queues in the function's own account and region.

use autotag_aws::{Accounts, CallError};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry, SendMessageBatchResultEntry};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The most messages in one [`send_batch`], a limit of SQS.
pub const MAX_BATCH: usize = 10;

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

/// A client with the function's own credentials, and the attempts and timeouts of `accounts`.
pub fn client(accounts: &Accounts) -> Client {
    let mut config = Builder::from(accounts.ambient())
        .retry_partition(autotag_aws::retries("aws_sdk_sqs"))
        .retry_classifier(autotag_aws::TooManyRequests);
    config.set_region(accounts.home_region().as_ref().map(autotag_aws::sdk_region));
    Client::from_conf(config.build())
}

/// Sends one message with `SendMessage`.
///
/// # Errors
/// [`CallError`] if SQS refuses the message or does not answer. Without an answer the message may have been sent.
pub async fn send(client: &Client, queue_url: &str, message: OutgoingMessage) -> Result<(), CallError> {
    let request = client.send_message().queue_url(queue_url).message_body(message.body);
    let request = request
        .set_delay_seconds(message.delay.map(seconds))
        .set_message_attributes(Some(attributes(message.attributes)));
    request.send().await.map(drop).map_err(|error| CallError::of_sdk("SendMessage", &error))
}

/// Sends up to [`MAX_BATCH`] messages with one `SendMessageBatch`. Returns for each message whether SQS accepted it.
///
/// # Errors
/// [`CallError`] if SQS refuses the whole call or does not answer. Without an answer the messages may have been sent.
pub async fn send_batch(
    client: &Client,
    queue_url: &str,
    messages: Vec<OutgoingMessage>,
) -> Result<Vec<bool>, CallError> {
    let count = messages.len();
    let failed = |error: &_| CallError::of_sdk("SendMessageBatch", error);
    let mut request = client.send_message_batch().queue_url(queue_url);
    for (number, message) in messages.into_iter().enumerate() {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(number.to_string())
            .message_body(message.body)
            .set_delay_seconds(message.delay.map(seconds))
            .set_message_attributes(Some(attributes(message.attributes)));
        request =
            request.entries(entry.build().map_err(|error| failed(&SdkError::construction_failure(error)))?);
    }
    let answer = request.send().await.map_err(|error| failed(&error))?;
    let accepted: BTreeSet<&str> = answer.successful().iter().map(SendMessageBatchResultEntry::id).collect();
    Ok((0..count).map(|number| accepted.contains(number.to_string().as_str())).collect())
}

fn seconds(delay: Duration) -> i32 {
    i32::try_from(delay.as_secs()).unwrap_or(i32::MAX)
}

/// The attributes as SQS takes them. Building one fails only without a type, which is always given.
fn attributes(attributes: Vec<(&'static str, String)>) -> HashMap<String, MessageAttributeValue> {
    let value =
        |text: String| MessageAttributeValue::builder().data_type("String").string_value(text).build();
    let named = |(name, text): (&'static str, String)| Some((name.to_owned(), value(text).ok()?));
    attributes.into_iter().filter_map(named).collect()
}
