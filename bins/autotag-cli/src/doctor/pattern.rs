//! Decides if an event pattern of `EventBridge` matches the event of an API call.
//!
//! It reads the operators that autotag's rules use and some more. An unknown operator counts as a match: doctor must not report
//! a pattern as broken that it cannot read.

use super::expected::Event;
use serde_json::{Value, json};

/// The fields of the event of an API call that rules of autotag match on.
fn event_of(event: &Event) -> Value {
    let service = event.source.split('.').next().unwrap_or_default();
    json!({"source": format!("aws.{service}"), "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": event.source, "eventName": event.name}})
}

/// True if a pattern matches the event of an API call.
pub(crate) fn matches(pattern: &Value, event: &Event) -> bool {
    object_matches(pattern, &event_of(event))
}

fn object_matches(pattern: &Value, event: &Value) -> bool {
    let Some(fields) = pattern.as_object() else { return false };
    fields.iter().all(|(name, wanted)| match wanted {
        Value::Array(either) if name == "$or" => either.iter().any(|pattern| object_matches(pattern, event)),
        Value::Array(any) => any.iter().any(|one| value_matches(one, name, event.get(name))),
        Value::Object(_) => object_matches(wanted, event.get(name).unwrap_or(&Value::Null)),
        _ => false,
    })
}

fn value_matches(wanted: &Value, name: &str, value: Option<&Value>) -> bool {
    let Some((operator, operand)) = wanted.as_object().and_then(|wanted| wanted.iter().next()) else {
        return value == Some(wanted);
    };
    let text = value.and_then(Value::as_str);
    let by = |compare: fn(&str, &str) -> bool| match (text, operand.as_str()) {
        (Some(text), Some(operand)) => compare(text, operand),
        // A real event has fields that `event_of` lacks, so only its own fields can differ.
        _ => !["source", "detail-type", "eventSource", "eventName"].contains(&name),
    };
    match operator.as_str() {
        "exists" => operand.as_bool() == Some(value.is_some()),
        "prefix" => by(|text, operand| text.starts_with(operand)),
        "suffix" => by(|text, operand| text.ends_with(operand)),
        "equals-ignore-case" => by(str::eq_ignore_ascii_case),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_by_value_and_operator() {
        let event = Event { source: "sns.amazonaws.com".to_owned(), name: "CreateTopic".to_owned() };
        let matches_event = |pattern: Value| matches(&pattern, &event);
        let names = |names: &[&str]| json!({"eventSource": ["sns.amazonaws.com"], "eventName": names});
        assert!(matches_event(json!({"source": [{"prefix": "aws."}], "detail": names(&["CreateTopic"])})));
        assert!(!matches_event(json!({"source": [{"prefix": "com."}], "detail": names(&["CreateTopic"])})));
        assert!(!matches_event(json!({"detail": names(&["DeleteTopic"])})));
        let either = json!({"$or": [names(&["Subscribe"]), names(&["CreateTopic", "X"])]});
        assert!(matches_event(json!({"detail": either})));
        assert!(matches_event(
            json!({"detail": {"errorCode": [{"exists": false}], "eventName": [{"prefix": "Create"}]}})
        ));
        assert!(!matches_event(json!({"detail": {"errorCode": [{"exists": true}]}})));
        assert!(matches_event(json!({"detail": {"eventName": [{"anything-but": ["DeleteTopic"]}]}})));
        assert!(!matches_event(Value::Null));
    }
}
