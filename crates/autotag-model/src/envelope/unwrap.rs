//! The records in one JSON value, through up to eight known wrappings.

use super::malformed::{Malformed, MalformedKind};
use super::position::Position;
use crate::json::Text;
use crate::record::Record;
use base64::Engine as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;

/// One record and where it came from.
#[derive(Debug)]
#[non_exhaustive]
pub struct LocatedRecord<'a> {
    /// The record, borrowed from the reader's buffer.
    pub record: Record<'a>,
    /// Where it is in the input.
    pub position: Position,
    /// The `EventBridge` event that holds it, if any.
    pub event_bridge: Option<EventBridgeEnvelope>,
    /// The record's own text.
    pub raw: &'a str,
}

/// What an `EventBridge` event says about the record in its `detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventBridgeEnvelope {
    /// `source`, for example `aws.ec2`.
    pub source: String,
    /// `detail-type`, for example `AWS API Call via CloudTrail`.
    pub detail_type: String,
    /// `account`: the owner of the bus.
    pub account: String,
    /// `region` of the bus.
    pub region: String,
}

type Visit<'v> = &'v mut dyn FnMut(Result<LocatedRecord<'_>, Malformed>);

/// Real deliveries have at most three wrappings, such as a queue in a topic in a queue.
const MAX_WRAPS: u8 = 8;

/// What the wrappings of a value say about it.
#[derive(Clone, Default)]
struct Context {
    event_bridge: Option<EventBridgeEnvelope>,
    wraps: u8,
}

pub(super) fn value(bytes: &[u8], position: &Position, visit: Visit<'_>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => one(text, position, &Context::default(), visit),
        Err(error) => {
            let position =
                Position { offset: position.offset + error.valid_up_to() as u64, ..position.clone() };
            visit(Err(Malformed { position, kind: MalformedKind::NotUtf8 }));
        }
    }
}

/// The members by which wrappings are told apart. They stay raw text; only the one that holds the record is read.
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

fn one(text: &str, position: &Position, context: &Context, visit: Visit<'_>) {
    let refuse = |kind| Malformed { position: position.clone(), kind };
    if !text.trim_start().starts_with('{') {
        return match text.trim_start().as_bytes().first() {
            Some(b'[') => list(text, position, context, visit),
            _ => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
                Ok(_) => visit(Err(refuse(MalformedKind::NotARecord("expected an object")))),
                Err(error) => visit(Err(not_json(text, &error, position, context))),
            },
        };
    }
    match serde_json::from_str::<Record<'_>>(text) {
        Ok(record) if is_record(&record) => visit(Ok(LocatedRecord {
            record,
            position: position.clone(),
            event_bridge: context.event_bridge.clone(),
            raw: text,
        })),
        Ok(_) if context.wraps >= MAX_WRAPS => {
            visit(Err(refuse(MalformedKind::NotARecord("wrapped more than eight times"))));
        }
        Ok(_) => match serde_json::from_str::<Wrapping<'_>>(text) {
            Ok(wrapping) => wrapped(&wrapping, position, context, visit),
            Err(error) => visit(Err(not_json(text, &error, position, context))),
        },
        Err(error) => visit(Err(not_json(text, &error, position, context))),
    }
}

/// Deliveries of S3, SQS and SNS have an `eventSource`, too.
fn is_record(record: &Record<'_>) -> bool {
    !record.event_source.is_empty()
        && !record.event_name.is_empty()
        && !record.event_source.starts_with("aws:")
}

fn wrapped(wrapping: &Wrapping<'_>, position: &Position, context: &Context, visit: Visit<'_>) {
    let mut inner = Context { wraps: context.wraps + 1, ..context.clone() };
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
    visit(Err(Malformed { position: position.clone(), kind }));
}

fn list(text: &str, position: &Position, context: &Context, visit: Visit<'_>) {
    if context.wraps >= MAX_WRAPS {
        let kind = MalformedKind::NotARecord("wrapped more than eight times");
        return visit(Err(Malformed { position: position.clone(), kind }));
    }
    let inner = Context { wraps: context.wraps + 1, ..context.clone() };
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(elements) => {
            for (index, element) in elements.iter().enumerate() {
                one(element.get(), &position.within(&format!("[{index}]")), &inner, visit);
            }
        }
        Err(error) => visit(Err(not_json(text, &error, position, context))),
    }
}

/// A `CloudWatch` Logs subscription: log events, gzipped, in base64.
fn subscription(logs: &AwsLogs<'_>, position: &Position, context: &Context, visit: Visit<'_>) {
    let refuse = |kind| Malformed { position: position.clone(), kind };
    let data = logs.data.0.as_deref().unwrap_or_default();
    let Ok(zipped) = base64::engine::general_purpose::STANDARD.decode(data) else {
        return visit(Err(refuse(MalformedKind::NotARecord("`awslogs.data` is not base64"))));
    };
    let mut text = String::new();
    // CloudWatch Logs sends at most 6 MB to a function; the bound stops a decompression bomb.
    match flate2::read::GzDecoder::new(zipped.as_slice()).take(64 << 20).read_to_string(&mut text) {
        Ok(_) => one(&text, position, context, visit),
        Err(error) => visit(Err(refuse(MalformedKind::Read(error)))),
    }
}

/// A JSON error with its position: always the JSON path, and the byte offset if no wrapping has changed the text.
fn not_json(text: &str, error: &serde_json::Error, position: &Position, context: &Context) -> Malformed {
    let path = path_of_fault(text);
    let mut position = position.within(&path);
    if context.wraps == 0 {
        position.offset += offset_of(text, error) as u64;
    }
    let why = error.to_string();
    let why = why.split(" at line ").next().unwrap_or_default().to_owned();
    Malformed { position, kind: MalformedKind::NotJson(why) }
}

/// Reads a text that has failed once more, this time with the JSON path.
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
