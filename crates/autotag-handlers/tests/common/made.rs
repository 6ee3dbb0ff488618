//! Records that are made after a rule of the catalogue.

use autotag_model::rule::{Rule, ServiceRules};
use serde_json::{Map, Value, json};

/// Puts `value` at a path such as `response.instancesSet[].instanceId`, unless the place already has a value.
fn put(record: &mut Value, path: &str, value: &str) -> Result<(), String> {
    let mut at = record;
    for step in path.split('.') {
        let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let members = at.as_object_mut().ok_or_else(|| format!("{path}: `{name}` stands below a text"))?;
        at = members.entry(name).or_insert(Value::Null);
        if each {
            if at.is_null() {
                *at = json!([null]);
            }
            at = at.get_mut(0).ok_or_else(|| format!("{path}: `{name}` is no list"))?;
        }
    }
    if at.is_null() {
        *at = json!(value);
    }
    Ok(())
}

/// The placeholders of an ARN template that are paths into the record.
fn paths_of(template: &str) -> Vec<&str> {
    let inside =
        template.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(inside, _)| inside);
    let names = inside.map(|inside| inside.split_once('|').map_or(inside, |(name, _)| name).trim());
    names.filter(|name| name.contains('.')).collect()
}

/// A record of the rule's event with only the members that the rule asks for, and the id at the path `id`.
pub(crate) fn record_for(
    service: &ServiceRules,
    rule: &Rule,
    id: &str,
    value: &str,
) -> Result<Value, String> {
    let mut parts = Value::Null;
    put(&mut parts, id, value)?;
    if let Some(template) = &rule.arn {
        for path in paths_of(template.as_str()) {
            put(&mut parts, path, "some-name")?;
        }
    }
    if let Some(condition) = &rule.when {
        put(
            &mut parts,
            &condition.path.to_string(),
            condition.is.first().map_or("some-text", String::as_str),
        )?;
    }
    let mut record = super::common::call(0, &super::common::user("mara"), "x:y", &Value::Null, &Value::Null);
    record["eventSource"] = json!(service.source);
    record["eventName"] = json!(rule.event);
    for (part, field) in [
        ("request", "requestParameters"),
        ("response", "responseElements"),
        ("service", "serviceEventDetails"),
    ] {
        record[field] = parts.get(part).cloned().unwrap_or_default();
    }
    Ok(record)
}

/// An ARN of the rule's kind in `account`. It has no region, so it fits rules of every region.
pub(crate) fn arn_of(rule: &Rule, account: &str) -> String {
    let kind = rule.kinds.first().map_or("any:thing/*".to_owned(), ToString::to_string);
    let (service, resource) = kind.split_once(':').unwrap();
    format!("arn:aws:{service}::{account}:{}", resource.replace('*', "x-1"))
}
