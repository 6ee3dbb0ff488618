//! One JSON value -> the records in it, through any number of known wrappings.

use super::{EventBridgeEnvelope, LocatedRecord, Malformed, MalformedKind, Position};
use crate::json::Text;
use crate::record::Record;
use base64::Engine as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;

type Visit<'v> = &'v mut dyn FnMut(Result<LocatedRecord<'_>, Malformed>);

/// Queue in topic in queue is as deep as real deliveries get.
const MAX_WRAPS: u8 = 8;

/// What came around the value at hand.
#[derive(Clone, Default)]
struct Around {
    event_bridge: Option<EventBridgeEnvelope>,
    message_id: Option<String>,
    wraps: u8,
}

pub(super) fn value(bytes: &[u8], position: &Position, visit: Visit<'_>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => one(text, position, &Around::default(), visit),
        Err(error) => {
            let position =
                Position { offset: position.offset + error.valid_up_to() as u64, ..position.clone() };
            visit(Err(Malformed { position, kind: MalformedKind::NotUtf8, message_id: None }));
        }
    }
}

/// The members by which wrappings are told apart. All raw: only the ones that matter are read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wrapping<'a> {
    #[serde(borrow, rename = "Records")]
    records: Option<&'a RawValue>,
    #[serde(borrow, rename = "Events")]
    events: Option<&'a RawValue>,
    #[serde(borrow, rename = "logEvents")]
    log_events: Option<&'a RawValue>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow, rename = "detail-type")]
    detail_type: Text<'a>,
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(borrow)]
    account: Text<'a>,
    #[serde(borrow)]
    region: Text<'a>,
    #[serde(borrow, rename = "Message")]
    sns_message: Text<'a>,
    #[serde(borrow, rename = "Sns")]
    sns: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow, rename = "messageId")]
    message_id: Text<'a>,
    #[serde(borrow, rename = "CloudTrailEvent")]
    cloudtrail_event: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    awslogs: Option<AwsLogs<'a>>,
    #[serde(borrow)]
    s3: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AwsLogs<'a> {
    #[serde(borrow)]
    data: Text<'a>,
}

fn one(text: &str, position: &Position, around: &Around, visit: Visit<'_>) {
    let refuse = |kind| Malformed { position: position.clone(), kind, message_id: around.message_id.clone() };
    if !text.trim_start().starts_with('{') {
        return match text.trim_start().as_bytes().first() {
            Some(b'[') => list(text, position, around, visit),
            _ => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                Ok(_) => visit(Err(refuse(MalformedKind::NotARecord("expected an object")))),
                Err(error) => visit(Err(not_json(text, &error, position, around))),
            },
        };
    }
    match serde_json::from_str::<Record<'_>>(text) {
        Ok(record) if is_record(&record) => visit(Ok(LocatedRecord {
            record,
            position: position.clone(),
            event_bridge: around.event_bridge.clone(),
            message_id: around.message_id.clone(),
            raw: text,
        })),
        Ok(_) if around.wraps >= MAX_WRAPS => {
            visit(Err(refuse(MalformedKind::NotARecord("wrapped more than eight times"))));
        }
        Ok(_) => match serde_json::from_str::<Wrapping<'_>>(text) {
            Ok(wrapping) => wrapped(&wrapping, position, around, visit),
            Err(error) => visit(Err(not_json(text, &error, position, around))),
        },
        Err(error) => visit(Err(not_json(text, &error, position, around))),
    }
}

/// Deliveries of S3, SQS and SNS carry an `eventSource` too.
fn is_record(record: &Record<'_>) -> bool {
    !record.event_source.is_empty()
        && !record.event_name.is_empty()
        && !record.event_source.starts_with("aws:")
}

