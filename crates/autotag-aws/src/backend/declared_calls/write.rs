//! Writes the input of a call as a path, a form or XML.

use autotag_model::rule::Http;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// All but what AWS leaves as it is.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');

/// Facts besides the input that XML and forms need.
pub(super) struct Xml<'c> {
    pub(super) root: Option<&'c str>,
    /// The name of an element of the list of tags.
    pub(super) list: &'c str,
    /// The place of that list.
    pub(super) tags: &'c str,
}

/// A value of a form or query.
pub(in crate::backend) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Path and query; removes their parameters from the input.
pub(super) fn target(http: &Http, input: &mut Map<String, Value>) -> Result<String, String> {
    let mut path = String::new();
    let mut used = Vec::new();
    let mut rest = http.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or("a `{` without its `}` in a path")?;
        let (name, set) = name.strip_suffix('+').map_or((name, RESERVED), |name| (name, RESERVED_BUT_SLASH));
        let value =
            input.get(name).and_then(Value::as_str).ok_or_else(|| format!("no value for `{name}`"))?;
        let _ = write!(path, "{before}{}", utf8_percent_encode(value, set));
        used.push(name.to_owned());
        rest = behind;
    }
    path.push_str(rest);
    let mut pairs = Vec::new();
    for (name, value) in &http.query {
        let param = value.strip_prefix('{').and_then(|value| value.strip_suffix('}'));
        let value = match param {
            None => Some(value.clone()),
            Some(param) => {
                used.push(param.to_owned());
                input.get(param).and_then(Value::as_str).map(str::to_owned)
            }
        };
        pairs.extend(value.map(|value| format!("{}={}", encoded(name), encoded(&value))));
    }
    for name in used {
        input.remove(&name);
    }
    if !pairs.is_empty() {
        let _ = write!(path, "?{}", pairs.join("&"));
    }
    Ok(path)
}

/// The form of a query call.
pub(super) fn form(operation: &str, version: &str, input: &Map<String, Value>, xml: &Xml<'_>) -> String {
    let mut fields =
        vec![("Action".to_owned(), operation.to_owned()), ("Version".to_owned(), version.to_owned())];
    for (name, value) in input {
        let list = if name == xml.tags { xml.list } else { "member" };
        flatten(name, value, list, &mut fields);
    }
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

fn flatten(name: &str, value: &Value, list: &str, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                flatten(&format!("{name}.{list}.{}", index + 1), element, "member", fields);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                flatten(&format!("{name}.{member}"), value, "member", fields);
            }
        }
        Value::String(text) => fields.push((name.to_owned(), text.clone())),
        other => fields.push((name.to_owned(), other.to_string())),
    }
}

/// The body of a REST call in XML.
pub(super) fn xml(input: &Map<String, Value>, xmlns: Option<&str>, xml: &Xml<'_>) -> String {
    let root = xml.root.unwrap_or("Request");
    let namespace = xmlns.map(|name| format!(" xmlns=\"{}\"", escaped(name))).unwrap_or_default();
    let mut body = format!("<{root}{namespace}>");
    for (name, value) in input {
        element(&mut body, name, value, xml.list);
    }
    let _ = write!(body, "</{root}>");
    body
}

fn element(body: &mut String, name: &str, value: &Value, list: &str) {
    let _ = write!(body, "<{name}>");
    match value {
        Value::Array(elements) => elements.iter().for_each(|one| element(body, list, one, "member")),
        Value::Object(members) => {
            members.iter().for_each(|(member, value)| element(body, member, value, list));
        }
        Value::String(text) => body.push_str(&escaped(text)),
        other => body.push_str(&other.to_string()),
    }
    let _ = write!(body, "</{name}>");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A bare one would be read back as a line feed.
            '\r' => escaped.push_str("&#xD;"),
            c => escaped.push(c),
        }
    }
    escaped
}
