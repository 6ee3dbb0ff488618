//! Finds the place where the reader can continue in a list of records after damage.
//!
//! A damaged byte costs one record. The next one is found by its beginning, and only outside of values that are
//! well-formed: a caller could put a text that looks like a record into a parameter, but cannot damage the file.

use serde::de::IgnoredAny;

/// The members with which writers begin a record. CloudTrail begins each with `eventVersion`; programs that sort members
/// begin it with one of the others. No list inside a record has objects that begin so.
const FIRST_MEMBERS: [&[u8]; 9] = [
    b"eventVersion",
    b"additionalEventData",
    b"awsRegion",
    b"eventID",
    b"eventName",
    b"eventSource",
    b"eventTime",
    b"recipientAccountId",
    b"userIdentity",
];

/// The most blanks before and in the beginning of a record. Pretty-printed files have a few dozen.
const MAX_BLANKS: usize = 256;

/// More than the longest beginning: blanks, `{`, blanks, a name in quotes.
const LONGEST: usize = 2 * MAX_BLANKS + 32;

/// The result of a search in a window that may be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It begins here.
    Begins(usize),
    /// It does not begin before this position. The search goes on there when there are more bytes.
    NotBefore(usize),
}

/// The next record in a window, from `from` on: a `{` after a comma or at the beginning of a line, and then one of the
/// first members. `ended`: no more bytes follow.
pub(super) fn next_record(window: &[u8], from: usize, ended: bool) -> Next {
    let mut at = from;
    while let Some(found) = memchr::memchr(b'{', window.get(at..).unwrap_or_default()) {
        let brace = at + found;
        if follows_comma(window, brace) {
            match begins_record(window.get(brace..).unwrap_or_default()) {
                Some(true) => return Next::Begins(brace),
                // The window ends inside a beginning.
                None if !ended => return Next::NotBefore(with_blanks(brace, from)),
                _ => {}
            }
        }
        at = brace + 1;
    }
    Next::NotBefore(with_blanks(window.len(), from))
}

/// The position before the blanks that may come before `at`: where a search has to go on to see the comma as well.
fn with_blanks(at: usize, from: usize) -> usize {
    at.saturating_sub(MAX_BLANKS + 1).max(from)
}

/// True if a comma or the end of a line comes before, with nothing but blanks between.
fn follows_comma(window: &[u8], at: usize) -> bool {
    let before = window.get(..at).unwrap_or_default();
    let mut blanks = 0;
    for byte in before.iter().rev() {
        match byte {
            b',' | b'\n' => return true,
            blank if blank.is_ascii_whitespace() && blanks < MAX_BLANKS => blanks += 1,
            _ => return false,
        }
    }
    false
}

/// True if bytes begin with `{` and one of the first members; `None` if there are too few bytes to tell.
fn begins_record(bytes: &[u8]) -> Option<bool> {
    let bytes = bytes.get(..LONGEST).unwrap_or(bytes);
    let inside = bytes.strip_prefix(b"{").unwrap_or_default();
    let blanks = inside.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let inside = inside.get(blanks..).unwrap_or_default();
    let Some(name) = inside.strip_prefix(b"\"") else {
        return if inside.is_empty() && blanks < MAX_BLANKS { None } else { Some(false) };
    };
    for member in FIRST_MEMBERS {
        match name.strip_prefix(member) {
            Some([]) => return None,
            Some(after) => return Some(after.starts_with(b"\"")),
            None if member.starts_with(name) => return None,
            None => {}
        }
    }
    Some(false)
}

/// The container of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKind {
    /// The list is a member of an object.
    Member,
    /// The list is at top level, where values need nothing between them.
    Top,
    /// The same, and its `]` is in a place where an element has to be: at the beginning, or after a comma.
    TopBeforeElement,
}

/// The part after the `]` of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterList {
    /// The list has ended.
    End,
    /// Another element of the list: the `]` is damage.
    Element,
    /// Something that cannot follow the end of the list: the `]` is damage, and so is what follows.
    Damage,
    /// More bytes are needed to tell.
    Undecided,
}

