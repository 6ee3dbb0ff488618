//! The table of a ledger, as the command line names it.

use crate::connection::connect;
use anyhow::{Context as _, Result};
use autotag_aws::Settings;
use autotag_ledger::DynamoDbLedger;
use autotag_model::arn::Region;
use tokio::runtime::Runtime;

/// The table of a ledger, and what waits for its answers.
pub(crate) struct Table {
    pub(crate) ledger: DynamoDbLedger,
    runtime: Runtime,
}

impl Table {
    pub(crate) fn open(name: &str, region: Option<&Region>) -> Result<Self> {
        let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
        let accounts = runtime.block_on(connect(Settings::default()))?;
        let mut config = accounts.ambient().to_builder();
        if let Some(region) = region {
            config = config.region(autotag_aws::sdk_region(region));
        }
        let client = autotag_aws::dynamodb_client(&config.build());
        Ok(Self { ledger: DynamoDbLedger::new(client, name), runtime })
    }

    pub(crate) fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }
}
