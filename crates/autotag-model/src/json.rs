//! Helpers to read CloudTrail's JSON, which differs from service to service.
//!
//! CloudTrail writes the same member as a string or a number, as a list, a one-element object or a bare text, in
//! different letter case, and as `""` or `{}` when there is no value. All code that knows these forms is here.

mod borrowed;

pub(crate) use borrowed::BorrowedJson;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// A scalar of any JSON type as text, borrowed if possible. Objects, lists, null and `""` count as absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl<'de> Visitor<'de> for AnyScalar {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text((!text.is_empty()).then_some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text((!text.is_empty()).then(|| Cow::Owned(text.to_owned()))))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(if value { "true" } else { "false" }))))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(value.to_string()))))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(value.to_string()))))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(value.to_string()))))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Text(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

/// JSON as a tree, with owned or borrowed texts.
pub(crate) trait Tree: Sized {
    /// The members of an object, ordered by name; none of anything else.
    fn members(&self) -> impl Iterator<Item = (&str, &Self)>;

    /// A text; `None` for anything else.
    fn as_text(&self) -> Option<&str>;

    /// A scalar as text; `""`, null, objects and lists count as absent.
    fn scalar(&self) -> Option<Cow<'_, str>>;

    /// True if it is null, `""`, `{}` or `[]`, which all mean that there is no value.
    fn is_nothing(&self) -> bool;

    /// The elements of a list; `None` for anything else.
    fn as_list(&self) -> Option<&[Self]>;

    /// True if it is an object.
    fn has_members(&self) -> bool;
}

impl Tree for Value {
    fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    fn as_text(&self) -> Option<&str> {
        self.as_str()
    }

    fn scalar(&self) -> Option<Cow<'_, str>> {
        text(self)
    }

    fn is_nothing(&self) -> bool {
        is_nothing(self)
    }

    fn as_list(&self) -> Option<&[Self]> {
        self.as_array().map(Vec::as_slice)
    }

    fn has_members(&self) -> bool {
        self.is_object()
    }
}

/// The member `name` of an object, ignoring ASCII case; an exact match comes first.
pub(crate) fn member<'v, T: Tree>(value: &'v T, name: &str) -> Option<&'v T> {
    let mut in_other_case = None;
    for (key, found) in value.members().filter(|(key, _)| key.len() == name.len()) {
        if key == name {
            return Some(found);
        }
        if in_other_case.is_none() && key.eq_ignore_ascii_case(name) {
            in_other_case = Some(found);
        }
    }
    in_other_case
}

/// The first of several members that has a value.
pub(crate) fn any_member<'v, T: Tree>(value: &'v T, names: &[&str]) -> Option<&'v T> {
    names.iter().find_map(|name| member(value, name).filter(|found| !found.is_nothing()))
}

/// A scalar as text; `""`, null, objects and lists count as absent.
pub(crate) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        _ => None,
    }
}

/// The member `name` as text. A mask that AWS writes in place of a value counts as absent.
pub(crate) fn member_text<T: Tree>(value: &T, name: &str) -> Option<String> {
    member(value, name).and_then(T::scalar).filter(|found| !is_mask(found)).map(Cow::into_owned)
}

/// The member `name` as text, of a member that no record hides. Its value was chosen by somebody, and can look like a mask.
pub(crate) fn chosen_text<T: Tree>(value: &T, name: &str) -> Option<String> {
    member(value, name).and_then(T::scalar).map(Cow::into_owned)
}

/// True if a value is null, `""`, `{}` or `[]`, which all mean that there is no value.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The elements of a list in any of its forms: an array, `{"items": ..}`, `{"item": ..}`, or one bare element.
pub(crate) fn elements<T: Tree>(value: &T) -> Vec<&T> {
    if value.is_nothing() {
        return Vec::new();
    }
    if let Some(list) = value.as_list() {
        return list.iter().collect();
    }
    if !value.has_members() {
        return vec![value];
    }
    match any_member(value, &["items", "item", "member"]) {
        Some(inner) => elements(inner),
        // CloudTrail writes an empty set as `{"items": []}` or `{"item": ""}`.
        None if member(value, "items").or_else(|| member(value, "item")).is_some() => Vec::new(),
        None => vec![value],
    }
}

/// True if a text is a mask that AWS writes in place of a value. In a field that AWS hides, a mask is never a value, an owner
/// or a tag. In other fields it is a value: a log group can be called like a mask.
pub(crate) fn is_mask(text: &str) -> bool {
    matches!(text, HIDDEN | "<sensitiveDataRemoved>" | "[REDACTED]" | "**-redacted-**")
        || (text.len() >= 3 && text.bytes().all(|b| b == b'*'))
        || text == "***OMITTED***"
}

