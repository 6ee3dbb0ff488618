//! A message of a dead-letter queue.

use super::body::Body;
use autotag_handlers::recheck::PREVIOUS_TAGS_ATTRIBUTE;
use autotag_model::spreadsheet::neutralized;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use jiff::Timestamp;
use serde::Serialize;

/// The report of a message. The field names and their order are a contract.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) message_id: String,
    pub(super) event_id: Option<String>,
    pub(super) event_time: Option<String>,
    pub(super) event_source: Option<String>,
    pub(super) event_name: Option<String>,
    pub(super) receives: Option<u64>,
    pub(super) error: String,
    pub(super) sent: bool,
    /// The URL of the dead-letter queue.
    pub(super) queue: String,
}

impl Row {
    /// The row for a CSV file: no spreadsheet takes a cell for a formula.
    pub(super) fn neutralized(&self) -> Self {
        let cell = |text: &String| neutralized(text).into_owned();
        Self {
            message_id: cell(&self.message_id),
            event_id: self.event_id.as_ref().map(cell),
            event_time: self.event_time.as_ref().map(cell),
            event_source: self.event_source.as_ref().map(cell),
            event_name: self.event_name.as_ref().map(cell),
            receives: self.receives,
            error: cell(&self.error),
            sent: self.sent,
            queue: cell(&self.queue),
        }
    }
}

/// A message as it was received.
#[derive(Debug)]
pub(super) struct DeadLetter {
    pub(super) row: Row,
    pub(super) text: String,
    pub(super) receipt: String,
    /// The tags of the first pass, if the message asks for a recheck.
    pub(super) previous_tags: Option<String>,
    pub(super) has_sessions: bool,
    pub(super) has_others: bool,
    sent_at: Option<Timestamp>,
}

impl DeadLetter {
    /// Reads a message of the answer of `ReceiveMessage` about `queue`.
    pub(super) fn read(message: Message, queue: &str) -> Self {
        let system = |name: MessageSystemAttributeName| message.attributes()?.get(&name);
        let number = |name| system(name).and_then(|text| text.parse::<i64>().ok());
        let sent_at = number(MessageSystemAttributeName::SentTimestamp)
            .and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let receives = number(MessageSystemAttributeName::ApproximateReceiveCount);
        let body = Body::read(message.body().unwrap_or_default());
        let error = reason(&message)
            .or(body.fault)
            .unwrap_or_else(|| "no reason is noted; see the logs of the event".to_owned());
        let row = Row {
            message_id: message.message_id().unwrap_or_default().to_owned(),
            event_id: body.event_id,
            event_time: body.event_time,
            event_source: body.event_source,
            event_name: body.event_name,
            receives: receives.and_then(|count| count.try_into().ok()),
            error,
            sent: false,
            queue: queue.to_owned(),
        };
        let previous_tags = attribute(&message, PREVIOUS_TAGS_ATTRIBUTE).map(str::to_owned);
        let (has_sessions, has_others) = (body.has_sessions, body.has_others);
        let receipt = message.receipt_handle.unwrap_or_default();
        let text = message.body.unwrap_or_default();
        Self { row, text, receipt, previous_tags, has_sessions, has_others, sent_at }
    }

    /// The time of the event; where it cannot be read, that of the message.
    pub(super) fn time(&self) -> Option<Timestamp> {
        let of_event = self.row.event_time.as_deref().and_then(|time| time.parse().ok());
        of_event.or(self.sent_at)
    }
}

/// The reason in the message's attributes, from tag-handler or `EventBridge`.
fn reason(message: &Message) -> Option<String> {
    let code = attribute(message, "ERROR_CODE")?;
    let details =
        ["ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION", "RULE_ARN"].map(|name| attribute(message, name));
    let parts = [Some(code)].into_iter().chain(details);
    Some(parts.flatten().collect::<Vec<_>>().join(": "))
}

fn attribute<'m>(message: &'m Message, name: &str) -> Option<&'m str> {
    message.message_attributes()?.get(name)?.string_value()
}
