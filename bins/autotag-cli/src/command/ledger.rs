//! `autotag ledger`: fills the ledger from a trail, exports it, and lists what an owner has created.

#[cfg(feature = "aws")]
mod ddl;
#[cfg(feature = "aws")]
mod export;
mod import;
mod line;
#[cfg(feature = "aws")]
mod list;
#[cfg(all(feature = "aws", feature = "parquet"))]
mod parquet_file;

use crate::cli::{LedgerArgs, LedgerCommand};
use crate::completion::Completion;
use anyhow::Result;

pub(crate) fn run(args: &LedgerArgs) -> Result<Completion> {
    match &args.command {
        LedgerCommand::Import(args) => import::run(args),
        #[cfg(feature = "aws")]
        LedgerCommand::Export(args) => export::run(args),
        #[cfg(feature = "aws")]
        LedgerCommand::List(args) => list::run(args),
    }
}

/// The table of a ledger, and what waits for its answers.
#[cfg(feature = "aws")]
pub(crate) struct Table {
    pub(crate) ledger: autotag_ledger::DynamoDbLedger,
    runtime: tokio::runtime::Runtime,
}

#[cfg(feature = "aws")]
impl Table {
    pub(crate) fn open(name: &str, region: Option<&autotag_model::arn::Region>) -> Result<Self> {
        use anyhow::Context as _;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the threads that call AWS")?;
        let accounts = runtime.block_on(autotag_aws::Accounts::connect(autotag_aws::Settings::default()));
        let mut config = accounts.ambient().to_builder();
        if let Some(region) = region {
            config = config.region(autotag_aws::sdk_region(region));
        }
        let client = autotag_aws::dynamodb_client(&config.build());
        Ok(Self { ledger: autotag_ledger::DynamoDbLedger::new(client, name), runtime })
    }

    pub(crate) fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }
}
