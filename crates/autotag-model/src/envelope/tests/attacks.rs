//! Attacks by a caller who chooses an event, a parameter or a file.

use super::*;

/// An `EventBridge` event that anybody may put on a bus.
fn look_alike(detail: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"source": "com.evil", "detail-type": "x", "account": "999988887777", "region": "eu-west-1",
        "detail": detail})
}

fn event_of_cloudtrail(detail: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"source": "aws.ec2", "detail-type": "AWS API Call via CloudTrail", "account": "111122223333",
        "region": "eu-west-1", "detail": detail})
}

/// Around what is in `detail`, who has put the event on the bus could write any account and source.
#[test]
fn nothing_inside_a_detail_is_unwrapped() {
    use serde_json::json;
    let record: serde_json::Value = serde_json::from_str(&record("A")).unwrap();
    let inner = event_of_cloudtrail(&record);
    let zipped = json!({"awslogs": {"data": subscription(b"{\"logEvents\":[{},{},{}]}")}});
    for detail in [
        inner.clone(),
        json!({"body": inner.to_string()}),
        json!({"Message": inner.to_string()}),
        json!({"Type": "Notification", "Message": inner.to_string()}),
        json!({"Sns": {"Message": inner.to_string()}}),
        json!({"Records": [record]}),
        json!({"Records": [{"body": inner.to_string()}]}),
        json!({"CloudTrailEvent": record.to_string()}),
        json!({"logEvents": [{"message": record.to_string()}]}),
        json!([record]),
        json!(inner.to_string()),
        zipped,
    ] {
        for outer in [look_alike(&detail), event_of_cloudtrail(&detail)] {
            for delivery in
                [outer.clone(), json!({"Records": [{"eventSource": "aws:sqs", "body": outer.to_string()}]})]
            {
                let seen = read(delivery.to_string().as_bytes());
                assert_eq!(seen.len(), 1, "{seen:?}");
                assert!(seen[0].starts_with('!'), "{delivery}: {seen:?}");
            }
        }
        let seen = read(look_alike(&detail).to_string().as_bytes());
        assert!(seen[0].contains("not an event that CloudTrail sends: source `com.evil`"), "{seen:?}");
    }
    let twice = event_of_cloudtrail(&inner).to_string();
    assert!(read(twice.as_bytes())[0].contains("wrapped once more"), "{:?}", read(twice.as_bytes()));
}

#[test]
fn an_event_that_cloudtrail_sends_without_a_record_is_malformed() {
    let event = event_of_cloudtrail(&serde_json::json!({"eventName": "A"}));
    let seen = read(event.to_string().as_bytes());
    assert!(seen[0].contains("no eventSource and eventName in `detail`"), "{seen:?}");
}

fn subscription(log_events: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(gzip(log_events))
}

#[test]
fn gzip_that_grows_too_much_is_refused() {
    let bomb = |megabytes: usize| {
        let text = format!("{{\"logEvents\":[{}{{}}]}}", "{},".repeat(megabytes << 18));
        serde_json::json!({"awslogs": {"data": subscription(text.as_bytes())}}).to_string()
    };
    let seen = read(bomb(8).as_bytes());
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].contains("bytes when it is decompressed"), "{seen:?}");
    // Many small ones share one bound.
    let small = bomb(1);
    let list = format!("[{}{small}]", format!("{small},").repeat(99));
    let limits = Limits { inflated_bytes: 4 << 20, ..Limits::default() };
    let mut elements = 0;
    read_records(list.as_bytes(), &limits, &mut |item| elements += item.unwrap_err().parts());
    assert!(elements < 2 << 20, "{elements} elements of three bytes were read within 4 MiB");
}

#[test]
fn faults_beyond_the_first_are_one_with_their_number() {
    for (input, parts, last) in [
        (format!("[{}{}]", "{},".repeat(5_000), record("A")), 5_000, "the last is record 5000"),
        ("{}\n".repeat(5_000), 5_000, "the last is record 5000"),
        (format!("{{\"logEvents\":[{}{{}}]}}", "{},".repeat(4_999)), 5_000, "the last is record 1"),
        (format!("{{\"Sns\":{{\"Records\":[{}7]}}}}", "7,".repeat(4_999)), 5_000, "the last is record 1"),
    ] {
        let mut counted = 0;
        let mut faults = Vec::new();
        read_records(input.as_bytes(), &Limits::default(), &mut |item| {
            if let Err(fault) = item {
                counted += fault.parts();
                faults.push(fault.to_string());
            }
        });
        assert_eq!((faults.len(), counted), (11, parts));
        let end = faults.last().unwrap();
        assert!(end.contains("4989 more parts of the input cannot be read") && end.contains(last), "{end}");
    }
    // Of 11 the last needs no number.
    assert!(!read("{}\n".repeat(11).as_bytes())[10].contains("more"));
}

