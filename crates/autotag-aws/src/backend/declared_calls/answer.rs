//! Reads the tags out of an answer.

use autotag_model::rule::{Api, FailureMember, Protocol, ReadCall, TagShape};
use roxmltree::{Document, Node};
use serde_json::Value;

/// Names by which XML wraps the elements of a list.
const WRAPPERS: [&str; 3] = ["member", "item", "Tag"];

/// The tags in an answer; `None` when it cannot be read.
pub fn tags_in(api: &Api, read: &ReadCall, body: &str) -> Option<Vec<(String, String)>> {
    if is_xml(api) {
        let document = Document::parse(body).ok()?;
        if document.root_element().tag_name().name().eq_ignore_ascii_case("html") {
            return None;
        }
        return Some(xml_tags(result(&document, &read.operation.name), read));
    }
    let json: Value = serde_json::from_str(body).ok().filter(Value::is_object)?;
    if json.get("HasMoreTags") == Some(&Value::Bool(true)) {
        // Kinesis and Firehose page by the last key; more tags than a resource may have are not worth a page.
        return None;
    }
    Some(json_values(&json, &read.tags).into_iter().flat_map(|value| json_tags(value, read.shape)).collect())
}

/// True if a body is one that AWS documents for a successful write: nothing or a JSON object, nothing or XML of the operation
/// in the REST protocol with XML, XML of the operation in the query protocol.
pub fn is_documented_success(api: &Api, operation: &str, body: &str) -> bool {
    match api.protocol {
        Protocol::Query => is_xml_of(operation, body.as_bytes()),
        Protocol::RestXml => body.is_empty() || is_xml_of(operation, body.as_bytes()),
        _ => body.is_empty() || is_json_object(body.as_bytes()),
    }
}

/// The error code of a call that the body of a successful answer says has failed; `None` if it does not say so.
pub fn failure_in(fails: &FailureMember, body: &str) -> Option<String> {
    let json: Value = serde_json::from_str(body).ok()?;
    let says_so = |value: &&Value| match value {
        value if !fails.is.is_empty() => fails.is.iter().any(|is| value.as_str() == Some(is.as_str())),
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    };
    json_values(&json, &fails.path).into_iter().find(says_so)?;
    let codes = fails.code.iter().flat_map(|path| json_values(&json, path));
    let code = codes.filter_map(Value::as_str).find(|code| !code.is_empty());
    Some(code.unwrap_or("CallFailed").to_owned())
}

/// True if a body is XML with the root element `<{operation}Response>`, and does not say that the call did nothing:
/// `<return>` is EC2's result of calls without members.
pub(crate) fn is_xml_of(operation: &str, body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let Ok(document) = Document::parse(text) else { return false };
    let root = document.root_element();
    let done = root.children().find(|node| node.has_tag_name_of("return")).and_then(|node| node.text());
    root.has_tag_name_of(&format!("{operation}Response")) && done.is_none_or(|done| done.trim() == "true")
}

/// True if a body is one JSON object.
pub(crate) fn is_json_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, Value>>(body).is_ok()
}

/// The token of the next page, if there is one.
pub fn next_page(api: &Api, read: &ReadCall, body: &str) -> Option<String> {
    let from = &read.next.as_ref()?.from;
    let token = if is_xml(api) {
        let document = Document::parse(body).ok()?;
        let found = xml_nodes(result(&document, &read.operation.name), from);
        found.first().and_then(Node::text).map(str::to_owned)
    } else {
        let json: Value = serde_json::from_str(body).ok()?;
        json_values(&json, from).first().and_then(|value| value.as_str()).map(str::to_owned)
    };
    token.filter(|token| !token.is_empty())
}

fn is_xml(api: &Api) -> bool {
    matches!(api.protocol, Protocol::Query | Protocol::RestXml)
}

/// The values at a dotted path; lists on the way are passed through.
fn json_values<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    path.split('.').fold(vec![value], |values, name| {
        let into_lists = values.into_iter().flat_map(|value| match value {
            Value::Array(elements) => elements.iter().collect(),
            other => vec![other],
        });
        into_lists.filter_map(|value| value.get(name)).collect()
    })
}

fn json_tags(value: &Value, shape: TagShape) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (value, shape.members()) {
        (Value::Object(map), None) => map.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        (Value::Array(list), Some((key, value))) => {
            let tag = |tag: &Value| {
                Some((tag.get(key)?.as_str()?.to_owned(), tag.get(value).map(text).unwrap_or_default()))
            };
            list.iter().filter_map(tag).collect()
        }
        _ => Vec::new(),
    }
}

/// Query answers wrap the result once more.
fn result<'d>(document: &'d Document<'d>, operation: &str) -> Node<'d, 'd> {
    let name = format!("{operation}Result");
    let root = document.root_element();
    root.children().find(|node| node.has_tag_name_of(&name)).unwrap_or(root)
}

fn xml_tags(result: Node<'_, '_>, read: &ReadCall) -> Vec<(String, String)> {
    let Some((key_member, value_member)) = read.shape.members() else { return Vec::new() };
    let member = |tag: Node<'_, '_>, name: &str| {
        let found = tag.children().find(|node| node.has_tag_name_of(name))?;
        Some(found.text().unwrap_or_default().to_owned())
    };
    let lists = xml_nodes(result, &read.tags);
    let elements = lists.iter().flat_map(Node::children).filter(|node| node.has_tag_name_of(&read.list));
    elements
        .filter_map(|tag| Some((member(tag, key_member)?, member(tag, value_member).unwrap_or_default())))
        .collect()
}

/// The elements at a dotted path; elements that wrap those of a list are passed through.
fn xml_nodes<'d>(from: Node<'d, 'd>, path: &str) -> Vec<Node<'d, 'd>> {
    path.split('.').fold(vec![from], |nodes, name| {
        let step = |node: Node<'d, 'd>| -> Vec<Node<'d, 'd>> {
            let direct: Vec<_> = node.children().filter(|child| child.has_tag_name_of(name)).collect();
            if !direct.is_empty() {
                return direct;
            }
            let wrapped =
                node.children().filter(|child| WRAPPERS.iter().any(|known| child.has_tag_name_of(known)));
            wrapped.flat_map(|child| child.children()).filter(|child| child.has_tag_name_of(name)).collect()
        };
        nodes.into_iter().flat_map(step).collect()
    })
}

/// Names compared without their namespace.
trait NamedNode {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl NamedNode for Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}
