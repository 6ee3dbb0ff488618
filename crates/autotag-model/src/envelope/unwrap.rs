//! Finds the records in one JSON value, through up to eight known wrappings.

use super::event_bridge::EventBridgeEnvelope;
use super::malformed::{Malformed, MalformedKind};
use super::not_json::not_json;
use super::piece::Form;
use super::plain::Members;
use super::position::Position;
use crate::json::Text;
use crate::record::Record;
use base64::Engine as _;
use flate2::read::GzDecoder;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::io::Read as _;

/// One record and where it came from.
#[derive(Debug)]
#[non_exhaustive]
pub struct LocatedRecord<'a> {
    /// The record, borrowed from the reader's buffer.
    pub record: Record<'a>,
    /// Its place in the input.
    pub position: Position,
    /// The `EventBridge` event that holds it, if any.
    pub event_bridge: Option<EventBridgeEnvelope>,
    /// The record's own text.
    pub raw: &'a str,
}

type Visit<'v> = &'v mut dyn FnMut(Result<LocatedRecord<'_>, Malformed>);

/// Real deliveries have at most three wrappings, such as a queue in a topic in a queue.
const MAX_WRAPS: u8 = 8;

/// How many times as long as its gzip a text may be. Log events are a few dozen times as long.
const MAX_RATIO: usize = 100;

/// A text up to this length may be any number of times as long as its gzip, in bytes.
const ALWAYS_INFLATED: usize = 1 << 20;

/// Unwraps the values of one input.
pub(super) struct Unwrapper {
    value_bytes: usize,
    /// How many bytes may still be decompressed.
    inflatable: usize,
}

impl Unwrapper {
    /// `value_bytes` and `inflatable`: see `Limits`.
    pub(super) fn new(value_bytes: usize, inflatable: usize) -> Self {
        Self { value_bytes, inflatable }
    }

    /// Passes on the records in a value.
    pub(super) fn value(&mut self, bytes: &[u8], position: &Position, visit: Visit<'_>) -> Form {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.one(text, position, 0, visit),
            Err(error) => {
                let offset = position.offset + error.valid_up_to() as u64;
                let position = Position { offset, ..position.clone() };
                visit(Err(Malformed { position, kind: MalformedKind::NotUtf8 }));
                Form::NotJson
            }
        }
    }

    /// Passes on a record in CloudTrail's layout.
    pub(super) fn record(&mut self, text: &str, position: &Position, visit: Visit<'_>) -> Form {
        let Some(record) = Record::of_members(Members::of(text)).filter(is_record) else {
            return self.one(text, position, 0, visit);
        };
        let position = position.clone();
        visit(Ok(LocatedRecord { record, position, event_bridge: None, raw: text }));
        Form::Json
    }

    /// Passes on the records in a text that `wraps` wrappings have led to.
    fn one(&mut self, text: &str, position: &Position, wraps: u8, visit: Visit<'_>) -> Form {
        if !text.trim_start().starts_with('{') {
            return self.no_object(text, position, wraps, visit);
        }
        match serde_json::from_str::<Record<'_>>(text) {
            Ok(record) if is_record(&record) => {
                visit(Ok(LocatedRecord {
                    record,
                    position: position.clone(),
                    event_bridge: None,
                    raw: text,
                }));
            }
            Ok(_) if wraps >= MAX_WRAPS => visit(Err(too_deep(position))),
            Ok(_) => match serde_json::from_str::<Wrapping<'_>>(text) {
                Ok(wrapping) => self.wrapped(&wrapping, position, wraps + 1, visit),
                Err(error) => visit(Err(not_json(text, &error, position, wraps))),
            },
            Err(error) => {
                visit(Err(not_json(text, &error, position, wraps)));
                return Form::NotJson;
            }
        }
        Form::Json
    }

    fn no_object(&mut self, text: &str, position: &Position, wraps: u8, visit: Visit<'_>) -> Form {
        if text.trim_start().starts_with('[') {
            return self.list(text, position, wraps, visit);
        }
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => {
                visit(Err(refused(position, MalformedKind::NotARecord("a record starts with `{`"))));
                Form::Json
            }
            Err(error) => {
                visit(Err(not_json(text, &error, position, wraps)));
                Form::NotJson
            }
        }
    }

    /// Passes on the records in a list, one element after the other: the list itself is never in memory.
    fn list(&mut self, text: &str, position: &Position, wraps: u8, visit: Visit<'_>) -> Form {
        if wraps >= MAX_WRAPS {
            visit(Err(too_deep(position)));
            return Form::Json;
        }
        let mut index = 0_u64;
        let each = |element: &RawValue| {
            self.one(element.get(), &position.within(&format!("[{index}]")), wraps + 1, visit);
            index += 1;
        };
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Elements(each).deserialize(&mut reader).and_then(|()| reader.end());
        match read {
            Ok(()) => Form::Json,
            Err(error) => {
                visit(Err(not_json(text, &error, position, wraps)));
                Form::NotJson
            }
        }
    }

    fn wrapped(&mut self, wrapping: &Wrapping<'_>, position: &Position, wraps: u8, visit: Visit<'_>) {
        if let Some(detail) = wrapping.detail {
            return visit(event(wrapping, detail.get(), &position.within(".detail"), wraps));
        }
        if wrapping.is_event() {
            return visit(Err(event_without_detail(wrapping, position)));
        }
        let lists = [
            (wrapping.records, ".Records"),
            (wrapping.events, ".Events"),
            (wrapping.log_events, ".logEvents"),
        ];
        let texts = [
            (&wrapping.body, ".body"),
            (&wrapping.sns_message, ".Message"),
            (&wrapping.cloudtrail_event, ".CloudTrailEvent"),
            (&wrapping.message, ".message"),
        ];
        let list = lists.iter().find_map(|(raw, step)| Some((raw.as_ref()?.get(), *step)));
        let sns = || wrapping.sns.map(|sns| (sns.get(), ".Sns"));
        let text = || texts.iter().find_map(|(text, step)| Some((text.0.as_deref()?, *step)));
        if let Some((list, step)) = list {
            self.list(list, &position.within(step), wraps, visit);
        } else if let Some((text, step)) = sns().or_else(text) {
            self.one(text, &position.within(step), wraps, visit);
        } else if let Some(logs) = &wrapping.awslogs {
            self.subscription(logs, &position.within(".awslogs.data"), wraps, visit);
        } else {
            let why = if wrapping.s3.is_some() {
                "an S3 notification names a file to read, it holds no record"
            } else {
                "no eventSource and eventName, and no known wrapping"
            };
            visit(Err(refused(position, MalformedKind::NotARecord(why))));
        }
    }

    /// A `CloudWatch` Logs subscription: log events, gzipped, in base64.
    fn subscription(&mut self, logs: &AwsLogs<'_>, position: &Position, wraps: u8, visit: Visit<'_>) {
        let data = logs.data.0.as_deref().unwrap_or_default();
        match self.inflated(data) {
            Ok(text) => {
                self.one(&text, position, wraps, visit);
            }
            Err(kind) => visit(Err(refused(position, kind))),
        }
    }

    fn inflated(&mut self, base64: &str) -> Result<String, MalformedKind> {
        let Ok(zipped) = base64::engine::general_purpose::STANDARD.decode(base64) else {
            return Err(MalformedKind::NotARecord("`awslogs.data` is not base64"));
        };
        let by_ratio = zipped.len().saturating_mul(MAX_RATIO).max(ALWAYS_INFLATED);
        let most = by_ratio.min(self.value_bytes).min(self.inflatable);
        let mut bytes = Vec::new();
        // One byte more tells that there are more.
        let read = GzDecoder::new(zipped.as_slice()).take(most as u64 + 1).read_to_end(&mut bytes);
        self.inflatable -= bytes.len().min(self.inflatable);
        read?;
        if bytes.len() > most {
            return Err(MalformedKind::Inflates(most));
        }
        String::from_utf8(bytes).map_err(|_| MalformedKind::NotUtf8)
    }
}

