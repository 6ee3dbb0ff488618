//! Creates the table, for tests and tools. A deployment creates it by its template.

use super::{BY_NAME, BY_OWNER, DynamoDbLedger, EVENT, NAME, OWNER, RESOURCE};
use crate::error::LedgerError;
use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use std::time::Duration;

/// How long to wait for a new table.
const TABLE_WAIT_TIMEOUT: Duration = Duration::from_mins(2);

impl DynamoDbLedger {
    /// Creates the table with its indexes, billed by request, and waits until it takes entries.
    ///
    /// # Errors
    /// [`LedgerError`], also if the table exists.
    pub async fn create(&self) -> Result<(), LedgerError> {
        let unfit = |error: BuildError| LedgerError::Failed {
            table: self.table.clone(),
            advice: "its description is incomplete",
            source: error.into(),
        };
        let mut table = self.client.create_table().table_name(&self.table);
        for name in [RESOURCE, EVENT, NAME, OWNER] {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let attribute = attribute.attribute_type(ScalarAttributeType::S).build().map_err(unfit)?;
            table = table.attribute_definitions(attribute);
        }
        for key in keys(RESOURCE).map_err(unfit)? {
            table = table.key_schema(key);
        }
        for (index, key, projected) in
            [(BY_NAME, NAME, ProjectionType::All), (BY_OWNER, OWNER, ProjectionType::KeysOnly)]
        {
            let index = GlobalSecondaryIndex::builder()
                .index_name(index)
                .set_key_schema(Some(keys(key).map_err(unfit)?))
                .projection(Projection::builder().projection_type(projected).build());
            table = table.global_secondary_indexes(index.build().map_err(unfit)?);
        }
        let created = table.billing_mode(BillingMode::PayPerRequest).send().await;
        created.map_err(|error| self.failed("CreateTable", &error))?;
        let exists =
            self.client.wait_until_table_exists().table_name(&self.table).wait(TABLE_WAIT_TIMEOUT).await;
        exists.map(drop).map_err(|error| LedgerError::Unavailable {
            table: self.table.clone(),
            source: format!("the new table takes no entries: {error}").into(),
        })
    }
}

/// The keys of the table or an index: this one, and the event.
fn keys(partition: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
    let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    Ok(vec![key(partition, KeyType::Hash)?, key(EVENT, KeyType::Range)?])
}
