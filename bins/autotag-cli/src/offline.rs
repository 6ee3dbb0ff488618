//! Plans by records and the state file alone.

use crate::cli::SourceArgs;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Plan, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_model::policy::Policy;
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::{EmbeddedStore, MemoryStore, SessionReader};
use std::path::Path;

/// The plan by records and the state file alone. Nothing in it is retried, so it does not depend on the time.
pub(crate) fn offline_plan(
    source: &SourceArgs,
    policy: &Policy,
    mut records: ClassifiedRecords,
) -> Result<Plan> {
    let store: Box<dyn SessionReader> = match &source.state {
        Some(path) => Box::new(remember(path, &mut records)?),
        None => Box::new(MemoryStore::new()),
    };
    let backend = MemoryBackend::offline();
    Ok(block_on(Planner::new(policy, &*store, &backend, Timestamp::UNIX_EPOCH).plan(records)))
}

/// Moves the sessions of the records into the state file. Forgets the sessions in it that ended so long before the oldest of
/// these records that no later run needs them.
pub(crate) fn remember(path: &Path, records: &mut ClassifiedRecords) -> Result<EmbeddedStore> {
    // A file that is not a store, or in use, is an error of usage.
    let store = EmbeddedStore::open(path).map_err(|error| usage_error(error.to_string()))?;
    let created = records.creations.iter().filter_map(|request| request.creation.event.timestamp());
    let oldest = created.chain(records.sessions.iter().map(|session| session.issued)).min();
    store.put_all(&std::mem::take(&mut records.sessions))?;
    if let Some(oldest) = oldest {
        store.expire(oldest)?;
    }
    Ok(store)
}
