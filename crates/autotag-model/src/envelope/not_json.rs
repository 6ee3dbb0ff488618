//! The place in a value where the JSON reader stopped, and the reason, in words for people who did not write the file.

use super::malformed::{Malformed, MalformedKind};
use super::position::{Position, Root};
use crate::json_error::fault;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
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
        _ => MalformedKind::NotJson(fault(error, "a CloudTrail record")),
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
