//! Tag keys, values and sets that keep AWS's limits by construction.
//!
//! AWS's limits are 50 tags a resource, 1 to 128 characters a key and 0 to 256 a value. Keys must not begin with
//! `aws:`. Every service allows letters, digits, spaces and `+ - = . _ : / @` ([Tagging AWS resources][limits]).
//! [`TagConstraints`] holds the limits of one service, from the catalogue. Texts that do not fit are changed
//! visibly, and the change is reported as an [`Adjustment`].
//!
//! [limits]: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html

use serde::{Deserialize, Serialize};
use std::fmt;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The characters that a service allows in keys or values.
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
            // Some letters cannot be seen (U+3164). A value with one only looks like another value.
            Self::Portable if c.is_ascii() => sign || c == '@' || c.is_ascii_alphanumeric(),
            Self::Portable if is_invisible(c) => false,
            Self::Portable => {
                matches!(
                    c.general_category_group(),
                    GeneralCategoryGroup::Letter
                        | GeneralCategoryGroup::Number
                        | GeneralCategoryGroup::Separator
                )
            }
            Self::Ascii => sign || c.is_ascii_alphanumeric(),
        }
    }
}

/// The first character of a text that people cannot see: a code point that Unicode calls default-ignorable, such as
/// U+200B (zero width space), U+202E (right-to-left override), U+3164 (Hangul filler) or U+FE0F (variation
/// selector).
///
/// A key with one looks like another key. AWS allows those that are letters.
///
/// ```
/// use autotag_model::tags::invisible_character;
///
/// assert_eq!(invisible_character("Owner\u{3164}"), Some('\u{3164}'));
/// assert_eq!(invisible_character("Owner of it"), None);
/// ```
pub fn invisible_character(text: &str) -> Option<char> {
    text.chars().find(|c| is_invisible(*c))
}

/// True if people cannot see the character: `Default_Ignorable_Code_Point` of
/// [`DerivedCoreProperties`](https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt). All marks that turn
/// the direction of writing are among them.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The tags that one service accepts. The default is what every service accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TagConstraints {
    /// The most tags that a resource can have, `aws:` tags not counted.
    pub tags: usize,
    /// The longest key, in characters.
    pub key_max: usize,
    /// The shortest value, in characters: 1 if the service refuses empty values.
    pub value_min: usize,
    /// The longest value, in characters.
    pub value_max: usize,
    /// The characters of keys.
    pub keys: Characters,
    /// The characters of values.
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

/// The replacement for a character that a service does not allow, and for a value that must not be empty.
pub const REPLACEMENT: char = '_';

/// The end of a text that was too long.
const ELLIPSIS: &str = "...";

/// A text that cannot be made a tag key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagKeyError {
    /// The text is empty or blank.
    #[error("a tag key must not be empty")]
    Empty,
    /// The text begins with `aws:`, in any letter case. Only AWS writes such keys.
    #[error("tag keys that begin with `aws:` belong to AWS")]
    Reserved,
}

/// A tag key that a service accepts: 1 to 128 characters, not beginning with `aws:`.
///
/// Two keys are equal if their texts are equal; [`TagKey::eq_ignore_case`] ignores case, as STS and IAM do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TagKey(String);

