//! The calls of all inputs, and the sessions in them: in bounded memory, in the order of the events.

use crate::input::Input;
use crate::kept::Place;
use crate::output::Problems;
use crate::scan::{InputSink, Scanner};
use crate::spill::{
    Bytes as _, JobSessions, KeptSessions, Runs, SessionRuns, Sorted, Sorter, Spill, Storage,
};
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::records::RecordSink;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Calls and sessions share the memory.
const KINDS: usize = 2;

/// A call, and who made it as far as its record says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: Option<String>,
    pub(crate) time: Option<String>,
    pub(crate) source: String,
    pub(crate) name: String,
    pub(crate) principal: Principal,
    pub(crate) user_agent: Option<String>,
}

impl Call {
    fn of(record: &LocatedRecord<'_>, principal: Principal) -> Self {
        let record = &record.record;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            id: owned(record.event_id.as_deref()),
            time: owned(record.event_time.as_deref()),
            source: record.event_source.to_string(),
            name: record.event_name.to_string(),
            principal,
            user_agent: owned(record.user_agent.as_deref()),
        }
    }
}

/// A call as bytes, with what it is sorted by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PackedCall {
    time: Option<Timestamp>,
    written_time: Option<String>,
    place: Place,
    call: Vec<u8>,
}

impl PackedCall {
    fn new(call: &Call, place: Place) -> Result<Self> {
        let time = call.time.as_deref().and_then(|time| time.parse().ok());
        Ok(Self { time, written_time: call.time.clone(), place, call: postcard::to_allocvec(call)? })
    }

    /// The call.
    ///
    /// # Errors
    /// If the bytes were changed on disk.
    pub(crate) fn unpacked(&self) -> Result<Call> {
        Ok(postcard::from_bytes(&self.call)?)
    }
}

impl Spill for PackedCall {
    fn size(&self) -> usize {
        size_of::<Self>() + self.written_time.as_ref().map_or(0, String::len) + self.call.len()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.time.encode(out)?;
        self.written_time.encode(out)?;
        self.place.0.encode(out)?;
        self.place.1.encode(out)?;
        self.call.encode(out)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self {
            time: Option::decode(input)?,
            written_time: Option::decode(input)?,
            place: (u64::decode(input)?, u64::decode(input)?),
            call: Vec::decode(input)?,
        })
    }
}

/// Which calls are read.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// The id of their event; `None` for all calls.
    pub(crate) event: Option<&'a str>,
    pub(crate) storage: Storage,
}

/// The content of all inputs.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order of the events.
    pub(crate) calls: Sorted<PackedCall>,
    pub(crate) sessions: KeptSessions,
    pub(crate) unreadable: Problems,
}

impl Wanted<'_> {
    /// Reads all inputs.
    ///
    /// # Errors
    /// If a temporary file cannot be written. What cannot be read is among the problems.
    pub(crate) fn read(&self, inputs: &[Input]) -> Result<Found> {
        // Sessions and calls are read; which calls create resources does not matter.
        let classifier = Classifier::new(Catalog::empty(), Policy::default());
        let scanner = Scanner { classifier: &classifier, jobs: None };
        let shared = Shared { calls: Runs::new(&self.storage), sessions: SessionRuns::new(&self.storage) };
        let bound = self.storage.share(scanner.jobs(inputs) * KINDS);
        let (mut calls, mut sessions, mut unreadable) = (Vec::new(), Vec::new(), Problems::default());
        for job in scanner.scan(inputs, || Job::new(self, &shared, bound)) {
            job.failure.map_or(Ok(()), Err)?;
            calls.push(job.calls);
            sessions.push(job.sessions);
            unreadable.append(job.unreadable);
        }
        let calls = Sorted::new(calls, shared.calls)?;
        Ok(Found { calls, sessions: shared.sessions.join(sessions)?, unreadable })
    }
}

/// The files of all jobs.
struct Shared {
    calls: Runs,
    sessions: SessionRuns,
}

/// The result of one job.
struct Job<'a> {
    wanted: &'a Wanted<'a>,
    shared: &'a Shared,
    place: Place,
    name: String,
    calls: Sorter<PackedCall>,
    sessions: JobSessions,
    unreadable: Problems,
    records: u64,
    failure: Option<anyhow::Error>,
}

impl<'a> Job<'a> {
    fn new(wanted: &'a Wanted<'a>, shared: &'a Shared, bound: usize) -> Self {
        Self {
            wanted,
            shared,
            place: (0, 0),
            name: String::new(),
            calls: Sorter::new(bound),
            sessions: JobSessions::new(bound),
            unreadable: Problems::default(),
            records: 0,
            failure: None,
        }
    }

    /// Notes the first failure, after which the job reads nothing more.
    fn check(&mut self, result: Result<()>) {
        if let (None, Err(error)) = (&self.failure, result) {
            self.failure = Some(error);
        }
    }

    fn next_place(&mut self) -> Place {
        self.place.1 += 1;
        self.place
    }

    fn problem(&mut self, position: String, why: String) {
        let place = self.next_place();
        self.unreadable.add(place, self.name.clone(), position, why);
    }

    fn call(&mut self, record: &LocatedRecord<'_>) -> Result<()> {
        let id = record.record.event_id.as_deref();
        if self.wanted.event.is_some_and(|wanted| id != Some(wanted)) {
            return Ok(());
        }
        let principal = match Principal::of(&record.record) {
            Ok(principal) => principal,
            Err(error) => {
                self.problem(record.position.to_string(), error.to_string());
                return Ok(());
            }
        };
        let place = self.next_place();
        if self.calls.push(PackedCall::new(&Call::of(record, principal), place)?) {
            self.calls.spill(&self.shared.calls)?;
        }
        Ok(())
    }
}

impl InputSink for Job<'_> {
    fn begin(&mut self, number: usize, input: &Input) {
        self.place = (number as u64, 0);
        self.name = input.name();
    }

    fn unreadable(&mut self, why: &str) {
        self.problem(String::new(), why.to_owned());
    }

    fn records(&self) -> u64 {
        self.records
    }

    fn is_done(&self) -> bool {
        self.failure.is_some()
    }
}

impl RecordSink for Job<'_> {
    fn record(&mut self, record: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        self.records += 1;
        if let Classification::Session(session) = classification {
            let kept = self.shared.sessions.keep(&mut self.sessions, *session);
            self.check(kept);
        } else if let Classification::Rejected(rows) = &classification {
            // An event that CloudTrail did not send, or an STS record that cannot be read.
            let not_believed = rows.iter().find_map(|row| match &row.status {
                Outcome::Skipped(
                    why @ (SkipReason::NotFromCloudTrail(_) | SkipReason::AccountsDisagree(_)),
                ) => Some(why.to_string()),
                Outcome::Malformed(why) => Some(why.clone()),
                _ => None,
            });
            if let Some(why) = not_believed {
                return self.problem(record.position.to_string(), why);
            }
        }
        let kept = self.call(record);
        self.check(kept);
    }

    fn wants_all(&self) -> bool {
        self.wanted.event.is_none()
    }

    fn wants_text(&self) -> Option<&str> {
        self.wanted.event
    }

    fn others(&mut self, records: u64) {
        self.records += records;
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.records += 1;
        self.problem(fault.position.to_string(), fault.kind.to_string());
        self.unreadable.add_further(fault.parts().saturating_sub(1));
    }
}