fn wrapped(wrapping: &Wrapping<'_>, position: &Position, around: &Around, visit: Visit<'_>) {
    let mut inner = Around { wraps: around.wraps + 1, ..around.clone() };
    if let Some(id) = &wrapping.message_id.0 {
        inner.message_id = Some(id.to_string());
    }
    let text_of = |text: &Text<'_>| text.0.as_deref().unwrap_or_default().to_owned();
    if let Some(detail) = wrapping.detail {
        inner.event_bridge = Some(EventBridgeEnvelope {
            source: text_of(&wrapping.source),
            detail_type: text_of(&wrapping.detail_type),
            account: text_of(&wrapping.account),
            region: text_of(&wrapping.region),
        });
        return one(detail.get(), &position.within(".detail"), &inner, visit);
    }
    let raws =
        [(wrapping.records, ".Records"), (wrapping.events, ".Events"), (wrapping.log_events, ".logEvents")];
    for (raw, step) in raws {
        if let Some(raw) = raw {
            return list(raw.get(), &position.within(step), &inner, visit);
        }
    }
    if let Some(sns) = wrapping.sns {
        return one(sns.get(), &position.within(".Sns"), &inner, visit);
    }
    let texts = [
        (&wrapping.body, ".body"),
        (&wrapping.sns_message, ".Message"),
        (&wrapping.cloudtrail_event, ".CloudTrailEvent"),
        (&wrapping.message, ".message"),
    ];
    for (text, step) in texts {
        if let Some(text) = &text.0 {
            return one(text, &position.within(step), &inner, visit);
        }
    }
    if let Some(logs) = &wrapping.awslogs {
        return subscription(logs, &position.within(".awslogs.data"), &inner, visit);
    }
    let why = if wrapping.s3.is_some() {
        "an S3 notification names a file to read, it holds no record"
    } else {
        "no eventSource and eventName, and no known wrapping"
    };
    let kind = MalformedKind::NotARecord(why);
    visit(Err(Malformed { position: position.clone(), kind, message_id: inner.message_id }));
}

fn list(text: &str, position: &Position, around: &Around, visit: Visit<'_>) {
    if around.wraps >= MAX_WRAPS {
        let kind = MalformedKind::NotARecord("wrapped more than eight times");
        return visit(Err(Malformed {
            position: position.clone(),
            kind,
            message_id: around.message_id.clone(),
        }));
    }
    let inner = Around { wraps: around.wraps + 1, ..around.clone() };
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(elements) => {
            for (index, element) in elements.iter().enumerate() {
                one(element.get(), &position.within(&format!("[{index}]")), &inner, visit);
            }
        }
        Err(error) => visit(Err(not_json(text, &error, position, around))),
    }
}

/// A `CloudWatch` Logs subscription: base64 of gzip of many log events.
fn subscription(logs: &AwsLogs<'_>, position: &Position, around: &Around, visit: Visit<'_>) {
    let refuse = |kind| Malformed { position: position.clone(), kind, message_id: around.message_id.clone() };
    let data = logs.data.0.as_deref().unwrap_or_default();
    let Ok(zipped) = base64::engine::general_purpose::STANDARD.decode(data) else {
        return visit(Err(refuse(MalformedKind::NotARecord("`awslogs.data` is not base64"))));
    };
    let mut text = String::new();
    // CloudWatch Logs sends at most 6 MB to a function; the bound keeps a bomb from unfolding.
    match flate2::read::GzDecoder::new(zipped.as_slice()).take(64 << 20).read_to_string(&mut text) {
        Ok(_) => one(&text, position, around, visit),
        Err(error) => visit(Err(refuse(MalformedKind::Read(error)))),
    }
}

/// The reader's complaint with its place: offset into the input where the text is the input's own, JSON path always.
fn not_json(text: &str, error: &serde_json::Error, position: &Position, around: &Around) -> Malformed {
    let path = path_of_fault(text);
    let mut position = position.within(&path);
    if around.wraps == 0 {
        position.offset += offset_of(text, error) as u64;
    }
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default().to_owned();
    Malformed { position, kind: MalformedKind::NotJson(why), message_id: around.message_id.clone() }
}

/// Reads again, this time keeping the path; only done for what has already failed.
fn path_of_fault(text: &str) -> String {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, serde_json::Value>(&mut reader) {
        Err(error) if error.path().iter().next().is_some() => match error.path().to_string() {
            path if path == "." || path == "?" => String::new(),
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
