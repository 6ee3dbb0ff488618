//! One CloudTrail record. Every field that CloudTrail may omit is optional, and every scalar may be of any JSON type.
//!
//! The fields follow the [CloudTrail user guide, "Record contents"][contents], and real trails, which hold more. A
//! record borrows from its input. The parts that only some readers need (`userIdentity`, `requestParameters`,
//! `responseElements`) stay raw text until [`Record::parsed`] is called, so that a record without a rule costs little.
//!
//! [contents]: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
//!
//! ```
//! use autotag_model::record::Record;
//!
//! let text = r#"{"eventSource":"sqs.amazonaws.com","eventName":"CreateQueue","awsRegion":"eu-west-1",
//!     "recipientAccountId":111122223333,"requestParameters":{"queueName":"orders"}}"#;
//! let record: Record = serde_json::from_str(text)?;
//! assert_eq!(record.region().map(|region| region.to_string()).as_deref(), Some("eu-west-1"));
//! assert_eq!(record.parsed()?.request["queueName"], "orders");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod members;
mod requested;

pub(crate) use requested::tags_in;

use crate::arn::{AccountId, Region};
use crate::json::{BorrowedJson, elements, member, member_text, tag_pairs};
use crate::json_error::fault;
use jiff::Timestamp;
use requested::{specified_tags, wrapped_parameters};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// One CloudTrail record, borrowed from the text it was read from.
///
/// Only `eventSource` and `eventName` are required. A field of an unexpected type counts as absent and is not an error;
/// unknown fields are ignored.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Record<'a> {
    /// `eventSource`, for example `ec2.amazonaws.com`.
    pub event_source: Cow<'a, str>,
    /// `eventName`, trimmed, for example `RunInstances`.
    pub event_name: Cow<'a, str>,
    /// `eventTime` as written; see [`Record::time`].
    pub event_time: Option<Cow<'a, str>>,
    /// `eventID`: unique for each account's copy of an event.
    pub event_id: Option<Cow<'a, str>>,
    /// `sharedEventID`: equal in all accounts' copies of one event.
    pub shared_event_id: Option<Cow<'a, str>>,
    /// `eventType`, for example `AwsApiCall`.
    pub event_type: Option<Cow<'a, str>>,
    /// `eventCategory`, for example `Management`.
    pub event_category: Option<Cow<'a, str>>,
    /// `awsRegion` as written; may be `global`.
    pub aws_region: Option<Cow<'a, str>>,
    /// `recipientAccountId` as written: the account of the resource.
    pub recipient_account_id: Option<Cow<'a, str>>,
    /// `readOnly`; absent in most records before event version 1.06.
    pub read_only: Option<bool>,
    /// `errorCode`: set when the API call failed. A list or an object, which no service writes, is a code that cannot be
    /// read.
    pub error_code: Option<Cow<'a, str>>,
    /// `errorMessage`; failed console sign-ins have it without an `errorCode`. A list or an object is a message that cannot
    /// be read.
    pub error_message: Option<Cow<'a, str>>,
    /// `sourceIPAddress`: an address, a service name or `AWS Internal`.
    pub source_ip_address: Option<Cow<'a, str>>,
    /// `userAgent`.
    pub user_agent: Option<Cow<'a, str>>,
    /// `requestID`; several records can share it.
    pub request_id: Option<Cow<'a, str>>,
    /// `apiVersion`, for example `2012-06-01`.
    pub api_version: Option<Cow<'a, str>>,
    /// `userIdentity`, raw.
    pub user_identity: Option<&'a str>,
    /// `requestParameters`, raw.
    pub request_parameters: Option<&'a str>,
    /// `responseElements`, raw.
    pub response_elements: Option<&'a str>,
    /// `resources`, raw: the resources that the call touched, with their accounts.
    pub resources: Option<&'a str>,
    /// `sessionCredentialFromConsole`: the call was made with the credentials of a console session.
    pub session_from_console: Option<bool>,
    /// `serviceEventDetails`, raw; an object or a JSON text.
    pub service_event_details: Option<&'a str>,
}