/// Tells what the `]` before `rest` is. `ended`: no more bytes follow.
pub(super) fn after_list(rest: &[u8], list: ListKind, ended: bool) -> AfterList {
    let undecided = if ended { AfterList::End } else { AfterList::Undecided };
    let Some((first, at)) = after_blanks(rest, 0) else {
        return if rest.len() < MAX_BLANKS { undecided } else { AfterList::End };
    };
    match (first, list) {
        (b'}', ListKind::Member) => AfterList::End,
        (b',', _) => match after_blanks(rest, at + 1) {
            Some((b'{', _)) => AfterList::Element,
            Some((b'"', _)) if list == ListKind::Member => AfterList::End,
            None if rest.len() - at <= MAX_BLANKS => undecided,
            _ if list == ListKind::Member => AfterList::Damage,
            _ => AfterList::End,
        },
        // A value on a line of its own needs nothing before it.
        (b'{', ListKind::TopBeforeElement) if rest.iter().take(at).any(|byte| *byte == b'\n') => {
            AfterList::End
        }
        (b'{', ListKind::Member | ListKind::TopBeforeElement) => {
            match begins_record(rest.get(at..).unwrap_or_default()) {
                Some(true) => AfterList::Element,
                None => undecided,
                Some(false) if list == ListKind::Member => AfterList::Damage,
                Some(false) => AfterList::End,
            }
        }
        // The name of a member, without the brace of its record.
        (b'"', _) | (_, ListKind::Member) => AfterList::Damage,
        _ => AfterList::End,
    }
}

/// The first byte that is not blank, from `from` on, and its position.
fn after_blanks(bytes: &[u8], from: usize) -> Option<(u8, usize)> {
    let mut rest = bytes.iter().copied().enumerate().skip(from);
    rest.find(|(_, byte)| !byte.is_ascii_whitespace()).map(|(at, byte)| (byte, at))
}

/// True if a value is JSON in its form, however deep it is nested, and whatever its numbers and escapes mean. No
/// call can make CloudTrail write a record that is not.
pub(super) fn is_well_formed(value: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(value).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_begins_after_a_comma_with_a_member_of_a_record() {
        for (text, at) in [
            (r#"xx},{"eventVersion":1"#, Some(4)),
            ("xx\n  {\n \"awsRegion\":1", Some(5)),
            (r#"xx{"eventVersion":1"#, None),
            (r#","a":{"eventVersion":1"#, None),
            (r#"},{"eventVersions":1"#, None),
            (r#"},{"name":1"#, None),
            (r#"},{"name":1},{"eventID":2"#, Some(13)),
        ] {
            let next = next_record(text.as_bytes(), 0, true);
            assert_eq!(next, at.map_or(Next::NotBefore(0), Next::Begins), "{text}");
        }
    }

    #[test]
    fn a_search_goes_on_in_the_next_window() {
        let text = format!(r#"{}}},  {{"eventVersion":1"#, "x".repeat(1_000));
        for length in 1_000..text.len() - 3 {
            let Next::NotBefore(at) = next_record(&text.as_bytes()[..length], 0, false) else {
                panic!("{length}")
            };
            assert!((length - LONGEST..=1_001).contains(&at), "{length} {at}");
            assert_eq!(next_record(&text.as_bytes()[at..], 0, true), Next::Begins(1_004 - at));
        }
    }

    #[test]
    fn damage_is_told_from_what_a_caller_can_write() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for well_formed in [r#"{"a":[1,{"b":"]}\"{"}]}"#, r#"{"a":"\ud800","\udfff":1e999}"#, &deep] {
            assert!(is_well_formed(well_formed.as_bytes()), "{well_formed}");
        }
        for damaged in ["{]", "[}", "{", "{}}", r#"{"a":[}"#, r#"{"a":"b}],{"c":"d"}"#] {
            assert!(!is_well_formed(damaged.as_bytes()), "{damaged}");
        }
    }
}
