//! Wraps the same records in other formats than CloudTrail's log files.

use super::gzip::{gzip, stored};
use super::ids::Numbers;
use super::people::push;

/// Makes the text of a file out of its text in CloudTrail's form and of its records.
type Wrap = fn(&str, &[String]) -> String;

const WRAPS: [Wrap; 12] = [
    |_, records| lines(records, &|record| event(record)),
    |_, records| lines(records, &str::to_owned),
    |_, records| list("[", records, "]\n", &str::to_owned),
    |_, records| list("[", records, "]", &event),
    |_, records| list(r#"{"Records":["#, records, "]}", &|record| message(&event(record))),
    |_, records| list(r#"{"Records":["#, records, "]}", &|record| message(&notification(record))),
    |_, records| list(r#"{"Events":["#, records, r#"],"NextToken":"EXAMPLE"}"#, &looked_up),
    |_, records| {
        let start = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"trail","logStream":"eu","subscriptionFilters":["all"],"logEvents":["#;
        list(start, records, "]}", &logged)
    },
    |text, _| pretty(text),
    |text, _| text.replacen(r#"{"Records":["#, "\r\n { \"Records\" : [\n", 1),
    |text, _| text.replacen('{', r#"{"version":"1.0","owner":{"Records":[1]},"#, 1),
    |_, records| {
        // Lines, and behind them a log file.
        let (some, others) = records.split_at(records.len() / 2);
        lines(some, &str::to_owned) + &list(r#"{"Records":["#, others, "]}", &str::to_owned)
    },
];

/// The text of a file in another form; sometimes only the compression is another one.
pub(super) fn rewritten(numbers: &mut Numbers, text: String, records: &[String]) -> String {
    let wrap = if numbers.chance(700_000) { numbers.pick(&WRAPS) } else { None };
    match wrap {
        Some(wrap) => wrap(&text, records),
        None => text,
    }
}

/// A text compressed in some way or not at all, and how the name of its file ends.
pub(super) fn packed(numbers: &mut Numbers, text: Vec<u8>) -> (Vec<u8>, &'static str) {
    match numbers.below(6) {
        0 => (text, ".json"),
        1 => (text, ".json.gz"),
        2 => (stored(&text), ".json.gz"),
        3 => (members(numbers, &text), ".json.gz"),
        4 => (named(&text), ".json.gz"),
        _ => (gzip(&text), ".json.gz"),
    }
}

/// Gzip in several members, one of them empty.
fn members(numbers: &mut Numbers, text: &[u8]) -> Vec<u8> {
    let (first, rest) = text.split_at(numbers.place(text.len()));
    let (second, third) = rest.split_at(numbers.place(rest.len()));
    [first, &[], second, third].map(gzip).concat()
}

/// Gzip whose header has a name, a comment and a further field.
fn named(text: &[u8]) -> Vec<u8> {
    let mut bytes = gzip(text);
    if let Some(flags) = bytes.get_mut(3) {
        *flags |= 0b0001_1100;
        let fields = b"\x04\0ABCDtrail.json\0of a trail\0";
        bytes.splice(10..10, fields.iter().copied());
    }
    bytes
}

fn lines(records: &[String], each: &dyn Fn(&str) -> String) -> String {
    records.iter().flat_map(|record| [each(record), "\n".to_owned()]).collect()
}

fn list(start: &str, records: &[String], end: &str, each: &dyn Fn(&str) -> String) -> String {
    let items: Vec<String> = records.iter().map(|record| each(record)).collect();
    [start, &items.join(","), end].concat()
}

/// As EventBridge delivers a record.
fn event(record: &str) -> String {
    let text = |name: &str| {
        let value = record.split(name).nth(1).and_then(|rest| rest.split('"').next());
        value.unwrap_or_default().to_owned()
    };
    let source = text(r#""eventSource":""#);
    let service = source.split('.').next().unwrap_or_default();
    let mut event = String::with_capacity(record.len() + 400);
    push(&mut event, &[r#"{"version":"0","id":""#, &text(r#""eventID":""#)]);
    push(&mut event, &[r#"","detail-type":"AWS API Call via CloudTrail","source":"aws."#, service]);
    push(&mut event, &[r#"","account":""#, &text(r#""recipientAccountId":""#), r#"","time":""#]);
    push(&mut event, &[&text(r#""eventTime":""#), r#"","region":""#, &text(r#""awsRegion":""#)]);
    push(&mut event, &[r#"","resources":[],"detail":"#, record, "}"]);
    event
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn message(body: &str) -> String {
    [
        r#"{"messageId":"m","receiptHandle":"r","body":"#,
        &quoted(body),
        r#","attributes":{"ApproximateReceiveCount":"1"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:111122223333:tag","awsRegion":"eu-west-1"}"#,
    ]
    .concat()
}

fn notification(record: &str) -> String {
    let start = r#"{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:111122223333:trail","Message":"#;
    [start, &quoted(&event(record)), "}"].concat()
}

fn looked_up(record: &str) -> String {
    [
        r#"{"EventId":"e","EventName":"n","ReadOnly":"false","Resources":[],"CloudTrailEvent":"#,
        &quoted(record),
        "}",
    ]
    .concat()
}

fn logged(record: &str) -> String {
    [r#"{"id":"1","timestamp":1767225600000,"message":"#, &quoted(record), "}"].concat()
}

/// With blanks and line breaks between all parts.
fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut inside, mut escaped, mut depth) = (false, false, 0_usize);
    for c in text.chars() {
        if !inside && "}]".contains(c) {
            depth = depth.saturating_sub(1);
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', depth));
        }
        out.push(c);
        if inside {
            inside = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => inside = true,
            '{' | '[' => depth += 1,
            ':' => out.push(' '),
            _ => {}
        }
        if "{[,".contains(c) {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', depth.min(100)));
        }
    }
    out
}
