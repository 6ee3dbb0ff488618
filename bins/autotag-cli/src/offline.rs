//! The sessions by which a run plans without AWS: its own, and those of the state file.

use crate::setup::usage_error;
use crate::spill::KeptSessions;
use anyhow::Result;
use jiff::Timestamp;
use session_store::{EmbeddedStore, SessionReader};
use std::panic;
use std::path::Path;

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

/// The state file. One that is damaged, in use or something else is an error of usage.
pub(crate) fn open(path: &Path) -> Result<EmbeddedStore> {
    // The store answers with an error if redb panics on a damaged file. The panic's own message says nothing more.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let opened = EmbeddedStore::open(path);
    panic::set_hook(hook);
    opened.map_err(|error| usage_error(error.to_string()))
}
