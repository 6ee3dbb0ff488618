//! The answer to Lambda. It acknowledges only work that was done.

use crate::dead_letters::send_to_dead_letter_queue;
use crate::environment::DeadLetterQueue;
use crate::invocation::{Invocation, Message};
use autotag_aws::Accounts;
use autotag_handlers::counts::Counts;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::row::{OriginId, ResourceOutcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
/// `dead_letter_queue`. For any other source: the number of records and of each outcome. `counts` says how many
/// parts of the input the rows represent.
///
/// # Errors
/// [`NotDone`] if anything has to be repeated, and the source is not a queue.
pub async fn respond(
    invocation: &Invocation,
    counts: &Counts,
    rows: &[ResourceOutcome],
    dead_letter_queue: Option<&DeadLetterQueue>,
    accounts: &Accounts,
) -> Result<Value, NotDone> {
    if !invocation.from_queue {
        return direct_response(counts, rows, invocation.backfill);
    }
    let failed = failed_messages(invocation, rows);
    let ids = match dead_letter_queue {
        Some(queue) if !failed.is_empty() => send_to_dead_letter_queue(queue, accounts, failed).await,
        _ => failed.into_iter().map(|(message, _)| message.id.clone()).collect(),
    };
    Ok(queue_response(ids.into_iter()))
}

/// The messages that are not done, in the order of the batch, with the row that says why.
fn failed_messages<'r>(
    invocation: &'r Invocation,
    rows: &'r [ResourceOutcome],
) -> Vec<(&'r Message, &'r ResourceOutcome)> {
    let mut reasons: BTreeMap<OriginId, &ResourceOutcome> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.status.is_returned()) {
        // A permanent error needs a person, so it is the better reason.
        let known = reasons.entry(row.origin).or_insert(row);
        if known.status.is_retryable() && !row.status.is_retryable() {
            *known = row;
        }
    }
    // In a queue, the origin of a row is its message: see `Invocation::message`.
    reasons.into_iter().filter_map(|(origin, row)| Some((invocation.message(origin)?, row))).collect()
}

/// The answer to a queue: the messages that go back.
fn queue_response(ids: impl Iterator<Item = String>) -> Value {
    let failures: Vec<Value> = ids.map(|id| json!({"itemIdentifier": id})).collect();
    json!({"batchItemFailures": failures})
}

/// The answer to any other source. In a backfill a malformed record is permanent: reading the file again does not repair it,
/// so it is only counted. So is an archived file, which is also named.
fn direct_response(counts: &Counts, rows: &[ResourceOutcome], backfill: bool) -> Result<Value, NotDone> {
    let is_permanent = |row: &ResourceOutcome| {
        backfill && matches!(row.status, Outcome::Malformed(_) | Outcome::Skipped(SkipReason::Archived(_)))
    };
    let mut returned = rows.iter().filter(|row| row.status.is_returned() && !is_permanent(row));
    if let Some(row) = returned.next() {
        let reason = row.status.reason().unwrap_or_default();
        let first = format!("{} {}: {} {reason}", row.event.source, row.event.name, row.status.name());
        return Err(NotDone { returned: returned.count() + 1, all: rows.len(), first });
    }
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows {
        *outcomes.entry(row.status.name()).or_default() += 1;
    }
    // One row represents all the parts of an input after its first ten faults.
    for (name, without_row) in
        [("Malformed", counts.unreadable_without_row), ("Skipped", counts.skipped_without_row)]
    {
        if without_row > 0 {
            *outcomes.entry(name).or_default() += without_row;
        }
    }
    let mut answer = json!({"records": counts.records, "outcomes": outcomes});
    let archived: Vec<&str> = rows.iter().filter_map(archived).collect();
    if let (false, Some(answer)) = (archived.is_empty(), answer.as_object_mut()) {
        answer.insert("archived".to_owned(), json!(archived));
    }
    Ok(answer)
}

/// The file, if it is an archived one.
fn archived(row: &ResourceOutcome) -> Option<&str> {
    match &row.status {
        Outcome::Skipped(SkipReason::Archived(name)) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_handlers::classify::Classifier;
    use autotag_handlers::records::{Collector as _, read};
    use autotag_handlers::sessions::CollectedSessions;
    use autotag_model::policy::Policy;
    use std::sync::Arc;

    /// The answer of a backfill about a file.
    fn answer(file: &str) -> Value {
        let mut found = CollectedSessions::new(OriginId::default());
        read(file.as_bytes(), &Classifier::new(Catalog::embedded(), Policy::default()), None, &mut found);
        direct_response(&found.counts, &found.rejected, true).unwrap()
    }

    #[test]
    fn a_row_that_stands_for_many_faults_counts_as_many() {
        let broken = format!("{{\"Records\":[{}{{}}]}}", "{},".repeat(999));
        assert_eq!(answer(&broken), json!({"records": 0, "outcomes": {"Malformed": 1_000}}));
        let few = "{\"Records\":[{},{},{}]}";
        assert_eq!(answer(few), json!({"records": 0, "outcomes": {"Malformed": 3}}));
    }

    /// A year-old trail has usually been moved, and the other files of the day are still to be read.
    #[test]
    fn an_archived_file_of_a_backfill_is_named_and_fails_nothing() {
        let archived = Outcome::Skipped(SkipReason::Archived("s3://trail/a.json.gz".to_owned()));
        let row = ResourceOutcome::of_event(Arc::default(), archived);
        let rows = [row.clone(), ResourceOutcome::of_event(Arc::default(), Outcome::Tagged)];
        let answer = direct_response(&Counts::default(), &rows, true).unwrap();
        let expected = json!({"records": 0, "outcomes": {"Skipped": 1, "Tagged": 1}, "archived": ["s3://trail/a.json.gz"]});
        assert_eq!(answer, expected);
        assert!(direct_response(&Counts::default(), &[row], false).is_err(), "what is new is never archived");
    }

    #[test]
    fn a_row_that_stands_for_many_events_of_others_counts_as_many() {
        let event =
            json!({"version": "0", "source": "com.example", "detail-type": "AWS API Call via CloudTrail",
            "account": "111122223333", "region": "eu-west-1", "detail": {"awslogs": {"data": "H4sI"}}})
            .to_string();
        let many = vec![event; 100].join("\n");
        assert_eq!(answer(&many), json!({"records": 100, "outcomes": {"Skipped": 100}}));
    }
}
