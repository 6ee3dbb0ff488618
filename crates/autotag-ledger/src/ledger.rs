//! The traits for reading and writing ledgers.

use crate::entry::{Entry, EntryKey};
use crate::error::LedgerError;
use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use std::fmt::Debug;
use std::num::NonZeroUsize;

/// Writes entries.
#[async_trait]
pub trait LedgerWriter: Debug + Send + Sync {
    /// Adds an entry. If the ledger has one of the same [key](Entry::key), they are [merged](Entry::merge): in any order, and
    /// however often an entry is put, the ledger is the same in the end.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not answer. Then the entry may be there or not.
    async fn put(&self, entry: &Entry) -> Result<(), LedgerError>;
}

/// Finds entries.
#[async_trait]
pub trait LedgerReader: Debug + Send + Sync {
    /// The entries of these keys, in their order; `None` for a key that the ledger does not have.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not answer.
    async fn get(&self, keys: &[EntryKey]) -> Result<Vec<Option<Entry>>, LedgerError>;

    /// All entries of resources whose [name](Entry::name) is this, in the order of time.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not answer. An outage is never an empty list.
    async fn named(&self, name: &str) -> Result<Vec<Entry>, LedgerError>;

    /// All entries of the resource with this [`EntryKey::resource`](crate::EntryKey), in the order of time.
    ///
    /// # Errors
    /// [`LedgerError`] if the ledger does not answer.
    async fn of_resource(&self, resource: &str) -> Result<Vec<Entry>, LedgerError>;
}

/// A ledger to read and to write.
pub trait Ledger: LedgerReader + LedgerWriter {}

impl<L: LedgerReader + LedgerWriter> Ledger for L {}

/// Puts entries, at most `concurrency` at a time. The results are in the order of the entries.
pub async fn put_all(
    ledger: &dyn LedgerWriter,
    entries: &[Entry],
    concurrency: NonZeroUsize,
) -> Vec<Result<(), LedgerError>> {
    let puts: Vec<_> = entries.iter().map(|entry| ledger.put(entry)).collect();
    stream::iter(puts).buffered(concurrency.get()).collect().await
}
