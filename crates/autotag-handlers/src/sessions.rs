//! STS records -> sessions in a store: what is done where sessions are kept.

use crate::classify::{Hints, head, verify_event_source};
use crate::delivery::{Intake, unread};
use crate::outcome::{EventSummary, Outcome, Row};
use crate::pipeline::store_outcome;
use autotag_model::arn::Arn;
use autotag_model::envelope::{Limits, LocatedRecord, read_records};
use autotag_model::identity::PrincipalKind;
use autotag_model::session::{Session, SessionReading};
use futures_util::stream::{self, StreamExt as _};
use session_store::{SessionStore, SessionStoreError};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The sessions that stand in what was read.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Sessions {
    /// Records read.
    pub records: u64,
    /// Sessions to keep, each with the event that tells of it.
    pub sessions: Vec<(Session, Arc<EventSummary>)>,
    /// STS calls that make no session to keep, by why.
    pub skipped: BTreeMap<&'static str, u64>,
    /// What could not be read, or is not believed.
    pub rows: Vec<Row>,
}

/// Why a session of a service-linked role is not kept: nobody stands behind it, and it has no tags.
const FOR_ITSELF: &str = "an AWS service called for itself";

impl Intake for Sessions {
    type Rules = ();

    fn read(&mut self, input: impl Read, (): &(), hints: &Hints) {
        read_records(input, &Limits::default(), &mut |item| match item {
            Ok(delivered) => self.take(&delivered, hints),
            Err(fault) => self.unreadable(Outcome::Malformed(fault.to_string()), hints),
        });
    }

    fn unreadable(&mut self, outcome: Outcome, hints: &Hints) {
        self.rows.push(unread(outcome, hints));
    }

    fn append(&mut self, other: Self) {
        self.records += other.records;
        self.sessions.extend(other.sessions);
        self.rows.extend(other.rows);
        for (why, count) in other.skipped {
            *self.skipped.entry(why).or_default() += count;
        }
    }
}

impl Sessions {
    fn take(&mut self, delivered: &LocatedRecord<'_>, hints: &Hints) {
        self.records += 1;
        let record = &delivered.record;
        if let Some(why) =
            delivered.event_bridge.as_ref().and_then(|delivery| verify_event_source(delivery, record))
        {
            return self.rows.push(Row::of_event(head(delivered, hints), Outcome::Skipped(why)));
        }
        match Session::read(record) {
            Ok(SessionReading::Session(session)) if is_for_itself(&session) => self.skip(FOR_ITSELF),
            Ok(SessionReading::Session(session)) => {
                self.sessions.push((*session, head(delivered, hints)));
            }
            Ok(SessionReading::Skipped(why)) => self.skip(why),
            Ok(_) => {}
            Err(odd) => {
                self.rows.push(Row::of_event(head(delivered, hints), Outcome::Malformed(odd.to_string())));
            }
        }
    }

    fn skip(&mut self, why: &'static str) {
        *self.skipped.entry(why).or_default() += 1;
    }

    /// Puts the sessions into `store`, so many at a time; copies of one session are one put. What could not be kept is added
    /// to the rows. Answers how many sessions were kept.
    pub async fn keep(&mut self, store: &impl SessionStore, concurrency: NonZeroUsize) -> u64 {
        let merged = merged(std::mem::take(&mut self.sessions));
        let puts =
            merged.into_iter().map(|(session, heads)| async move { (store.put(&session).await, heads) });
        let puts: Vec<_> = puts.collect();
        let mut puts = stream::iter(puts).buffer_unordered(concurrency.get());
        let mut kept = 0;
        while let Some((put, heads)) = puts.next().await {
            match put {
                Ok(()) => kept += 1,
                Err(error) => self.rows.extend(heads.into_iter().map(|head| lost(head, &error))),
            }
        }
        kept
    }
}

fn lost(head: Arc<EventSummary>, error: &SessionStoreError) -> Row {
    Row::of_event(head, store_outcome(error))
}

/// Whether a service assumed the role that is linked to it.
fn is_for_itself(session: &Session) -> bool {
    let linked =
        |arn: &str| arn.parse::<Arn>().is_ok_and(|arn| arn.resource().starts_with("role/aws-service-role/"));
    session.caller.kind == PrincipalKind::AwsService && session.role_arn.as_deref().is_some_and(linked)
}

/// Each session once, with what all its copies know.
fn merged(sessions: Vec<(Session, Arc<EventSummary>)>) -> Vec<(Session, Vec<Arc<EventSummary>>)> {
    let mut places: HashMap<_, usize> = HashMap::new();
    let mut merged: Vec<(Session, Vec<Arc<EventSummary>>)> = Vec::new();
    for (session, head) in sessions {
        let key = (session.role_session.clone(), session.issued, session.access_key.clone());
        let place = *places.entry(key).or_insert(merged.len());
        match merged.get_mut(place) {
            Some((known, heads)) => {
                known.merge(session);
                heads.push(head);
            }
            None => merged.push((session, vec![head])),
        }
    }
    merged
}
