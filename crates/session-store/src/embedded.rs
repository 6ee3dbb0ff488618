//! Sessions in one file on disk, for command-line programs.

mod unfinished;

pub use unfinished::empty_if_unfinished;

use crate::{Expiring, SessionReader, SessionStoreError, SessionWriter, is_expired};
use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::Timestamp;
use redb::{
    Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageError, Table,
    TableDefinition, TableError, TableHandle,
};
use std::fs::File;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Role session id, time of issue in nanoseconds, access key id.
///
/// redb keeps the lengths of the parts and compares part by part, so that no byte in a session's name makes it equal to
/// another one. The order is that of `find`. The parts are bytes because redb panics on text that is not UTF-8.
type Key = (&'static [u8], i128, Option<&'static [u8]>);

/// The value is one byte with the format version, then the session as JSON.
const SESSIONS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("sessions");

/// The format version that this program reads and writes. A change of [`Session`] that cannot read the older JSON needs
/// a new version, and code that reads the older one.
const VERSION: u8 = 1;

/// The size of the cache of a store that is only there while a program runs.
const TEMPORARY_CACHE_BYTES: usize = 8 * 1024 * 1024;

/// The size of the cache. redb's default is 1 GiB; sessions are small and mostly the same ones are read.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// Sessions in one file on disk (redb). It holds no credential.
///
/// *Durability.* After a crash or loss of power the file has everything of a finished [`put`](SessionWriter::put) or
/// [`put_all`](Self::put_all), and all or nothing of an unfinished one. Each ends with an `fsync`, which takes milliseconds:
/// use `put_all` for many sessions.
///
/// *Memory.* At most 16 MiB of cache, whatever the size of the file.
///
/// *Sharing.* One process at a time.
///
/// *Trust.* The checksums of all pages are compared when a file is opened, which reads it once: a file that a failing disk
/// or another program has changed is refused. Checksums prove nothing about who wrote a file: do not open files from others.
///
/// *Async.* The futures are ready at once and block the thread while they work. The store is for command-line programs,
/// not for the async threads of a server.
///
/// ```no_run
/// use session_store::{EmbeddedStore, SessionReader as _, SessionWriter as _};
///
/// # async fn example() -> Result<(), session_store::SessionStoreError> {
/// let store = EmbeddedStore::open("sessions.redb")?;
/// let known = store.find("AROAJUMP:mara").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EmbeddedStore {
    db: Database,
    place: String,
}

