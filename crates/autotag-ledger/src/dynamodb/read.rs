//! Reads a table page by page, with a limit on the memory.

use super::{BY_NAME, BY_OWNER, DynamoDbLedger, EVENT, NAME, OWNER, RESOURCE, json_of};
use crate::bounded::bounded;
use crate::entry::{Entry, EntryKey, LONGEST_SORT_KEY, time_key};
use crate::error::LedgerError;
use crate::ledger::LedgerReader;
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// The most keys of one `BatchGetItem`.
const MAX_KEYS: usize = 100;

/// How often keys that were left unanswered are asked for again, and the pause before, which grows.
const MAX_ATTEMPTS: u32 = 8;
const PAUSE: Duration = Duration::from_millis(100);

/// The most entries that one question returns. A caller may create any number of resources with one name.
const MAX_ENTRIES: usize = 10_000;

/// The most bytes of entries that are kept for each one that may be returned.
const BYTES_PER_ENTRY: usize = 4 << 10;

impl DynamoDbLedger {
    /// Calls `visit` with every entry, in no order. It scans the table from its beginning to its end, and keeps one page.
    ///
    /// # Errors
    /// [`LedgerError`] if the table does not answer or an entry cannot be read, and those of `visit`.
    pub async fn each<E: From<LedgerError>>(
        &self,
        mut visit: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut items = self.client.scan().table_name(&self.table).into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.failed("Scan", &error))?;
            visit(self.decode(&item)?)?;
        }
        Ok(())
    }

    /// The keys of the creations of an owner (the ARN, otherwise account, region, type and id), in the order of time: those from
    /// `since` on, and before `until`.
    ///
    /// # Errors
    /// [`LedgerError`] if the table does not answer.
    pub async fn of_owner(
        &self,
        owner: &str,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<String>, LedgerError> {
        if owner.is_empty() {
            return Ok(Vec::new());
        }
        // The key of an event begins with its time. Events without one begin with `-`, before all others.
        let begin = since.map_or_else(|| "-".to_owned(), time_key);
        let end = until.map_or_else(|| "~".to_owned(), time_key);
        let query = self
            .equals(OWNER, &bounded(owner, LONGEST_SORT_KEY))
            .key_condition_expression("#key = :text AND #event BETWEEN :begin AND :end")
            .expression_attribute_names("#event", EVENT)
            .expression_attribute_values(":begin", AttributeValue::S(begin))
            .expression_attribute_values(":end", AttributeValue::S(end))
            .index_name(BY_OWNER);
        let mut items = query.into_paginator().items().send();
        let mut resources = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| self.failed("Query", &error))?;
            resources.extend(item.get(RESOURCE).and_then(|key| key.as_s().ok()).cloned());
            if resources.len() > MAX_ENTRIES {
                return Err(self.too_many(owner));
            }
        }
        Ok(resources)
    }

    /// The entries of at most [`MAX_KEYS`] keys. DynamoDB may answer only a part, and names the rest.
    async fn get_part(
        &self,
        keys: &[&EntryKey],
        found: &mut HashMap<EntryKey, Entry>,
    ) -> Result<(), LedgerError> {
        let key = |key: &&EntryKey| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            HashMap::from([(RESOURCE.to_owned(), text(&key.resource)), (EVENT.to_owned(), text(&key.event))])
        };
        let mut rest: Vec<HashMap<String, AttributeValue>> = keys.iter().map(key).collect();
        for attempt in 0..MAX_ATTEMPTS {
            if rest.is_empty() {
                return Ok(());
            }
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            let asked = KeysAndAttributes::builder().set_keys(Some(std::mem::take(&mut rest)));
            let asked = asked.consistent_read(true).build().map_err(|error| LedgerError::Failed {
                table: self.table.clone(),
                advice: "the question is incomplete",
                source: error.into(),
            })?;
            let answer = self.client.batch_get_item().request_items(&self.table, asked).send().await;
            let answer = answer.map_err(|error| self.failed("BatchGetItem", &error))?;
            for item in answer.responses.unwrap_or_default().into_values().flatten() {
                let entry = self.decode(&item)?;
                found.insert(entry.key(), entry);
            }
            rest = answer
                .unprocessed_keys
                .unwrap_or_default()
                .into_values()
                .flat_map(|left| left.keys)
                .collect();
        }
        if rest.is_empty() {
            return Ok(());
        }
        let source = format!("{} keys were left unanswered {MAX_ATTEMPTS} times", rest.len()).into();
        Err(LedgerError::Unavailable { table: self.table.clone(), source })
    }

    fn equals(&self, attribute: &str, text: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#key = :text")
            .expression_attribute_names("#key", attribute)
            .expression_attribute_values(":text", AttributeValue::S(text.to_owned()))
    }

    async fn read(&self, query: QueryFluentBuilder, of: &str) -> Result<Vec<Entry>, LedgerError> {
        let mut pages = query.into_paginator().send();
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| self.failed("Query", &error))?.items.unwrap_or_default() {
                bytes += json_of(&item).map_or(0, String::len);
                entries.push(self.decode(&item)?);
            }
            if entries.len() > MAX_ENTRIES || bytes > MAX_ENTRIES * BYTES_PER_ENTRY {
                return Err(self.too_many(of));
            }
        }
        Ok(entries)
    }

    fn too_many(&self, of: &str) -> LedgerError {
        LedgerError::TooMany { table: self.table.clone(), of: of.to_owned(), max: MAX_ENTRIES }
    }
}

#[async_trait]
impl LedgerReader for DynamoDbLedger {
    async fn get(&self, keys: &[EntryKey]) -> Result<Vec<Option<Entry>>, LedgerError> {
        // DynamoDB refuses a request that names a key twice.
        let distinct: Vec<&EntryKey> = keys.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut found = HashMap::new();
        for part in distinct.chunks(MAX_KEYS) {
            self.get_part(part, &mut found).await?;
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn named(&self, name: &str) -> Result<Vec<Entry>, LedgerError> {
        if name.is_empty() {
            // DynamoDB refuses an empty key.
            return Ok(Vec::new());
        }
        let query = self.equals(NAME, &bounded(name, LONGEST_SORT_KEY)).index_name(BY_NAME);
        self.read(query, name).await
    }

    async fn of_resource(&self, resource: &str) -> Result<Vec<Entry>, LedgerError> {
        if resource.is_empty() {
            return Ok(Vec::new());
        }
        self.read(self.equals(RESOURCE, resource).consistent_read(true), resource).await
    }
}
