//! The sessions of a run: in memory up to a bound, otherwise in a file without a name.

use super::codec::{Bytes, Spill};
use super::session_file::{PackedSession, SessionFile};
use super::sorter::{Runs, Sorted, Sorter};
use super::storage::Storage;
use anyhow::Result;
use autotag_model::session::Session;
use jiff::Timestamp;
use session_store::{EmbeddedStore, MemoryStore, SessionReader};
use std::io::{self, Read, Write};

/// About how many bytes a session takes in memory, with its texts.
const SESSION_BYTES: usize = 1_500;

/// How many sessions are moved from one store into another at a time.
const MOVED_AT_ONCE: usize = 5_000;

/// Files that all jobs write to when they have no room left.
#[derive(Debug)]
pub(crate) struct SessionRuns {
    storage: Storage,
    runs: Runs,
}

/// The sessions of one job.
#[derive(Debug)]
pub(crate) struct JobSessions {
    kept: Vec<Session>,
    bound: usize,
    /// Takes the sessions once there are too many.
    packed: Option<Sorter<PackedSession>>,
}

impl JobSessions {
    /// Keeps at most about `bound` bytes in memory.
    pub(crate) fn new(bound: usize) -> Self {
        Self { kept: Vec::new(), bound, packed: None }
    }
}

impl SessionRuns {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self { storage: storage.clone(), runs: Runs::new(storage) }
    }

    /// Takes a session of a job.
    pub(crate) fn keep(&self, job: &mut JobSessions, session: Session) -> Result<()> {
        job.kept.push(session);
        let fits = job.packed.is_none() && job.kept.len().saturating_mul(SESSION_BYTES) <= job.bound;
        if fits { Ok(()) } else { self.pack(job) }
    }

    fn pack(&self, job: &mut JobSessions) -> Result<()> {
        let packed = job.packed.get_or_insert_with(|| Sorter::new(job.bound));
        for session in job.kept.drain(..) {
            if packed.push(PackedSession::new(&session)?) {
                packed.spill(&self.runs)?;
            }
        }
        Ok(())
    }

    /// The sessions of all jobs.
    pub(crate) fn join(self, mut jobs: Vec<JobSessions>) -> Result<KeptSessions> {
        if jobs.iter().all(|job| job.packed.is_none()) {
            return Ok(KeptSessions::Memory(jobs.into_iter().flat_map(|job| job.kept).collect()));
        }
        jobs.iter_mut().try_for_each(|job| self.pack(job))?;
        let mut sorted = Sorted::new(jobs.into_iter().filter_map(|job| job.packed).collect(), self.runs)?;
        Ok(KeptSessions::Disk(SessionFile::write(self.storage.file()?, sorted.drain()?)?))
    }
}

impl Spill for PackedSession {
    fn size(&self) -> usize {
        size_of::<Self>() + self.role_session.len() + self.session.len()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.role_session.encode(out)?;
        self.issued.encode(out)?;
        self.session.encode(out)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self {
            role_session: String::decode(input)?,
            issued: Timestamp::decode(input)?,
            session: Vec::decode(input)?,
        })
    }
}

/// The sessions of a run.
#[derive(Debug)]
pub(crate) enum KeptSessions {
    Memory(Vec<Session>),
    Disk(SessionFile),
}

impl KeptSessions {
    /// A store of these sessions alone.
    pub(crate) fn into_store(self) -> Box<dyn SessionReader> {
        match self {
            Self::Memory(sessions) => Box::new(MemoryStore::from_iter(sessions)),
            Self::Disk(file) => Box::new(file),
        }
    }

    /// Moves the sessions into a store that outlives the run. If that is interrupted, the next run puts them all again.
    pub(crate) fn move_into(self, store: &EmbeddedStore) -> Result<()> {
        match self {
            Self::Memory(sessions) => store.put_all(&sessions)?,
            Self::Disk(file) => {
                file.each_batch(MOVED_AT_ONCE, |sessions| Ok(store.put_all(sessions)?))?;
            }
        }
        Ok(())
    }
}
