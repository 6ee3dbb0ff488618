//! A ledger in a `DynamoDB` table.

mod read;
mod table;

use crate::bounded::bounded;
use crate::entry::{Action, Entry, LONGEST_SORT_KEY};
use crate::error::{BoxError, LedgerError};
use crate::ledger::LedgerWriter;
use async_trait::async_trait;
use autotag_model::failure::{self, ErrorClass};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use std::collections::HashMap;

/// The version of the entries that this program reads and writes.
pub const ENTRY_VERSION: u8 = 1;

/// The most attempts to merge an entry that other writers change at the same time.
const MAX_MERGE_ATTEMPTS: usize = 16;

/// The attributes of an item. The first two are the table's keys.
const RESOURCE: &str = "resource";
const EVENT: &str = "event";
const NAME: &str = "name";
const OWNER: &str = "owner";
const VERSION: &str = "version";
const ENTRY: &str = "entry";

/// The indexes of the table.
const BY_NAME: &str = "by-name";
const BY_OWNER: &str = "by-owner";

type Item = HashMap<String, AttributeValue>;

/// A ledger in a `DynamoDB` table.
///
/// | attribute | type | holds |
/// |---|---|---|
/// | `resource` | S, partition key | [`EntryKey::resource`](crate::EntryKey) |
/// | `event` | S, sort key | [`EntryKey::event`](crate::EntryKey) |
/// | `name` | S, partition key of the index `by-name` | [`Entry::name`] |
/// | `owner` | S, partition key of the index `by-owner` | the owner of a creation; other entries are not in the index |
/// | `action`, `type`, `account`, `region`, `proof`, `state` | S | the same as in the entry, for queries by people |
/// | `version` | N | [`ENTRY_VERSION`] |
/// | `entry` | S | the [`Entry`] as JSON |
///
/// *Requests.* A put is one `PutItem`, under the condition that the table has no item of this key. If it has one, the answer
/// brings it, and a second `PutItem` follows only if the entry adds something to it: a copy of an event costs one request.
/// `BatchWriteItem` knows no conditions, and would lose what another writer knew. A question is one `Query` a megabyte.
///
/// *Permissions.* `dynamodb:PutItem` to put, `dynamodb:Query` and `dynamodb:BatchGetItem` to ask, also on the indexes, and `dynamodb:Scan` for
/// [`each`](Self::each).
///
/// *Errors.* Throttling and outages are [`LedgerError::Unavailable`] after the attempts that the client's configuration allows.
#[derive(Debug, Clone)]
pub struct DynamoDbLedger {
    client: Client,
    table: String,
}

/// The result of a conditional write.
enum PutOutcome {
    Done,
    /// The table has another item under the key; `None` if that has been deleted since.
    Conflict(Option<Item>),
}

impl DynamoDbLedger {
    /// A ledger in the table of this name, with the region, credentials and retries of `client`. It sends no request.
    pub fn new(client: Client, table: &str) -> Self {
        Self { client, table: table.to_owned() }
    }

