//! Sessions in a `DynamoDB` table: the store of a deployment, which functions in all regions share.

use crate::{RETENTION, SessionStoreError, SessionWriter};
use async_trait::async_trait;
use autotag_model::failure::{self, ErrorClass};
use autotag_model::identity::AccessKeyId;
use autotag_model::session::Session;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TimeToLiveSpecification,
};
use jiff::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

mod read;

/// The version of the entries that this program reads and writes.
///
/// A change of [`Session`] that cannot read the older JSON needs a new version, and code that reads the older one.
pub const ENTRY_VERSION: u8 = 1;

/// The most attempts to merge a session that other writers change at the same time.
const MAX_MERGE_ATTEMPTS: usize = 16;

/// How long to wait for a new table.
const TABLE_WAIT_TIMEOUT: Duration = Duration::from_mins(2);

/// The attributes of an entry. The first two are the table's keys.
const ROLE_SESSION: &str = "role_session";
const ISSUED: &str = "issued";
const EXPIRES_AT: &str = "expires_at";
const VERSION: &str = "version";
const SESSION: &str = "session";

type Entry = HashMap<String, AttributeValue>;

/// Sessions in a `DynamoDB` table. It holds no credential: of STS's answer an entry has only the access key id.
///
/// | attribute | type | holds |
/// |---|---|---|
/// | `role_session` | S, partition key | `AROA...:session-name` |
/// | `issued` | S, sort key | `<STS time>#<access key id>` |
/// | `expires_at` | N, the table's TTL | seconds since 1970: the session's end and [`RETENTION`](crate::RETENTION) |
/// | `version` | N | [`ENTRY_VERSION`] |
/// | `session` | S | the [`Session`] as JSON |
///
/// *Requests.* A put is one `PutItem`, and a second one if the table has a copy of the session with less detail. A find
/// is one `Query` a megabyte, strongly consistent, so that it returns a session as soon as the put has ended. A find by
/// access key is one `Query` for each second in which the session can have been issued, from the middle outwards, until
/// it is found. The table can be in another region than the caller.
///
/// *Memory.* `find_issued` keeps at most 1,000 sessions and `find` at most 20,000, of 4 KiB each on average. If there
/// are more, both end with [`SessionStoreError::TooMany`] after the page that has them. A find by access key keeps one.
///
/// *Permissions.* `dynamodb:Query` to find, `dynamodb:PutItem` to put, `dynamodb:Scan` for [`sample`](Self::sample).
///
/// *Errors.* Throttling and outages are [`SessionStoreError::Unavailable`] after the attempts that the client's
/// configuration allows. They are never an empty list.
#[derive(Debug, Clone)]
pub struct DynamoDbStore {
    client: Client,
    table: String,
}

/// The result of a conditional write.
enum PutOutcome {
    Done,
    /// The table has another entry under the key; `None` if that has been deleted since.
    Conflict(Option<Entry>),
}

