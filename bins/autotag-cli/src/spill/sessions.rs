//! The sessions of a run: in memory up to a bound, otherwise in a store without a name.

use super::room::Room;
use anyhow::Result;
use autotag_model::session::Session;
use session_store::{EmbeddedStore, MemoryStore, SessionReader};
use std::sync::{Mutex, PoisonError};

/// About how many bytes a session takes in memory, with its texts.
const SESSION_BYTES: usize = 1_500;

/// How much of the sessions of a job is written at once, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// How many sessions are moved from one store into another at a time.
const MOVED_AT_ONCE: usize = 5_000;

/// The store of all jobs, made when the first of them has no room left.
#[derive(Debug)]
pub(crate) struct SessionRuns {
    room: Room,
    store: Mutex<Option<EmbeddedStore>>,
}

impl SessionRuns {
    pub(crate) fn new(room: &Room) -> Self {
        Self { room: room.clone(), store: Mutex::default() }
    }

    /// Takes a session of a job, whose other sessions are in `kept`.
    pub(crate) fn keep(&self, kept: &mut Vec<Session>, session: Session, bound: &mut usize) -> Result<()> {
        kept.push(session);
        if kept.len().saturating_mul(SESSION_BYTES) <= *bound {
            return Ok(());
        }
        // From now on they only wait to be written.
        *bound = (*bound).min(BATCH_BYTES);
        self.spill(kept)
    }

    fn spill(&self, kept: &mut Vec<Session>) -> Result<()> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        if store.is_none() {
            *store = Some(EmbeddedStore::in_file(self.room.file()?, "a temporary file")?);
        }
        // Neighbours in the store are written together.
        kept.sort_unstable_by(|one, other| {
            (&one.role_session, one.issued).cmp(&(&other.role_session, other.issued))
        });
        if let Some(store) = &*store {
            store.put_all(kept)?;
        }
        *kept = Vec::new();
        Ok(())
    }

    /// The sessions of all jobs.
    pub(crate) fn join(self, jobs: Vec<Vec<Session>>) -> Result<KeptSessions> {
        let is_spilled = self.store.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        let mut all = Vec::new();
        for mut kept in jobs {
            if is_spilled {
                self.spill(&mut kept)?;
            } else {
                all.append(&mut kept);
            }
        }
        Ok(match self.store.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(store) => KeptSessions::Disk(store),
            None => KeptSessions::Memory(all),
        })
    }
}

/// The sessions of a run.
#[derive(Debug)]
pub(crate) enum KeptSessions {
    Memory(Vec<Session>),
    Disk(EmbeddedStore),
}

impl KeptSessions {
    /// A store of these sessions alone.
    pub(crate) fn into_store(self) -> Box<dyn SessionReader> {
        match self {
            Self::Memory(sessions) => Box::new(MemoryStore::from_iter(sessions)),
            Self::Disk(store) => Box::new(store),
        }
    }

    /// Moves the sessions into a store that outlives the run. If that is interrupted, the next run puts them all again.
    pub(crate) fn move_into(self, store: &EmbeddedStore) -> Result<()> {
        match self {
            Self::Memory(sessions) => store.put_all(&sessions)?,
            Self::Disk(kept) => {
                kept.each_batch(MOVED_AT_ONCE, |sessions| store.put_all(sessions))?;
            }
        }
        Ok(())
    }
}
