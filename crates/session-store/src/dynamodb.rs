//! Sessions in a `DynamoDB` table: the store of a deployment, shared by functions in all regions.

use crate::{ANY_TIME, RETENTION, SessionReader, SessionStoreError, SessionWriter};
use async_trait::async_trait;
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
use std::ops::RangeInclusive;
use std::time::Duration;

/// The version of the entries this program reads and writes. A change of [`Session`] that no longer reads the older JSON
/// needs a new one, and a way to read the older.
pub const ENTRY_VERSION: u8 = 1;

/// How often a session that others write at the same moment is merged anew.
const TRIES: usize = 16;

/// How long a new table may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The attributes of an entry. The first two are the table's keys.
const ROLE_SESSION: &str = "role_session";
const ISSUED: &str = "issued";
const EXPIRES_AT: &str = "expires_at";
const VERSION: &str = "version";
const SESSION: &str = "session";

type Entry = HashMap<String, AttributeValue>;

/// Sessions in a `DynamoDB` table. Holds no credential: of STS's answer an entry has the access key id.
///
/// | attribute | type | holds |
/// |---|---|---|
/// | `role_session` | S, partition key | `AROA...:session-name` |
/// | `issued` | S, sort key | `<STS time>#<access key id>` |
/// | `expires_at` | N, the table's TTL | seconds since 1970: the session's end and [`RETENTION`](crate::RETENTION) |
/// | `version` | N | [`ENTRY_VERSION`] |
/// | `session` | S | the [`Session`] as JSON |
///
/// *Requests:* a put is one `PutItem`, also of a session that is there already and need not change; a copy that knows more
/// than the one that is there takes a second one. A find is one `Query` a megabyte, strongly consistent: a session is seen as
/// soon as it is put. The region of the table and the one of the caller may differ. *Permissions:* `dynamodb:Query` to
/// find, `dynamodb:PutItem` to put, `dynamodb:Scan` to list all. *Failures:* throttling and outages are
/// [`SessionStoreError::Unavailable`] after the attempts that the configuration allows, and never "no session".
#[derive(Debug, Clone)]
pub struct DynamoDbStore {
    client: Client,
    table: String,
}

/// How a conditional write ended.
enum Written {
    Done,
    /// Something else is there; `None` if it has gone again.
    Holds(Option<Entry>),
}

