//! The kind of a dead letter's body, as far as it decides where the message goes.

use autotag_model::envelope::{Limits, read_records};
use serde_json::Value;

/// The event source of STS records, which session-handler keeps.
const STS: &str = "sts.amazonaws.com";

/// The content of a message's body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) event_id: Option<String>,
    pub(super) event_time: Option<String>,
    pub(super) event_source: Option<String>,
    pub(super) event_name: Option<String>,
    /// It holds an STS record.
    pub(super) has_sessions: bool,
    /// It holds something for tag-handler: another record, a change of tags, a notice about log files.
    pub(super) has_others: bool,
    /// Why it cannot be read.
    pub(super) fault: Option<String>,
}

impl Body {
    pub(super) fn read(text: &str) -> Self {
        let mut body = Self::default();
        read_records(text.as_bytes(), &Limits::default(), &mut |read| match read {
            Ok(delivered) => {
                let record = &delivered.record;
                body.event_id = record.event_id.as_deref().map(str::to_owned);
                body.event_time = record.event_time.as_deref().map(str::to_owned);
                body.event_source = Some(record.event_source.to_string());
                body.event_name = Some(record.event_name.to_string());
                let is_session = record.event_source == STS;
                body.has_sessions |= is_session;
                body.has_others |= !is_session;
            }
            Err(fault) => body.fault = Some(fault.to_string()),
        });
        if !body.is_understood() {
            body.read_notice(text);
        }
        body
    }

    /// True if it is known which function the message is for.
    pub(super) fn is_understood(&self) -> bool {
        self.has_sessions || self.has_others
    }

    /// An event of AWS that is not a CloudTrail record (a change of tags), or a notice about log files.
    fn read_notice(&mut self, text: &str) {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return };
        let text_at = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        if let (Some(source), Some(kind)) = (text_at("/source"), text_at("/detail-type")) {
            // Only AWS may put events of such a source on a bus.
            if matches!((source, kind), ("aws.tag", "Tag Change on Resource") | ("aws.s3", "Object Created"))
            {
                self.event_id = text_at("/id").map(str::to_owned);
                self.event_time = text_at("/time").map(str::to_owned);
                self.event_source = Some(source.to_owned());
                self.event_name = Some(kind.to_owned());
                self.has_others = true;
            }
            return;
        }
        let names_files = |value: &Value| {
            value.pointer("/Records/0/s3/object/key").is_some() || value.get("s3ObjectKey").is_some()
        };
        let inner = text_at("/Message").and_then(|inner| serde_json::from_str::<Value>(inner).ok());
        if names_files(&value) || inner.as_ref().is_some_and(names_files) {
            self.event_name = Some("log files".to_owned());
            self.has_others = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: &Value) -> (bool, bool) {
        let body = Body::read(&value.to_string());
        (body.has_sessions, body.has_others)
    }

    fn event(source: &str, record: &str) -> Value {
        json!({"source": source, "detail-type": "AWS API Call via CloudTrail", "account": "111122223333",
            "detail": {"eventSource": record, "eventName": "AssumeRole", "eventID": "e-1"}})
    }

    #[test]
    fn sts_records_are_for_session_handler_and_all_else_for_tag_handler() {
        assert_eq!(of(&event("aws.sts", "sts.amazonaws.com")), (true, false));
        assert_eq!(of(&event("aws.ec2", "ec2.amazonaws.com")), (false, true));
        let both = json!({"Records": [
            {"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole"},
            {"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue"}]});
        assert_eq!(of(&both), (true, true));
    }

    #[test]
    fn changes_of_tags_and_notices_about_files_are_for_tag_handler() {
        let changed = json!({"source": "aws.tag", "detail-type": "Tag Change on Resource", "detail": {}});
        let notice = json!({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}]});
        let by_topic = json!({"Type": "Notification", "Message": json!({"s3Bucket": "b", "s3ObjectKey": ["k"]}).to_string()});
        for body in [changed, notice, by_topic] {
            assert_eq!(of(&body), (false, true), "{body}");
        }
    }

    #[test]
    fn what_anybody_can_write_is_not_understood() {
        for body in [
            json!({"source": "my.app", "detail-type": "Tag Change on Resource", "detail": {}}),
            json!({"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}),
            json!("text"),
            json!({}),
        ] {
            assert_eq!(of(&body), (false, false), "{body}");
        }
        assert!(!Body::read("{\"detail\": ").is_understood());
    }
}
