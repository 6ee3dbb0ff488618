//! Rows -> what Lambda is answered. Nothing is acknowledged that was not done.

use crate::dead_letters;
use crate::environment::DeadLetters;
use autotag_aws::Accounts;
use autotag_handlers::delivery::Delivery;
use autotag_handlers::outcome::{Outcome, Row};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// An invocation that goes back as a whole, because its way in knows no parts.
#[derive(Debug, thiserror::Error)]
#[error("{returned} of {all} outcomes are not done, the first: {first}")]
pub struct NotDone {
    returned: usize,
    all: usize,
    first: String,
}

/// What Lambda is answered: to a queue, the messages that go back, except those that are buried with their reason; to
/// everybody else, how it ended.
///
/// # Errors
/// [`NotDone`] if anything has to come again, and the way in knows no parts.
pub async fn give(
    delivery: &Delivery,
    records: u64,
    rows: &[Row],
    letters: Option<&DeadLetters>,
    accounts: &Accounts,
) -> Result<Value, NotDone> {
    if !delivery.from_queue {
        return whole(records, rows, delivery.backfill);
    }
    let failed = failed(delivery, rows);
    let ids = match letters {
        Some(letters) => dead_letters::bury(letters, accounts, delivery, failed).await,
        None => failed.into_iter().map(|(id, _)| id).collect(),
    };
    Ok(partial(ids.into_iter()))
}

/// The ids of the messages that go back, each once, in the order of the batch; with the reason of each.
fn failed<'r>(delivery: &Delivery, rows: &'r [Row]) -> Vec<(String, &'r Row)> {
    let mut first: BTreeMap<&str, &Row> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.outcome.is_returned()) {
        if let Some(id) = &row.event.message_id {
            // What somebody has to look at is the better reason.
            let known = first.entry(id).or_insert(row);
            if known.outcome.is_retryable() && !row.outcome.is_retryable() {
                *known = row;
            }
        }
    }
    let mut seen = BTreeSet::new();
    let ids = delivery.jobs.iter().filter_map(|job| job.message.as_ref()).map(|message| message.id.as_str());
    ids.filter(|id| seen.insert(*id)).filter_map(|id| Some((id.to_owned(), *first.get(id)?))).collect()
}

/// The answer to a queue: the messages that go back.
fn partial(ids: impl Iterator<Item = String>) -> Value {
    let failures: Vec<Value> = ids.map(|id| json!({"itemIdentifier": id})).collect();
    json!({"batchItemFailures": failures})
}

/// The answer to everybody else: how it ended, or an error if anything has to come again. Reading an old file again mends no
/// record in it, so in a backfill what is malformed is only counted.
fn whole(records: u64, rows: &[Row], backfill: bool) -> Result<Value, NotDone> {
    let hopeless = |row: &Row| backfill && matches!(row.outcome, Outcome::Malformed(_));
    let mut returned = rows.iter().filter(|row| row.outcome.is_returned() && !hopeless(row));
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
