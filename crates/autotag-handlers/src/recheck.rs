//! Selects creations to evaluate again later, because evidence about the owner (for example the STS record) may
//! still arrive. This module has no IO. The program that runs the engine brings their records back, for example by
//! a queue with a delay.
//!
//! Ask between plan and execution: a recheck may replace only the tags that this evaluation writes, and if the
//! recheck cannot be arranged, [`Plan::defer`] prevents that a provisional name stays.

use crate::event::EventSummary;
use crate::plan::Plan;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The attribute of a queue message that asks for a recheck of the record in its body. Its value is a JSON object of the tags that
/// the first evaluation wrote. Older versions wrote the same name.
pub const PREVIOUS_TAGS_ATTRIBUTE: &str = "autotag-first-look";

/// One event to evaluate again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recheck {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The text of its record.
    pub record: String,
    /// The tags that this evaluation decided for all resources of the event.
    pub tags: BTreeMap<String, String>,
}

impl Recheck {
    /// The recheck of an event by the text of its record, without decided tags.
    pub fn new(event: Arc<EventSummary>, record: &str) -> Self {
        Self { event, record: record.to_owned(), tags: BTreeMap::new() }
    }
}

/// The events of a plan about whose owner evidence may still arrive. `records` holds the texts of their records, by event
/// id; an event without one is left out.
pub fn needed(plan: &Plan, records: &BTreeMap<String, String>, now: Timestamp) -> Vec<Recheck> {
    let mut rechecks: Vec<Recheck> = Vec::new();
    for row in plan.unwritten() {
        let pending = row.owner.as_ref().and_then(|owner| owner.pending.as_ref());
        let record = row.event.id.as_ref().and_then(|id| records.get(id));
        let (Some(record), Some(_)) = (record, pending.filter(|pending| pending.may_still_arrive(now)))
        else {
            continue;
        };
        let tags = row.decided.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
        if let Some(recheck) = rechecks.iter_mut().rev().find(|recheck| recheck.event.id == row.event.id) {
            recheck.tags.extend(tags);
        } else {
            let mut recheck = Recheck::new(Arc::clone(&row.event), record);
            recheck.tags.extend(tags);
            rechecks.push(recheck);
        }
    }
    rechecks
}
