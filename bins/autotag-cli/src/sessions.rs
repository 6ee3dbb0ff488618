//! Stores of sessions, as the command line names them: nothing, a file, or the table of a deployment.

use crate::cli::StoreArgs;
use crate::setup::wrong_usage;
use anyhow::{Context as _, Result};
use autotag_aws::{Accounts, Settings};
use autotag_model::arn::Region;
use autotag_model::session::Session;
use session_store::{AnySessionStore, DynamoDbStore, EmbeddedStore, MemoryStore, SessionStoreError};
use std::future::Future;
use tokio::runtime::Runtime;

/// A store, and the threads that its calls need.
pub(crate) struct Sessions {
    pub(crate) store: AnySessionStore,
    runtime: Runtime,
}

impl Sessions {
    pub(crate) fn open(args: &StoreArgs) -> Result<Self> {
        let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
        let store = if let Some(path) = &args.state {
            // A store that is not there holds nothing; making it would hide that its name is wrong.
            if !path.is_file() {
                return Err(wrong_usage(format!("there is no file `{}`", path.display())));
            }
            EmbeddedStore::open(path).map_err(|error| wrong_usage(error.to_string()))?.into()
        } else if let Some(table) = &args.table {
            runtime.block_on(open_table(table, args.region.as_ref())).into()
        } else {
            MemoryStore::new().into()
        };
        Ok(Self { store, runtime })
    }

    /// Waits for an answer.
    pub(crate) fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.runtime.block_on(answer)
    }

    /// At most `most` sessions, of all that there are.
    pub(crate) fn some(&self, most: usize) -> Result<Vec<Session>, SessionStoreError> {
        let mut sessions = self.wait(self.store.sample(most))?;
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
