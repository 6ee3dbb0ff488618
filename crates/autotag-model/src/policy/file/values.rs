//! The values in a policy file. Mistakes in them are reported with their position.

use crate::arn::AccountId;
use crate::policy::Selection;
use crate::policy::pattern::Pattern;
use crate::policy::template::{TagTemplate, TagTemplateError};
use crate::tags::{TagConstraints, TagKey, normalized_key};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use std::fmt;

/// The key of the opt-out tag.
pub(super) struct OptOut(pub(super) String);

/// Patterns, none of them empty.
#[derive(Default)]
pub(super) struct Patterns(pub(super) Vec<String>);

/// A choice of keys: all, none, or those that match.
pub(super) enum Which {
    All(bool),
    Matching(Patterns),
}

/// Tags in the order of the file, which is the order of importance.
#[derive(Default)]
pub(super) struct Templates(pub(super) Vec<(String, TagTemplate)>);

/// The id of an account.
pub(super) struct Account(pub(super) AccountId);

impl<'de> Deserialize<'de> for Templates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Templates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tag keys with texts, for example `Owner = \"{owner}\"`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut tags: Vec<(String, TagTemplate)> = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    if tags.iter().any(|(known, _)| normalized_key(known) == normalized_key(&key)) {
                        return Err(A::Error::custom(format!(
                            "duplicate tag key `{key}` (keys are case-insensitive)"
                        )));
                    }
                    let template = map.next_value_seed(ValueOf(&key))?;
                    tags.push((key, template));
                }
                Ok(Templates(tags))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A tag key. Its faults have the position of the key.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        match TagKey::sanitize(&key, &TagConstraints::default()) {
            Ok((_, None)) => Ok(Self(key)),
            Ok((_, Some(adjusted))) => {
                Err(D::Error::custom(format!("`{key}` is not a valid tag key: {adjusted} would be needed")))
            }
            Err(error) => Err(D::Error::custom(format!("`{key}`: {error}"))),
        }
    }
}

/// The value of a tag with this key. Its faults have the position of the value.
struct ValueOf<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for ValueOf<'_> {
    type Value = TagTemplate;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TagTemplate, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: TagTemplateError| D::Error::custom(format!("`{}`: {error}", self.0)))
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let account = AccountId::new(&text);
        account
            .map(Account)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not an account id: expected twelve digits")))
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns = Vec::<String>::deserialize(deserializer)?;
        if patterns.iter().any(|pattern| pattern.trim().is_empty()) {
            return Err(D::Error::custom(
                "an empty pattern matches nothing: remove it, or write `*` for everything",
            ));
        }
        Ok(Self(patterns))
    }
}

impl<'de> Deserialize<'de> for Which {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected true, false or a list of key patterns")]
        enum Either {
            All(bool),
            Matching(Vec<String>),
        }
        match Either::deserialize(deserializer)? {
            Either::All(all) => Ok(Self::All(all)),
            Either::Matching(patterns) => {
                let patterns = serde::de::value::SeqDeserializer::new(patterns.into_iter());
                Patterns::deserialize(patterns).map(Self::Matching)
            }
        }
    }
}

impl<'de> Deserialize<'de> for OptOut {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        match TagKey::sanitize(&key, &TagConstraints::default()) {
            Ok((_, None)) => Ok(Self(key)),
            Ok((_, Some(adjusted))) => {
                Err(D::Error::custom(format!("`opt_out` is not a valid tag key: {adjusted} would be needed")))
            }
            Err(error) => Err(D::Error::custom(format!(
                "`opt_out`: {error}; name a tag key of your own, or remove the line"
            ))),
        }
    }
}

impl From<Which> for Selection {
    fn from(which: Which) -> Self {
        match which {
            Which::All(true) => Self::All,
            Which::All(false) => Self::None,
            Which::Matching(patterns) => patterns.into(),
        }
    }
}

impl From<Patterns> for Selection {
    fn from(patterns: Patterns) -> Self {
        Self::Matching(Pattern::of_keys(patterns.0.iter().map(String::as_str)))
    }
}
