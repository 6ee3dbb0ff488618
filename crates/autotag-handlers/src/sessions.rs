//! Reads STS sessions of inputs into a session store, for programs that keep sessions and tag nothing.

use crate::classify::Classification;
use crate::counts::Counts;
use crate::error::store_outcome;
use crate::event::EventSummary;
use crate::outcome::Outcome;
use crate::records::{Collector, RecordSink};
use crate::row::{OriginId, ResourceOutcome, Row};
use autotag_model::arn::{AccountId, Arn};
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::identity::PrincipalKind;
use autotag_model::session::Session;
use futures_util::stream::{self, StreamExt as _};
use session_store::SessionWriter;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The sessions of one or more inputs. Classify with an empty catalogue: creations do not count here.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CollectedSessions {
    /// How many records were read, by what they are.
    pub counts: Counts,
    /// Sessions to keep, each with its event and the origin of its record.
    pub sessions: Vec<(Session, SessionRecord)>,
    /// STS calls without a session to keep, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Records that could not be read, or are not believed.
    pub rejected: Vec<ResourceOutcome>,
    origin: OriginId,
}

/// The record of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The origin of the record.
    pub origin: OriginId,
}

/// Why the session of a service-linked role is not kept: it has neither a further caller nor tags.
const FOR_ITSELF: &str = "an AWS service called for itself";

impl RecordSink for CollectedSessions {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        self.counts.add(&classification);
        match classification {
            Classification::Session(session) if is_for_itself(&session) => self.skip(FOR_ITSELF),
            Classification::Session(session) => {
                let event = Arc::new(EventSummary::of(&record.record, account));
                self.sessions.push((*session, SessionRecord { event, origin: self.origin }));
            }
            Classification::NoSession(why) => self.skip(why),
            Classification::Rejected(rows) => rows.into_iter().for_each(|row| self.reject(row)),
            _ => {}
        }
    }

    fn others(&mut self, records: u64) {
        self.counts.add_others(records);
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.counts.add_fault(fault);
        self.unreadable(fault.into());
    }
}

impl Collector for CollectedSessions {
    fn new(origin: OriginId) -> Self {
        Self { origin, ..Self::default() }
    }

    fn unreadable(&mut self, outcome: Outcome) {
        self.reject(Row::of_event(Arc::new(EventSummary::default()), outcome));
    }

    fn append(&mut self, other: Self) {
        self.counts.append(other.counts);
        self.sessions.extend(other.sessions);
        self.rejected.extend(other.rejected);
        for (why, count) in other.skipped {
            *self.skipped.entry(why).or_default() += count;
        }
    }

    fn adds_up(&self) -> bool {
        let for_itself = self.skipped.get(FOR_ITSELF).copied().unwrap_or_default();
        let sessions = u64::try_from(self.sessions.len()).unwrap_or(u64::MAX);
        self.counts.adds_up() && sessions + for_itself == self.counts.sessions
    }
}

impl CollectedSessions {
    fn skip(&mut self, why: &'static str) {
        *self.skipped.entry(why).or_default() += 1;
    }

    fn reject(&mut self, row: ResourceOutcome) {
        self.rejected.push(Row { origin: self.origin, ..row });
    }

    /// Puts the sessions into `store`, at most `concurrency` at a time. Copies of one session are one put. Sessions that
    /// could not be kept are added to the rejected rows. Answers how many were kept.
    pub async fn keep(&mut self, store: &dyn SessionWriter, concurrency: NonZeroUsize) -> u64 {
        let merged = merged(std::mem::take(&mut self.sessions));
        let puts =
            merged.into_iter().map(|(session, records)| async move { (store.put(&session).await, records) });
        let puts: Vec<_> = puts.collect();
        let mut puts = stream::iter(puts).buffer_unordered(concurrency.get());
        let mut kept = 0;
        while let Some((put, records)) = puts.next().await {
            match put {
                Ok(()) => kept += 1,
                Err(error) => self.rejected.extend(records.into_iter().map(|record| Row {
                    origin: record.origin,
                    ..Row::of_event(record.event, store_outcome(&error))
                })),
            }
        }
        kept
    }
}

/// True if a service assumed the role that is linked to it.
fn is_for_itself(session: &Session) -> bool {
    let linked =
        |arn: &str| arn.parse::<Arn>().is_ok_and(|arn| arn.resource().starts_with("role/aws-service-role/"));
    session.caller.kind == PrincipalKind::AwsService && session.role_arn.as_deref().is_some_and(linked)
}

/// Each session once, with what all its copies know.
fn merged(sessions: Vec<(Session, SessionRecord)>) -> Vec<(Session, Vec<SessionRecord>)> {
    let mut positions: HashMap<_, usize> = HashMap::new();
    let mut merged: Vec<(Session, Vec<SessionRecord>)> = Vec::new();
    for (session, record) in sessions {
        let key = (session.role_session.clone(), session.issued, session.access_key.clone());
        let position = *positions.entry(key).or_insert(merged.len());
        match merged.get_mut(position) {
            Some((known, records)) => {
                known.merge(session);
                records.push(record);
            }
            None => merged.push((session, vec![record])),
        }
    }
    merged
}
