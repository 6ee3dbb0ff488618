//! The place in a value where the JSON reader stopped, and the reason, in words for people who did not write the file.

use super::malformed::{Malformed, MalformedKind};
use super::position::{Position, Root};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use std::fmt;

/// A JSON error with its position: always the JSON path, and the byte offset if no wrapping has changed the text.
pub(super) fn not_json(text: &str, error: &serde_json::Error, position: &Position, wraps: u8) -> Malformed {
    let may_be_file = wraps == 0 && position.root == Root::Value;
    let path = path_of_fault(text);
    let mut position = position.within(&path);
    if wraps == 0 {
        position.offset += offset_of(text, error) as u64;
    }
    let kind = match text.trim_start().bytes().next() {
        Some(first) if !error.is_data() && !matches!(first, b'{' | b'[' | b'"') => {
            starts_with(first, may_be_file)
        }
        _ => MalformedKind::NotJson(reason(error)),
    };
    Malformed { position, kind }
}

/// A text that begins like no record. Of the text only this byte is shown: an attacker may have chosen it, or it may be secret.
pub(super) fn starts_with(first: u8, may_be_file: bool) -> MalformedKind {
    let found = match char::from(first) {
        first if first.is_ascii_graphic() => format!("`{first}`"),
        _ => format!("the byte 0x{first:02x}"),
    };
    let expected =
        if may_be_file { "CloudTrail log files, events and records start" } else { "a record starts" };
    MalformedKind::NotJson(format!("not JSON: starts with {found}; {expected} with `{{`"))
}

/// The words of the JSON reader, by their beginning, and ours.
const REASONS: [(&str, &str); 16] = [
    ("expected value", "a value is missing, or a text has no double quotes"),
    ("expected ident", "a word that is not true, false or null"),
    ("expected `:`", "no colon after the name of a member"),
    ("expected `,` or `]`", "no comma and no `]` after an element of a list"),
    ("expected `,` or `}`", "no comma and no `}` after a member of an object"),
    ("expected `\"`", "a text or a name has no double quotes"),
    ("key must be a string", "the name of a member has no double quotes"),
    ("invalid escape", ESCAPE),
    ("invalid unicode code point", ESCAPE),
    ("lone leading surrogate", ESCAPE),
    ("unexpected end of hex escape", ESCAPE),
    ("invalid number", "a number is not written as in JSON"),
    ("number out of range", "a number is too large"),
    ("control character", "a line end or another control character inside a text"),
    ("trailing comma", "a comma before the end of a list or an object"),
    ("trailing characters", "more text follows after the value"),
];

const ESCAPE: &str = "no valid escape after a backslash in a text";

/// The fault that the JSON reader has found. Its own words are those of a parser, and may repeat a value of the input.
fn reason(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match error.classify() {
        Category::Eof => "not JSON: the value was cut, its end is missing".to_owned(),
        Category::Syntax | Category::Io => {
            let known = REASONS.iter().find(|(start, _)| said.starts_with(start));
            let nested = || said.starts_with("recursion limit");
            match known {
                Some((_, reason)) => format!("not JSON: {reason}"),
                None if nested() => "nested deeper than 128 levels".to_owned(),
                None => "not JSON".to_owned(),
            }
        }
        Category::Data => {
            // These names are those that the reader looks for, and not of the input.
            let name = |start: &str| said.strip_prefix(start).and_then(|rest| rest.split('`').next());
            if let Some(name) = name("duplicate field `") {
                format!("not a CloudTrail record: `{name}` occurs twice")
            } else if let Some(name) = name("missing field `") {
                format!("not a CloudTrail record: `{name}` is missing")
            } else {
                "not a CloudTrail record: a member has a value of another type".to_owned()
            }
        }
    }
}

/// The longest path in a message, in bytes. The author of a record may choose names of members.
const MAX_PATH: usize = 1_000;

/// Any JSON value, read member by member and kept nowhere. `IgnoredAny` skips a value as a whole, without its path.
struct Passed;

impl<'de> Deserialize<'de> for Passed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Passed {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Self, Self>()?.is_some() {}
        Ok(self)
    }
}

/// Reads a text that has failed once more, this time with the JSON path.
fn path_of_fault(text: &str) -> String {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, Passed>(&mut reader) {
        Err(error) if error.path().iter().next().is_some() => match error.path().to_string() {
            path if path == "." || path == "?" => String::new(),
            path if path.len() > MAX_PATH => String::new(),
            path if path.starts_with('[') => path,
            path => format!(".{path}"),
        },
        _ => String::new(),
    }
}

fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (line_start + error.column().saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn reason_of(text: &str) -> String {
        reason(&serde_json::from_str::<Value>(text).unwrap_err())
    }

    #[test]
    fn every_fault_has_words_of_its_own() {
        for (text, words) in [
            ("{\"a\": }", "a value is missing"),
            ("{\"a\": nix}", "a word that is not true, false or null"),
            ("{\"a\" 1}", "no colon"),
            ("[1 2]", "no comma and no `]`"),
            ("{\"a\": 1 \"b\": 2}", "no comma and no `}`"),
            ("{a: 1}", "the name of a member has no double quotes"),
            ("{\"a\": \"\\x\"}", "escape after a backslash"),
            ("{\"a\": \"\\ud800\"}", "escape after a backslash"),
            ("{\"a\": \"\\ud800x\"}", "escape after a backslash"),
            ("{\"a\": \"\\udc00\"}", "escape after a backslash"),
            ("{\"a\": 01}", "a number is not written as in JSON"),
            ("{\"a\": 1e999}", "a number is too large"),
            ("{\"a\": \"\u{1}\"}", "control character inside a text"),
            ("[1,]", "a comma before the end"),
            ("{} x", "more text follows"),
            ("{\"a\": \"", "the value was cut"),
            ("[", "the value was cut"),
        ] {
            let reason = reason_of(text);
            assert!(reason.starts_with("not JSON: ") && reason.contains(words), "{text}: {reason}");
        }
        assert_eq!(reason_of(&"[".repeat(200)), "nested deeper than 128 levels");
    }

    #[test]
    fn no_value_of_the_input_is_repeated() {
        let error = serde_json::from_str::<Vec<u8>>("\"a secret\"").unwrap_err();
        assert!(error.to_string().contains("a secret"), "{error}");
        assert_eq!(reason(&error), "not a CloudTrail record: a member has a value of another type");
    }
}