/// The mask by which CloudTrail hides names, descriptions and tags.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Events whose record hides the name of the resource, in AWS's documentation or in real trails: guardrails of Bedrock,
/// domains of Voice ID, registries of agents.
const EVENTS_THAT_HIDE_NAMES: [&str; 4] =
    ["CreateDomain", "CreateGuardrail", "CreateRegistry", "UpdateGuardrail"];

/// Members that records hide in any event: passwords, texts, data. Ids and names of resources are not among them.
const HIDDEN_MEMBERS: [&str; 14] = [
    "adminUsername",
    "adminUserPassword",
    "comment",
    "content",
    "description",
    "keyMaterial",
    "logFileData",
    "masterUserPassword",
    "parameters",
    "queryString",
    "tdeCredentialPassword",
    "transformerId",
    "userData",
    "value",
];

/// True if the text of a member is a mask: in an event, and by the last name of its path.
pub(crate) fn is_masked_member(event: &str, member: &str, text: &str) -> bool {
    let is = |name: &str| member.eq_ignore_ascii_case(name);
    let hides_it =
        HIDDEN_MEMBERS.iter().any(|name| is(name)) || (is("name") && EVENTS_THAT_HIDE_NAMES.contains(&event));
    hides_it && is_mask(text)
}

/// The tags in any form that CloudTrail writes: `{k: v}`, `[{key, value}]`, `{items: [..]}`, `{Tag: {..}}`, ...
///
/// Values of other JSON types become text, a missing value becomes the empty text. Entries that CloudTrail
/// hides are left out: it hides tags by one mask. What looks like the mask of another field is the user's.
pub(crate) fn tag_pairs<T: Tree>(value: &T) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    collect_tags(value, 0, false, &mut pairs);
    pairs
}

fn collect_tags<T: Tree>(value: &T, depth: u8, in_list: bool, pairs: &mut Vec<(String, String)>) {
    if depth > 4 {
        return;
    }
    if let Some(list) = value.as_list() {
        return list.iter().for_each(|element| collect_tags(element, depth + 1, true, pairs));
    }
    if !value.has_members() {
        return;
    }
    if is_pair(value, in_list) {
        let Some(key) = any_member(value, &["key", "tagKey"]).and_then(T::scalar) else { return };
        pairs.extend(tag(&key, any_member(value, &["value", "tagValue"])));
    } else if let Some(inner) = any_member(value, &["items", "item", "tag", "tagSet"])
        && (inner.as_list().is_some() || inner.has_members())
    {
        collect_tags(inner, depth + 1, in_list, pairs);
    } else {
        pairs.extend(map_pairs(value));
    }
}

/// The tag of a key and a value; `None` if one of them is hidden, or the key is empty. A missing value becomes the empty text.
pub(crate) fn tag<T: Tree>(key: &str, value: Option<&T>) -> Option<(String, String)> {
    let found = value.and_then(T::scalar).unwrap_or_default();
    let is_tag = !key.is_empty() && key != HIDDEN && found != HIDDEN;
    is_tag.then(|| (key.to_owned(), found.into_owned()))
}

/// The tags of a map from keys to values.
fn map_pairs<T: Tree>(value: &T) -> impl Iterator<Item = (String, String)> {
    let plain = value.members().filter(|(key, _)| !key.is_empty() && *key != HIDDEN);
    plain.filter_map(|(key, found)| match found.as_text() {
        Some(text) if text == HIDDEN => None,
        Some(text) => Some((key.to_owned(), text.to_owned())),
        None => found.scalar().map(|found| (key.to_owned(), found.into_owned())),
    })
}

/// The members that an object with one tag can have.
const MEMBERS_OF_A_TAG: [&str; 8] =
    ["key", "tagKey", "value", "tagValue", "tag", "propagateAtLaunch", "resourceId", "resourceType"];