impl EmbeddedStore {
    /// Opens the file at `path`, or creates it; its folder must exist. After a crash this first repairs the file, which
    /// reads all of it once. A file whose creation was killed is created again.
    ///
    /// # Errors
    /// [`SessionStoreError`] if another process has opened the file, it is something else than a session store (and is left
    /// unchanged), the permission is missing, or the disk fails.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SessionStoreError> {
        let place = path.as_ref().display().to_string();
        // An unreadable file is refused below, with advice.
        let _ = empty_if_unfinished(&path);
        let open = || {
            let mut db = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
            db.check_integrity()?;
            Ok(db)
        };
        // redb trusts a file that was closed cleanly: it panics on damaged pages, or returns what they say.
        let opened = catch_unwind(AssertUnwindSafe(open));
        let opened = opened.unwrap_or_else(|_| Err(StorageError::Corrupted("a page".to_owned()).into()));
        Self::prepared(opened.map_err(|error: DatabaseError| explain(&place, error))?, place)
    }

    /// A new store in an empty file that is open already, for example a temporary one without a name. `place` is what errors
    /// call it.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the disk fails.
    pub fn in_file(file: File, place: &str) -> Result<Self, SessionStoreError> {
        let opened = Database::builder().set_cache_size(TEMPORARY_CACHE_BYTES).create_file(file);
        Self::prepared(opened.map_err(|error| explain(place, error))?, place.to_owned())
    }

    fn prepared(db: Database, place: String) -> Result<Self, SessionStoreError> {
        let store = Self { db, place };
        store.prepare()?;
        Ok(store)
    }

    /// Puts all `sessions` in one transaction, or none if it fails.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the file cannot be read or written.
    pub fn put_all(&self, sessions: &[Session]) -> Result<(), SessionStoreError> {
        let transaction = self.db.begin_write().map_err(|error| self.failed(error))?;
        let mut changed = false;
        {
            let mut table = transaction.open_table(SESSIONS).map_err(|error| self.failed(error))?;
            for session in sessions {
                changed |= self.merge_in(&mut table, session)?;
            }
        }
        // Duplicates are frequent and must not cost an fsync.
        if changed {
            transaction.commit().map_err(|error| self.failed(error))
        } else {
            transaction.abort().map_err(|error| self.failed(error))
        }
    }

    /// Creates the table in a new file. Refuses the database of another program.
    fn prepare(&self) -> Result<(), SessionStoreError> {
        let reading = self.db.begin_read().map_err(|error| self.failed(error))?;
        match reading.open_table(SESSIONS) {
            Ok(_) => return Ok(()),
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(self.failed(error)),
        }
        if let Some(other) = reading.list_tables().map_err(|error| self.failed(error))?.next() {
            let why = format!("a redb file with the table `{}`", other.name());
            return Err(SessionStoreError::NotAStore { place: self.place.clone(), why });
        }
        drop(reading);
        let transaction = self.db.begin_write().map_err(|error| self.failed(error))?;
        transaction.open_table(SESSIONS).map_err(|error| self.failed(error))?;
        transaction.commit().map_err(|error| self.failed(error))
    }

    /// Merges `session` into the table; returns whether that changed anything.
    fn merge_in(
        &self,
        table: &mut Table<'_, Key, &'static [u8]>,
        session: &Session,
    ) -> Result<bool, SessionStoreError> {
        let key = key_of(session);
        let known = match table.get(key).map_err(|error| self.failed(error))? {
            Some(value) => Some(self.decode(session.role_session.as_bytes(), value.value())?),
            None => None,
        };
        let merged = match &known {
            Some(known) => {
                let mut merged = known.clone();
                merged.merge(session.clone());
                merged
            }
            None => session.clone(),
        };
        if known.as_ref() == Some(&merged) {
            return Ok(false);
        }
        let value = self.encode(&merged)?;
        table.insert(key, value.as_slice()).map_err(|error| self.failed(error))?;
        Ok(true)
    }

    /// All sessions, in the order of (role session, issued, access key).
    ///
    /// # Errors
    /// [`SessionStoreError`] if the file or a session in it cannot be read.
    pub fn all(&self) -> Result<Vec<Session>, SessionStoreError> {
        self.sample(usize::MAX)
    }

    /// The first `max` sessions of [`all`](Self::all).
    ///
    /// # Errors
    /// As [`all`](Self::all).
    pub fn sample(&self, max: usize) -> Result<Vec<Session>, SessionStoreError> {
        let reading = self.db.begin_read().map_err(|error| self.failed(error))?;
        let table = reading.open_table(SESSIONS).map_err(|error| self.failed(error))?;
        let rows = table.iter().map_err(|error| self.failed(error))?;
        rows.take(max)
            .map(|row| {
                let (key, value) = row.map_err(|error| self.failed(error))?;
                self.decode(key.value().0, value.value())
            })
            .collect()
    }

    /// Calls `visit` with all sessions, in the order of [`all`](Self::all), at most `size` at a time. It ends at the first error.
    ///
    /// # Errors
    /// As [`all`](Self::all), and those of `visit`.
    pub fn each_batch(
        &self,
        size: usize,
        mut visit: impl FnMut(&[Session]) -> Result<(), SessionStoreError>,
    ) -> Result<(), SessionStoreError> {
        let reading = self.db.begin_read().map_err(|error| self.failed(error))?;
        let table = reading.open_table(SESSIONS).map_err(|error| self.failed(error))?;
        let mut batch = Vec::new();
        for row in table.iter().map_err(|error| self.failed(error))? {
            let (key, value) = row.map_err(|error| self.failed(error))?;
            batch.push(self.decode(key.value().0, value.value())?);
            if batch.len() >= size {
                visit(&batch)?;
                batch.clear();
            }
        }
        if batch.is_empty() { Ok(()) } else { visit(&batch) }
    }

    fn known(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let reading = self.db.begin_read().map_err(|error| self.failed(error))?;
        let table = reading.open_table(SESSIONS).map_err(|error| self.failed(error))?;
        let id = role_session.as_bytes();
        let (first, last) = (between.start().as_nanosecond(), between.end().as_nanosecond());
        // A session without an access key sorts first: the upper bound is before every session of the next nanosecond.
        let rows = table.range((id, first, None)..(id, last.saturating_add(1), None));
        let rows = rows.map_err(|error| self.failed(error))?;
        rows.map(|row| {
            let (_, value) = row.map_err(|error| self.failed(error))?;
            self.decode(id, value.value())
        })
        .collect()
    }

    /// Removes the sessions that ended more than [`RETENTION`](crate::RETENTION) before `now`, in one transaction;
    /// returns how many. [`Expiring::expire`] says what `now` is when old trails are read.
    ///
    /// # Errors
    /// [`SessionStoreError`] if the file or a session in it cannot be read or written. No session is removed then.
    pub fn expire(&self, now: Timestamp) -> Result<usize, SessionStoreError> {
        let transaction = self.db.begin_write().map_err(|error| self.failed(error))?;
        let mut unreadable = None;
        let forgotten = {
            let mut table = transaction.open_table(SESSIONS).map_err(|error| self.failed(error))?;
            let before = table.len().map_err(|error| self.failed(error))?;
            let kept = |(id, ..): (&[u8], i128, Option<&[u8]>), value: &[u8]| match self.decode(id, value) {
                Ok(session) => !is_expired(&session, now),
                Err(error) => {
                    unreadable.get_or_insert(error);
                    true
                }
            };
            table.retain(kept).map_err(|error| self.failed(error))?;
            before.saturating_sub(table.len().map_err(|error| self.failed(error))?)
        };
        if let Some(error) = unreadable {
            transaction.abort().map_err(|error| self.failed(error))?;
            return Err(error);
        }
        transaction.commit().map_err(|error| self.failed(error))?;
        Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
    }

    fn encode(&self, session: &Session) -> Result<Vec<u8>, SessionStoreError> {
        let mut value = vec![VERSION];
        match serde_json::to_writer(&mut value, session) {
            Ok(()) => Ok(value),
            Err(error) => Err(self.damaged(session.role_session.as_bytes(), error)),
        }
    }

    fn decode(&self, role_session: &[u8], value: &[u8]) -> Result<Session, SessionStoreError> {
        match value.split_first() {
            Some((&VERSION, json)) => {
                serde_json::from_slice(json).map_err(|error| self.damaged(role_session, error))
            }
            Some((&found, _)) => {
                Err(SessionStoreError::UnknownVersion { place: self.place.clone(), found, known: VERSION })
            }
            None => Err(self.damaged(role_session, "it is empty")),
        }
    }

    fn damaged(&self, role_session: &[u8], source: impl Into<crate::BoxError>) -> SessionStoreError {
        let role_session = String::from_utf8_lossy(role_session).into_owned();
        SessionStoreError::Damaged { place: self.place.clone(), role_session, source: source.into() }
    }

    fn failed(&self, error: impl Into<redb::Error>) -> SessionStoreError {
        explain(&self.place, error)
    }
}

