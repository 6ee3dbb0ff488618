//! What a function is invoked with -> work: `EventBridge` events, queues of them, notices of trail log files, lists of
//! their keys.
//!
//! Pure: it says what is to be read; an [`Intake`] keeps what was found in it.

use crate::catalog::Catalog;
use crate::classify::{Classification, Classifier, Found, Hints};
use crate::outcome::{EventSummary, Outcome, Row};
use crate::ports::Tags;
use autotag_model::envelope::{Limits, read_records};
use autotag_model::policy::Policy;
use autotag_model::session::Session;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

/// An invocation's payload, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Whether it came from a queue, whose answer names the messages that go back.
    pub from_queue: bool,
    /// Whether it is about the past: what its records say was made may have got an owner since.
    pub backfill: bool,
    /// What is to be read.
    pub jobs: Vec<Job>,
}

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Job {
    /// The message that it came in, if it came from a queue.
    pub message: Option<Arc<Message>>,
    /// Where its records are.
    pub source: Source,
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its id: what a partial batch response names.
    pub id: String,
    /// Its body.
    pub body: String,
    /// How often it was received, this time included; 0 where the queue does not say.
    pub receives: u32,
    /// If it asks for a second look: the tags that the first one has written.
    pub first_look: Option<Tags>,
}

/// The attribute of a message that asks for a second look at its record: the tags that the first one has written, as a
/// JSON object.
pub const FIRST_LOOK: &str = "autotag-first-look";

/// The value of [`FIRST_LOOK`] for these tags.
pub fn first_look_text<'t>(tags: impl IntoIterator<Item = (&'t str, &'t str)>) -> String {
    let tags: BTreeMap<&str, &str> = tags.into_iter().collect();
    json!(tags).to_string()
}

/// Where records are.
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
}

/// A payload that no way in sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It is not JSON.
    #[error("the payload is not JSON: {0}")]
    NotJson(String),
    /// A list of keys without the bucket that holds them.
    #[error(
        "the payload lists keys of log files, but no bucket: send it as `BatchInput.bucket` or `bucket`, or configure one"
    )]
    NoBucket,
    /// `backfill` beside a list of keys that is no boolean.
    #[error("`backfill` of the payload is neither true nor false: write it without quotes")]
    Backfill,
}

/// Takes a payload apart. `bucket` is where keys lie that come without one.
///
/// Accepted: an SQS batch, S3 notifications, `EventBridge` events (also of S3: `Object Created`), the input of a Step
/// Functions distributed map (`{"Items": [{"Key": ...}], "BatchInput": {"bucket": ...}}`, or `{"bucket", "keys": [...]}`;
/// with `"backfill": true` beside the bucket the files are old), and whatever [`read_records`] reads. Messages may wrap any of these, and SNS may wrap them once more.
///
/// # Errors
/// [`DeliveryError`] when nothing can be made of the payload as a whole. What is wrong with one message is found when it
/// is read, and is its own.
pub fn take_apart(payload: &str, bucket: Option<&str>) -> Result<Delivery, DeliveryError> {
    let value: Value =
        serde_json::from_str(payload).map_err(|error| DeliveryError::NotJson(error.to_string()))?;
    let messages = list(&value, "Records").filter(|record| text(record, "eventSource") == Some("aws:sqs"));
    let messages: Vec<&Value> = messages.collect();
    if !messages.is_empty() {
        let jobs = messages.into_iter().flat_map(jobs_of_message).collect();
        return Ok(Delivery { from_queue: true, backfill: false, jobs });
    }
    let notices: Vec<&str> = list(&value, "Records").filter_map(sns_message).collect();
    if !notices.is_empty() {
        let sources = notices
            .into_iter()
            .flat_map(|notice| sources(&serde_json::from_str(notice).unwrap_or_default(), notice));
        let jobs = sources.map(|source| Job { message: None, source }).collect();
        return Ok(Delivery { from_queue: false, backfill: false, jobs });
    }
    let listed = keys(&value, bucket)?;
    let backfill = listed.is_some() && is_backfill(&value)?;
    let sources = listed.unwrap_or_else(|| sources(&value, payload));
    let jobs = sources.into_iter().map(|source| Job { message: None, source }).collect();
    Ok(Delivery { from_queue: false, backfill, jobs })
}