/// The record of an `EventBridge` event. It has to be its `detail`: CloudTrail wraps it in nothing else, and who may put
/// events on a bus chooses everything inside.
fn event<'a>(
    wrapping: &Wrapping<'_>,
    detail: &'a str,
    position: &Position,
    wraps: u8,
) -> Result<LocatedRecord<'a>, Malformed> {
    let envelope = wrapping.event_bridge();
    let foreign = |what| refused(position, MalformedKind::NotFromCloudTrail(what));
    match serde_json::from_str::<Record<'_>>(detail) {
        Ok(record) if is_record(&record) => Ok(LocatedRecord {
            record,
            position: position.clone(),
            event_bridge: Some(envelope),
            raw: detail,
        }),
        _ if !envelope.is_of_cloudtrail() => Err(foreign(envelope.summary())),
        Ok(_) if serde_json::from_str::<Wrapping<'_>>(detail).is_ok_and(|inner| inner.holds_something()) => {
            Err(foreign("the record is wrapped once more inside its `detail`".to_owned()))
        }
        Ok(_) => {
            Err(refused(position, MalformedKind::NotARecord("no eventSource and eventName in `detail`")))
        }
        Err(error) => Err(not_json(detail, &error, position, wraps)),
    }
}

/// `EventBridge` sends no event without a `detail`, and CloudTrail puts a record nowhere else.
fn event_without_detail(wrapping: &Wrapping<'_>, position: &Position) -> Malformed {
    let envelope = wrapping.event_bridge();
    refused(
        position,
        if envelope.is_of_cloudtrail() {
            MalformedKind::NotARecord("an event without `detail`")
        } else {
            MalformedKind::NotFromCloudTrail(envelope.summary())
        },
    )
}

