//! The answer to Lambda. It acknowledges only work that is done.

use crate::dead_letters::send_to_dead_letter_queue;
use crate::environment::DeadLetterQueue;
use autotag_aws::Accounts;
use autotag_handlers::delivery::Delivery;
use autotag_handlers::outcome::{Outcome, Row};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An invocation that must be repeated as a whole, because its source does not support partial answers.
#[derive(Debug, thiserror::Error)]
#[error("{returned} of {all} resources were not processed; first: {first}")]
pub struct NotDone {
    returned: usize,
    all: usize,
    first: String,
}

/// The answer to an invocation.
///
/// For a queue: the messages that go back, without those that were received for the last time and are sent to
/// `dead_letter_queue`. For any other source: the number of records and of each outcome.
///
/// # Errors
/// [`NotDone`] if anything has to be repeated, and the source is not a queue.
pub async fn respond(
    delivery: &Delivery,
    records: u64,
    rows: &[Row],
    dead_letter_queue: Option<&DeadLetterQueue>,
    accounts: &Accounts,
) -> Result<Value, NotDone> {
    if !delivery.from_queue {
        return direct_response(records, rows, delivery.backfill);
    }
    let failed = failed_messages(delivery, rows);
    let ids = match dead_letter_queue {
        Some(queue) if !failed.is_empty() => {
            send_to_dead_letter_queue(queue, accounts, delivery, failed).await
        }
        _ => failed.into_iter().map(|(id, _)| id).collect(),
    };
    Ok(queue_response(ids.into_iter()))
}

/// The ids of the messages that are not done, each once, in the order of the batch, with the row that says why.
fn failed_messages<'r>(delivery: &Delivery, rows: &'r [Row]) -> Vec<(String, &'r Row)> {
    let mut reasons: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.outcome.is_returned()) {
        if let Some(id) = &row.event.message_id {
            // A permanent error needs a person, so it is the better reason.
            let known = reasons.entry(id).or_insert(row);
            if known.outcome.is_retryable() && !row.outcome.is_retryable() {
                *known = row;
            }
        }
    }
    let mut seen = BTreeSet::new();
    let ids = delivery.jobs.iter().filter_map(|job| job.message.as_ref()).map(|message| message.id.as_str());
    ids.filter(|id| seen.insert(*id)).filter_map(|id| Some((id.to_owned(), *reasons.get(id)?))).collect()
}

/// The answer to a queue: the messages that go back.
fn queue_response(ids: impl Iterator<Item = String>) -> Value {
    let failures: Vec<Value> = ids.map(|id| json!({"itemIdentifier": id})).collect();
    json!({"batchItemFailures": failures})
}

/// The answer to any other source. In a backfill a malformed record is permanent: reading the file again does not repair it,
/// so it is only counted.
fn direct_response(records: u64, rows: &[Row], backfill: bool) -> Result<Value, NotDone> {
    let is_permanent = |row: &Row| backfill && matches!(row.outcome, Outcome::Malformed(_));
    let mut returned = rows.iter().filter(|row| row.outcome.is_returned() && !is_permanent(row));
    if let Some(row) = returned.next() {
        let reason = row.outcome.reason().unwrap_or_default();
        let first = format!("{} {}: {} {reason}", row.event.source, row.event.name, row.outcome.name());
        return Err(NotDone { returned: returned.count() + 1, all: rows.len(), first });
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *counts.entry(row.outcome.name()).or_default() += 1;
    }
    Ok(json!({"records": records, "outcomes": counts}))
}
