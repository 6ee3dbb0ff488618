//! The parts that the reader finds in an input: records, and parts that are not records.

use super::malformed::Malformed;
use super::unwrap::LocatedRecord;

/// Everything in an input is one of these. The list is complete, so that no caller overlooks a kind.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "passed on at once, and nearly always a record")]
pub enum Item<'a> {
    /// A record.
    Record(LocatedRecord<'a>),
    /// A part that is not a record.
    Malformed(Malformed),
    /// So many records of events that the caller does not select.
    Unselected(u64),
}
