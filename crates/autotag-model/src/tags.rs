//! Tag keys, values and sets that hold AWS's limits by construction, and the making-fit of values that do not.
//!
//! AWS's own limits: 50 tags a resource, key 1 to 128 and value 0 to 256 Unicode characters, no key that begins with
//! `aws:`; portable characters are letters, digits, space and `+ - = . _ : / @` (AWS Tag Editor reference). Services may
//! allow less; [`TagConstraints`] says what, service by service, and comes from the catalogue.

use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Which characters a service allows in keys or values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Characters {
    /// Unicode letters, digits and spaces, and `+ - = . _ : / @`.
    #[default]
    Portable,
    /// ASCII letters, digits, space and `+ - = . _ : /`.
    Ascii,
}

impl Characters {
    fn allows(self, c: char) -> bool {
        let sign = matches!(c, ' ' | '+' | '-' | '=' | '.' | '_' | ':' | '/');
        match self {
            // AWS's pattern is `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`; `char::is_alphanumeric` would let combining marks pass.
            Self::Portable => {
                let group = c.general_category_group();
                sign || c == '@'
                    || matches!(
                        group,
                        GeneralCategoryGroup::Letter
                            | GeneralCategoryGroup::Number
                            | GeneralCategoryGroup::Separator
                    )
            }
            Self::Ascii => sign || c.is_ascii_alphanumeric(),
        }
    }
}

/// What one service accepts as tags. The default is what AWS promises everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TagConstraints {
    /// How many tags a resource may carry, `aws:` tags not counted.
    pub tags: usize,
    /// The longest key, in characters.
    pub key_max: usize,
    /// The shortest value, in characters: 1 where the service refuses empty values.
    pub value_min: usize,
    /// The longest value, in characters.
    pub value_max: usize,
    /// Characters of keys.
    pub keys: Characters,
    /// Characters of values.
    pub values: Characters,
}

impl Default for TagConstraints {
    fn default() -> Self {
        Self {
            tags: 50,
            key_max: MAX_KEY,
            value_min: 0,
            value_max: MAX_VALUE,
            keys: Characters::Portable,
            values: Characters::Portable,
        }
    }
}

const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// What stands in for a character that a service does not allow, and for a value that may not be empty.
pub const REPLACEMENT: char = '_';

/// What stands at the end of a text that was too long.
const ELLIPSIS: &str = "...";

/// Why a text cannot be a tag key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagKeyError {
    /// It is empty, or blank.
    #[error("a tag key may not be empty")]
    Empty,
    /// It begins with `aws:`, in any case; AWS keeps such keys for itself.
    #[error("tag keys that begin with `aws:` belong to AWS")]
    Reserved,
}

/// A tag key: 1 to 128 portable characters, not reserved.
///
/// Two keys are equal when they are the same text; [`TagKey::eq_ignore_case`] ignores case, as STS and IAM do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TagKey(String);

impl TagKey {
    /// A key for a service with the given rules: what does not fit is made to, visibly.
    ///
    /// # Errors
    /// [`TagKeyError`] for keys that no replacement makes usable: empty ones and AWS's own.
    pub fn sanitize(text: &str, rules: &TagConstraints) -> Result<(Self, Option<Adjustment>), TagKeyError> {
        if text.trim().is_empty() {
            return Err(TagKeyError::Empty);
        }
        if is_reserved(text) {
            return Err(TagKeyError::Reserved);
        }
        let (key, adjustment) = sanitize(text, rules.keys, 1, rules.key_max);
        Ok((Self(key), adjustment))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this key to a reader who ignores case and blanks around it.
    pub fn eq_ignore_case(&self, other: &str) -> bool {
        normalized_key(&self.0) == normalized_key(other)
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether AWS keeps this key for itself: it begins with `aws:`, in any case.
pub fn is_reserved(key: &str) -> bool {
    normalized_key(key).starts_with("aws:")
}

/// A key as one who ignores case and blanks around it sees it.
pub fn normalized_key(key: &str) -> String {
    key.trim().to_lowercase()
}

/// A tag value: up to 256 characters that the service allows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TagValue(String);

impl TagValue {
    /// A value for a service with the given rules: what does not fit is made to, visibly. Never fails: AWS shall not
    /// refuse a whole call for one comma.
    pub fn sanitize(text: &str, rules: &TagConstraints) -> (Self, Option<Adjustment>) {
        let (value, adjustment) = sanitize(text, rules.values, rules.value_min, rules.value_max);
        (Self(value), adjustment)
    }

    /// The value's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TagValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was done to a text to make it fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adjustment {
    /// How many characters were replaced by [`REPLACEMENT`].
    pub replaced: usize,
    /// How many characters were cut off the end, where `...` now stands.
    pub cut: usize,
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let characters =
            |count| if count == 1 { "1 character".to_owned() } else { format!("{count} characters") };
        match (self.replaced, self.cut) {
            (replaced, 0) => write!(f, "{} replaced by `{REPLACEMENT}`", characters(replaced)),
            (0, cut) => write!(f, "{} cut", characters(cut)),
            (replaced, cut) => {
                write!(f, "{} replaced by `{REPLACEMENT}` and {} cut", characters(replaced), characters(cut))
            }
        }
    }
}

fn sanitize(text: &str, characters: Characters, min: usize, max: usize) -> (String, Option<Adjustment>) {
    let mut replaced = 0;
    let mut fitted: String = text
        .chars()
        .map(|c| {
            let allowed = characters.allows(c);
            replaced += usize::from(!allowed);
            if allowed { c } else { REPLACEMENT }
        })
        .collect();
    let length = fitted.chars().count();
    let mut cut = 0;
    if length > max {
        let keep = max.saturating_sub(ELLIPSIS.len());
        cut = length - keep;
        fitted = fitted.chars().take(keep).chain(ELLIPSIS.chars()).take(max).collect();
    }
    if length < min {
        replaced += min - length;
        fitted.extend(std::iter::repeat_n(REPLACEMENT, min - length));
    }
    let adjustment = (replaced > 0 || cut > 0).then_some(Adjustment { replaced, cut });
    (fitted, adjustment)
}

/// Tags for one resource: no two keys that differ only in case or in blanks around them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagSet(Vec<(TagKey, TagValue)>);

impl TagSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tag unless a key that differs only in case is there; says whether it was added.
    pub fn add(&mut self, key: TagKey, value: TagValue) -> bool {
        let free = !self.0.iter().any(|(known, _)| known.eq_ignore_case(key.as_str()));
        if free {
            self.0.push((key, value));
        }
        free
    }

    /// The value under exactly this key.
    pub fn get(&self, key: &str) -> Option<&TagValue> {
        self.0.iter().find(|(known, _)| known.as_str() == key).map(|(_, value)| value)
    }

    /// The tags in the order they were added, which is the order in which they matter.
    pub fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The same as texts.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many tags there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the first `count` tags and gives back the others.
    pub fn split_off(&mut self, count: usize) -> Vec<(TagKey, TagValue)> {
        self.0.split_off(count.min(self.0.len()))
    }

    /// Keeps the tags for which `wanted` says so.
    pub fn retain(&mut self, mut wanted: impl FnMut(&TagKey, &TagValue) -> bool) {
        self.0.retain(|(key, value)| wanted(key, value));
    }
}

impl Serialize for TagSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ascii() -> TagConstraints {
        TagConstraints {
            keys: Characters::Ascii,
            values: Characters::Ascii,
            value_min: 1,
            ..TagConstraints::default()
        }
    }

