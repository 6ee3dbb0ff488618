//! Finds the inputs in the payload of an invocation: `EventBridge` events, queues of them, notifications of trail
//! log files, lists of their keys. This module has no IO.

use autotag_handlers::backend::Tags;
use autotag_handlers::row::OriginId;
use autotag_model::json_error::fault;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A parsed payload.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invocation {
    /// True if it came from a queue. The answer then names the messages that go back.
    pub from_queue: bool,
    /// True if its records are old: the resources that they report may have got an owner since.
    pub backfill: bool,
    /// The messages of the queue.
    pub messages: Vec<Message>,
    /// The inputs to read.
    pub jobs: Vec<Job>,
}

impl Invocation {
    /// The message that records of this origin came in, if they came from a queue.
    pub fn message(&self, origin: OriginId) -> Option<&Message> {
        self.messages.get(origin.0)
    }
}

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The origin of its records: the number of its message.
    pub origin: OriginId,
    /// The place of its records.
    pub source: Source,
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its id, which a partial batch response names.
    pub id: String,
    /// Its body.
    pub body: String,
    /// How often it was received, this time included; 0 if the queue does not say.
    pub receives: u32,
    /// On a recheck, the tags that the first evaluation wrote.
    pub previous_tags: Option<Tags>,
}

pub use autotag_handlers::recheck::PREVIOUS_TAGS_ATTRIBUTE;

/// The value of [`PREVIOUS_TAGS_ATTRIBUTE`] for these tags.
pub fn previous_tags_text<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> String {
    let tags: BTreeMap<&str, &str> = tags.into_iter().collect();
    json!(tags).to_string()
}

/// The place of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Here.
    Text(String),
    /// In an object of S3.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// No place: the text should name one and does not. A person has to check it.
    Unusable(
        /// The fault.
        &'static str,
    ),
}

/// A payload that no supported event source sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvocationError {
    /// It is not JSON. The text says where and why, and repeats nothing of the payload.
    #[error("the payload is {0}")]
    NotJson(String),
    /// A list of keys without the bucket that holds them.
    #[error(
        "the payload lists keys of log files, but no bucket: send it as `BatchInput.bucket` or `bucket`, or configure one"
    )]
    NoBucket,
    /// `backfill` beside a list of keys is not a boolean.
    #[error("`backfill` of the payload is neither true nor false: write it without quotes")]
    Backfill,
}

/// Parses a payload. `bucket` is the bucket of keys that come without one.
///
/// Accepted: an SQS batch, S3 notifications, `EventBridge` events (also of S3: `Object Created`), the input of a Step
/// Functions distributed map (`{"Items": [{"Key": ...}], "BatchInput": {"bucket": ...}}`, or `{"bucket", "keys": [...]}`;
/// with `"backfill": true` beside the bucket the files are old), and everything that
/// [`read_records`](autotag_model::envelope::read_records) reads. Messages may wrap any of these, and SNS may wrap them
/// once more.
///
/// # Errors
/// [`InvocationError`] if the payload as a whole cannot be used. A fault in one message is found when the message is read,
/// and concerns that message alone.
pub fn parse_payload(payload: &str, bucket: Option<&str>) -> Result<Invocation, InvocationError> {
    let not_json = |error: serde_json::Error| {
        let (why, line, column) = (fault(&error, "a JSON value"), error.line(), error.column());
        InvocationError::NotJson(format!("{why} (line {line}, column {column})"))
    };
    let _: &RawValue = serde_json::from_str(payload).map_err(not_json)?;
    if !names_sources(payload) {
        return Ok(Invocation {
            from_queue: false,
            backfill: false,
            messages: Vec::new(),
            jobs: vec![Job { origin: OriginId::default(), source: Source::Text(payload.to_owned()) }],
        });
    }
    let value: Value = serde_json::from_str(payload).map_err(not_json)?;
    if list(&value, "Records").any(is_message) {
        return Ok(queue_batch(&value));
    }
    let mut backfill = false;
    let sources: Vec<Source> = if list(&value, "Records").any(|record| sns_message(record).is_some()) {
        list(&value, "Records").flat_map(sources_of_sns).collect()
    } else if let Some(listed) = keys(&value, bucket)? {
        backfill = is_backfill(&value)?;
        listed
    } else {
        sources(&value, payload)
    };
    let jobs = jobs(OriginId::default(), sources).collect();
    Ok(Invocation { from_queue: false, backfill, messages: Vec::new(), jobs })
}

