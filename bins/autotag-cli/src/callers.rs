//! Counts the callers of events that no rule covers.

use crate::cli::Format;
use crate::filter::Filter;
use crate::kept::{KeptRow, RowKind};
use crate::output::rendered;
use autotag_handlers::classify::{Classifier, Envelope};
use autotag_handlers::deletion::Deletions;
use autotag_handlers::event::EventSummary;
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::owner::{self, Owner};
use autotag_handlers::row::{ResourceOutcome, Row};
use autotag_ledger::Entry;
use autotag_model::identity::Principal;
use autotag_model::policy::Trust;
use autotag_model::record::Record;
use futures_executor::block_on;
use session_store::SessionReader;
use std::io;
use std::sync::Arc;

/// Finds the owners of events that no rule covers, when all sessions are known.
pub(crate) struct Callers<'a> {
    pub(crate) trust: &'a Trust,
    pub(crate) sessions: &'a dyn SessionReader,
}

impl Callers<'_> {
    /// The owner by records and the state file alone.
    ///
    /// # Errors
    /// If the sessions cannot be read.
    pub(crate) fn owner(&self, principal: &Principal, user_agent: Option<&str>) -> io::Result<Owner> {
        let backend = MemoryBackend::offline();
        let owner = block_on(owner::resolve(principal, self.trust, self.sessions, &backend));
        Ok(owner.map_err(io::Error::other)?.with_user_agent(principal, user_agent))
    }

    /// The row of an event that no rule covers, with its owner. `None` for another row.
    ///
    /// # Errors
    /// If the sessions cannot be read.
    pub(crate) fn uncovered(&self, row: &KeptRow) -> io::Result<Option<ResourceOutcome>> {
        if row.kind != RowKind::Uncovered {
            return Ok(None);
        }
        let record: Record<'_> = serde_json::from_slice(&row.text)?;
        let event = Arc::new(EventSummary::of(&record, row.account.as_ref()));
        let mut uncovered = Row::of_event(event, Outcome::Uncovered);
        // A principal that cannot be parsed names no caller, but the event is still shown.
        if let Ok(principal) = Principal::of(&record) {
            let owner = self.owner(&principal, record.user_agent.as_deref())?;
            uncovered.owner = Some(Arc::new(owner));
        }
        Ok(Some(uncovered))
    }

    /// The entries of the deletions in a row's record, with who is behind them.
    ///
    /// # Errors
    /// If the sessions cannot be read.
    pub(crate) fn deletions(
        &self,
        row: &KeptRow,
        classifier: &Classifier,
        origin: Option<&str>,
    ) -> io::Result<Vec<Entry>> {
        let record: Record<'_> = serde_json::from_slice(&row.text)?;
        // The event around the record was checked when it was read.
        let envelope = Envelope { event_bridge: None, account: row.account.as_ref() };
        let mut entries = Vec::new();
        for deletion in Deletions::of_catalog(classifier).of(&record, envelope) {
            let by = self.owner(&deletion.principal, record.user_agent.as_deref())?;
            entries.push(Entry::of_deletion(&deletion, Some(&by), origin));
        }
        Ok(entries)
    }

    /// The row as it is printed. That of an uncovered event gets its owner. `None` if the filter does not choose it.
    ///
    /// # Errors
    /// If the sessions cannot be read.
    pub(crate) fn chosen(
        &self,
        mut row: KeptRow,
        format: Format,
        filter: &Filter,
    ) -> io::Result<Option<KeptRow>> {
        if let Some(uncovered) = self.uncovered(&row)? {
            if !filter.matches(&uncovered) {
                return Ok(None);
            }
            row.text = rendered(&uncovered, format).map_err(io::Error::other)?;
        }
        Ok(Some(row))
    }
}
