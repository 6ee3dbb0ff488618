//! The suite finds the faults of stores that have one fault each.

use super::*;
use crate::{SessionReader, SessionWriter};
use async_trait::async_trait;
use autotag_model::session::SessionKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

fn block_on(work: Work<'_>) {
    futures_executor::block_on(work);
}

/// The fault of a [`Faulty`] store.
#[derive(Clone, Copy)]
enum Fault {
    LastReportWins,
    NamesUpToNul,
    KeyIgnored,
    TimeInSeconds,
    OutageIsNone,
    NeverForgets,
    RangeIgnored,
    LastOfRangeMissing,
}

struct Faulty {
    fault: Fault,
    memory: MemoryStore,
    list: Mutex<Vec<Session>>,
}

fn faulty(fault: Fault) -> Faulty {
    Faulty { fault, memory: MemoryStore::new(), list: Mutex::default() }
}

#[async_trait]
impl SessionReader for Faulty {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        match self.fault {
            Fault::LastReportWins => {
                let list = self.list.lock().unwrap();
                let of_range =
                    |known: &&Session| known.role_session == role_session && between.contains(&known.issued);
                Ok(list.iter().filter(of_range).cloned().collect())
            }
            Fault::OutageIsNone if self.memory.len() > 3 => Ok(Vec::new()),
            Fault::RangeIgnored => self.memory.find(role_session).await,
            Fault::LastOfRangeMissing => {
                let mut found = self.memory.find_issued(role_session, between).await?;
                found.retain(|session| session.issued != *between.end());
                Ok(found)
            }
            _ => self.memory.find_issued(role_session, between).await,
        }
    }
}

#[async_trait]
impl SessionWriter for Faulty {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        let mut session = session.clone();
        match self.fault {
            Fault::LastReportWins => {
                let mut list = self.list.lock().unwrap();
                list.retain(|known| !known.is_same(&session));
                list.push(session);
                list.sort_by_key(|known| (known.issued, known.access_key.clone()));
                return Ok(());
            }
            Fault::NamesUpToNul => {
                session.role_session = session.role_session.split('\0').next().unwrap().to_owned();
            }
            Fault::KeyIgnored => session.access_key = None,
            Fault::TimeInSeconds => {
                session.issued = Timestamp::from_second(session.issued.as_second()).unwrap();
            }
            Fault::OutageIsNone | Fault::NeverForgets | Fault::RangeIgnored | Fault::LastOfRangeMissing => {}
        }
        self.memory.put(&session).await
    }
}

#[async_trait]
impl Expiring for Faulty {
    async fn expire(&self, _now: Timestamp) -> Result<usize, SessionStoreError> {
        Ok(0)
    }
}

fn complaint(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("the fault was not found");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn every_fault_is_found_and_shown_as_a_short_sequence() {
    for fault in [
        Fault::LastReportWins,
        Fault::NamesUpToNul,
        Fault::KeyIgnored,
        Fault::TimeInSeconds,
        Fault::OutageIsNone,
        Fault::RangeIgnored,
        Fault::LastOfRangeMissing,
    ] {
        let text = complaint(|| check(|| faulty(fault), 2_000, block_on));
        assert!(text.contains("the memory says"), "{text}");
        let shortest = if matches!(fault, Fault::OutageIsNone) { 4 } else { 2 };
        assert!(!text.contains(&format!("\n  {}. ", shortest + 1)), "not shortened: {text}");
    }
    let text = complaint(|| check_expiring(|| faulty(Fault::NeverForgets), 2_000, block_on));
    assert!(text.contains(". expire "), "{text}");
}

#[test]
fn a_lost_report_is_found() {
    let text = complaint(|| check_racing(|| faulty(Fault::LastReportWins), 1, block_on));
    assert!(text.contains("reports put at the same time"), "{text}");
}

#[test]
fn an_executor_that_does_nothing_fails() {
    let text = complaint(|| check(MemoryStore::new, 1, |work| drop(work)));
    assert!(text.contains("before the work was done"), "{text}");
}

#[test]
fn the_memory_merges_what_threads_put_at_once() {
    check_racing(MemoryStore::new, 100, block_on);
}

#[test]
fn every_session_of_the_samples_is_kept_and_found() {
    let kind = SessionKind::AssumeRole;
    let memory = MemoryStore::new();
    for id in samples::ROLE_SESSIONS {
        let session = Session::new(id, Timestamp::UNIX_EPOCH, kind);
        block_on(Box::pin(async { memory.put(&session).await.unwrap() }));
    }
    assert_eq!(memory.len(), samples::ROLE_SESSIONS.len());
}
