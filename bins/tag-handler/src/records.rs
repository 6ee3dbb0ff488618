//! Everything that an invocation reads: creations and sessions and, with a ledger, deletions and changes of tags.

use autotag_handlers::catalog::may_change_tags;
use autotag_handlers::classify::Classification;
use autotag_handlers::deletion::Deletion;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::records::{ClassifiedRecords, Collector, RecordSink};
use autotag_handlers::row::OriginId;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{EventBridgeEnvelope, LocatedRecord, Malformed};

/// The records of an invocation with a ledger. `WATCH`: calls that may change tags are kept.
#[derive(Debug)]
pub(crate) struct LedgerRecords<const WATCH: bool> {
    pub(crate) records: ClassifiedRecords,
    pub(crate) others: Others,
    origin: OriginId,
    is_deleting: bool,
}

/// The records that only a ledger needs.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// How many there are.
    pub(crate) count: usize,
    pub(crate) deletions: Vec<(OriginId, Deletion)>,
    pub(crate) tag_calls: Vec<TagCall>,
    /// How many bytes the texts of the calls have.
    bytes: usize,
    /// How many calls and deletions are left out. A log file can have any number of them.
    pub(crate) left_out: usize,
}

/// The record of a call that may change identity tags.
#[derive(Debug)]
pub(crate) struct TagCall {
    pub(crate) origin: OriginId,
    pub(crate) text: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) event_bridge: Option<EventBridgeEnvelope>,
}

/// The most deletions that are kept of an invocation.
const MAX_DELETIONS: usize = 20_000;

/// The most bytes of calls that may change tags. A message of the queue has at most a quarter of a megabyte.
const MAX_CALL_BYTES: usize = 8 << 20;

impl Others {
    fn deletion(&mut self, origin: OriginId, deletion: Deletion) {
        if self.deletions.len() < MAX_DELETIONS {
            self.deletions.push((origin, deletion));
        } else {
            self.left_out += 1;
        }
    }

    fn tag_call(&mut self, call: TagCall) {
        if self.bytes + call.text.len() <= MAX_CALL_BYTES {
            self.bytes += call.text.len();
            self.tag_calls.push(call);
        } else {
            self.left_out += 1;
        }
    }

    fn append(&mut self, other: Self) {
        self.count += other.count;
        self.left_out += other.left_out;
        other.deletions.into_iter().for_each(|(origin, deletion)| self.deletion(origin, deletion));
        other.tag_calls.into_iter().for_each(|call| self.tag_call(call));
    }
}

impl<const WATCH: bool> RecordSink for LedgerRecords<WATCH> {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        let is_call = WATCH
            && matches!(classification, Classification::Other)
            && may_change_tags(&record.record.event_source, &record.record.event_name);
        if is_call {
            self.others.tag_call(TagCall {
                origin: self.origin,
                text: record.raw.to_owned(),
                account: account.cloned(),
                event_bridge: record.event_bridge.clone(),
            });
        }
        self.others.count += usize::from(std::mem::take(&mut self.is_deleting) || is_call);
        self.records.record(record, account, classification);
    }

    fn also_wants(&self) -> fn(&str, &str) -> bool {
        if WATCH { may_change_tags } else { |_, _| false }
    }

    fn wants_deletions(&self) -> bool {
        true
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.is_deleting = true;
        self.others.deletion(self.origin, deletion);
    }

    fn others(&mut self, records: u64) {
        self.records.others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.records.malformed(fault);
    }
}

impl<const WATCH: bool> Collector for LedgerRecords<WATCH> {
    fn new(origin: OriginId) -> Self {
        let records = ClassifiedRecords::new(origin);
        Self { records, others: Others::default(), origin, is_deleting: false }
    }

    fn unreadable(&mut self, outcome: Outcome) {
        self.records.unreadable(outcome);
    }

    fn append(&mut self, other: Self) {
        self.records.append(other.records);
        self.others.append(other.others);
    }

    fn adds_up(&self) -> bool {
        self.records.adds_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_beyond_the_bound_are_counted_and_not_kept() {
        let call = |length: usize| TagCall {
            origin: OriginId::default(),
            text: "x".repeat(length),
            account: None,
            event_bridge: None,
        };
        let mut others = Others::default();
        for _ in 0..40 {
            others.tag_call(call(256 << 10));
        }
        assert_eq!((others.tag_calls.len(), others.left_out), (32, 8));
        let mut more = Others::default();
        more.tag_call(call(1));
        others.append(more);
        assert_eq!((others.tag_calls.len(), others.left_out), (32, 9));
    }
}