impl Record<'_> {
    /// The time of the call, UTC; `None` if the record has no readable time.
    pub fn time(&self) -> Option<Timestamp> {
        self.event_time.as_deref()?.parse().ok()
    }

    /// The id that all copies of one event share: `sharedEventID` if present, otherwise `eventID`.
    pub fn dedup_id(&self) -> Option<&str> {
        self.shared_event_id.as_deref().or(self.event_id.as_deref())
    }

    /// The region of the call; `None` for `global` and for texts that are not a region code.
    pub fn region(&self) -> Option<Region> {
        self.aws_region.as_deref().filter(|code| *code != "global").and_then(Region::new)
    }

    /// The account of the resource, if the record names it.
    pub fn recipient_account(&self) -> Option<AccountId> {
        self.recipient_account_id.as_deref().and_then(AccountId::new)
    }

    /// True if the API call failed: it has an error code or an error message, of whatever type.
    ///
    /// `null` and what is empty (`""`, `{}`, `[]`) count as absent. Services write a code with every failure, but failed
    /// console sign-ins have a message alone, beside the answer `{"ConsoleLogin": "Failure"}`.
    pub fn failed(&self) -> bool {
        self.error_code.is_some() || self.error_message.is_some()
    }

    /// True if the call was a dry run, which EC2 records as a failure.
    pub fn is_dry_run(&self) -> bool {
        self.error_code.as_deref().is_some_and(|code| code.ends_with("DryRunOperation"))
    }

    /// Parses the parts that rules look into.
    ///
    /// # Errors
    /// [`RecordError`] if a part is not readable, in practice if it is nested deeper than 128 levels.
    pub fn parsed(&self) -> Result<ParsedRecord, RecordError> {
        Ok(ParsedRecord {
            request: tree("requestParameters", self.request_parameters)?,
            response: tree("responseElements", self.response_elements)?,
            service: tree("serviceEventDetails", self.service_event_details)?,
            resources: tree("resources", self.resources)?,
        })
    }
}

/// The parts of a record that rules look into, parsed. A part that the record does not have is null.
#[derive(Debug, Clone, Default)]
pub struct ParsedRecord {
    /// `requestParameters`.
    pub request: Value,
    /// `responseElements`.
    pub response: Value,
    /// `serviceEventDetails`; JSON in a text is parsed, too.
    pub service: Value,
    /// `resources`.
    pub resources: Value,
}

impl ParsedRecord {
    /// The account that owns the resource of this ARN, if `resources` names it.
    pub fn account_of(&self, arn: &str) -> Option<AccountId> {
        let named = elements(&self.resources);
        let of_arn =
            named.into_iter().find(|resource| member_text(*resource, "ARN").as_deref() == Some(arn))?;
        AccountId::new(&member_text(of_arn, "accountId")?)
    }

    /// The tags that the call asked for, in any form that CloudTrail writes.
    ///
    /// `kind` is EC2's kind of resource (`instance`, `volume`, ...): tags for other kinds are left out. `None` takes
    /// all.
    pub fn requested_tags(&self, kind: Option<&str>) -> Vec<(String, String)> {
        let mut tags = Vec::new();
        let inner = wrapped_parameters(&self.request);
        // Most calls ask for no tags: one pass over the names is cheaper than a search for each of them.
        let mention_tags = |parameters: &&Value| {
            let names = parameters.as_object().into_iter().flat_map(Map::keys);
            names.into_iter().any(|name| name.get(..3).is_some_and(|front| front.eq_ignore_ascii_case("tag")))
        };
        for parameters in [Some(&self.request), inner].into_iter().flatten().filter(mention_tags) {
            for name in ["tagSpecificationSet", "tagSpecifications", "tagSpecification"] {
                let specifications = member(parameters, name).map(elements).unwrap_or_default();
                tags.extend(specifications.into_iter().filter_map(|one| specified_tags(one, kind)).flatten());
            }
            for name in ["tags", "tagSet", "tagList", "tagsList"] {
                tags.extend(member(parameters, name).map(tag_pairs).unwrap_or_default());
            }
        }
        tags
    }