fn refused(position: &Position, kind: MalformedKind) -> Malformed {
    Malformed { position: position.clone(), kind }
}

fn too_deep(position: &Position) -> Malformed {
    refused(position, MalformedKind::NotARecord("wrapped more than eight times"))
}

/// Calls a function with each element of a list.
struct Elements<F>(F);

impl<'de, F: FnMut(&'de RawValue)> DeserializeSeed<'de> for Elements<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&'de RawValue>()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// The members by which wrappings are told apart. They stay raw text; only the one that holds the record is read.
#[derive(serde::Deserialize, Default)]
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

impl Wrapping<'_> {
    /// True if it has a member that only events of `EventBridge` have.
    fn is_event(&self) -> bool {
        self.source.0.is_some() || self.detail_type.0.is_some()
    }

    /// Facts of the event about its record.
    fn event_bridge(&self) -> EventBridgeEnvelope {
        let text_of = |text: &Text<'_>| text.0.as_deref().unwrap_or_default().to_owned();
        EventBridgeEnvelope {
            source: text_of(&self.source),
            detail_type: text_of(&self.detail_type),
            account: text_of(&self.account),
            region: text_of(&self.region),
        }
    }

    /// True if it wraps anything.
    fn holds_something(&self) -> bool {
        let raws = [self.records, self.events, self.log_events, self.detail, self.sns];
        let texts = [&self.sns_message, &self.body, &self.cloudtrail_event, &self.message];
        raws.iter().any(Option::is_some)
            || texts.iter().any(|text| text.0.is_some())
            || self.awslogs.is_some()
    }
}

#[derive(serde::Deserialize)]
struct AwsLogs<'a> {
    #[serde(borrow)]
    data: Text<'a>,
}

/// Deliveries of S3, SQS and SNS have an `eventSource`, too.
fn is_record(record: &Record<'_>) -> bool {
    !record.event_source.is_empty()
        && !record.event_name.is_empty()
        && !record.event_source.starts_with("aws:")
}
