//! Everything that an invocation reads: creations and sessions and, with a ledger, deletions and changes of tags.

use autotag_handlers::catalog::may_change_tags;
use autotag_handlers::classify::Classification;
use autotag_handlers::deletion::Deletion;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{ClassifiedRecords, Collector, RecordSink};
use autotag_handlers::row::OriginId;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{EventBridgeEnvelope, LocatedRecord, Malformed};

/// The records of an invocation with a ledger.
#[derive(Debug)]
pub(crate) struct LedgerRecords {
    pub(crate) records: ClassifiedRecords,
    pub(crate) deletions: Vec<(OriginId, Deletion)>,
    pub(crate) tag_calls: Vec<TagCall>,
    origin: OriginId,
}

/// The record of a call that may change identity tags.
#[derive(Debug)]
pub(crate) struct TagCall {
    pub(crate) origin: OriginId,
    pub(crate) text: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) event_bridge: Option<EventBridgeEnvelope>,
}

/// How many calls that may change tags are kept of an invocation. A log file can have any number; the changes of more are not
/// answered.
const MAX_TAG_CALLS: usize = 10_000;

impl RecordSink for LedgerRecords {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        let is_call = matches!(classification, Classification::Other)
            && may_change_tags(&record.record.event_source, &record.record.event_name);
        if is_call && self.tag_calls.len() < MAX_TAG_CALLS {
            self.tag_calls.push(TagCall {
                origin: self.origin,
                text: record.raw.to_owned(),
                account: account.cloned(),
                event_bridge: record.event_bridge.clone(),
            });
        }
        self.records.record(record, account, classification);
    }

    fn also_wants(&self) -> fn(&str, &str) -> bool {
        may_change_tags
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

impl Collector for LedgerRecords {
    fn new(origin: OriginId) -> Self {
        Self { records: ClassifiedRecords::new(origin), deletions: Vec::new(), tag_calls: Vec::new(), origin }
    }

    fn unreadable(&mut self, outcome: Outcome) {
        self.records.unreadable(outcome);
    }

    fn append(&mut self, other: Self) {
        self.records.append(other.records);
        self.deletions.extend(other.deletions);
        let room = MAX_TAG_CALLS.saturating_sub(self.tag_calls.len());
        self.tag_calls.extend(other.tag_calls.into_iter().take(room));
    }

    fn adds_up(&self) -> bool {
        self.records.adds_up()
    }
}
