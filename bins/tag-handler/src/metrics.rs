//! The counts of one invocation of this function.

use crate::ledger::Written;
use crate::tamper::Reactions;
use autotag_handlers::counts::Counts;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::ResourceOutcome;
use autotag_lambda::metrics as embedded;
use jiff::Timestamp;

/// The counts of an invocation with a ledger.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LedgerCounts {
    /// Records that only the ledger needs: deletions and changes of tags.
    pub(crate) records: usize,
    /// Records of these that no entry tells of, because there were more than are kept.
    pub(crate) left_out: usize,
    pub(crate) entries: Written,
    pub(crate) reactions: Reactions,
}

/// The number of outcomes of each kind. Some parts of the inputs have no row of their own, and count as well.
pub(crate) fn counts(
    records: &Counts,
    rechecks: usize,
    ledger: LedgerCounts,
    rows: &[ResourceOutcome],
) -> Vec<(&'static str, u64)> {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let count = |is| embedded::count(rows, is);
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_) | Outcome::CallFailed(_)));
    let malformed = count(|outcome| matches!(outcome, Outcome::Malformed(_)));
    vec![
        ("Received", records.records),
        ("Tagged", count(|outcome| *outcome == Outcome::Tagged)),
        ("AlreadyTagged", count(|outcome| matches!(outcome, Outcome::AlreadyTagged(_)))),
        ("Skipped", skipped + records.skipped_without_row),
        ("Gone", count(|outcome| *outcome == Outcome::Gone)),
        ("Deferred", count(|outcome| matches!(outcome, Outcome::Deferred(_)))),
        ("Refused", count(|outcome| matches!(outcome, Outcome::Refused(_)))),
        ("Uncovered", count(|outcome| *outcome == Outcome::Uncovered)),
        ("Malformed", malformed + records.unreadable_without_row),
        ("SecondLooks", number(rechecks)),
        ("LedgerRecords", number(ledger.records)),
        ("LedgerLeftOut", number(ledger.left_out)),
        ("LedgerEntries", number(ledger.entries.entries)),
        ("LedgerFailures", number(ledger.entries.failed)),
        ("TagsTakenOff", number(ledger.reactions.tampered)),
        ("TagsRepaired", number(ledger.reactions.repaired)),
        ("Truces", number(ledger.reactions.truces)),
    ]
}

/// Seconds from each event to its tags.
pub(crate) fn ages(rows: &[ResourceOutcome], now: Timestamp) -> Vec<f64> {
    let age = |row: &ResourceOutcome| {
        let time = row.event.timestamp()?;
        (row.status == Outcome::Tagged).then(|| now.duration_since(time).as_secs_f64())
    };
    rows.iter().filter_map(age).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::event::EventSummary;
    use autotag_handlers::row::Row;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[test]
    fn every_outcome_is_counted_and_what_was_tagged_has_an_age() {
        let mut head = EventSummary::default();
        head.time = Some("2026-03-02T09:00:00Z".to_owned());
        let head = Arc::new(head);
        let rows = [
            Row::of_event(Arc::clone(&head), Outcome::Tagged),
            Row::of_event(Arc::clone(&head), Outcome::Refused("x".to_owned())),
            Row::of_event(head, Outcome::Uncovered),
        ];
        let mut records = Counts::default();
        records.records = 3;
        records.unreadable_without_row = 5;
        let ledger = LedgerCounts {
            records: 5,
            left_out: 7,
            entries: Written { entries: 4, failed: 1 },
            reactions: Reactions { tampered: 3, repaired: 2, truces: 1 },
        };
        let counts: BTreeMap<&str, u64> = counts(&records, 2, ledger, &rows).into_iter().collect();
        for (name, count) in [
            ("Received", 3),
            ("Tagged", 1),
            ("Refused", 1),
            ("Uncovered", 1),
            ("Deferred", 0),
            ("Malformed", 5),
            ("SecondLooks", 2),
            ("LedgerRecords", 5),
            ("LedgerLeftOut", 7),
            ("LedgerEntries", 4),
            ("LedgerFailures", 1),
            ("TagsTakenOff", 3),
            ("TagsRepaired", 2),
            ("Truces", 1),
        ] {
            assert_eq!(counts[name], count, "{name}");
        }
        assert_eq!(ages(&rows, "2026-03-02T09:00:30Z".parse().unwrap()), [30.0]);
    }
}