    /// The name of the first part that CloudTrail has omitted because of its size (`omitted: true`), if any.
    pub fn omitted(&self) -> Option<&'static str> {
        let cut = |value: &Value| value.get("omitted").and_then(Value::as_bool) == Some(true);
        if cut(&self.response) {
            Some("responseElements")
        } else if cut(&self.request) {
            Some("requestParameters")
        } else {
            None
        }
    }
}

fn tree(field: &'static str, raw: Option<&str>) -> Result<Value, RecordError> {
    let Some(raw) = raw else { return Ok(Value::Null) };
    let value: Value = serde_json::from_str(raw).map_err(|error| RecordError::new(field, &error))?;
    match value {
        // `serviceEventDetails` and some request parameters are JSON inside a text.
        Value::String(text) => Ok(serde_json::from_str(&text).unwrap_or(Value::Null)),
        value => Ok(value),
    }
}

/// As [`Record::parsed`] reads a part, with the texts of the record.
pub(crate) fn borrowed_tree<'a>(
    field: &'static str,
    raw: Option<&'a str>,
) -> Result<BorrowedJson<'a>, RecordError> {
    let Some(raw) = raw else { return Ok(BorrowedJson::Null) };
    match serde_json::from_str(raw) {
        Ok(BorrowedJson::Text(_)) => tree(field, Some(raw)).map(BorrowedJson::from),
        Ok(json) => Ok(json),
        Err(error) => Err(RecordError::new(field, &error)),
    }
}

/// A part of a record that cannot be parsed, although the record as a whole is JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` cannot be read: {why}")]
pub struct RecordError {
    /// The name of the field.
    pub field: &'static str,
    /// The fault.
    pub why: String,
}

