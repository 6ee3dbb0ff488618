//! Messages that were received as often as their queue allows: put into the dead-letter queue here, with the reason.
//!
//! SQS moves such messages by itself, but without a word why. If this fails, SQS still does.

use crate::environment::DeadLetters;
use crate::queue;
use autotag_aws::Accounts;
use autotag_handlers::delivery::{Delivery, FIRST_LOOK, Message, first_look_text};
use autotag_handlers::outcome::Row;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// How long a reason may be: SQS counts attributes as part of a message of at most 1 MiB.
const REASON: usize = 1_000;

/// How long burying may take: it comes after work has stopped, and the answer has to get out.
const TIME: Duration = Duration::from_secs(1);

/// Puts the messages that will not come again into the dead-letter queue; returns the ids of the others.
pub async fn bury(
    letters: &DeadLetters,
    accounts: &Accounts,
    delivery: &Delivery,
    failed: Vec<(String, &Row)>,
) -> Vec<String> {
    let one = |(id, row): (String, &Row)| {
        let mut messages = delivery.jobs.iter().filter_map(|job| job.message.clone());
        let last = messages.find(|message| message.id == id && message.receives >= letters.after.get());
        let row = row.clone();
        async move {
            let Some(message) = last else { return Some(id) };
            let sent = timeout(TIME, send(letters, accounts, &message, &row)).await;
            if sent == Ok(true) { None } else { Some(id) }
        }
    };
    let all: Vec<_> = failed.into_iter().map(one).collect();
    join_all(all).await.into_iter().flatten().collect()
}

async fn send(letters: &DeadLetters, accounts: &Accounts, message: &Message, row: &Row) -> bool {
    let reason: String = row.outcome.reason().unwrap_or_default().chars().take(REASON).collect();
    let text = |value: &str| json!({"DataType": "String", "StringValue": value});
    // As EventBridge names them in the dead-letter queues of its rules.
    let mut attributes = json!({"ERROR_CODE": text(row.outcome.name()), "ERROR_MESSAGE": text(&reason)});
    if let (Some(tags), Some(attributes)) = (&message.first_look, attributes.as_object_mut()) {
        // Redriven, it is a second look again.
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        attributes.insert(FIRST_LOOK.to_owned(), text(&first_look_text(tags)));
    }
    let input = json!({
        "QueueUrl": letters.queue_url,
        "MessageBody": message.body,
        "MessageAttributes": attributes,
    });
    match queue::call(accounts, "SendMessage", &input).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!(%error, "cannot put a message into the dead-letter queue; SQS will, without the reason");
            false
        }
    }
}
