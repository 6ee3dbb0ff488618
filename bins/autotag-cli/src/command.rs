//! One file a verb.

pub(crate) mod apply;
pub(crate) mod catalog;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod plan;
pub(crate) mod redrive;
pub(crate) mod sessions;
pub(crate) mod whoami_was;

use crate::cli::SourceArgs;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_handlers::batch;
use autotag_handlers::classify::Found;
use autotag_handlers::memory::MemoryPorts;
use autotag_handlers::outcome::Row;
use autotag_model::policy::Policy;
use autotag_model::session::Session;
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::{EmbeddedStore, MemoryStore, SessionStore, SessionWriter as _};

/// The way from creations to rows over the ports in memory: sessions first, then all creations in one batch.
fn plan_rows(
    source: &SourceArgs,
    policy: &Policy,
    sessions: &[Session],
    creations: Vec<Found>,
) -> Result<Vec<Row>> {
    if let Some(path) = &source.state {
        // A file that is no store, or in use, is a matter of how the command was called.
        let store = EmbeddedStore::open(path).map_err(|error| usage_error(error.to_string()))?;
        store.put_all(sessions)?;
        return Ok(rows(store, policy, creations));
    }
    let store = MemoryStore::new();
    for session in sessions {
        block_on(store.put(session))?;
    }
    Ok(rows(store, policy, creations))
}

fn rows<S: SessionStore>(store: S, policy: &Policy, creations: Vec<Found>) -> Vec<Row> {
    // In a plan nothing is retried, so that no outcome depends on the time.
    let ports = MemoryPorts::offline(store, Timestamp::UNIX_EPOCH);
    block_on(batch::run(policy, &ports, batch::CONCURRENCY, creations))
}
