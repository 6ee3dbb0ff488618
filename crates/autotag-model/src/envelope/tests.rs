use super::*;
use proptest::prelude::*;
use std::io;
use std::io::{Read, Write as _};

mod attacks;

/// The items read, as short texts: the names of records, and `!` with the message of faults.
fn read(bytes: &[u8]) -> Vec<String> {
    read_with(bytes, &Limits::default())
}

fn read_with(bytes: &[u8], limits: &Limits) -> Vec<String> {
    let mut seen = Vec::new();
    read_records(bytes, limits, &mut |item| {
        seen.push(match item {
            Ok(delivered) => delivered.record.event_name.to_string(),
            Err(fault) => format!("!{fault}"),
        });
    });
    seen
}

/// Reads one byte at a time, so that a window ends in every state of the splitter.
struct ByteByByte<'a>(&'a [u8]);
impl Read for ByteByByte<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match (self.0.split_first(), into.first_mut()) {
            (Some((byte, rest)), Some(slot)) => {
                *slot = *byte;
                self.0 = rest;
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

fn record(name: &str) -> String {
    format!(
        r#"{{"eventVersion":"1.08","eventSource":"ec2.amazonaws.com","eventName":"{name}","x":"a\"}}]{{"}}"#
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_text_that_is_not_json_is_described_in_plain_words() {
    let file = "CloudTrail log files, events and records start with `{`";
    let of_cloudtrail = "\"source\":\"aws.ec2\",\"detail-type\":\"AWS API Call via CloudTrail\"";
    for (text, expected) in [
        ("this is a text".to_owned(), format!("starts with `t`; {file}")),
        ("<html>".to_owned(), format!("starts with `<`; {file}")),
        ("\u{e9}".to_owned(), format!("starts with the byte 0xc3; {file}")),
        ("{\"Records\":[nothing,{}]}".to_owned(), "starts with `n`; a record starts with `{`".to_owned()),
        ("{\"Records\":[?]}".to_owned(), "starts with `?`; a record starts with `{`".to_owned()),
        ("{\"body\":\"hello\"}".to_owned(), "starts with `h`; a record starts with `{`".to_owned()),
        ("{\"body\":\"{not: json}\"}".to_owned(), "the name of a member has no double quotes".to_owned()),
        ("{\"eventName\":\"a\nb\"}".to_owned(), "a text does not end in its line".to_owned()),
        ("\"secret\"".to_owned(), "not a CloudTrail record: a record starts with `{`".to_owned()),
        ("{\"awslogs\":\"secret\"}".to_owned(), "a member has a value of another type".to_owned()),
        (format!("{{{of_cloudtrail},\"detail\":7}}"), "a member has a value of another type".to_owned()),
    ] {
        let seen = read(text.as_bytes());
        let first = seen.first().map(String::as_str).unwrap_or_default();
        assert!(first.contains(&expected) && !first.contains("secret"), "{text}: {seen:?}");
    }
}

#[test]
fn every_wrapping() {
    let (a, b) = (record("A"), record("B"));
    let text = serde_json::to_string(&a).unwrap();
    let event = format!(
        r#"{{"version":"0","source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","detail":{a}}}"#
    );
    let event_text = serde_json::to_string(&event).unwrap();
    let sns = format!(r#"{{"Type":"Notification","Message":{event_text}}}"#);
    let sns_text = serde_json::to_string(&sns).unwrap();
    for (input, want) in [
        (format!(r#"{{"Records":[{a},{b}]}}"#), vec!["A", "B"]),
        (format!("{{ \n \"Records\": \n [ {a} , \n {b} ] , \"more\": {{}} }}\n{a}"), vec!["A", "B", "A"]),
        (format!(r#"{{"first":1,"Records":[{a},{b}]}}"#), vec!["A", "B"]),
        (format!("[{a},{b}]"), vec!["A", "B"]),
        (format!("{a}\n{b}\n"), vec!["A", "B"]),
        (format!("{a}{b}"), vec!["A", "B"]),
        (format!("\u{feff}{a}"), vec!["A"]),
        (event.clone(), vec!["A"]),
        (
            format!(r#"{{"Records":[{{"messageId":"m1","eventSource":"aws:sqs","body":{event_text}}}]}}"#),
            vec!["A"],
        ),
        (format!(r#"{{"Records":[{{"messageId":"m1","body":{sns_text}}}]}}"#), vec!["A"]),
        (
            format!(r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{{"Message":{event_text}}}}}]}}"#),
            vec!["A"],
        ),
        (format!(r#"{{"Events":[{{"EventId":"1","CloudTrailEvent":{text}}}]}}"#), vec!["A"]),
        (r#"{"Records":[]}"#.to_owned(), vec![]),
    ] {
        assert_eq!(read(input.as_bytes()), want, "{input}");
        assert_eq!(read(&gzip(input.as_bytes())), want, "gzipped: {input}");
        let mut seen = Vec::new();
        read_records(ByteByByte(input.as_bytes()), &Limits::default(), &mut |item| {
            seen.push(item.unwrap().record.event_name.to_string());
        });
        assert_eq!(seen, want, "byte by byte: {input}");
    }
}

#[test]
fn log_subscriptions() {
    let events = serde_json::json!({"logEvents": [{"id": "1", "message": record("A")}, {"id": "2", "message": record("B")}]});
    let data = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(gzip(events.to_string().as_bytes()))
    };
    assert_eq!(read(serde_json::json!({"awslogs": {"data": data}}).to_string().as_bytes()), ["A", "B"]);
}

#[test]
fn the_event_around_a_record_is_kept() {
    let event = format!(
        r#"{{"source":"aws.ec2","detail-type":"AWS API Call via CloudTrail","account":"111122223333","region":"eu-west-1","detail":{}}}"#,
        record("A")
    );
    let batch =
        serde_json::json!({"Records": [{"messageId": "m-7", "eventSource": "aws:sqs", "body": event}]})
            .to_string();
    read_records(batch.as_bytes(), &Limits::default(), &mut |item| {
        let delivered = item.unwrap();
        assert_eq!(delivered.event_bridge.unwrap().account, "111122223333");
        assert_eq!(delivered.position.path(), "$.Records[0].body.detail");
    });
}

/// A download that is given up after `left` bytes: then reads fail, those into an empty slice too.
struct GivenUp<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl Read for GivenUp<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let count = into.len().min(self.left);
        let read = self.bytes.read(&mut into[..count])?;
        self.left -= read;
        Ok(read)
    }
}

/// Otherwise a function would inflate gigabytes after its answer.
#[test]
fn what_was_read_of_a_download_that_is_given_up_is_not_inflated() {
    let file = gzip(format!(r#"{{"Records":[{}]}}"#, vec![record("A"); 100_000].join(",")).as_bytes());
    // A quarter of it, and one byte that tells that there are more.
    let most = file.len() / 2;
    let limits = Limits { whole_bytes: 4 * most, ..Limits::default() };
    let mut records = 0;
    let input = GivenUp { bytes: &file, left: most + 1 };
    read_records(input, &limits, &mut |item| records += u32::from(item.is_ok()));
    assert_eq!(records, 0);
}

#[test]
fn a_broken_element_costs_only_itself() {
    let (a, b) = (record("A"), record("B"));
    let input = format!(r#"{{"Records":[{a},17,"text",{{}},{{"eventSource":nope}},{b}]}}"#);
    let seen = read(input.as_bytes());
    assert_eq!(seen.len(), 6);
    assert_eq!((seen[0].as_str(), seen[5].as_str()), ("A", "B"));
    assert!(seen[1].contains("record 2") && seen[1].contains("$.Records[1]"), "{}", seen[1]);
    assert!(seen[4].contains("$.Records[4].eventSource"), "{}", seen[4]);
    let offset = input.find("nope").unwrap() + 1; // The JSON reader points behind the `n` it could not go on from.
    assert!(seen[4].contains(&format!("byte {offset}")), "{} {offset}", seen[4]);
}

#[test]
fn a_cut_line_costs_only_itself() {
    let (a, b) = (record("A"), record("B"));
    for cut in 1..a.len() {
        let input = format!("{b}\n{}\n{b}\n{b}\n", a.get(..cut).unwrap());
        let seen = read(input.as_bytes());
        assert_eq!(seen.iter().filter(|name| *name == "B").count(), 3, "cut at {cut}: {seen:?}");
        assert_eq!(seen.iter().filter(|fault| fault.starts_with('!')).count(), 1, "cut at {cut}: {seen:?}");
    }
}

#[test]
fn a_cut_file_gives_its_whole_records() {
    let input = format!(r#"{{"Records":[{},{},{}]}}"#, record("A"), record("B"), record("C"));
    let cut = input.find("\"C\"").unwrap();
    let seen = read(&input.as_bytes()[..cut]);
    assert_eq!(seen[..2], ["A", "B"]);
    assert!(seen[2].contains("record 3") && seen[2].contains("was cut"), "{}", seen[2]);
    let zipped = gzip(input.as_bytes());
    let seen = read(&zipped[..zipped.len() - 20]);
    assert!(seen.last().unwrap().contains("cannot be read any further"), "{seen:?}");
}

#[test]
fn reading_goes_on_after_a_broken_list_element() {
    let input = format!(r#"{{"Records":[{},{{"eventVersion":"1","a":[[[,{}]}}"#, record("A"), record("B"));
    let seen = read(input.as_bytes());
    assert_eq!((seen[0].as_str(), seen[2].as_str()), ("A", "B"), "{seen:?}");
}

#[test]
fn invalid_utf8_is_named_with_its_offset() {
    let mut input = format!("{}\n", record("A")).into_bytes();
    let at = input.len() + 20;
    let mut broken = record("B").into_bytes();
    broken[20] = 0xff;
    input.extend(broken);
    input.extend(format!("\n{}", record("C")).into_bytes());
    let seen = read(&input);
    assert_eq!((seen[0].as_str(), seen[2].as_str()), ("A", "C"));
    assert!(seen[1].contains("not UTF-8") && seen[1].contains(&format!("byte {at}")), "{}", seen[1]);
}

#[test]
fn an_empty_input_is_an_error() {
    assert_eq!(read(b"").len(), 1);
    assert_eq!(read(b" \n ").len(), 1);
    assert_eq!(read(&gzip(b"")).len(), 1);
    assert!(read(b"hello\nworld\n").iter().all(|seen| seen.starts_with('!')));
}

#[test]
fn hostile_sizes_are_passed_over_in_bounded_memory() {
    let limits = Limits { value_bytes: 1 << 20, ..Limits::default() };
    // Many more opening brackets than the limit; no memory is used beyond it.
    let brackets = io::repeat(b'[').take(64 << 20);
    let mut faults = 0;
    read_records(brackets, &limits, &mut |item| faults += usize::from(item.is_err()));
    assert_eq!(faults, 1);
    let long = format!("{{\"eventSource\":\"{}\"}}\n{}\n", "x".repeat(3 << 20), record("A"));
    let seen = read_with(long.as_bytes(), &limits);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[1], "A");
    let deep = format!("{{\"Records\":[{}{},{}]}}", "[".repeat(10_000), "]".repeat(10_000), record("A"));
    let seen = read(deep.as_bytes());
    assert_eq!(seen.last().unwrap(), "A");
}

#[test]
fn endless_wrapping_ends() {
    let mut body = record("A");
    for _ in 0..20 {
        body =
            serde_json::json!({"Sns": serde_json::from_str::<serde_json::Value>(&body).unwrap()}).to_string();
    }
    let seen = read(body.as_bytes());
    assert!(seen[0].contains("wrapped more than eight times"), "{seen:?}");
}

proptest! {
    #[test]
    fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn any_json_like_text_reads_the_same_in_any_chunking(
        parts in proptest::collection::vec(prop_oneof![
            Just("{".to_owned()), Just("}".to_owned()), Just("[".to_owned()), Just("]".to_owned()), Just(",".to_owned()),
            Just("\"".to_owned()), Just("\\".to_owned()), Just("\n".to_owned()), Just("{\"Records\":[".to_owned()),
            Just("1".to_owned()), Just(":".to_owned()), Just(record("A")), Just(record("B")),
        ], 0..30)
    ) {
        let text = parts.concat();
        let mut byte_by_byte = Vec::new();
        read_records(ByteByByte(text.as_bytes()), &Limits::default(), &mut |item| {
            byte_by_byte.push(match item {
                Ok(delivered) => delivered.record.event_name.to_string(),
                Err(fault) => format!("!{fault}"),
            });
        });
        let names = |seen: &[String]| seen.iter().filter(|s| !s.starts_with('!')).cloned().collect::<Vec<_>>();
        // After a broken value, the part of the next line in the window may differ; whole records may not.
        prop_assert_eq!(names(&byte_by_byte), names(&read(text.as_bytes())));
    }
}