    /// Writes `entry` if the table has exactly `known` (the JSON of an entry) of its key, or nothing.
    async fn write(&self, entry: &Entry, known: Option<String>) -> Result<PutOutcome, LedgerError> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(self.encode(entry)?));
        let put = match known {
            Some(known) => put
                .condition_expression("#entry = :known")
                .expression_attribute_names("#entry", ENTRY)
                .expression_attribute_values(":known", AttributeValue::S(known)),
            None => put
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", RESOURCE),
        };
        let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.outcome(put.send().await)
    }

    fn outcome(
        &self,
        answer: Result<PutItemOutput, SdkError<PutItemError>>,
    ) -> Result<PutOutcome, LedgerError> {
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

    fn encode(&self, entry: &Entry) -> Result<Item, LedgerError> {
        let key = entry.key();
        let json = serde_json::to_string(entry).map_err(|error| self.damaged(&key.resource, error))?;
        // DynamoDB refuses empty texts in keys, and bounds their lengths.
        let indexed = |text: Option<String>| {
            text.filter(|text| !text.is_empty()).map(|text| bounded(&text, LONGEST_SORT_KEY))
        };
        let is_creation = entry.action == Action::Created;
        let resource = entry.resource.as_ref();
        let texts = [
            (RESOURCE, Some(key.resource)),
            (EVENT, Some(key.event)),
            (NAME, indexed(entry.name())),
            (OWNER, indexed(entry.owner.name.clone().filter(|_| is_creation))),
            ("action", Some(entry.action.as_str().to_owned())),
            ("type", resource.map(|resource| resource.resource_type.clone())),
            (
                "account",
                resource
                    .and_then(|resource| resource.account.clone())
                    .or_else(|| entry.event.account.clone()),
            ),
            (
                "region",
                resource.and_then(|resource| resource.region.clone()).or_else(|| entry.event.region.clone()),
            ),
            ("proof", entry.owner.proof.map(|proof| proof.as_str().to_owned())),
            ("state", Some(entry.tagging.state.as_str().to_owned())),
            (ENTRY, Some(json)),
        ];
        let mut item: Item = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), AttributeValue::S(text?))))
            .collect();
        item.insert(VERSION.to_owned(), AttributeValue::N(ENTRY_VERSION.to_string()));
        Ok(item)
    }

    fn decode(&self, item: &Item) -> Result<Entry, LedgerError> {
        let resource = item.get(RESOURCE).and_then(|key| key.as_s().ok()).map_or("", String::as_str);
        let version = item.get(VERSION).and_then(|version| version.as_n().ok()?.parse::<u8>().ok());
        match (version, json_of(item)) {
            (Some(ENTRY_VERSION), Some(json)) => {
                serde_json::from_str(json).map_err(|error| self.damaged(resource, error))
            }
            (Some(found), _) if found != ENTRY_VERSION => {
                Err(LedgerError::UnknownVersion { table: self.table.clone(), found, known: ENTRY_VERSION })
            }
            _ => Err(self.damaged(resource, "it has no version or no entry")),
        }
    }

    fn damaged(&self, resource: &str, source: impl Into<BoxError>) -> LedgerError {
        let (table, resource) = (self.table.clone(), resource.to_owned());
        LedgerError::Damaged { table, resource, source: source.into() }
    }

    /// The client's error in terms of what to do. It has no message of AWS, which may quote the request.
    fn failed<E: ProvideErrorMetadata>(&self, operation: &'static str, error: &SdkError<E>) -> LedgerError {
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
        let unanswered = if matches!(error, SdkError::TimeoutError(_)) { "Timeout" } else { "NoConnection" };
        let source = format!("{operation} answered {}", code.unwrap_or(unanswered)).into();
        let table = self.table.clone();
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let class = code.map_or(ErrorClass::Transport, |code| failure::classify(code, status));
        let advice = match (class, code) {
            // DynamoDB refuses a change of a table with the second code while it makes another one.
            (ErrorClass::Throttled | ErrorClass::Transport | ErrorClass::Conflict, _)
            | (_, Some("LimitExceededException")) => return LedgerError::Unavailable { table, source },
            (ErrorClass::Denied, _) => {
                let needed = match operation {
                    "PutItem" => "dynamodb:PutItem on the table",
                    "Query" => "dynamodb:Query on the table and its indexes",
                    "BatchGetItem" => "dynamodb:BatchGetItem on the table",
                    "Scan" => "dynamodb:Scan on the table",
                    _ => "dynamodb:CreateTable",
                };
                return LedgerError::Denied { table, needed, source };
            }
            (_, Some("ResourceNotFoundException")) => {
                "there is no such table in this region and account: check its name and region"
            }
            (_, Some("ValidationException")) => {
                "check that its keys are the texts `resource` and `event`, and that it has the indexes `by-name` and `by-owner`"
            }
            _ => "DynamoDB does not say why",
        };
        LedgerError::Failed { table, advice, source }
    }
}

fn json_of(item: &Item) -> Option<&String> {
    item.get(ENTRY)?.as_s().ok()
}

#[async_trait]
impl LedgerWriter for DynamoDbLedger {
    async fn put(&self, entry: &Entry) -> Result<(), LedgerError> {
        let (mut merged, mut known) = (entry.clone(), None);
        for _ in 0..MAX_MERGE_ATTEMPTS {
            let item = match self.write(&merged, known.take()).await? {
                PutOutcome::Done => return Ok(()),
                PutOutcome::Conflict(item) => item,
            };
            merged = entry.clone();
            if let Some(item) = item {
                let before = self.decode(&item)?;
                merged.merge(before.clone());
                if merged == before {
                    return Ok(());
                }
                known = json_of(&item).cloned();
            }
        }
        let source = format!("others wrote the same entry {MAX_MERGE_ATTEMPTS} times in between").into();
        Err(LedgerError::Unavailable { table: self.table.clone(), source })
    }
}
