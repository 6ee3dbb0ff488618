//! Whether an event pattern of `EventBridge` lets an API call through.
//!
//! It reads what our rules are made of, and what people put in their place. An operator that it does not know is taken to
//! match: doctor must not call broken what it cannot read.

use super::expected::Event;
use serde_json::{Value, json};

/// The event that tells of a call, as far as rules look at it.
fn told(event: &Event) -> Value {
    let service = event.source.split('.').next().unwrap_or_default();
    json!({"source": format!("aws.{service}"), "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": event.source, "eventName": event.name}})
}

/// Whether a pattern lets the event of a call through.
pub(crate) fn lets_through(pattern: &Value, event: &Event) -> bool {
    fits(pattern, &told(event))
}

fn fits(pattern: &Value, event: &Value) -> bool {
    let Some(fields) = pattern.as_object() else { return false };
    fields.iter().all(|(name, wanted)| match wanted {
        Value::Array(either) if name == "$or" => either.iter().any(|pattern| fits(pattern, event)),
        Value::Array(any) => any.iter().any(|one| value_fits(one, name, event.get(name))),
        Value::Object(_) => fits(wanted, event.get(name).unwrap_or(&Value::Null)),
        _ => false,
    })
}

fn value_fits(wanted: &Value, name: &str, there: Option<&Value>) -> bool {
    let Some((operator, operand)) = wanted.as_object().and_then(|wanted| wanted.iter().next()) else {
        return there == Some(wanted);
    };
    let text = there.and_then(Value::as_str);
    let by = |compare: fn(&str, &str) -> bool| match (text, operand.as_str()) {
        (Some(text), Some(operand)) => compare(text, operand),
        // What we do not put into the event may be there in life.
        _ => !["source", "detail-type", "eventSource", "eventName"].contains(&name),
    };
    match operator.as_str() {
        "exists" => operand.as_bool() == Some(there.is_some()),
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
    fn our_patterns_and_those_of_others() {
        let event = Event { source: "sns.amazonaws.com".to_owned(), name: "CreateTopic".to_owned() };
        let lets = |pattern: Value| lets_through(&pattern, &event);
        let names = |names: &[&str]| json!({"eventSource": ["sns.amazonaws.com"], "eventName": names});
        assert!(lets(json!({"source": [{"prefix": "aws."}], "detail": names(&["CreateTopic"])})));
        assert!(!lets(json!({"source": [{"prefix": "com."}], "detail": names(&["CreateTopic"])})));
        assert!(!lets(json!({"detail": names(&["DeleteTopic"])})));
        let either = json!({"$or": [names(&["Subscribe"]), names(&["CreateTopic", "X"])]});
        assert!(lets(json!({"detail": either})));
        assert!(lets(
            json!({"detail": {"errorCode": [{"exists": false}], "eventName": [{"prefix": "Create"}]}})
        ));
        assert!(!lets(json!({"detail": {"errorCode": [{"exists": true}]}})));
        assert!(lets(json!({"detail": {"eventName": [{"anything-but": ["DeleteTopic"]}]}})));
        assert!(!lets(Value::Null));
    }
}