    #[test]
    fn values_are_made_to_fit_visibly() {
        let fitted = |text: &str, rules: &TagConstraints| {
            let (value, adjustment) = TagValue::sanitize(text, rules);
            (value.as_str().to_owned(), adjustment.map(|a| (a.replaced, a.cut)))
        };
        let portable = TagConstraints::default();
        assert_eq!(
            fitted("Ana Müller <ana@example.com>", &portable),
            ("Ana Müller _ana@example.com_".into(), Some((2, 0)))
        );
        assert_eq!(fitted("ana@example.com", &ascii()), ("ana_example.com".into(), Some((1, 0))));
        assert_eq!(fitted("", &portable), (String::new(), None));
        assert_eq!(fitted("", &ascii()), ("_".into(), Some((1, 0))));
        let (long, adjustment) = fitted(&"x".repeat(300), &portable);
        assert_eq!((long.chars().count(), adjustment), (256, Some((0, 47))));
        assert!(long.ends_with("x..."));
    }

    #[test]
    fn reserved_and_empty_keys_are_refused() {
        for key in ["aws:x", "AWS:x", " aws:x", "aWs:cloudformation:stack-name"] {
            assert_eq!(
                TagKey::sanitize(key, &TagConstraints::default()),
                Err(TagKeyError::Reserved),
                "{key}"
            );
        }
        assert_eq!(TagKey::sanitize("  ", &TagConstraints::default()), Err(TagKeyError::Empty));
        assert!(TagKey::sanitize("awsome", &TagConstraints::default()).is_ok());
    }

    #[test]
    fn a_set_holds_one_of_the_keys_that_look_the_same() {
        let rules = TagConstraints::default();
        let mut set = TagSet::new();
        let mut add = |key: &str| {
            let (key, _) = TagKey::sanitize(key, &rules).unwrap();
            set.add(key, TagValue::sanitize("v", &rules).0)
        };
        assert!(add("Owner"));
        assert!(!add("owner") && !add("OWNER ") && !add("Owner"));
        assert!(add("Owners"));
        assert_eq!(set.pairs().collect::<Vec<_>>(), [("Owner", "v"), ("Owners", "v")]);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_aws_accepts_what_comes_out(text in any::<String>(), strict in any::<bool>()) {
            let rules = if strict { ascii() } else { TagConstraints::default() };
            let (value, adjustment) = TagValue::sanitize(&text, &rules);
            let length = value.as_str().chars().count();
            prop_assert!((rules.value_min..=rules.value_max).contains(&length));
            prop_assert!(value.as_str().chars().all(|c| rules.values.allows(c)));
            prop_assert_eq!(adjustment.is_none(), value.as_str() == text);
            if let Ok((key, _)) = TagKey::sanitize(&text, &rules) {
                prop_assert!((1..=rules.key_max).contains(&key.as_str().chars().count()));
                prop_assert!(!is_reserved(key.as_str()));
            }
        }
    }
}