/// A batch of a queue.
fn queue_batch(value: &Value) -> Invocation {
    let (mut messages, mut all) = (Vec::new(), Vec::new());
    for (number, record) in list(value, "Records").enumerate() {
        let message = message(record);
        let sources = if is_message(record) {
            sources_of_text(&message.body)
        } else {
            // It has the id of a message or none. Lambda takes an answer without an id for a failure of the whole batch.
            vec![Source::Unusable("a record of another event source in a batch of `aws:sqs`")]
        };
        messages.push(message);
        all.extend(jobs(OriginId(number), sources));
    }
    Invocation { from_queue: true, backfill: false, messages, jobs: all }
}

/// True if a record is a message of a queue.
fn is_message(record: &Value) -> bool {
    text(record, "eventSource") == Some("aws:sqs")
}

fn jobs(origin: OriginId, sources: Vec<Source>) -> impl Iterator<Item = Job> {
    sources.into_iter().map(move |source| Job { origin, source })
}

fn message(record: &Value) -> Message {
    let attribute = |name| record.get("attributes")?.get(name)?.as_str()?.parse().ok();
    Message {
        id: text(record, "messageId").unwrap_or_default().to_owned(),
        body: text(record, "body").unwrap_or_default().to_owned(),
        receives: attribute("ApproximateReceiveCount").unwrap_or_default(),
        previous_tags: previous_tags(record),
    }
}

/// The tags of the first evaluation. A value that is not a JSON object of texts counts as an evaluation that wrote none.
fn previous_tags(record: &Value) -> Option<Tags> {
    let attribute = text(record.get("messageAttributes")?.get(PREVIOUS_TAGS_ATTRIBUTE)?, "stringValue")?;
    let tags: BTreeMap<String, String> = serde_json::from_str(attribute).unwrap_or_default();
    Some(tags.into_iter().collect())
}

/// The members by which a payload or a message names the place of its records, if it does not contain them.
const NAMING_MEMBERS: [&str; 7] = ["Records", "Type", "Event", "s3ObjectKey", "Items", "keys", "Key"];

/// True if a text may name the place of records. Otherwise it is not parsed into a tree. The sender of an event
/// chooses its `detail`, and a tree can take a hundred times as much memory as the text.
fn names_sources(text: &str) -> bool {
    if !text.trim_start().starts_with('{') {
        return false;
    }
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text) else { return false };
    let of_s3 = members.get("detail-type").is_some_and(|kind| kind.get() == "\"Object Created\"");
    of_s3 || NAMING_MEMBERS.iter().any(|name| members.contains_key(*name))
}

/// The places of the records that a message is about. A message that is not JSON is reported when it is read.
fn sources_of_text(text: &str) -> Vec<Source> {
    if names_sources(text) {
        sources(&serde_json::from_str(text).unwrap_or_default(), text)
    } else {
        vec![Source::Text(text.to_owned())]
    }
}

/// How often a notice may be wrapped by SNS.
const WRAPPINGS: usize = 2;

/// The places of the records that a text is about: the objects that it names, otherwise the text itself.
fn sources(value: &Value, itself: &str) -> Vec<Source> {
    let mut value = Cow::Borrowed(value);
    for _ in 0..WRAPPINGS {
        if is_test_notice(&value) {
            return Vec::new();
        }
        if let Some(objects) = objects(&value) {
            return objects;
        }
        let inner = text(&value, "Message").filter(|_| text(&value, "Type") == Some("Notification"));
        match inner.and_then(|inner| serde_json::from_str::<Value>(inner).ok()) {
            Some(inner) => value = Cow::Owned(inner),
            None => break,
        }
    }
    vec![Source::Text(itself.to_owned())]
}

/// The places of the records that a record of SNS is about.
fn sources_of_sns(record: &Value) -> Vec<Source> {
    match sns_message(record) {
        Some(notice) => sources_of_text(notice),
        None => vec![Source::Unusable("a record without a message in a delivery of `aws:sns`")],
    }
}

/// The message of a record by which SNS invokes a function.
fn sns_message(record: &Value) -> Option<&str> {
    text(record.get("Sns")?, "Message").filter(|_| text(record, "EventSource") == Some("aws:sns"))
}