fn jobs_of_message(record: &Value) -> Vec<Job> {
    let body = text(record, "body").unwrap_or_default();
    let attribute = |name| record.get("attributes")?.get(name)?.as_str()?.parse().ok();
    let message = Arc::new(Message {
        id: text(record, "messageId").unwrap_or_default().to_owned(),
        body: body.to_owned(),
        receives: attribute("ApproximateReceiveCount").unwrap_or_default(),
        first_look: first_look(record),
    });
    // What is no JSON is found to be so when it is read.
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let sources = sources(&value, body).into_iter();
    sources.map(|source| Job { message: Some(Arc::clone(&message)), source }).collect()
}

/// The tags of a first look; a text that is no such thing is one that has written none.
fn first_look(record: &Value) -> Option<Tags> {
    let attribute = text(record.get("messageAttributes")?.get(FIRST_LOOK)?, "stringValue")?;
    let tags: BTreeMap<String, String> = serde_json::from_str(attribute).unwrap_or_default();
    Some(tags.into_iter().collect())
}

/// How often a notice may be wrapped by SNS.
const WRAPPINGS: usize = 2;

/// Where the records are that a text is about: in the objects that it names, else in itself.
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

/// The message of a record by which SNS invokes a function.
fn sns_message(record: &Value) -> Option<&str> {
    text(record.get("Sns")?, "Message").filter(|_| text(record, "EventSource") == Some("aws:sns"))
}

/// What S3 sends once, when notifications are set up.
fn is_test_notice(value: &Value) -> bool {
    text(value, "Event") == Some("s3:TestEvent")
}

/// The objects that a notice names; `None` when it is none.
fn objects(value: &Value) -> Option<Vec<Source>> {
    if text(value, "source") == Some("aws.s3") && text(value, "detail-type") == Some("Object Created") {
        let detail = value.get("detail")?;
        return Some(object(detail, |key| Some(key.to_owned())).into_iter().collect());
    }
    // CloudTrail's own notices of the files it has delivered.
    if let (Some(bucket), Some(_)) = (text(value, "s3Bucket"), value.get("s3ObjectKey")) {
        let keys = list(value, "s3ObjectKey").filter_map(Value::as_str).filter(|key| is_log_file(key));
        let object = |key: &str| Source::Object { bucket: bucket.to_owned(), key: key.to_owned() };
        return Some(keys.map(object).collect());
    }
    let notices: Vec<&Value> =
        list(value, "Records").filter(|record| text(record, "eventSource") == Some("aws:s3")).collect();
    let of_notice = |record: &&Value| object(record.get("s3")?, decoded);
    (!notices.is_empty()).then(|| notices.iter().filter_map(of_notice).collect())
}

