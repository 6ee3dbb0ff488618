//! Odd records, which occur once in a million: each must be read as what it is.

use super::ids::Numbers;

/// A text inside a record that looks like a record.
const INNER: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"Root","accountId":"999999999999"},"eventTime":"2026-01-01T00:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"CreateVolume","awsRegion":"eu-west-1","requestParameters":{},"responseElements":{"volumeId":"vol-0badbadbadbadbad0"},"eventID":"bad00000-0000-4000-8000-000000000000"}"#;

/// How a record becomes odd.
enum Change {
    /// The first of these texts becomes another one.
    Replace(&'static str, &'static str),
    /// This text comes before a member.
    Before(&'static str, &'static str),
    /// This text comes after the last member.
    Last(&'static str),
    /// A member whose value is a text becomes another member, or nothing.
    Member(&'static str, &'static str),
    /// Another value replaces the record.
    Whole(&'static str),
    Other(fn(&mut Numbers, &str) -> String),
}

use Change::{Before, Last, Member, Other, Replace, Whole};

const EVENT_NAME: &str = r#","eventName":""#;

/// Changes that make a record odd.
const STILL_RECORDS: [Change; 20] = [
    Before("aws-", r#"\"q\\uote\"\/\b\f\n\r\t \u00e9 \ud83d\ude00 ]},{\"eventName\":\"CreateQueue\" "#),
    Replace(
        r#""userAgent":""#,
        "\"userAgent\":\"Zo\u{eb} \u{2014} \u{65e5}\u{672c}\u{8a9e} \u{1f600} \u{2028} ",
    ),
    Replace(r#""eventName":"#, r#""event\u004eame":"#),
    Replace(r#""eventName":"C"#, r#""eventName":"\u0043"#),
    Replace(r#""eventSource":"s"#, r#""eventSource":"\u0073"#),
    Replace(r#""requestParameters":{"#, r#""requestParameters":{"omitted":true,"originalSize":102401,"#),
    Replace(
        r#""responseElements":{"#,
        r#""responseElements":{"omitted":true,"originalSize":131072,"reason":"size"},"more":{"#,
    ),
    Before(
        r#""requestParameters""#,
        r#""errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not \"it\".","#,
    ),
    Replace("{", r#"{"newMember":{"a":[1,-2.5e300,{"b":null}],"":""},"vpcEndpointId":"vpce-0123","#),
    Other(|_, record| {
        with_inner(r#""requestID""#, &[r#""additionalEventData":{"Records":["#, INNER, "]},"], record)
    }),
    Other(|_, record| with_inner(r#""eventVersion""#, &[r#""addendum":"#, INNER, ","], record)),
    Other(|_, record| {
        let text = INNER.replace('"', r#"\""#);
        with_inner(
            r#""requestID""#,
            &[r#""additionalEventData":{"body":""#, &text, r#"","list":[{}]},"#],
            record,
        )
    }),
    Last(r#","eventName":"CreateVolume""#),
    Other(|_, record| record.replacen(r#","event"#, " ,\r\n\t\"event", 5).replacen(r#"":"#, r#"" : "#, 4)),
    Other(|_, record| {
        // Another order of members.
        let name = member(EVENT_NAME, record).unwrap_or_default();
        last(name, &record.replacen(name, "", 1))
    }),
    Other(|_, record| last(&[r#","deep":"#, &"[".repeat(90), &"]".repeat(90)].concat(), record)),
    Other(|_, record| {
        last(&[r#","deep":"#, &r#"{"a":"#.repeat(300), "1", &"}".repeat(300)].concat(), record)
    }),
    Replace(r#"Z","eventSource""#, r#".123+02:00","eventSource""#),
    Other(|numbers, record| {
        let long = r"0123456789abcdef \\".repeat(numbers.place(10_000));
        last(&[r#","additionalEventData":""#, &long, r#"""#].concat(), record)
    }),
    Replace(r#".amazonaws.com","eventName"#, r#".amazonaws.com.cn","eventName"#),
];

/// Changes that turn a record into something else.
const NO_RECORDS: [Change; 14] = [
    Replace(r#""userAgent":""#, r#""userAgent":"\ud800 "#),
    Replace(r#""userAgent":""#, "\"userAgent\":\"\t\u{1} "),
    Replace(r#""userAgent":""#, r#""userAgent":"\x "#),
    Member(EVENT_NAME, r#","eventName":7"#),
    Member(EVENT_NAME, ""),
    Member(r#","eventSource":""#, r#","eventSource":null"#),
    Member(r#","eventTime":""#, r#","eventTime":"yesterday""#),
    Whole("42"),
    Whole("null"),
    Whole(r#""CreateVolume""#),
    Whole("{}"),
    Other(|_, record| ["[", record, "]"].concat()),
    Other(|_, record| [r#"{"detail":"#, record, "}"].concat()),
    Other(|numbers, record| {
        // One letter less, anywhere.
        let at = numbers.place(record.len());
        record.char_indices().filter(|(index, _)| *index != at).map(|(_, letter)| letter).collect()
    }),
];

/// The member, with the comma before it, if it is a text.
fn member<'a>(name: &str, record: &'a str) -> Option<&'a str> {
    let start = record.find(name)?;
    let rest = record.get(start..)?;
    let value = rest.get(name.len()..)?.find('"')?;
    rest.get(..=name.len() + value)
}

/// The record with a text after the last member.
fn last(new: &str, record: &str) -> String {
    record.strip_suffix('}').map_or_else(|| record.to_owned(), |members| [members, new, "}"].concat())
}

/// The record with a text before a member.
fn with_inner(member: &str, new: &[&str], record: &str) -> String {
    record
        .find(member)
        .and_then(|at| record.split_at_checked(at))
        .map_or_else(|| record.to_owned(), |(before, behind)| [before, &new.concat(), behind].concat())
}

impl Change {
    fn applied(&self, numbers: &mut Numbers, record: &str) -> String {
        match self {
            Replace(from, to) => record.replacen(from, to, 1),
            Before(member, new) => with_inner(member, &[new], record),
            Last(new) => last(new, record),
            Member(name, new) => {
                member(name, record).map_or_else(|| record.to_owned(), |old| record.replacen(old, new, 1))
            }
            Whole(new) => (*new).to_owned(),
            Other(change) => change(numbers, record),
        }
    }
}

/// Makes a record odd. One in five of them is not a record any more.
pub(super) fn odd(numbers: &mut Numbers, record: &str) -> String {
    let all = if numbers.chance(800_000) { STILL_RECORDS.as_slice() } else { NO_RECORDS.as_slice() };
    numbers.pick(all).map_or_else(|| record.to_owned(), |change| change.applied(numbers, record))
}