/// The message that S3 sends once, when notifications are set up.
fn is_test_notice(value: &Value) -> bool {
    text(value, "Event") == Some("s3:TestEvent")
}

/// The objects that a notice names; `None` if it is not a notice. An unreadable name becomes an unusable source, so
/// that no notice is acknowledged without being read.
fn objects(value: &Value) -> Option<Vec<Source>> {
    if text(value, "source") == Some("aws.s3") && text(value, "detail-type") == Some("Object Created") {
        let detail = value.get("detail").unwrap_or(&Value::Null);
        return Some(object(detail, |key| Some(key.to_owned())).into_iter().collect());
    }
    // CloudTrail's own notices of the files it has delivered.
    if let (Some(bucket), Some(_)) = (text(value, "s3Bucket"), value.get("s3ObjectKey")) {
        let keys: Vec<&Value> = list(value, "s3ObjectKey").collect();
        if keys.is_empty() {
            return Some(vec![Source::Unusable("a notice of CloudTrail without keys of log files")]);
        }
        return Some(keys.into_iter().filter_map(|key| log_file(bucket, key.as_str())).collect());
    }
    let of_s3 = |record: &Value| text(record, "eventSource") == Some("aws:s3");
    let of_notice = |record: &Value| match record.get("s3") {
        Some(s3) if of_s3(record) => object(s3, decoded),
        _ => Some(Source::Unusable("a record without an object in a notification of S3")),
    };
    list(value, "Records").any(of_s3).then(|| list(value, "Records").filter_map(of_notice).collect())
}

/// The object that a notice names; `None` when it holds no records.
fn object(notice: &Value, decode: impl Fn(&str) -> Option<String>) -> Option<Source> {
    let Some(bucket) = notice.get("bucket").and_then(|bucket| text(bucket, "name")) else {
        return Some(Source::Unusable("a notice of an object without the name of its bucket"));
    };
    let Some(key) = notice.get("object").and_then(|object| text(object, "key")) else {
        return Some(Source::Unusable("a notice of an object without its key"));
    };
    match decode(key) {
        Some(key) => log_file(bucket, Some(&key)),
        None => Some(Source::Unusable("a notice of an object whose key cannot be decoded")),
    }
}

/// The log file of this key; `None` for a digest.
fn log_file(bucket: &str, key: Option<&str>) -> Option<Source> {
    let object = |key: &str| Source::Object { bucket: bucket.to_owned(), key: key.to_owned() };
    match key {
        Some("") | None => Some(Source::Unusable("a list of log files with a key that is not text")),
        Some(key) => is_log_file(key).then(|| object(key)),
    }
}

/// Keys in S3's own notifications are written as in forms: `+` is a space, `%2B` a plus.
fn decoded(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                rest = after;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// Digests are signatures over log files; they hold no records.
fn is_log_file(key: &str) -> bool {
    !key.split('/').any(|part| part == "CloudTrail-Digest")
}

/// The keys of a distributed map's input; `None` if it is not one.
fn keys<'v>(value: &'v Value, bucket: Option<&str>) -> Result<Option<Vec<Source>>, InvocationError> {
    let items: Vec<&Value> = list(value, "Items").chain(list(value, "keys")).collect();
    let single = (value.get("Key").is_some() && value.get("Size").is_some()).then_some(value);
    if items.is_empty() && single.is_none() {
        return Ok(None);
    }
    let given =
        value.get("BatchInput").and_then(|input| text(input, "bucket").or_else(|| text(input, "Bucket")));
    let bucket = given.or_else(|| text(value, "bucket")).or_else(|| text(value, "Bucket")).or(bucket);
    let bucket = bucket.ok_or(InvocationError::NoBucket)?;
    let key = |item: &'v Value| item.as_str().or_else(|| text(item, "Key"));
    let keys = items.into_iter().chain(single).map(key);
    Ok(Some(keys.filter_map(|key| log_file(bucket, key)).collect()))
}

/// True if the sender of the keys says that they are old. A value that is neither true nor false is refused: taken
/// for false, it would replace owners.
fn is_backfill(value: &Value) -> Result<bool, InvocationError> {
    let said =
        [value.get("BatchInput"), Some(value)].into_iter().flatten().filter_map(|of| of.get("backfill"));
    said.map(|said| said.as_bool().ok_or(InvocationError::Backfill))
        .try_fold(false, |any, said| Ok(any || said?))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests;
