//! Writes the ledger: an entry for each resource that an invocation has handled.
//!
//! The ledger never delays a tag: the tags are written first. If an entry cannot be written, the message goes back
//! to its queue, and the next invocation finds the tags and writes the entry.

use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::{OriginId, ResourceOutcome, Row};
use autotag_lambda::invocation::Invocation;
use autotag_ledger::{Entry, LedgerWriter};
use futures_util::stream::{self, StreamExt as _};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// The result of writing entries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// How many entries are in the ledger.
    pub(crate) entries: usize,
    /// How many could not be written.
    pub(crate) failed: usize,
}

/// Writes the entries of the rows, and those of deletions, at most `concurrency` at a time. The outcome of a row whose entry is not
/// written at `deadline` becomes one that returns its message. A deletion that is not written gets such a row.
pub(crate) async fn write(
    ledger: &dyn LedgerWriter,
    rows: &mut Vec<ResourceOutcome>,
    deletions: Vec<(OriginId, Entry)>,
    invocation: &Invocation,
    concurrency: NonZeroUsize,
    deadline: Instant,
) -> Written {
    let of_rows = rows.iter().enumerate().filter_map(|(number, row)| {
        let origin = invocation.message(row.origin).map(|message| message.id.as_str());
        Some((Some(number), row.origin, Entry::of_row(row, origin)?))
    });
    let of_deletions = deletions.into_iter().map(|(origin, entry)| (None, origin, entry));
    let puts = of_rows.chain(of_deletions).map(|(number, origin, entry)| async move {
        let failure = match timeout_at(deadline, ledger.put(&entry)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.outcome()),
            Err(_) => Some(Outcome::Deferred("out of time before its ledger entry was written".to_owned())),
        };
        (number, origin, entry, failure)
    });
    let puts: Vec<_> = puts.collect();
    let results: Vec<_> = stream::iter(puts).buffer_unordered(concurrency.get()).collect().await;
    let mut written = Written::default();
    for (number, origin, entry, failure) in results {
        let Some(failure) = failure else {
            written.entries += 1;
            continue;
        };
        written.failed += 1;
        match number.and_then(|number| rows.get_mut(number)) {
            // A row that returns its message already has its own reason.
            Some(row) if row.status.is_returned() => {}
            Some(row) => row.status = failure,
            None => {
                let mut row = Row::of_event(Arc::new(entry.event.to_summary()), failure);
                row.origin = origin;
                rows.push(row);
            }
        }
    }
    written
}
