//! A message of a dead-letter queue.

use autotag_handlers::recheck::PREVIOUS_TAGS_ATTRIBUTE;
use autotag_model::envelope::{Limits, read_records};
use autotag_model::spreadsheet::neutralized;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
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
        }
    }
}

/// A message as it was received.
#[derive(Debug)]
pub(super) struct DeadLetter {
    pub(super) row: Row,
    pub(super) body: String,
    pub(super) receipt: String,
    /// The tags of the first pass, if the message asks for a recheck.
    pub(super) previous_tags: Option<String>,
}

impl DeadLetter {
    /// Reads a message of the answer of `ReceiveMessage`.
    pub(super) fn read(message: Message) -> Self {
        let count = MessageSystemAttributeName::ApproximateReceiveCount;
        let receives = message.attributes().and_then(|attributes| attributes.get(&count));
        let mut row = Row {
            message_id: message.message_id().unwrap_or_default().to_owned(),
            event_id: None,
            event_time: None,
            event_source: None,
            event_name: None,
            receives: receives.and_then(|count| count.parse().ok()),
            error: String::new(),
            sent: false,
        };
        let mut unreadable = None;
        let body = message.body().unwrap_or_default();
        read_records(body.as_bytes(), &Limits::default(), &mut |read| match read {
            Ok(delivered) => {
                let record = &delivered.record;
                row.event_id = record.event_id.as_deref().map(str::to_owned);
                row.event_time = record.event_time.as_deref().map(str::to_owned);
                row.event_source = Some(record.event_source.to_string());
                row.event_name = Some(record.event_name.to_string());
            }
            Err(fault) => unreadable = Some(fault.to_string()),
        });
        row.error = reason(&message)
            .or(unreadable)
            .unwrap_or_else(|| "no reason is noted; see the logs of the event".to_owned());
        let previous_tags = attribute(&message, PREVIOUS_TAGS_ATTRIBUTE).map(str::to_owned);
        let receipt = message.receipt_handle.unwrap_or_default();
        Self { row, body: message.body.unwrap_or_default(), receipt, previous_tags }
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
