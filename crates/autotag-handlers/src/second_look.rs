//! Creations about whose owner more may be known later, as when an STS record has not come yet: which of them are to be
//! looked at again, and with what. Pure; what brings them back later is a queue's business.
//!
//! It is asked between decision and write ([`run_after`](crate::batch::run_after)): only what this look is about to write
//! is ours at the next, and a name that is only good until then must not be left alone.

use crate::delivery::Gathered;
use crate::outcome::{EventSummary, Row};
use crate::owner::Awaited;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How old a session may be whose record is waited for. CloudTrail delivers within 15 minutes as a rule; what has not come
/// in four times that was not recorded where we look.
pub const LATE: SignedDuration = SignedDuration::from_hours(1);

/// One event that is to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Look {
    /// The event.
    pub event: Arc<EventSummary>,
    /// Its record.
    pub record: String,
    /// What the first look has decided, for all its resources.
    pub tags: BTreeMap<String, String>,
}

impl Look {
    /// A look at an event by its record, of which nothing has been decided.
    pub fn at(event: Arc<EventSummary>, record: &str) -> Self {
        Self { event, record: record.to_owned(), tags: BTreeMap::new() }
    }
}

/// The records of creations of which no first look has been taken, by event id.
pub fn records(gathered: &mut Gathered) -> BTreeMap<String, String> {
    let mut records = std::mem::take(&mut gathered.texts);
    let second = gathered.creations.iter().filter(|found| found.first_look.is_some());
    for id in second.filter_map(|found| found.event.id.as_ref()) {
        records.remove(id);
    }
    records
}

/// The events, among those of these `rows` and with these `records`, on whose way to the owner something is missing that
/// may still come.
pub fn wanted(records: &BTreeMap<String, String>, rows: &[&Row], now: Timestamp) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    for row in rows {
        let awaited = row.owner.as_ref().and_then(|owner| owner.awaited.as_ref());
        let record = row.event.id.as_ref().and_then(|id| records.get(id));
        let (Some(record), true) = (record, awaited.is_some_and(|awaited| may_come(awaited, now))) else {
            continue;
        };
        let tags = row.decided.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()));
        if let Some(look) = looks.iter_mut().rev().find(|look| look.event.id == row.event.id) {
            look.tags.extend(tags);
        } else {
            let mut look = Look::at(Arc::clone(&row.event), record);
            look.tags.extend(tags);
            looks.push(look);
        }
    }
    looks
}

fn may_come(awaited: &Awaited, now: Timestamp) -> bool {
    awaited.since.is_none_or(|since| now.duration_since(since) < LATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_hour_old_comes_no_more() {
        let issued: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let awaited = |since| Awaited { of: "AROADeploy:build".to_owned(), since };
        let after = |minutes| issued + SignedDuration::from_mins(minutes);
        assert!(may_come(&awaited(Some(issued)), after(59)));
        assert!(!may_come(&awaited(Some(issued)), after(60)));
        assert!(may_come(&awaited(None), after(60)), "nobody knows how old it is");
    }
}
