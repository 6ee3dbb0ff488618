//! Stores of sessions, as the command line names them: nothing, a file, or the table of a deployment.

use crate::cli::StoreArgs;
use crate::offline;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_model::session::Session;
use calls::Calls;
use session_store::{AnySessionStore, MemoryStore, SessionStoreError};
use std::future::Future;

/// A store, and how its calls are waited for.
pub(crate) struct Sessions {
    pub(crate) store: AnySessionStore,
    calls: Calls,
}

impl Sessions {
    /// Opens the store that the options name.
    ///
    /// # Errors
    /// A usage error if the state file does not exist or cannot be used.
    pub(crate) fn open(args: &StoreArgs) -> Result<Self> {
        let calls = Calls::new()?;
        let store = if let Some(path) = &args.state {
            // A new file would hide that the name of the file is wrong.
            if !path.is_file() {
                return Err(usage_error(format!("there is no file `{}`", path.display())));
            }
            offline::open(path)?.into()
        } else {
            calls.table(args)?.unwrap_or_else(|| MemoryStore::new().into())
        };
        Ok(Self { store, calls })
    }

    /// Waits for an answer.
    pub(crate) fn wait<F: Future>(&self, answer: F) -> F::Output {
        self.calls.wait(answer)
    }

    /// At most `max` sessions of the store, ordered by id and issue time.
    pub(crate) fn sample(&self, max: usize) -> Result<Vec<Session>, SessionStoreError> {
        let mut sessions = self.wait(self.store.sample(max))?;
        sessions
            .sort_by(|one, other| (&one.role_session, one.issued).cmp(&(&other.role_session, other.issued)));
        Ok(sessions)
    }
}

/// Calls of a store that may be a table of AWS.
#[cfg(feature = "aws")]
mod calls {
    use crate::cli::StoreArgs;
    use crate::connection::connect;
    use anyhow::{Context as _, Result};
    use autotag_aws::Settings;
    use session_store::{AnySessionStore, DynamoDbStore};
    use tokio::runtime::Runtime;

    pub(super) struct Calls(Runtime);

    impl Calls {
        pub(super) fn new() -> Result<Self> {
            Runtime::new().context("cannot start the threads that call AWS").map(Self)
        }

        /// The table that the options name, if they name one.
        pub(super) fn table(&self, args: &StoreArgs) -> Result<Option<AnySessionStore>> {
            let Some(table) = &args.table else { return Ok(None) };
            let accounts = self.wait(connect(Settings::default()))?;
            let mut config = accounts.ambient().to_builder();
            if let Some(region) = &args.region {
                config = config.region(autotag_aws::sdk_region(region));
            }
            Ok(Some(DynamoDbStore::new(autotag_aws::dynamodb_client(&config.build()), table).into()))
        }

        pub(super) fn wait<F: Future>(&self, answer: F) -> F::Output {
            self.0.block_on(answer)
        }
    }
}

/// Calls of a store on this machine.
#[cfg(not(feature = "aws"))]
mod calls {
    use crate::cli::StoreArgs;
    use anyhow::Result;
    use session_store::AnySessionStore;

    pub(super) struct Calls;

    impl Calls {
        #[expect(clippy::unnecessary_wraps, reason = "the same as with the feature `aws`")]
        pub(super) fn new() -> Result<Self> {
            Ok(Self)
        }

        #[expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "the same as with the feature `aws`"
        )]
        pub(super) fn table(&self, _: &StoreArgs) -> Result<Option<AnySessionStore>> {
            Ok(None)
        }

        #[expect(clippy::unused_self, reason = "the same as with the feature `aws`")]
        pub(super) fn wait<F: Future>(&self, answer: F) -> F::Output {
            futures_executor::block_on(answer)
        }
    }
}
