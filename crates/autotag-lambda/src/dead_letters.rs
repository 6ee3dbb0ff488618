//! Sends a message to the dead-letter queue, with the reason, if it was received as often as its queue allows.
//!
//! SQS itself moves such messages without a reason, and still does if the sending fails.

use crate::environment::DeadLetterQueue;
use crate::invocation::{Message, PREVIOUS_TAGS_ATTRIBUTE, previous_tags_text};
use crate::queue::{self, OutgoingMessage};
use autotag_aws::Accounts;
use autotag_handlers::row::ResourceOutcome;
use futures_util::future::join_all;
use std::time::Duration;
use tokio::time::timeout;

/// The longest reason, in characters. SQS counts attributes as part of a message, which has at most 1 MiB.
const MAX_REASON: usize = 1_000;

/// Maximum time to send a message. Work has already stopped, and the answer must leave before the function's timeout.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends the failed messages that were received for the last time to the dead-letter queue. Returns the ids of the others,
/// including those that could not be sent.
pub async fn send_to_dead_letter_queue(
    queue: &DeadLetterQueue,
    accounts: &Accounts,
    failed: Vec<(&Message, &ResourceOutcome)>,
) -> Vec<String> {
    let sends = failed.into_iter().map(|(message, row)| async move {
        if message.receives < queue.max_receives.get() {
            return Some(message.id.clone());
        }
        let sent = timeout(SEND_TIMEOUT, send(queue, accounts, message, row)).await;
        if sent == Ok(true) { None } else { Some(message.id.clone()) }
    });
    join_all(sends).await.into_iter().flatten().collect()
}

/// Sends a message with its reason. Returns whether SQS accepted it.
async fn send(
    queue: &DeadLetterQueue,
    accounts: &Accounts,
    message: &Message,
    row: &ResourceOutcome,
) -> bool {
    let reason = row.status.reason().unwrap_or_default().chars().take(MAX_REASON).collect();
    // The names that EventBridge uses in the dead-letter queues of its rules.
    let mut attributes = vec![("ERROR_CODE", row.status.name().to_owned()), ("ERROR_MESSAGE", reason)];
    if let Some(tags) = &message.previous_tags {
        // After a redrive the message is a recheck again.
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        attributes.push((PREVIOUS_TAGS_ATTRIBUTE, previous_tags_text(tags)));
    }
    let message = OutgoingMessage { body: message.body.clone(), attributes, delay: None };
    match queue::send(accounts, &queue.url, message).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "cannot put a message into the dead-letter queue; SQS will, without the reason");
            false
        }
    }
}