#[test]
fn events_that_cloudtrail_did_not_send_are_counted_apart_from_faults() {
    let foreign = look_alike(&serde_json::json!({})).to_string();
    let input = format!("{}{{}}\n", format!("{foreign}\n").repeat(100));
    let (mut events, mut faults) = (0, 0);
    read_records(input.as_bytes(), &Limits::default(), &mut |item| {
        let fault = item.unwrap_err();
        let count = if fault.not_from_cloudtrail().is_some() { &mut events } else { &mut faults };
        *count += fault.parts();
    });
    assert_eq!((events, faults), (100, 1));
}

/// Six records on one line, as CloudTrail writes them, with one byte changed, taken away or put in.
#[test]
fn a_damaged_byte_costs_one_record_of_a_line() {
    let names = ["A", "B", "C", "D", "E", "F"];
    let records: Vec<String> = names.iter().map(|name| record(name)).collect();
    let whole = format!(r#"{{"Records":[{}]}}"#, records.join(","));
    let second = whole.find(&records[1]).unwrap();
    let third = whole.find(&records[2]).unwrap();
    let edited = |range: std::ops::Range<usize>, byte: &str| {
        let mut text = whole.clone();
        text.replace_range(range, byte);
        text
    };
    let changed = |at: usize, byte: &str| edited(at..at + 1, byte);
    let put_in = |at: usize, byte: &str| edited(at..at, byte);
    for (damage, lost) in [
        (changed(second, "k"), "B"),
        (changed(second, "["), "B"),
        (changed(second, ""), "B"),
        (changed(second, "}"), "B"),
        (changed(third - 2, ""), "B"),
        (changed(third - 2, "]"), "B"),
        (put_in(third - 1, "}"), ""),
        (put_in(third - 1, "]"), ""),
        (put_in(second + 1, "{"), "B"),
        (put_in(second + 1, "["), "B"),
        (put_in(second + 1, "]"), "B"),
        (changed(third - 3, "x"), "B"),
    ] {
        let seen = read(damage.as_bytes());
        let found: Vec<&str> =
            seen.iter().map(String::as_str).filter(|seen| !seen.starts_with('!')).collect();
        let left: Vec<&str> = names.iter().copied().filter(|name| *name != lost).collect();
        assert_eq!(found, left, "{damage}: {seen:?}");
        let faults: Vec<&String> = seen.iter().filter(|seen| seen.starts_with('!')).collect();
        assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("byte ")), "{seen:?}");
        let mut byte_by_byte = Vec::new();
        read_records(ByteByByte(damage.as_bytes()), &Limits::default(), &mut |item| {
            byte_by_byte.extend(item.ok().map(|located| located.record.event_name.to_string()));
        });
        assert_eq!(byte_by_byte, left, "byte by byte: {damage}");
    }
}

