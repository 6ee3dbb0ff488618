//! Plans by records and the state file alone.

use crate::cli::SourceArgs;
use crate::setup::usage_error;
use crate::spill::KeptSessions;
use anyhow::Result;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Plan, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_model::policy::Policy;
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::{EmbeddedStore, SessionReader};
use std::path::Path;

/// The plan by records and the state file alone. Nothing in it is retried, so it does not depend on the time.
pub(crate) fn offline_plan(
    source: &SourceArgs,
    policy: &Policy,
    mut records: ClassifiedRecords,
) -> Result<Plan> {
    let created = records.creations.iter().filter_map(|request| request.creation.event.timestamp());
    let oldest = created.chain(records.sessions.iter().map(|session| session.issued)).min();
    let sessions = KeptSessions::Memory(std::mem::take(&mut records.sessions));
    let store = known_sessions(source.state.as_deref(), sessions, oldest)?;
    let backend = MemoryBackend::offline();
    Ok(block_on(Planner::new(policy, &*store, &backend, Timestamp::UNIX_EPOCH).plan(records)))
}

/// The sessions of a run, and those of the state file if there is one: they are moved into it. Forgets the sessions in it
/// that ended so long before `oldest` that no later run needs them.
pub(crate) fn known_sessions(
    state: Option<&Path>,
    sessions: KeptSessions,
    oldest: Option<Timestamp>,
) -> Result<Box<dyn SessionReader>> {
    let Some(path) = state else { return Ok(sessions.into_store()) };
    let store = open(path)?;
    sessions.move_into(&store)?;
    if let Some(oldest) = oldest {
        store.expire(oldest)?;
    }
    Ok(Box::new(store))
}

/// A file that is not a store, or in use, is an error of usage.
fn open(path: &Path) -> Result<EmbeddedStore> {
    EmbeddedStore::open(path).map_err(|error| usage_error(error.to_string()))
}
