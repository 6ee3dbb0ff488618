//! The session store that the command line names: a state file, the table of a deployment, or none.

use crate::cli::StoreArgs;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings};
use autotag_model::arn::Region;
use autotag_model::session::Session;
use session_store::{AnySessionStore, DynamoDbStore, EmbeddedStore, MemoryStore, SessionStoreError};
use std::future::Future;
use tokio::runtime::Runtime;

/// A store, and the runtime for its calls.
pub(crate) struct Sessions {
    pub(crate) store: AnySessionStore,
    runtime: Runtime,
}

impl Sessions {
    /// Opens the store that the options name.
    ///
    /// # Errors
    /// A usage error if the state file does not exist or cannot be used.
    pub(crate) fn open(args: &StoreArgs) -> Result<Self> {
        let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
        let store = if let Some(path) = &args.state {
            // Opening a missing file would create it and hide a misspelt name.
            if !path.is_file() {
                return Err(usage_error(format!("there is no file `{}`", path.display())));
            }
            EmbeddedStore::open(path).map_err(|error| usage_error(error.to_string()))?.into()
        } else if let Some(table) = &args.table {
            runtime.block_on(open_table(table, args.region.as_ref())).into()
        } else {
            MemoryStore::new().into()
        };
        Ok(Self { store, runtime })
    }

    /// Runs a call of the store, and waits for its result.
    pub(crate) fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }

    /// At most `max` sessions of the store, ordered by id and issue time.
    pub(crate) fn sample(&self, max: usize) -> Result<Vec<Session>, SessionStoreError> {
        let mut sessions = self.wait(self.store.sample(max))?;
        sessions
            .sort_by(|one, other| (&one.role_session, one.issued).cmp(&(&other.role_session, other.issued)));
        Ok(sessions)
    }
}

async fn open_table(table: &str, region: Option<&Region>) -> DynamoDbStore {
    let accounts = Accounts::connect(Settings::default()).await;
    let mut config = accounts.ambient().to_builder();
    if let Some(region) = region {
        config = config.region(autotag_aws::sdk_region(region));
    }
    DynamoDbStore::new(autotag_aws::dynamodb_client(&config.build()), table)
}
