//! Everything that an invocation reads: creations and sessions and, with a ledger, deletions.

use autotag_handlers::classify::Classification;
use autotag_handlers::deletion::Deletion;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{ClassifiedRecords, Collector, RecordSink};
use autotag_handlers::row::OriginId;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};

/// The records of an invocation with their deletions.
#[derive(Debug)]
pub(crate) struct RecordsWithDeletions {
    pub(crate) records: ClassifiedRecords,
    pub(crate) deletions: Vec<(OriginId, Deletion)>,
    origin: OriginId,
}

impl RecordSink for RecordsWithDeletions {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        self.records.record(record, account, classification);
    }

    fn wants_deletions(&self) -> bool {
        true
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.deletions.push((self.origin, deletion));
    }

    fn others(&mut self, records: u64) {
        self.records.others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.records.malformed(fault);
    }
}

impl Collector for RecordsWithDeletions {
    fn new(origin: OriginId) -> Self {
        Self { records: ClassifiedRecords::new(origin), deletions: Vec::new(), origin }
    }

    fn unreadable(&mut self, outcome: Outcome) {
        self.records.unreadable(outcome);
    }

    fn append(&mut self, other: Self) {
        self.records.append(other.records);
        self.deletions.extend(other.deletions);
    }

    fn adds_up(&self) -> bool {
        self.records.adds_up()
    }
}
