//! Sessions in one file on disk, for programs that run now and then.

use crate::{Expiring, SessionReader, SessionStoreError, SessionWriter, is_expired};
use async_trait::async_trait;
use autotag_model::session::Session;
use jiff::Timestamp;
use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, Table, TableDefinition, TableError,
    TableHandle,
};
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::Path;

/// Role session id, time of issue in nanoseconds, access key id. redb keeps the lengths of the parts and compares part
/// by part, so no byte in a session's name can make it look like another's; the order is that of `find`. Bytes and not
/// text, as redb panics on text that is not UTF-8.
type Key = (&'static [u8], i128, Option<&'static [u8]>);

/// One byte of format version, then the session as JSON.
const SESSIONS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("sessions");

/// The version this program reads and writes. A change of [`Session`] that no longer reads the older JSON needs a new
/// one, and a way to read the older.
const VERSION: u8 = 1;

/// redb would take up to 1 GiB; the same sessions are asked for again and again, and they are small.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Sessions in one file on disk (redb). Holds no credential.
///
/// *Durability:* what a finished [`put`](SessionWriter::put) or [`put_all`](Self::put_all) kept is there after a crash or
/// loss of power; what was under way is there wholly or not at all. Every one of them ends in an `fsync`, milliseconds
/// long: use `put_all` for many sessions. *Memory:* at most 64 MiB of cache, whatever the size of the file. *Sharing:*
/// one process at a time. *Trust:* a file that was closed cleanly is not checked again on opening: one whose bytes a
/// failing disk or a stranger changed can make redb panic or answer wrongly, so take none from strangers. Its futures are ready at once and block the thread while they work: it is for programs, not for
/// a server's async threads.
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
    /// Opens the file at `path`; makes it if there is none. Its folder must exist. After a crash this repairs the file
    /// first, which reads it through once.
    ///
    /// # Errors
    /// [`SessionStoreError`], naming the file: it is in use by another process, it is something else than a session
    /// store (and is left as it is), the permission is missing, or the disk fails.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SessionStoreError> {
        let place = path.as_ref().display().to_string();
        let opened = Database::builder().set_cache_size(CACHE_BYTES).create(path);
        let db = opened.map_err(|error| explain(&place, error))?;
        let store = Self { db, place };
        store.prepare()?;
        Ok(store)
    }

    /// Keeps all `sessions`, or none when it fails. One transaction: the way to load many.
    ///
    /// # Errors
    /// [`SessionStoreError`], naming the file.
    pub fn put_all(&self, sessions: &[Session]) -> Result<(), SessionStoreError> {
        let transaction = self.db.begin_write().map_err(|error| self.failed(error))?;
        let mut changed = false;
        {
            let mut table = transaction.open_table(SESSIONS).map_err(|error| self.failed(error))?;
            for session in sessions {
                changed |= self.merge_in(&mut table, session)?;
            }
        }
        // Duplicates are frequent; they need not cost an fsync.
        if changed {
            transaction.commit().map_err(|error| self.failed(error))
        } else {
            transaction.abort().map_err(|error| self.failed(error))
        }
    }

    /// Makes the table in a new file; refuses the database of another program.
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
    /// [`SessionStoreError`], naming the file.
    pub fn all(&self) -> Result<Vec<Session>, SessionStoreError> {
        let reading = self.db.begin_read().map_err(|error| self.failed(error))?;
        let table = reading.open_table(SESSIONS).map_err(|error| self.failed(error))?;
        let rows = table.iter().map_err(|error| self.failed(error))?;
        rows.map(|row| {
            let (key, value) = row.map_err(|error| self.failed(error))?;
            self.decode(key.value().0, value.value())
        })
        .collect()
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
        // No key at all comes before every key, and so does the nanosecond after the last.
        let rows = table.range((id, first, None)..(id, last.saturating_add(1), None));
        let rows = rows.map_err(|error| self.failed(error))?;
        rows.map(|row| {
            let (_, value) = row.map_err(|error| self.failed(error))?;
            self.decode(id, value.value())
        })
        .collect()
    }

    fn forget(&self, now: Timestamp) -> Result<usize, SessionStoreError> {
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
        self.forget(now)
    }
}

fn key_of(session: &Session) -> (&[u8], i128, Option<&[u8]>) {
    let access_key = session.access_key.as_ref().map(|key| key.reveal().as_bytes());
    (session.role_session.as_bytes(), session.issued.as_nanosecond(), access_key)
}

/// What redb says, in the words of somebody who has to do something about it.
fn explain(place: &str, error: impl Into<redb::Error>) -> SessionStoreError {
    let (place, error) = (place.to_owned(), error.into());
    let not_a_store = |why: &str| SessionStoreError::NotAStore { place: place.clone(), why: why.to_owned() };
    let advice = match &error {
        redb::Error::DatabaseAlreadyOpen => return SessionStoreError::InUse { place },
        redb::Error::TableTypeMismatch { .. }
        | redb::Error::TableIsMultimap(_)
        | redb::Error::TypeDefinitionChanged { .. } => {
            return not_a_store("its table `sessions` is another program's");
        }
        redb::Error::UpgradeRequired(_) => "it was written by an older redb, start with an empty file",
        redb::Error::Io(io) => match io.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                return SessionStoreError::Denied { place, source: error.into() };
            }
            ErrorKind::IsADirectory => return not_a_store("a folder"),
            ErrorKind::InvalidData => return not_a_store("not a redb file"),
            ErrorKind::NotFound => "make the folder that it is to be in",
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk and start again",
            _ => "check the disk and start again",
        },
        redb::Error::Corrupted(_) => "the file is damaged, restore it from a copy or start with an empty one",
        _ => "start again, and with an empty file if that does not help",
    };
    SessionStoreError::Failed { place, advice, source: error.into() }
}

#[cfg(test)]
mod tests;
