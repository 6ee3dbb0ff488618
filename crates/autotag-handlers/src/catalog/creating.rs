//! The calls that create something, by AWS's own data: the Service Authorization Reference, `CloudFormation`'s
//! schemas and botocore's models.
//!
//! `conformance/distil.py` writes the table. It is embedded as text and searched as it is: start-up costs nothing.

/// One line an event source (without `.amazonaws.com`), sorted: source, state, the calls that create what can be tagged,
/// the calls that create what cannot. Both lists are sorted.
const TABLE: &str = include_str!("creating_calls.tsv");

/// The result of a call by AWS's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creates {
    /// It creates something that can be tagged.
    Taggable,
    /// It creates nothing that can be tagged: a token, a session, a part of something else.
    NothingTaggable,
    /// The data does not know it as a creating call.
    Unknown,
}

/// The resource that a call creates, by its event source without `.amazonaws.com` and its event name.
pub(super) fn creates(source: &str, event: &str) -> Creates {
    let Some(line) = find(TABLE, '\n', source) else { return Creates::Unknown };
    let mut lists = line.split('\t').skip(2);
    let (taggable, nothing) = (lists.next().unwrap_or_default(), lists.next().unwrap_or_default());
    let name = without_version(event);
    let is_in = |list| find(list, ' ', event).or_else(|| find(list, ' ', name)).is_some();
    if is_in(taggable) {
        Creates::Taggable
    } else if is_in(nothing) {
        Creates::NothingTaggable
    } else {
        Creates::Unknown
    }
}

/// True if AWS has ended the service of an event source (without `.amazonaws.com`).
pub(super) fn has_ended(source: &str) -> bool {
    find(TABLE, '\n', source).and_then(|line| line.split('\t').nth(1)) == Some("ended")
}

/// The event sources (without `.amazonaws.com`) of all services in AWS's data.
pub(super) fn sources<'t>() -> impl Iterator<Item = &'t str> {
    TABLE.lines().skip(1).filter_map(|line| line.split('\t').next())
}

/// Verbs with which the names of creating events begin. `Put`, `Start` and `Enable` mostly change what exists.
const CREATING_VERBS: &[&str] = &[
    "Create",
    "Run",
    "Copy",
    "Import",
    "Register",
    "Allocate",
    "Restore",
    "Request",
    "Purchase",
    "Provision",
    "Launch",
    "Clone",
];

/// True if the name of an event begins with a creating verb: `CreateQueue` does, `Created` does not.
pub(super) fn begins_with_creating_verb(event: &str) -> bool {
    let rests = CREATING_VERBS.iter().filter_map(|verb| event.strip_prefix(verb));
    rests.into_iter().any(|rest| !rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// The name without the version of the API, with which Lambda's events end: `CreateFunction20150331`.
fn without_version(event: &str) -> &str {
    let name = event.trim_end_matches(|c: char| c.is_ascii_digit());
    if event.len() - name.len() == 8 { name } else { event }
}

/// The entry of a sorted text whose part before the first tab is `key`, by binary search.
fn find<'t>(text: &'t str, separator: char, key: &str) -> Option<&'t str> {
    let (mut from, mut to) = (0, text.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let start = text.get(from..middle)?.rfind(separator).map_or(from, |at| from + at + 1);
        let entry = text.get(start..to)?.split(separator).next()?;
        match entry.split('\t').next()?.cmp(key) {
            std::cmp::Ordering::Equal => return Some(entry),
            std::cmp::Ordering::Less => from = start + entry.len() + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> impl Iterator<Item = (&'static str, [&'static str; 3])> {
        TABLE.lines().skip(1).map(|line| {
            let mut parts = line.split('\t');
            let mut next = || parts.next().unwrap_or_default();
            (next(), [next(), next(), next()])
        })
    }

    #[test]
    fn every_call_of_the_table_is_found() {
        let (mut taggable, mut nothing) = (0, 0);
        for (source, [_, makes, none]) in lines() {
            for event in makes.split_whitespace() {
                assert_eq!(creates(source, event), Creates::Taggable, "{source} {event}");
                taggable += 1;
            }
            for event in none.split_whitespace() {
                assert_eq!(creates(source, event), Creates::NothingTaggable, "{source} {event}");
                nothing += 1;
            }
        }
        assert!(taggable >= 1_800 && nothing >= 1_000, "{taggable}, {nothing}");
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.lines().is_sorted() && TABLE.is_ascii());
        for (source, [_, makes, none]) in lines() {
            for list in [makes, none] {
                assert!(list.split(' ').is_sorted(), "{source}");
            }
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_unknown() {
        for (source, event) in [
            ("ec2", "DescribeInstances"),
            ("ec2", ""),
            ("", "CreateVpc"),
            ("#", "CreateVpc"),
            ("zzz", "CreateVpc"),
            ("ec2", "CreateVp"),
            ("ec2", "CreateVpcs"),
        ] {
            assert_eq!(creates(source, event), Creates::Unknown, "{source} {event}");
        }
        assert_eq!(find("a", ' ', "a"), Some("a"));
        assert_eq!(find("a b", ' ', "b"), Some("b"));
        assert_eq!(find("", ' ', ""), None);
    }

    #[test]
    fn events_with_the_version_of_the_api_are_found() {
        assert_eq!(creates("lambda", "CreateFunction20150331"), Creates::Taggable);
        assert_eq!(creates("lambda", "CreateFunction2015"), Creates::Unknown);
    }

    #[test]
    fn services_that_have_ended_are_known() {
        assert!(has_ended("finspace") && has_ended("qldb"));
        assert!(!has_ended("sqs") && !has_ended("no-such-service"));
    }
}