impl TagKey {
    /// Makes a key within `constraints`: other characters become [`REPLACEMENT`], a long text is cut.
    ///
    /// # Errors
    /// [`TagKeyError`] if the text is blank or begins with `aws:`.
    ///
    /// ```
    /// use autotag_model::tags::{TagConstraints, TagKey, TagKeyError};
    ///
    /// let (key, adjustment) = TagKey::sanitize("cost,center", &TagConstraints::default())?;
    /// assert_eq!(key.as_str(), "cost_center");
    /// assert_eq!(adjustment.map(|adjustment| adjustment.replaced), Some(1));
    /// assert_eq!(TagKey::sanitize("AWS:x", &TagConstraints::default()), Err(TagKeyError::Reserved));
    /// # Ok::<(), TagKeyError>(())
    /// ```
    pub fn sanitize(
        text: &str,
        constraints: &TagConstraints,
    ) -> Result<(Self, Option<Adjustment>), TagKeyError> {
        if text.trim().is_empty() {
            return Err(TagKeyError::Empty);
        }
        if is_reserved(text) {
            return Err(TagKeyError::Reserved);
        }
        let (key, adjustment) = sanitize(text, constraints.keys, 1, constraints.key_max);
        Ok((Self(key), adjustment))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if `other` is this key, ignoring case and blanks around it.
    pub fn eq_ignore_case(&self, other: &str) -> bool {
        is_same_key(&self.0, other)
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// True if only AWS writes this key: it begins with `aws:`, in any letter case.
pub fn is_reserved(key: &str) -> bool {
    // No character but these letters has one of them as its lower case.
    key.trim().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The key in lower case, without blanks around it: equal for keys that [`TagKey::eq_ignore_case`] takes for equal.
pub fn normalized_key(key: &str) -> String {
    key.trim().to_lowercase()
}

/// True if two keys are equal, ignoring case and blanks around them: whether their [`normalized_key`]s are.
pub fn is_same_key(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.trim().eq_ignore_ascii_case(other.trim());
    }
    normalized_key(one) == normalized_key(other)
}

/// A tag value that a service accepts: up to 256 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TagValue(String);

impl TagValue {
    /// Makes a value within `constraints`: other characters become [`REPLACEMENT`], a long text is cut.
    ///
    /// It never fails, because AWS would refuse a whole call for one character.
    pub fn sanitize(text: &str, constraints: &TagConstraints) -> (Self, Option<Adjustment>) {
        let (value, adjustment) =
            sanitize(text, constraints.values, constraints.value_min, constraints.value_max);
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

/// How a text was changed to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adjustment {
    /// The number of characters that became [`REPLACEMENT`].
    pub replaced: usize,
    /// The number of characters that were cut off the end and replaced by `...`.
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
    let fits = (min..=max).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii() && characters.allows(byte.into())) {
        return (text.to_owned(), None);
    }
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

/// The tags of one resource, in order of importance. No two keys differ only in case or in blanks around them.
///
/// ```
/// use autotag_model::tags::{TagConstraints, TagKey, TagSet, TagValue};
///
/// let constraints = TagConstraints::default();
/// let mut tags = TagSet::new();
/// tags.add(TagKey::sanitize("Owner", &constraints)?.0, TagValue::sanitize("ana", &constraints).0);
/// assert!(!tags.add(TagKey::sanitize("OWNER", &constraints)?.0, TagValue::sanitize("eve", &constraints).0));
/// for (key, value) in &tags {
///     assert_eq!((key.as_str(), value.as_str()), ("Owner", "ana"));
/// }
/// # Ok::<(), autotag_model::tags::TagKeyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TagSet(Vec<(TagKey, TagValue)>);

impl TagSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tag and returns true, unless the set has a key that is equal or differs only in case.
    pub fn add(&mut self, key: TagKey, value: TagValue) -> bool {
        let free = !self.0.iter().any(|(known, _)| known.eq_ignore_case(key.as_str()));
        if free {
            self.0.push((key, value));
        }
        free
    }

    /// The value of exactly this key.
    pub fn get(&self, key: &str) -> Option<&TagValue> {
        self.0.iter().find(|(known, _)| known.as_str() == key).map(|(_, value)| value)
    }

    /// The tags in the order in which they were added, which is the order of importance.
    pub fn iter(&self) -> TagSetIter<'_> {
        TagSetIter(self.0.iter())
    }

    /// As [`TagSet::iter`], as texts.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The number of tags.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if the set has no tags.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the first `count` tags and returns the others.
    pub fn split_off(&mut self, count: usize) -> Vec<(TagKey, TagValue)> {
        self.0.split_off(count.min(self.0.len()))
    }

    /// Keeps the tags for which `wanted` returns true.
    pub fn retain(&mut self, mut wanted: impl FnMut(&TagKey, &TagValue) -> bool) {
        self.0.retain(|(key, value)| wanted(key, value));
    }
}

/// Iterates over the tags of a [`TagSet`], the most important first.
#[derive(Debug, Clone)]
pub struct TagSetIter<'s>(std::slice::Iter<'s, (TagKey, TagValue)>);

impl<'s> Iterator for TagSetIter<'s> {
    type Item = (&'s TagKey, &'s TagValue);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for TagSetIter<'_> {}

impl<'s> IntoIterator for &'s TagSet {
    type Item = (&'s TagKey, &'s TagValue);
    type IntoIter = TagSetIter<'s>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for TagSet {
    type Item = (TagKey, TagValue);
    type IntoIter = std::vec::IntoIter<(TagKey, TagValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Serializes as a map from key to value.
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