/// True if an object is one tag. A map of tags may contain a tag called `key`; an object in a list is always one tag.
fn is_pair<T: Tree>(object: &T, in_list: bool) -> bool {
    let is = |name: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(name));
    object.members().any(|(name, _)| is(name, &["key", "tagKey"]))
        && (in_list || object.members().all(|(name, _)| is(name, &MEMBERS_OF_A_TAG)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_in_every_spelling() {
        let one = json!({"id": 1});
        for list in
            [json!([one]), json!({"items": [one]}), json!({"item": one}), json!({"item": [one]}), one.clone()]
        {
            assert_eq!(elements(&list), [&one], "{list}");
        }
        for nothing in
            [json!(""), json!({}), json!([]), json!(null), json!({"items": []}), json!({"item": ""})]
        {
            assert!(elements(&nothing).is_empty(), "{nothing}");
        }
        assert_eq!(elements(&json!({"item": "fl-1"})), [&json!("fl-1")]);
    }

    #[test]
    fn members_ignore_case_and_prefer_the_exact_one() {
        let value = json!({"ARN": 1, "arn": 2});
        assert_eq!(member(&value, "arn"), Some(&json!(2)));
        assert!(member(&value, "aRn").is_some());
        assert_eq!(member(&value, "id"), None);
    }

    #[test]
    fn tags_in_every_shape() {
        let want = vec![("Team".to_owned(), "shop".to_owned())];
        for shape in [
            json!([{"key": "Team", "value": "shop"}]),
            json!([{"Key": "Team", "Value": "shop"}]),
            json!({"Team": "shop"}),
            json!({"items": [{"key": "Team", "value": "shop"}]}),
            json!({"Tag": {"Key": "Team", "Value": "shop", "tag": 1}}),
            json!({"TagSet": {"Tag": [{"Key": "Team", "Value": "shop"}]}, "xmlns": "http://s3"}),
            json!([{"tagKey": "Team", "tagValue": "shop"}]),
        ] {
            assert_eq!(tag_pairs(&shape), want, "{shape}");
        }
        assert_eq!(tag_pairs(&json!([{"Key": "on", "Value": true}])), [("on".to_owned(), "true".to_owned())]);
        assert_eq!(tag_pairs(&json!([{"key": "empty"}])), [("empty".to_owned(), String::new())]);
        let masked = json!({"HIDDEN_DUE_TO_SECURITY_REASONS": "HIDDEN_DUE_TO_SECURITY_REASONS"});
        assert!(tag_pairs(&masked).is_empty());
        let masked = json!([{"key": HIDDEN, "value": HIDDEN}]);
        assert!(tag_pairs(&masked).is_empty());
        assert!(tag_pairs(&json!("")).is_empty());
    }

    /// A forged owner would not be seen if it were taken for a mask.
    #[test]
    fn a_tag_whose_value_looks_like_a_mask_is_a_tag() {
        for value in ["***", "[REDACTED]", "<sensitiveDataRemoved>"] {
            let want = [("Owner".to_owned(), value.to_owned())];
            assert_eq!(tag_pairs(&json!({"Owner": value})), want);
            assert_eq!(tag_pairs(&json!([{"Key": "Owner", "Value": value}])), want);
        }
    }

    #[test]
    fn a_mask_is_one_only_where_aws_writes_it() {
        assert!(is_masked_member("PutParameter", "value", HIDDEN));
        assert!(is_masked_member("CreateDBInstance", "masterUserPassword", "****"));
        assert!(is_masked_member("UpdateGuardrail", "name", HIDDEN));
        assert!(!is_masked_member("PutParameter", "name", HIDDEN));
        assert!(!is_masked_member("PutObject", "key", "***"));
        assert!(!is_masked_member("PutParameter", "value", "open"));
    }

    #[test]
    fn in_a_map_of_tags_one_may_be_called_key() {
        let pairs = |value: &Value| {
            let text = |(key, value): (String, String)| format!("{key}={value}");
            tag_pairs(value).into_iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(pairs(&json!({"Owner": "boss", "key": "x"})), ["Owner=boss", "key=x"]);
        assert_eq!(
            pairs(&json!({"Key": "x", "Owner": "boss", "value": "y"})),
            ["Key=x", "Owner=boss", "value=y"]
        );
        // Auto Scaling writes tags so. An object in a list is one tag, whatever other members it has.
        let group = json!({"key": "Team", "value": "shop", "propagateAtLaunch": true, "resourceId": "web"});
        assert_eq!(pairs(&group), ["Team=shop"]);
        assert_eq!(pairs(&json!([{"key": "Team", "value": "shop", "new": 1}])), ["Team=shop"]);
        assert!(pairs(&json!([{"key": "", "value": "x"}, {"key": null, "value": "y"}])).is_empty());
    }

    #[test]
    fn scalars_of_any_type() {
        let read =
            |json: &'static str| serde_json::from_str::<Text<'_>>(json).unwrap().0.map(Cow::into_owned);
        assert_eq!(read("\"a\"").as_deref(), Some("a"));
        assert_eq!(read("\"a\\u0041\"").as_deref(), Some("aA"));
        assert_eq!(read("17").as_deref(), Some("17"));
        assert_eq!(read("true").as_deref(), Some("true"));
        for nothing in ["\"\"", "null", "{}", "{\"a\":[1]}", "[[1]]"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }
}