impl DynamoDbStore {
    /// The table of this name, in the region and with the credentials and retries of `client`.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// Makes the table: billed by request, with its TTL. Waits until it takes entries. For tests and tools; a deployment has
    /// it in its template.
    ///
    /// # Errors
    /// [`SessionStoreError`], naming the table; also when it is there already.
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
        let there = self.client.wait_until_table_exists().table_name(&self.table).wait(PATIENCE).await;
        there.map_err(|error| SessionStoreError::Unavailable {
            place: self.table.clone(),
            source: format!("the new table takes no entries: {error}").into(),
        })?;
        let ttl = TimeToLiveSpecification::builder().attribute_name(EXPIRES_AT).enabled(true).build();
        let set = self.client.update_time_to_live().table_name(&self.table);
        let set = set.time_to_live_specification(ttl.map_err(unfit)?).send().await;
        set.map(drop).map_err(|error| self.failed("UpdateTimeToLive", &error))
    }

    /// At most `most` sessions, in no order: for people who look. Reads the table from its beginning.
    ///
    /// # Errors
    /// [`SessionStoreError`], naming the table.
    pub async fn some(&self, most: usize) -> Result<Vec<Session>, SessionStoreError> {
        let mut pages = self.client.scan().table_name(&self.table).into_paginator().items().send();
        let mut sessions = Vec::new();
        while sessions.len() < most
            && let Some(entry) = pages.next().await
        {
            sessions.push(self.decode(&entry.map_err(|error| self.failed("Scan", &error))?)?);
        }
        Ok(sessions)
    }

    /// Writes `session` over exactly what is `known` of it, or over nothing.
    async fn write(&self, session: &Session, known: Option<String>) -> Result<Written, SessionStoreError> {
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
        self.answer(put.send().await)
    }

    fn answer<R: std::fmt::Debug>(
        &self,
        answer: Result<PutItemOutput, SdkError<PutItemError, R>>,
    ) -> Result<Written, SessionStoreError> {
        match answer {
            Ok(_) => Ok(Written::Done),
            Err(SdkError::ServiceError(refused)) if refused.err().is_conditional_check_failed_exception() => {
                match refused.into_err() {
                    PutItemError::ConditionalCheckFailedException(failed) => Ok(Written::Holds(failed.item)),
                    _ => Ok(Written::Holds(None)),
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

    /// What the client says, in the words of somebody who has to do something about it. No message of AWS's: it may hold
    /// what was sent.
    fn failed<E: ProvideErrorMetadata, R>(
        &self,
        operation: &str,
        error: &SdkError<E, R>,
    ) -> SessionStoreError {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let unanswered = if matches!(error, SdkError::TimeoutError(_)) { "Timeout" } else { "NoConnection" };
        let source = format!("{operation} answered {}", code.unwrap_or(unanswered)).into();
        let place = self.table.clone();
        let advice = match code {
            None => return SessionStoreError::Unavailable { place, source },
            Some(code) if PASSING.iter().any(|known| code.contains(known)) => {
                return SessionStoreError::Unavailable { place, source };
            }
            Some(code) if REFUSALS.iter().any(|known| code.contains(known)) => {
                return SessionStoreError::Denied { place, source };
            }
            Some("ResourceNotFoundException") => {
                "there is no such table in this region and account: check its name and region"
            }
            Some("ValidationException") => {
                "it does not take the request: check that its keys are the texts `role_session` and `issued`"
            }
            Some(_) => "DynamoDB refuses the request",
        };
        SessionStoreError::Failed { place, advice, source }
    }
}

/// What stands in the codes of failures that pass by themselves. New credentials are fetched for the next try.
const PASSING: [&str; 9] = [
    "Throttl",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "LimitExceededException",
    "InternalServerError",
    "InternalFailure",
    "ServiceUnavailable",
    "TransactionConflict",
    "ExpiredToken",
];

/// What stands in the codes of missing permissions.
const REFUSALS: [&str; 5] = [
    "AccessDenied",
    "UnrecognizedClient",
    "InvalidSignature",
    "MissingAuthenticationToken",
    "IncompleteSignature",
];

fn text_of(entry: &Entry) -> Option<&String> {
    entry.get(SESSION)?.as_s().ok()
}

/// Unique for each session of a role session: a time has no `#` in it.
fn sort_key(session: &Session) -> String {
    let key = session.access_key.as_ref().map_or("", |key| key.reveal());
    format!("{}#{key}", session.issued)
}

/// The sort keys between which all sessions lie that were issued between two times, and maybe some others of the same
/// second. The digits of a second come before a dot, a `Z` and a `~`, whatever its fraction.
fn sort_keys(between: &RangeInclusive<Timestamp>) -> (String, String) {
    let second = |time: &Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    (second(between.start()), format!("{}~", second(between.end())))
}

#[async_trait]
impl SessionReader for DynamoDbStore {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        if role_session.is_empty() {
            // No key is empty; DynamoDB would refuse the question.
            return Ok(Vec::new());
        }
        let text = |text: String| AttributeValue::S(text);
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let query = query.expression_attribute_names("#id", ROLE_SESSION);
        let query = query.expression_attribute_values(":id", text(role_session.to_owned()));
        let query = if *between == ANY_TIME {
            query.key_condition_expression("#id = :id")
        } else {
            let (first, last) = sort_keys(between);
            query
                .key_condition_expression("#id = :id AND #issued BETWEEN :first AND :last")
                .expression_attribute_names("#issued", ISSUED)
                .expression_attribute_values(":first", text(first))
                .expression_attribute_values(":last", text(last))
        };
        let mut entries = query.into_paginator().items().send();
        let mut sessions = Vec::new();
        while let Some(entry) = entries.next().await {
            sessions.push(self.decode(&entry.map_err(|error| self.failed("Query", &error))?)?);
        }
        sessions.retain(|session| between.contains(&session.issued));
        sessions.sort_by(|one, other| (one.issued, &one.access_key).cmp(&(other.issued, &other.access_key)));
        Ok(sessions)
    }
}

#[async_trait]
impl SessionWriter for DynamoDbStore {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        let (mut merged, mut known) = (session.clone(), None);
        for _ in 0..TRIES {
            let entry = match self.write(&merged, known.take()).await? {
                Written::Done => return Ok(()),
                Written::Holds(entry) => entry,
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
        let source = format!("others wrote the same session {TRIES} times in between").into();
        Err(SessionStoreError::Unavailable { place: self.table.clone(), source })
    }
}
