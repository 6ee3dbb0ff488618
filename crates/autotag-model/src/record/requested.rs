//! Tags that a call asks for, in the forms that CloudTrail writes.

use crate::json::{any_member, elements, is_mask, member_text, tag_pairs};
use serde_json::Value;

/// The object in which some calls wrap their tags: `CreateVpcEndpointRequest`, `createBucketConfiguration`.
pub(super) fn wrapped_parameters(request: &Value) -> Option<&Value> {
    let mut members = request.as_object()?.iter();
    let wraps = |key: &str| key.ends_with("Request") || key.eq_ignore_ascii_case("createBucketConfiguration");
    members.find(|(key, inner)| wraps(key) && inner.is_object()).map(|(_, inner)| inner)
}

/// The tags of one tag specification; none if it is for another kind of resource. `None` if the value is not a tag
/// specification.
pub(super) fn specified_tags(specification: &Value, kind: Option<&str>) -> Option<Vec<(String, String)>> {
    let tags =
        any_member(specification, &["tags", "tag"]).filter(|tags| tags.is_array() || tags.is_object())?;
    let of_kind = member_text(specification, "resourceType");
    let fits = kind.is_none() || of_kind.is_none() || of_kind.as_deref() == kind;
    Some(if fits { tag_pairs(tags) } else { Vec::new() })
}

/// The tags in a value in which a call asks for them: tag specifications, the text of a URL query, or tags in any form
/// that CloudTrail writes. `kind` is that of [`ParsedRecord::requested_tags`](super::ParsedRecord::requested_tags).
pub(crate) fn tags_in(value: &Value, kind: Option<&str>) -> Vec<(String, String)> {
    if let Value::String(text) = value {
        return query_pairs(text);
    }
    let specified: Vec<_> = elements(value).into_iter().filter_map(|one| specified_tags(one, kind)).collect();
    if specified.is_empty() { tag_pairs(value) } else { specified.into_iter().flatten().collect() }
}

/// The pairs of a URL query: `Owner=mara&Team=a%20b`.
fn query_pairs(text: &str) -> Vec<(String, String)> {
    if is_mask(text) {
        return Vec::new();
    }
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(key, value)| (query_text(key), query_text(value))).collect()
}

/// A part of a URL query as text: `+` is a blank, `%41` is `A`.
fn query_text(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        let digits = rest.clone().take(2).collect::<Vec<_>>();
        let code = std::str::from_utf8(&digits).ok().filter(|digits| digits.len() == 2);
        match (byte, code.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
