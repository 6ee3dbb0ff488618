//! Writes the ledger: an entry for each resource that an invocation has handled.
//!
//! The ledger never keeps a tag from being written: the tags are written first. If an entry cannot be written, the message goes back to
//! its queue, and the next invocation finds the tags there and writes the entry.

use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::ResourceOutcome;
use autotag_lambda::invocation::Invocation;
use autotag_ledger::{Entry, LedgerError, LedgerWriter};
use futures_util::stream::{self, StreamExt as _};
use std::num::NonZeroUsize;
use tokio::time::{Instant, timeout_at};

/// The result of writing entries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// How many entries are in the ledger.
    pub(crate) entries: usize,
    /// How many could not be written.
    pub(crate) failed: usize,
}

/// Writes the entries of the rows, at most `concurrency` at a time. The outcome of a row whose entry is not written at `deadline`
/// becomes one that returns its message.
pub(crate) async fn write(
    ledger: &dyn LedgerWriter,
    rows: &mut [ResourceOutcome],
    invocation: &Invocation,
    concurrency: NonZeroUsize,
    deadline: Instant,
) -> Written {
    let puts = rows.iter_mut().filter_map(|row| {
        let origin = invocation.message(row.origin).map(|message| message.id.as_str());
        let entry = Entry::of_row(row, origin)?;
        Some(async move {
            let failure = match timeout_at(deadline, ledger.put(&entry)).await {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => failure(&error),
                Err(_) => Outcome::Deferred("out of time before its ledger entry was written".to_owned()),
            };
            // A row that returns its message already has its own reason.
            if !row.status.is_returned() {
                row.status = failure;
            }
            false
        })
    });
    let puts: Vec<_> = puts.collect();
    let written: Vec<bool> = stream::iter(puts).buffer_unordered(concurrency.get()).collect().await;
    let entries = written.iter().filter(|is_written| **is_written).count();
    Written { entries, failed: written.len() - entries }
}

fn failure(error: &LedgerError) -> Outcome {
    let why = format!("its ledger entry was not written: {error}");
    match error {
        LedgerError::Unavailable { .. } => Outcome::Deferred(why),
        _ => Outcome::Refused(why),
    }
}
