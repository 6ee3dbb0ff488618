//! Finds the members of a record that the masks have shown to be JSON without blanks.

use super::block::{Block, SIZE};
use super::escapes::{Escapes, up_to_next};
use fearless_simd::{Level, Simd, dispatch};
use memchr::memchr2;

/// The members of a record by name and value, as they are written. An item is `None`, and the last one, if the text is not
/// such a record.
pub(in crate::envelope) struct Members<'t> {
    text: &'t str,
    /// The byte before the next member; `None` after the last one.
    at: Option<usize>,
    level: Level,
}

impl<'t> Members<'t> {
    pub(in crate::envelope) fn of(record: &'t str) -> Self {
        Self { text: record, at: Some(0), level: Level::new() }
    }

    /// The member behind a byte, and where it ends.
    fn member(&self, before: usize) -> Option<((&'t str, &'t str), usize)> {
        let begin = before + 1;
        let colon = self.end(begin)?;
        let end = self.end(colon + 1)?;
        let name = self.text.get(begin + 1..colon - 1)?;
        let value = self.text.get(colon..end)?.strip_prefix(':')?;
        Some(((name, value), end))
    }

    /// Where the value ends that begins at a byte.
    fn end(&self, begin: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(begin..)?;
        let length = match rest.first()? {
            b'"' => text_length(rest)?,
            b'{' | b'[' => {
                let level = self.level;
                dispatch!(level, simd => nested_length(simd, rest))?
            }
            _ => memchr2(b',', b'}', rest)?,
        };
        Some(begin + length)
    }
}

impl<'t> Iterator for Members<'t> {
    type Item = Option<(&'t str, &'t str)>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at.take()?;
        match self.text.as_bytes().get(at..)? {
            [b'{' | b',', b'"', ..] => {
                let found = self.member(at);
                self.at = found.map(|(_, end)| end);
                Some(found.map(|(member, _)| member))
            }
            [b'{', b'}'] | [b'}'] => None,
            _ => Some(None),
        }
    }
}

/// The length of the text with which bytes begin, with its quotes.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        let rest = bytes.get(at..)?;
        let found = memchr2(b'"', b'\\', rest)?;
        if rest.get(found) == Some(&b'"') {
            return Some(at + found + 1);
        }
        at += found + 2;
    }
}

/// The length of the object or list with which bytes begin.
#[expect(clippy::inline_always, reason = "compiled once for each instruction set")]
#[inline(always)]
fn nested_length<S: Simd>(simd: S, bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escapes) = (0_u32, 0_u64, Escapes::default());
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let block = Block::first_of(simd, rest);
        let quotes = block.quotes & !escapes.escaped(block.backslashes);
        let text = up_to_next(quotes) ^ in_text;
        in_text = if text >> 63 == 1 { u64::MAX } else { 0 };
        let (opens, closes) = (block.opens & !text, block.closes & !text);
        if depth > closes.count_ones() {
            depth = depth + opens.count_ones() - closes.count_ones();
        } else {
            let mut brackets = opens | closes;
            while brackets != 0 {
                let bracket = brackets & brackets.wrapping_neg();
                brackets ^= bracket;
                if opens & bracket != 0 {
                    depth += 1;
                } else {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(at + bracket.trailing_zeros() as usize + 1);
                    }
                }
            }
        }
        at += SIZE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;

    fn members(record: &str) -> Option<Vec<(&str, &str)>> {
        Members::of(record).collect()
    }

    #[test]
    fn members_of_a_record() {
        let record =
            r#"{"a":"","b\"":"\\","c":{"d":["}",{}],"e":"\\\""},"f":null,"g":[],"h":-1.5,"i":{"j":"é"}}"#;
        let expected = [
            ("a", r#""""#),
            (r#"b\""#, r#""\\""#),
            ("c", r#"{"d":["}",{}],"e":"\\\""}"#),
            ("f", "null"),
            ("g", "[]"),
            ("h", "-1.5"),
            ("i", r#"{"j":"é"}"#),
        ];
        assert_eq!(members(record).unwrap(), expected);
        assert_eq!(members("{}").unwrap(), []);
    }

    #[test]
    fn other_texts_have_no_members() {
        for text in [
            "",
            "{",
            "{1",
            "{,",
            "[]",
            r#"{"a"}"#,
            r#"{"a":"b""#,
            r#"{"a":[1"#,
            r#"{"a":"b" ,"c":1}"#,
            r#"{"a":{}}}"#,
        ] {
            assert_eq!(members(text), None, "{text}");
        }
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let scalar = prop_oneof![
            Just(serde_json::Value::Null),
            any::<i32>().prop_map(Into::into),
            "[a-z{}\\[\\]\"\\\\,:é]{0,90}".prop_map(Into::into),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map("[a-z{}\"\\\\]{0,9}", inner, 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_are_those_of_the_json_reader(
            object in prop::collection::btree_map("[a-z{}\\[\\]]{0,9}", any_value(), 0..8),
        ) {
            let text = serde_json::to_string(&object).unwrap();
            let read: BTreeMap<&str, &RawValue> = serde_json::from_str(&text).unwrap();
            let expected: Vec<(&str, &str)> = read.iter().map(|(name, value)| (*name, value.get())).collect();
            prop_assert_eq!(members(&text).unwrap(), expected);
        }
    }
}
