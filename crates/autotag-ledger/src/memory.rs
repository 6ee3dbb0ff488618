//! A ledger in memory.

use crate::entry::{Entry, EntryKey};
use crate::error::LedgerError;
use crate::ledger::{LedgerReader, LedgerWriter};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A ledger in memory, for tests and for programs that end with it.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<BTreeMap<EntryKey, Entry>>);

impl MemoryLedger {
    /// All entries, in the order of their keys.
    pub fn entries(&self) -> Vec<Entry> {
        self.known().values().cloned().collect()
    }

    /// After a panic in another thread, the map is still whole: each change is one entry.
    fn known(&self) -> MutexGuard<'_, BTreeMap<EntryKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn chosen(&self, is_chosen: impl Fn(&EntryKey, &Entry) -> bool) -> Vec<Entry> {
        let known = self.known();
        let mut chosen: Vec<(&EntryKey, &Entry)> =
            known.iter().filter(|(key, entry)| is_chosen(key, entry)).collect();
        chosen.sort_by(|(one, _), (other, _)| one.event.cmp(&other.event));
        chosen.into_iter().map(|(_, entry)| entry.clone()).collect()
    }
}

#[async_trait]
impl LedgerWriter for MemoryLedger {
    async fn put(&self, entry: &Entry) -> Result<(), LedgerError> {
        match self.known().entry(entry.key()) {
            Slot::Occupied(mut known) => known.get_mut().merge(entry.clone()),
            Slot::Vacant(free) => {
                free.insert(entry.clone());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl LedgerReader for MemoryLedger {
    async fn get(&self, keys: &[EntryKey]) -> Result<Vec<Option<Entry>>, LedgerError> {
        let known = self.known();
        Ok(keys.iter().map(|key| known.get(key).cloned()).collect())
    }

    async fn named(&self, name: &str) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.chosen(|_, entry| entry.name().as_deref() == Some(name)))
    }

    async fn of_resource(&self, resource: &str) -> Result<Vec<Entry>, LedgerError> {
        Ok(self.chosen(|key, _| key.resource == resource))
    }
}
