//! Records with ARNs of other resources in every member but the right one.

use super::botocore::Facts;
use super::gates::{describes, member_key};
use super::naming::names_its_resource;
use super::subject::{Subject, placeholders};
use super::tables::{Tables, kind_of};
use crate::{common, found};
use autotag_model::rule::{Resource, TagCall};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The ARNs of other resources of the record's account and region.
fn others() -> [String; 4] {
    let here = common::HERE;
    [
        format!("arn:aws:iam::{here}:role/decoy"),
        format!("arn:aws:kms:eu-west-1:{here}:key/decoy"),
        format!("arn:aws:ec2:eu-west-1:{here}:subnet/subnet-decoy"),
        format!("arn:aws:sns:eu-west-1:{here}:decoy"),
    ]
}

/// Puts `value` at a path such as `response.instancesSet[].instanceId`, unless the place already has a value.
fn put(record: &mut Value, path: &str, value: &str) {
    let mut at = record;
    for step in path.split('.') {
        let (name, each) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        // The place already has another value.
        let Some(members) = at.as_object_mut() else { return };
        let known = members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned();
        at = members.entry(known.unwrap_or_else(|| name.to_owned())).or_insert(Value::Null);
        if each {
            if at.is_null() {
                *at = json!([null]);
            }
            let Some(first) = at.get_mut(0) else { return };
            at = first;
        }
    }
    if at.is_null() {
        *at = json!(value);
    }
}

/// The ARN that the rule's resource has in these records: of its kind, with `x-1` for its names.
fn right_arn(subject: &Subject, tables: &Tables) -> String {
    let kinds = subject.kinds();
    let of_kind = |kind: &String| {
        let matching = tables.resources.iter().find(|resource| resource.kind() == *kind);
        let (service, resource) = kind.split_once(':')?;
        let by_itself = || format!("{service}:{{region}}:{{account}}:{resource}");
        Some(matching.map_or_else(by_itself, |resource| resource.form.clone()))
    };
    let of_template = || {
        let template = subject.template()?;
        tables.resources.iter().find(|resource| describes(&resource.form, &template))?;
        Some(template)
    };
    let form = kinds.first().and_then(of_kind).or_else(of_template).or_else(|| subject.template());
    let form = form.unwrap_or_else(|| format!("{}:{{region}}:{{account}}:thing/*", subject.source));
    let region = if subject.rule.global { "us-east-1" } else { "eu-west-1" };
    let filled = form.replace("{region}", region).replace("{account}", common::HERE).replace('*', "x-1");
    format!("arn:aws:{filled}")
}

/// A record of the rule's event: what the rule asks for besides the id, and these values.
fn record(subject: &Subject, values: &[(String, String)]) -> Value {
    let rule = &subject.rule;
    let mut parts = Value::Null;
    for (path, value) in values {
        put(&mut parts, path, value);
    }
    if let Some(condition) = &rule.when {
        let value = condition.is.first().map_or("some-text", String::as_str);
        put(&mut parts, &condition.path.to_string(), value);
    }
    for path in rule.arn.iter().flat_map(|arn| placeholders(arn.as_str())) {
        put(&mut parts, &path, "x-1");
    }
    let mut record = common::call(0, &common::user("mara"), "x:y", &Value::Null, &Value::Null);
    record["eventSource"] = json!(format!("{}.amazonaws.com", subject.source));
    record["eventName"] = json!(rule.event);
    let fields = [
        ("request", "requestParameters"),
        ("response", "responseElements"),
        ("service", "serviceEventDetails"),
    ];
    for (part, field) in fields {
        record[field] = parts.get(part).cloned().unwrap_or_default();
    }
    record
}

/// The values of a record in which each member that names the resource holds `right`, each other ARN another resource.
fn values(subject: &Subject, facts: &Facts, tables: &Tables, right: &str) -> Vec<(String, String)> {
    let of_rule = subject.arn_paths();
    let is_right = |path: &str| {
        let key = member_key(subject, path);
        let reviewed = || tables.is_reviewed("member", &key);
        names_its_resource(subject, path) || (of_rule.iter().any(|own| own == path) && reviewed())
    };
    // The rule's own spelling of the same member comes first.
    // What the template takes from the record is not another resource's, either.
    let template = subject.rule.arn.iter().flat_map(|arn| placeholders(arn.as_str()));
    let of_rule_or_template: Vec<String> = of_rule.iter().cloned().chain(template).collect();
    let is_other = |path: &&String| !of_rule_or_template.iter().any(|own| own.eq_ignore_ascii_case(path));
    let of_answer = facts.arns.iter().filter(is_other).cloned();
    let paths: BTreeSet<String> = of_answer.chain(of_rule.iter().cloned()).collect();
    let kind = kind_of(right.trim_start_matches("arn:aws:"));
    let service = kind.split(':').next().unwrap_or_default();
    let others = others().into_iter().filter(|other| !other.starts_with(&format!("arn:aws:{service}:")));
    let others: Vec<String> = others.collect();
    let mut wrong = others.iter().cycle();
    let mut values = Vec::new();
    for path in paths {
        let value =
            if is_right(&path) { right.to_owned() } else { wrong.next().cloned().unwrap_or_default() };
        values.push((path, value));
    }
    values
}

/// The fault in what a rule finds among decoys, if there is one.
pub(crate) fn fault(subject: &Subject, facts: &Facts, tables: &Tables) -> Option<String> {
    let right = right_arn(subject, tables);
    let classifier = subject.classifier();
    let rule = &subject.rule;
    // Some ids are ARNs under another name, such as the serial number of a virtual MFA device.
    let takes_arn = rule.arn.is_none() && matches!(&rule.call, TagCall::Native(call) if call.takes_arn());
    let id = if takes_arn { right.as_str() } else { "x-1" };
    let ids = |values: &[(String, String)]| {
        let mut values = values.to_vec();
        let named: Vec<String> = subject.rule.id.iter().map(ToString::to_string).collect();
        values.extend(named.into_iter().map(|path| (path, id.to_owned())));
        values
    };
    let by_arn = !subject.arn_paths().is_empty();
    let among = ids(&values(subject, facts, tables, &right));
    let found = found::resources(common::classify(&classifier, &record(subject, &among)));
    let names: Vec<String> = found.iter().map(Resource::display).collect();
    let expected = if by_arn {
        vec![right]
    } else {
        let alone = found::resources(common::classify(&classifier, &record(subject, &ids(&[]))));
        alone.iter().map(Resource::display).collect()
    };
    (names != expected || expected.len() != 1).then(|| format!("finds {names:?}, expected {expected:?}"))
}