impl DynamoDbStore {
    /// A store in the table of this name, with the region, credentials and retries of `client`. It sends no request.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// Creates the table, billed by request and with its TTL, and waits until it takes entries. For tests and tools; a
    /// deployment creates the table by its template.
    ///
    /// # Errors
    /// [`SessionStoreError`], also if the table exists.
    pub async fn create(&self) -> Result<(), SessionStoreError> {
        let unfit = |_| SessionStoreError::Failed {
            place: self.table.clone(),
            advice: "its description is incomplete",
            source: "CreateTable was not sent".into(),
        };
        let mut made = self.client.create_table().table_name(&self.table);
        for (name, kind) in [(ROLE_SESSION, KeyType::Hash), (ISSUED, KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let attribute = attribute.attribute_type(ScalarAttributeType::S).build().map_err(unfit)?;
            let key =
                KeySchemaElement::builder().attribute_name(name).key_type(kind).build().map_err(unfit)?;
            made = made.attribute_definitions(attribute).key_schema(key);
        }
        let made = made.billing_mode(BillingMode::PayPerRequest).send().await;
        made.map_err(|error| self.failed("CreateTable", &error))?;
        let there =
            self.client.wait_until_table_exists().table_name(&self.table).wait(TABLE_WAIT_TIMEOUT).await;
        there.map_err(|error| SessionStoreError::Unavailable {
            place: self.table.clone(),
            source: format!("the new table takes no entries: {error}").into(),
        })?;
        let ttl = TimeToLiveSpecification::builder().attribute_name(EXPIRES_AT).enabled(true).build();
        let set = self.client.update_time_to_live().table_name(&self.table);
        let set = set.time_to_live_specification(ttl.map_err(unfit)?).send().await;
        set.map(drop).map_err(|error| self.failed("UpdateTimeToLive", &error))
    }

    /// Returns at most `max` sessions, in no order. It scans the table from its beginning.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the table does not answer or an entry cannot be read.
    pub async fn sample(&self, max: usize) -> Result<Vec<Session>, SessionStoreError> {
        let mut pages = self.client.scan().table_name(&self.table).into_paginator().items().send();
        let mut sessions = Vec::new();
        while sessions.len() < max
            && let Some(entry) = pages.next().await
        {
            sessions.push(self.decode(&entry.map_err(|error| self.failed("Scan", &error))?)?);
        }
        Ok(sessions)
    }

    /// Writes `session` if the table has exactly `known` (the JSON of an entry) of it, or nothing.
    async fn write(&self, session: &Session, known: Option<String>) -> Result<PutOutcome, SessionStoreError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.encode(session)?));
        let put = match known {
            Some(known) => put
                .condition_expression("#session = :known")
                .expression_attribute_names("#session", SESSION)
                .expression_attribute_values(":known", AttributeValue::S(known)),
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", ROLE_SESSION),
        };
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.outcome(put.send().await)
    }

    fn outcome(
        &self,
        answer: Result<PutItemOutput, SdkError<PutItemError>>,
    ) -> Result<PutOutcome, SessionStoreError> {
        match answer {
            Ok(_) => Ok(PutOutcome::Done),
            Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => {
                match refused.into_err() {
                    PutItemError::ConditionalCheckFailedException(failed) => {
                        Ok(PutOutcome::Conflict(failed.item))
                    }
                    _ => Ok(PutOutcome::Conflict(None)),
                }
            }
            Err(error) => Err(self.failed("PutItem", &error)),
        }
    }

    fn encode(&self, session: &Session) -> Result<Entry, SessionStoreError> {
        let json =
            serde_json::to_string(session).map_err(|error| self.damaged(&session.role_session, error))?;
        let expires = session.expires_at().checked_add(RETENTION).unwrap_or(Timestamp::MAX).as_second();
        let text = |text: &str| AttributeValue::S(text.to_owned());
        Ok(HashMap::from([
            (ROLE_SESSION.to_owned(), text(&session.role_session)),
            (ISSUED.to_owned(), AttributeValue::S(sort_key(session))),
            (EXPIRES_AT.to_owned(), AttributeValue::N(expires.to_string())),
            (VERSION.to_owned(), AttributeValue::N(ENTRY_VERSION.to_string())),
            (SESSION.to_owned(), AttributeValue::S(json)),
        ]))
    }

    fn decode(&self, entry: &Entry) -> Result<Session, SessionStoreError> {
        let id = entry.get(ROLE_SESSION).and_then(|id| id.as_s().ok()).map_or("", String::as_str);
        let version = entry.get(VERSION).and_then(|version| version.as_n().ok()?.parse::<u8>().ok());
        match (version, text_of(entry)) {
            (Some(ENTRY_VERSION), Some(json)) => {
                serde_json::from_str(json).map_err(|error| self.damaged(id, error))
            }
            (Some(found), _) if found != ENTRY_VERSION => Err(SessionStoreError::UnknownVersion {
                place: self.table.clone(),
                found,
                known: ENTRY_VERSION,
            }),
            _ => Err(self.damaged(id, "it has no version or no session")),
        }
    }

    fn damaged(&self, role_session: &str, source: impl Into<crate::BoxError>) -> SessionStoreError {
        let (place, role_session) = (self.table.clone(), role_session.to_owned());
        SessionStoreError::Damaged { place, role_session, source: source.into() }
    }

    /// The client's error in terms of what to do. It has no message of AWS, which may quote the request.
    fn failed<E: ProvideErrorMetadata>(&self, operation: &str, error: &SdkError<E>) -> SessionStoreError {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let unanswered = if matches!(error, SdkError::TimeoutError(_)) { "Timeout" } else { "NoConnection" };
        let source = format!("{operation} answered {}", code.unwrap_or(unanswered)).into();
        let place = self.table.clone();
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let class = code.map_or(ErrorClass::Transport, |code| failure::classify(code, status));
        let advice = match (class, code) {
            // DynamoDB refuses a change of a table with the second code while it makes another one.
            (ErrorClass::Throttled | ErrorClass::Transport | ErrorClass::Conflict, _)
            | (_, Some("LimitExceededException")) => return SessionStoreError::Unavailable { place, source },
            (ErrorClass::Denied, _) => return SessionStoreError::Denied { place, source },
            (_, Some("ResourceNotFoundException")) => {
                "there is no such table in this region and account: check its name and region"
            }
            (_, Some("ValidationException")) => {
                "it does not take the request: check that its keys are the texts `role_session` and `issued`"
            }
            _ => "DynamoDB refuses the request",
        };
        SessionStoreError::Failed { place, advice, source }
    }
}

fn text_of(entry: &Entry) -> Option<&String> {
    entry.get(SESSION)?.as_s().ok()
}

/// The sort key of a session.
fn sort_key(session: &Session) -> String {
    issued_with_key(session.issued, session.access_key.as_ref())
}

/// The sort key, unique for each session of a role session: a time contains no `#`.
fn issued_with_key(issued: Timestamp, key: Option<&AccessKeyId>) -> String {
    format!("{issued}#{}", key.map_or("", AccessKeyId::reveal))
}

#[async_trait]
impl SessionWriter for DynamoDbStore {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        let (mut merged, mut known) = (session.clone(), None);
        for _ in 0..MAX_MERGE_ATTEMPTS {
            let entry = match self.write(&merged, known.take()).await? {
                PutOutcome::Done => return Ok(()),
                PutOutcome::Conflict(entry) => entry,
            };
            merged = session.clone();
            if let Some(entry) = entry {
                let there = self.decode(&entry)?;
                merged.merge(there.clone());
                if merged == there {
                    return Ok(());
                }
                known = text_of(&entry).cloned();
            }
        }
        let source = format!("others wrote the same session {MAX_MERGE_ATTEMPTS} times in between").into();
        Err(SessionStoreError::Unavailable { place: self.table.clone(), source })
    }
}
