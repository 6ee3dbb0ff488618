//! Counts the records of an input by their class.

use crate::classify::Classification;
use crate::outcome::Outcome;
use crate::row::ResourceOutcome;
use autotag_model::envelope::Malformed;

/// The number of records of one or more inputs, by what they are. Each record is counted once:
/// `records` = `sessions` + `creations` + `uncovered` + `failed` + `skipped` + `rejected` + `others`.
///
/// ```
/// use autotag_handlers::classify::Classification;
/// use autotag_handlers::counts::Counts;
///
/// let mut counts = Counts::default();
/// counts.add(&Classification::Other);
/// assert_eq!((counts.records, counts.others), (1, 1));
/// assert!(counts.adds_up());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// All records, with the events that CloudTrail did not send.
    pub records: u64,
    /// STS sessions.
    pub sessions: u64,
    /// Creations, also those of which no resource can be tagged. Their rows have a type of resource.
    pub creations: u64,
    /// Creating events without a rule.
    pub uncovered: u64,
    /// Covered calls that failed.
    pub failed: u64,
    /// Covered events that are not to be tagged, and events that CloudTrail did not send.
    pub skipped: u64,
    /// Records that cannot be read, or that no rule can be applied to.
    pub rejected: u64,
    /// Everything else: records that are neither sessions nor creations.
    pub others: u64,
    /// Parts of the input that are not records. They are not in `records`.
    pub unreadable: u64,
    /// How many of `unreadable` have no row of their own: the row of another part gives their number.
    pub unreadable_without_row: u64,
    /// How many of `skipped` have no row of their own.
    pub skipped_without_row: u64,
}

impl Counts {
    /// Counts a record.
    pub fn add(&mut self, classification: &Classification) {
        let counter = match classification {
            Classification::Session(_) => &mut self.sessions,
            Classification::Creation(_) => &mut self.creations,
            Classification::Uncovered(_) => &mut self.uncovered,
            Classification::Rejected(rows) => self.of_rejected(rows),
            Classification::Other | Classification::NoSession(_) => &mut self.others,
        };
        *counter += 1;
        self.records += 1;
    }

    /// Counts a part of an input that is not a record.
    pub fn add_fault(&mut self, fault: &Malformed) {
        let parts = fault.parts();
        let without_row = parts.saturating_sub(1);
        if fault.not_from_cloudtrail().is_some() {
            self.records += parts;
            self.skipped += parts;
            self.skipped_without_row += without_row;
        } else {
            self.unreadable += parts;
            self.unreadable_without_row += without_row;
        }
    }

    /// Counts records that the reader leaves out, for example because of their event or their time.
    pub fn add_others(&mut self, records: u64) {
        self.others += records;
        self.records += records;
    }

    /// Adds the numbers of other inputs.
    pub fn append(&mut self, other: Self) {
        let Self {
            records,
            sessions,
            creations,
            uncovered,
            failed,
            skipped,
            rejected,
            others,
            unreadable,
            unreadable_without_row,
            skipped_without_row,
        } = other;
        self.records += records;
        self.sessions += sessions;
        self.creations += creations;
        self.uncovered += uncovered;
        self.failed += failed;
        self.skipped += skipped;
        self.rejected += rejected;
        self.others += others;
        self.unreadable += unreadable;
        self.unreadable_without_row += unreadable_without_row;
        self.skipped_without_row += skipped_without_row;
    }

    /// True if each record is counted once.
    pub fn adds_up(&self) -> bool {
        let known = self.sessions + self.creations + self.uncovered + self.failed;
        self.records == known + self.skipped + self.rejected + self.others
    }

    /// The counter of a record that leads to no resource.
    fn of_rejected(&mut self, rows: &[ResourceOutcome]) -> &mut u64 {
        let any = |is: fn(&ResourceOutcome) -> bool| rows.iter().any(is);
        if any(|row| row.resource_type.is_some()) {
            &mut self.creations
        } else if any(|row| row.status.is_returned()) {
            &mut self.rejected
        } else if any(|row| matches!(row.status, Outcome::CallFailed(_))) {
            &mut self.failed
        } else {
            &mut self.skipped
        }
    }
}
