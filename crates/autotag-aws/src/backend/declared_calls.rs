//! Tag calls that the catalogue describes as data: builds the request and reads the answer. This module has no IO;
//! [`crate::signed`] sends the requests.

mod answer;
mod write;

pub use answer::{failure_in, is_documented_success, next_page, tags_in};
pub(super) use answer::{is_json_object, is_xml_of};
pub(super) use write::encoded;

use crate::signed::Request;
use autotag_model::arn::Region;
use autotag_model::rule::{Api, NativeCall, Operation, Protocol, ReadCall, Resource, values};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The input of the call that writes `tags`, as AWS's own models have it.
///
/// # Errors
/// What the resource does not have.
pub fn write_input(
    call: &NativeCall,
    resource: &Resource,
    tags: &[(&str, &str)],
) -> Result<Map<String, Value>, String> {
    let mut input = values(&call.write.params, resource).map_err(|error| error.to_string())?;
    let each = values(&call.each, resource).map_err(|error| error.to_string())?;
    let list = match call.shape.members() {
        None => Value::Object(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect()),
        Some((key_member, value_member)) => {
            let one = |(key, value): &(&str, &str)| {
                let mut tag = each.clone();
                tag.insert(key_member.to_owned(), (*key).into());
                tag.insert(value_member.to_owned(), (*value).into());
                Value::Object(tag)
            };
            Value::Array(tags.iter().map(one).collect())
        }
    };
    put(&mut input, &call.tags, list);
    Ok(input)
}

/// The input of the call that reads tags; `token` is the page's.
///
/// # Errors
/// What the resource does not have.
pub fn read_input(
    read: &ReadCall,
    resource: &Resource,
    token: Option<&str>,
) -> Result<Map<String, Value>, String> {
    let mut input = values(&read.operation.params, resource).map_err(|error| error.to_string())?;
    if let (Some(next), Some(token)) = (&read.next, token) {
        input.insert(next.to.clone(), token.into());
    }
    Ok(input)
}

/// Puts a value at a dotted path.
fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            into.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = into.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The request of a call that writes tags.
///
/// # Errors
/// What is missing to build it.
pub fn write_request(
    api: &Arc<Api>,
    call: &NativeCall,
    resource: &Resource,
    region: &Region,
    tags: &[(&str, &str)],
) -> Result<Request, String> {
    let input = write_input(call, resource, tags)?;
    let xml = write::Xml { root: call.root.as_deref(), list: &call.list, tags: &call.tags };
    request(api, &call.write, input, resource, region, &xml)
}

/// The request of a call that reads tags.
///
/// # Errors
/// What is missing to build it.
pub fn read_request(
    api: &Arc<Api>,
    read: &ReadCall,
    resource: &Resource,
    region: &Region,
    token: Option<&str>,
) -> Result<Request, String> {
    let input = read_input(read, resource, token)?;
    let xml = write::Xml { root: None, list: &read.list, tags: "" };
    request(api, &read.operation, input, resource, region, &xml)
}

fn request(
    api: &Api,
    operation: &Operation,
    mut input: Map<String, Value>,
    resource: &Resource,
    region: &Region,
    xml: &write::Xml<'_>,
) -> Result<Request, String> {
    let mut request = Request {
        signing: api.signing.clone(),
        region: api.signing_region(resource, region),
        operation: operation.name.clone(),
        host: api.host(resource).map_err(|error| error.to_string())?,
        method: "POST".to_owned(),
        target: "/".to_owned(),
        headers: Vec::new(),
        body: String::new(),
    };
    let mut header = |name: &str, value: &str| request.headers.push((name.to_owned(), value.to_owned()));
    match api.protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let version = if api.protocol == Protocol::Json10 { "1.0" } else { "1.1" };
            header("content-type", &format!("application/x-amz-json-{version}"));
            let target = api.target.as_deref().unwrap_or_default();
            header("x-amz-target", &format!("{target}.{}", operation.name));
            request.body = Value::Object(input).to_string();
        }
        Protocol::Query => {
            header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
            let version = api.version.as_deref().unwrap_or_default();
            request.body = write::form(&operation.name, version, &input, xml);
        }
        Protocol::RestJson | Protocol::RestXml => {
            let http = operation.http.as_ref().ok_or("the call has no path")?;
            for (name, param) in &operation.headers {
                if let Some(Value::String(value)) = input.remove(param) {
                    header(name, &value);
                }
            }
            if api.protocol == Protocol::RestJson {
                // API Gateway answers in another form otherwise.
                header("accept", "application/json");
            }
            request.method.clone_from(&http.method);
            request.target = write::target(http, &mut input)?;
            if !input.is_empty() {
                if api.protocol == Protocol::RestJson {
                    header("content-type", "application/json");
                    request.body = Value::Object(input).to_string();
                } else {
                    request.body = write::xml(&input, api.xmlns.as_deref(), xml);
                }
            }
        }
        _ => return Err("this version does not know the protocol".to_owned()),
    }
    Ok(request)
}

#[cfg(test)]
mod tests;
