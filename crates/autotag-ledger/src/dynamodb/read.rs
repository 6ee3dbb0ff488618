//! Reading a table page by page, with a bound on what is kept.

use super::{BY_NAME, BY_OWNER, DynamoDbLedger, NAME, OWNER, RESOURCE, json_of};
use crate::bounded::bounded;
use crate::entry::{Entry, LONGEST_SORT_KEY};
use crate::error::LedgerError;
use crate::ledger::LedgerReader;
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

/// The most entries that one question returns. Whoever may create resources can make any number of one name.
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

    /// The keys of the creations of an owner (the ARN, otherwise account, region, type and id), in the order of time.
    ///
    /// # Errors
    /// [`LedgerError`] if the table does not answer.
    pub async fn of_owner(&self, owner: &str) -> Result<Vec<String>, LedgerError> {
        let query = self.equals(OWNER, owner).index_name(BY_OWNER);
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