impl RecordError {
    pub(crate) fn new(field: &'static str, error: &serde_json::Error) -> Self {
        Self { field, why: fault(error, "a JSON value") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Record<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn odd_fields_never_lose_the_record() {
        let odd = record(
            r#"{"eventSource":"ec2.amazonaws.com","eventName":"RunInstances ","eventTime":17,"awsRegion":{"a":1},
                "recipientAccountId":111122223333,"readOnly":"false","errorCode":null,"eventID":"","eventID":"x",
                "userIdentity":null,"requestParameters":"","responseElements":[[[]]],"brandNew":{"a":[1,{}]}}"#,
        );
        assert_eq!(odd.event_name, "RunInstances");
        assert_eq!(odd.time(), None);
        assert_eq!(odd.region(), None);
        assert_eq!(odd.recipient_account().unwrap().as_str(), "111122223333");
        assert_eq!(odd.read_only, Some(false));
        assert!(!odd.failed());
        assert_eq!(odd.event_id.as_deref(), Some("x"));
        assert!(odd.user_identity.is_none());
        assert_eq!(odd.parsed().unwrap().request, Value::Null);
    }

    #[test]
    fn a_call_failed_if_a_code_or_a_message_says_so() {
        let failed = |more: &str| {
            let text = format!(r#"{{"eventSource":"a","eventName":"b",{more}}}"#);
            record(&text).failed()
        };
        for member in ["errorCode", "errorMessage"] {
            for value in [
                r#""AccessDenied""#,
                r#"["denied"]"#,
                r#"{"a":1}"#,
                "0",
                "false",
                "1.5",
                r#""\ud800""#,
                r"[null]",
            ] {
                for answer in ["null", "{}", r#"{"id":"x"}"#] {
                    let more = format!(r#""{member}":{value},"responseElements":{answer}"#);
                    assert!(failed(&more), "{more}");
                }
            }
            for value in ["null", r#""""#, "{ }", "{}", "[]", "[ ]"] {
                let more = format!(r#""{member}":{value}"#);
                assert!(!failed(&more), "{more}");
            }
        }
        // A failed sign-in to the console, as CloudTrail writes it.
        assert!(failed(
            r#""errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"}"#
        ));
    }

    #[test]
    fn plain_fields_are_borrowed() {
        let text = r#"{"eventSource":"s3.amazonaws.com","eventName":"CreateBucket"}"#;
        let record = record(text);
        assert!(matches!(record.event_source, Cow::Borrowed(_)));
        assert!(matches!(record.event_name, Cow::Borrowed(_)));
    }

    #[test]
    fn copies_of_one_event_share_their_dedup_id() {
        let text = r#"{"eventSource":"a","eventName":"b","eventID":"1","sharedEventID":"s"}"#;
        assert_eq!(record(text).dedup_id(), Some("s"));
    }

    #[test]
    fn tags_that_the_call_asked_for() {
        let tags = |request: &str, kind| {
            let text = format!(r#"{{"eventSource":"a","eventName":"b","requestParameters":{request}}}"#);
            record(&text).parsed().unwrap().requested_tags(kind)
        };
        let run = r#"{"tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"a","value":"1"}]},
            {"resourceType":"volume","tags":[{"key":"b","value":"2"}]}]}}"#;
        assert_eq!(tags(run, Some("instance")), [("a".to_owned(), "1".to_owned())]);
        let wrapped = r#"{"CreateNatGatewayRequest":{"TagSpecification":{"ResourceType":"natgateway","Tag":{"Key":"a","Value":true}}}}"#;
        assert_eq!(tags(wrapped, None), [("a".to_owned(), "true".to_owned())]);
        let bucket =
            r#"{"bucketName":"b","CreateBucketConfiguration":{"Tags":{"Tag":{"Key":"a","Value":"1"}}}}"#;
        assert_eq!(tags(bucket, None), [("a".to_owned(), "1".to_owned())]);
        assert_eq!(tags(r#"{"tags":{"a":"1"}}"#, None), [("a".to_owned(), "1".to_owned())]);
        assert!(tags(r#"{"tags":"","tagSet":{}}"#, None).is_empty());
    }

    #[test]
    fn tags_at_a_place_that_a_rule_names() {
        let tags = |json: &str, kind| tags_in(&serde_json::from_str(json).unwrap(), kind);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags(r#"{"a":"1"}"#, None), [pair("a", "1")]);
        assert_eq!(tags(r#"{"tag":"1"}"#, None), [pair("tag", "1")], "one may be called so");
        assert_eq!(tags(r#"{"items":[{"key":"a","value":"1"}]}"#, None), [pair("a", "1")]);
        let both = r#"{"items":[{"resourceType":"instance","tags":[{"key":"a","value":"1"}]},
            {"resourceType":"spot-fleet-request","tags":[{"key":"b","value":"2"}]}]}"#;
        assert_eq!(tags(both, Some("spot-fleet-request")), [pair("b", "2")]);
        assert_eq!(tags(both, None), [pair("a", "1"), pair("b", "2")]);
        // Auto Scaling names a type of resource in each tag.
        let group = r#"[{"key":"a","value":"1","resourceType":"auto-scaling-group"}]"#;
        assert_eq!(tags(group, Some("group")), [pair("a", "1")]);
        assert_eq!(
            tags(r#""a=1&b=x+y%2Fz&c&d=%zz&=%""#, None),
            [pair("a", "1"), pair("b", "x y/z"), pair("c", ""), pair("d", "%zz"), pair("", "%")]
        );
        assert!(tags(r#""HIDDEN_DUE_TO_SECURITY_REASONS""#, None).is_empty());
    }

    #[test]
    fn cut_parts_are_named() {
        let text = r#"{"eventSource":"a","eventName":"b","responseElements":{"omitted":true,"originalSize":120000}}"#;
        assert_eq!(record(text).parsed().unwrap().omitted(), Some("responseElements"));
    }

    #[test]
    fn deep_nesting_is_an_error_of_the_part_only() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let text = format!(r#"{{"eventSource":"a","eventName":"b","requestParameters":{deep}}}"#);
        let record = record(&text);
        assert_eq!(record.parsed().unwrap_err().field, "requestParameters");
    }
}