/// A caller can put a list of objects like records into a parameter, and can make the record unreadable: nested too
/// deeply, or with half a surrogate.
#[test]
fn a_record_inside_a_record_is_never_read_as_one() {
    let forged = record("Forged");
    for poison in
        [format!("{}{}", "[".repeat(200), "]".repeat(200)), r#""\ud800""#.to_owned(), "1e999".to_owned()]
    {
        let host = format!(
            r#"{{"eventVersion":"1","eventSource":"a","requestParameters":[{{}},{forged}],"eventTime":{poison},"eventName":{poison}}}"#
        );
        for input in [
            format!(r#"{{"Records":[{},{host},{}]}}"#, record("A"), record("B")),
            format!("[{},{host},{}]", record("A"), record("B")),
            format!("{}\n{host}\n{}\n", record("A"), record("B")),
        ] {
            let seen = read(input.as_bytes());
            assert!(!seen.contains(&"Forged".to_owned()), "{seen:?}");
            assert_eq!((seen[0].as_str(), seen.last().unwrap().as_str()), ("A", "B"), "{seen:?}");
        }
    }
}

/// Each beginning could be gone through to the end of the input.
#[test]
fn beginnings_without_ends_take_no_longer_than_they_are() {
    let limits = Limits { value_bytes: 1 << 20, ..Limits::default() };
    for beginning in ["{\"eventVersion\":[,", "{\"eventVersion\":1,"] {
        let input = format!("{{\"Records\":[{}", beginning.repeat(200_000));
        let started = std::time::Instant::now();
        read_with(input.as_bytes(), &limits);
        assert!(started.elapsed().as_secs() < 20, "{beginning}: {:?}", started.elapsed());
    }
}

/// A whole file of records as CloudTrail writes it; the damaged one is the second.
fn damaged_list(damage: impl Fn(&str) -> String) -> String {
    format!("{}{},{},{}", record("A"), damage(&record("B")), record("C"), record("D"))
}

#[test]
fn a_bracket_in_place_of_the_first_brace_costs_one_record() {
    let in_place = |record: &str| format!(",]{}", record.strip_prefix('{').unwrap());
    let before = |record: &str| format!(",]{record}");
    let in_place_of_the_comma = |record: &str| format!("]{record}");
    let list = |text: &str| format!("{{\"Records\":[{text}]}}");
    let pretty =
        |text: &str| format!("{{\n  \"Records\": [\n    {}\n  ]\n}}", text.replace(",{", ",\n    {"));
    let spread = |text: String| text.replace(",\"", ",\n      \"").replacen("[{", "[\n    {\n      ", 1);
    for (file, lost) in [
        (list(&damaged_list(in_place)), true),
        (format!("[{}]", damaged_list(in_place)), true),
        (pretty(&damaged_list(in_place)), true),
        (spread(pretty(&damaged_list(in_place))), true),
        (list(&damaged_list(before)), false),
        (format!("[{}]", damaged_list(before)), false),
        (list(&damaged_list(in_place_of_the_comma)), false),
        // The damaged record is the first, or the last. Another value follows the list.
        (
            format!(
                "{{\"Records\":[]{},{},{}]}}",
                record("B").strip_prefix('{').unwrap(),
                record("A"),
                record("C")
            ) + &record("D"),
            true,
        ),
        (format!("[]{},{},{}]", record("B"), record("A"), record("C")) + &record("D"), false),
        (
            list(&format!("{},{},]{}", record("A"), record("C"), record("B").strip_prefix('{').unwrap()))
                + "\n"
                + &record("D"),
            true,
        ),
    ] {
        for seen in [read(file.as_bytes()), byte_by_byte(file.as_bytes())] {
            let names: Vec<&str> =
                seen.iter().filter(|item| !item.starts_with('!')).map(String::as_str).collect();
            let mut sorted = names.clone();
            sorted.sort_unstable();
            let want: &[&str] = if lost { &["A", "C", "D"] } else { &["A", "B", "C", "D"] };
            assert_eq!(sorted, want, "{file}: {seen:?}");
            assert!(seen.iter().any(|item| item.starts_with('!')), "{file}: {seen:?}");
        }
    }
}

/// Reads one byte at a time.
fn byte_by_byte(bytes: &[u8]) -> Vec<String> {
    let mut seen = Vec::new();
    read_records(ByteByByte(bytes), &Limits::default(), &mut |item| {
        seen.push(match item {
            Ok(delivered) => delivered.record.event_name.to_string(),
            Err(fault) => format!("!{fault}"),
        });
    });
    seen
}

#[test]
fn the_end_of_a_list_is_an_end_where_what_follows_fits() {
    for (file, want) in [
        (format!("{{\"Records\":[{}] }}", record("A")), vec!["A"]),
        (format!("{{\"Records\":[{}]\n , \n \"next\": [{}]}}", record("A"), record("X")), vec!["A"]),
        (format!("[{}]{}", record("A"), record("B")), vec!["A", "B"]),
        (format!("[{}]\n[{}]\n", record("A"), record("B")), vec!["A", "B"]),
        (format!("[]\n{}", record("A")), vec!["A"]),
        ("{\"Records\":[]}".to_owned(), vec![]),
    ] {
        assert_eq!(read(file.as_bytes()), want, "{file}");
        assert_eq!(byte_by_byte(file.as_bytes()), want, "{file}");
    }
}

/// `EventBridge` sends no event without a `detail`, so only the sender vouches for the members beside its `source`.
#[test]
fn an_event_without_a_detail_is_not_believed() {
    use serde_json::json;
    let a_record: serde_json::Value = serde_json::from_str(&record("A")).unwrap();
    for (name, value) in [
        ("Records", json!([a_record])),
        ("Events", json!([{"CloudTrailEvent": a_record.to_string()}])),
        ("logEvents", json!([{"message": a_record.to_string()}])),
        ("Message", json!(a_record.to_string())),
        ("body", json!(a_record.to_string())),
        ("Sns", json!({"Message": a_record.to_string()})),
    ] {
        for beginning in [
            r#""source":"com.evil","account":"111122223333""#,
            r#""detail-type":"AWS API Call via CloudTrail","source":"aws.ec2","account":"111122223333""#,
            r#""detail-type":"AWS API Call via CloudTrail""#,
            r#""source":"com.evil","detail":null"#,
        ] {
            // `EventBridge` writes these members before all others.
            let event = format!("{{{beginning},\"{name}\":{value}}}");
            for delivery in [
                event.clone(),
                json!({"Records": [{"eventSource": "aws:sqs", "body": event}]}).to_string(),
                json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": event}}]}).to_string(),
            ] {
                let seen = read(delivery.as_bytes());
                assert_eq!(seen.len(), 1, "{delivery}: {seen:?}");
                assert!(seen[0].starts_with('!'), "{delivery}: {seen:?}");
            }
        }
    }
}