fn object(of: &Value, decode: impl Fn(&str) -> Option<String>) -> Option<Source> {
    let bucket = text(of.get("bucket")?, "name")?.to_owned();
    let key = decode(text(of.get("object")?, "key")?)?;
    is_log_file(&key).then_some(Source::Object { bucket, key })
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

/// The keys of a distributed map's input; `None` when it is none.
fn keys(value: &Value, bucket: Option<&str>) -> Result<Option<Vec<Source>>, DeliveryError> {
    let items: Vec<&Value> = list(value, "Items").chain(list(value, "keys")).collect();
    let single = (value.get("Key").is_some() && value.get("Size").is_some()).then_some(value);
    if items.is_empty() && single.is_none() {
        return Ok(None);
    }
    let given =
        value.get("BatchInput").and_then(|input| text(input, "bucket").or_else(|| text(input, "Bucket")));
    let bucket = given.or_else(|| text(value, "bucket")).or_else(|| text(value, "Bucket")).or(bucket);
    let bucket = bucket.ok_or(DeliveryError::NoBucket)?;
    let key = |item: &Value| item.as_str().or_else(|| text(item, "Key")).map(str::to_owned);
    let keys = items.into_iter().chain(single).filter_map(key).filter(|key| is_log_file(key));
    Ok(Some(keys.map(|key| Source::Object { bucket: bucket.to_owned(), key }).collect()))
}

/// Whether who lists the keys says that they are old. What is neither yes nor no is refused: taken for no, it would take owners off.
fn is_backfill(value: &Value) -> Result<bool, DeliveryError> {
    let said =
        [value.get("BatchInput"), Some(value)].into_iter().flatten().filter_map(|of| of.get("backfill"));
    said.map(|said| said.as_bool().ok_or(DeliveryError::Backfill))
        .try_fold(false, |any, said| Ok(any || said?))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// What takes in the records of a job.
pub trait Intake: Default + Send + 'static {
    /// By what it reads.
    type Rules: Clone + Send + 'static;

    /// Takes in what stands in `input`.
    fn read(&mut self, input: impl Read, rules: &Self::Rules, hints: &Hints);

    /// Notes that something could not be read, or not to its end.
    fn unreadable(&mut self, outcome: Outcome, hints: &Hints);

    /// Adds what was taken in elsewhere.
    fn append(&mut self, other: Self);
}

/// The catalogue and the policy, for as long as anybody reads by them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Which events create which resources.
    pub catalog: Arc<Catalog>,
    /// What is ignored.
    pub policy: Arc<Policy>,
}

/// What was found in all that was read.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Gathered {
    /// Records read.
    pub records: u64,
    /// STS sessions.
    pub sessions: Vec<Session>,
    /// Creations.
    pub creations: Vec<Found>,
    /// Records that led to nothing that is tagged, and what could not be read.
    pub rows: Vec<Row>,
    /// The records themselves, by event id, of creations about which more may be known later: in a role session, whose STS
    /// record may still come, or of something that belongs to a resource which may not be tagged yet.
    pub texts: BTreeMap<String, String>,
}

impl Intake for Gathered {
    type Rules = Rules;

    /// Steps 1 to 4 of the way.
    fn read(&mut self, input: impl Read, rules: &Rules, hints: &Hints) {
        let classifier = Classifier { catalog: &rules.catalog, policy: &rules.policy };
        read_records(input, &Limits::default(), &mut |item| match item {
            Ok(delivered) => {
                self.records += 1;
                match classifier.classify(&delivered, hints) {
                    Classification::Session(session) => self.sessions.push(*session),
                    Classification::Creation(found) => self.creation(*found, delivered.raw),
                    Classification::Nothing(rows) => self.rows.extend(rows),
                    Classification::Uncovered(event) => self.rows.push(Row::of_event(event, Outcome::NoRule)),
                    Classification::Other | Classification::NoSession(_) => {}
                }
            }
            Err(fault) => self.unreadable(Outcome::Malformed(fault.to_string()), hints),
        });
    }

    fn unreadable(&mut self, outcome: Outcome, hints: &Hints) {
        self.rows.push(unread(outcome, hints));
    }

    fn append(&mut self, other: Self) {
        self.records += other.records;
        self.sessions.extend(other.sessions);
        self.creations.extend(other.creations);
        self.rows.extend(other.rows);
        self.texts.extend(other.texts);
    }
}

impl Gathered {
    fn creation(&mut self, found: Found, raw: &str) {
        let has_parent = found.targets.iter().any(|target| target.parent.is_some());
        if let (Some(id), true) = (&found.event.id, has_parent || found.principal.role_session().is_some()) {
            self.texts.insert(id.clone(), raw.to_owned());
        }
        self.creations.push(found);
    }
}

/// The row of what could not be read.
pub(crate) fn unread(outcome: Outcome, hints: &Hints) -> Row {
    let head = EventSummary { message_id: hints.message_id.clone(), ..EventSummary::default() };
    Row::of_event(Arc::new(head), outcome)
}

#[cfg(test)]
mod tests;
