//! JSON that borrows its texts from the input.

use super::Tree;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::fmt;

/// The same as a [`serde_json::Value`], without a copy of each text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BorrowedJson<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<BorrowedJson<'a>>),
    /// Ordered by name, each name once.
    Object(Vec<(Cow<'a, str>, BorrowedJson<'a>)>),
}

impl From<Value> for BorrowedJson<'_> {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(Cow::Owned(text)),
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            // A map is ordered by name.
            Value::Object(members) => Self::Object(
                members.into_iter().map(|(name, value)| (Cow::Owned(name), value.into())).collect(),
            ),
        }
    }
}

impl Tree for BorrowedJson<'_> {
    fn members(&self) -> impl Iterator<Item = (&str, &Self)> {
        let members = if let Self::Object(members) = self { members.as_slice() } else { &[] };
        members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn scalar(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.is_empty(),
            Self::List(list) => list.is_empty(),
            Self::Object(members) => members.is_empty(),
            Self::Bool(_) | Self::Number(_) => false,
        }
    }

    fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    fn has_members(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for BorrowedJson<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = BorrowedJson<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(BorrowedJson::Null, BorrowedJson::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(BorrowedJson::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(BorrowedJson::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(Cow<'de, str>, BorrowedJson<'de>)> = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        // Of several members of one name the last counts.
        members.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        Ok(BorrowedJson::Object(members))
    }
}

/// The name of a member.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyName;
        impl<'de> Visitor<'de> for AnyName {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(AnyName)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{any_member, chosen_text, elements, member, member_text, tag_pairs};
    use super::*;
    use proptest::prelude::*;

    /// Asserts that the two kinds of trees answer alike, on all levels.
    fn assert_alike(value: &Value, borrowed: &BorrowedJson<'_>) {
        assert_eq!(value.scalar(), borrowed.scalar());
        assert_eq!((value.is_nothing(), value.as_text()), (borrowed.is_nothing(), borrowed.as_text()));
        assert_eq!(value.has_members(), borrowed.has_members());
        assert_eq!(tag_pairs(value), tag_pairs(borrowed));
        assert_eq!(elements(value).len(), elements(borrowed).len());
        for (value, borrowed) in
            value.as_list().into_iter().flatten().zip(borrowed.as_list().into_iter().flatten())
        {
            assert_alike(value, borrowed);
        }
        let names: Vec<&str> = value.members().map(|(name, _)| name).collect();
        assert_eq!(names, borrowed.members().map(|(name, _)| name).collect::<Vec<_>>());
        for name in names.iter().copied().chain(["arn", "ARN", "x", ""]) {
            assert_eq!(member_text(value, name), member_text(borrowed, name));
            assert_eq!(chosen_text(value, name), chosen_text(borrowed, name));
            assert_eq!(any_member(value, &[name]).is_some(), any_member(borrowed, &[name]).is_some());
            match (member(value, name), member(borrowed, name)) {
                (Some(value), Some(borrowed)) => assert_alike(value, borrowed),
                (value, borrowed) => assert_eq!(value.is_none(), borrowed.is_none(), "{name}"),
            }
        }
    }

    #[test]
    fn it_answers_as_a_value_does() {
        for json in [
            r#"{"b":1,"a":{"ARN":"x","arn":"y"},"b":[{"c":""}],"a\u0041":-7,"n":null,"t":true,"f":1.50,"e":1e400}"#,
            r#"{"arn":"a\\b","Arn":"***","aRN":18446744073709551615,"l":[],"o":{}}"#,
            r#"{"a":"\ud800"}"#,
            "[1,2",
            "7",
            r#""text""#,
        ] {
            let value = serde_json::from_str::<Value>(json);
            match (value, serde_json::from_str::<BorrowedJson<'_>>(json)) {
                (Ok(value), Ok(borrowed)) => {
                    assert_alike(&value, &borrowed);
                    assert_eq!(BorrowedJson::from(value), borrowed);
                }
                (value, borrowed) => {
                    assert_eq!(value.unwrap_err().to_string(), borrowed.unwrap_err().to_string());
                }
            }
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let error = serde_json::from_str::<BorrowedJson<'_>>(&deep).unwrap_err();
        assert_eq!(error.to_string(), serde_json::from_str::<Value>(&deep).unwrap_err().to_string());
    }

    fn any_json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            any::<i64>().prop_map(|number| number.to_string()),
            "\\PC{0,6}".prop_map(|text| Value::from(text).to_string()),
        ];
        scalar.prop_recursive(3, 24, 5, |inner| {
            let members =
                prop::collection::vec(("([aAbB]{0,2}|[kK]ey|value|items?|tag)", inner.clone()), 0..5);
            let object = members.prop_map(|members| {
                let members: Vec<String> =
                    members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            });
            let list = prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(",")));
            prop_oneof![object, list]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_as_a_value_reads_it(json in any_json()) {
            let value: Value = serde_json::from_str(&json).unwrap();
            assert_alike(&value, &serde_json::from_str(&json).unwrap());
        }
    }
}