#[async_trait]
impl SessionReader for EmbeddedStore {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        self.known(role_session, between)
    }
}

#[async_trait]
impl SessionWriter for EmbeddedStore {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        self.put_all(std::slice::from_ref(session))
    }
}

#[async_trait]
impl Expiring for EmbeddedStore {
    async fn expire(&self, now: Timestamp) -> Result<usize, SessionStoreError> {
        Self::expire(self, now)
    }
}

fn key_of(session: &Session) -> (&[u8], i128, Option<&[u8]>) {
    let access_key = session.access_key.as_ref().map(|key| key.reveal().as_bytes());
    (session.role_session.as_bytes(), session.issued.as_nanosecond(), access_key)
}

/// redb's error in terms of what to do.
fn explain(place: &str, error: impl Into<redb::Error>) -> SessionStoreError {
    let (place, error) = (place.to_owned(), error.into());
    let not_a_store = |why: &str| SessionStoreError::NotAStore { place: place.clone(), why: why.to_owned() };
    let advice = match &error {
        redb::Error::DatabaseAlreadyOpen => return SessionStoreError::InUse { place },
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => {
            return not_a_store("its table `sessions` belongs to another program");
        }
        redb::Error::UpgradeRequired(_) => "it was written by an older redb, start with an empty file",
        redb::Error::Io(io) => match io.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                return SessionStoreError::Denied { place, source: error.into() };
            }
            ErrorKind::IsADirectory => return not_a_store("a folder"),
            ErrorKind::InvalidData => return not_a_store("not a redb file"),
            ErrorKind::NotFound => "create its folder",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free space on the disk and start again",
            _ => "check the disk and start again",
        },
        redb::Error::Corrupted(_) => "the file is damaged, restore it from a copy or start with an empty one",
        _ => "start again, and with an empty file if that does not help",
    };
    SessionStoreError::Failed { place, advice, source: error.into() }
}

#[cfg(test)]
mod tests;
