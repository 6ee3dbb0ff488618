//! Reads a trail, and evaluates the guards on each of its calls.

use super::request::{Request, is_subject, principal_arn};
use super::statement::{Guard, Statement};
use super::tally::{Subject, Tally, cut};
use super::verdict::Verdict;
use crate::input::{Input, Unreadable};
use crate::scan::{InputSink, Scanner, TimeRange};
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::records::RecordSink;
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::failure::{ErrorClass, classify};
use autotag_model::identity::Principal;
use autotag_model::record::Record;
use std::num::NonZeroUsize;

/// The most groups that are kept.
const MOST_GROUPS: usize = 10_000;

/// How many inputs that cannot be read are named.
const MOST_UNREADABLE: usize = 50;

/// How a trail is read.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) classifier: &'a Classifier,
    /// The guards of each profile.
    pub(crate) guards: &'a [Guard],
    pub(crate) range: TimeRange,
    /// Accounts to which the guards are not attached.
    pub(crate) exempt_accounts: &'a [AccountId],
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// How many records there were, by what came of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) records: u64,
    /// Outside of the time that was asked for.
    pub(crate) outside: u64,
    /// Calls that the guards were evaluated on.
    pub(crate) judged: u64,
    /// Calls that AWS denied already.
    pub(crate) denied_already: u64,
    /// Calls that failed for another reason, and dry runs.
    pub(crate) failed: u64,
    /// Calls of callers that service control policies do not apply to: services, service-linked roles, identity
    /// providers.
    pub(crate) no_subject: u64,
    /// Calls of callers of other accounts. The record of the caller's account counts.
    pub(crate) elsewhere: u64,
    /// Calls of exempt accounts.
    pub(crate) exempt: u64,
    /// Events that CloudTrail did not send, and records of which a part cannot be read.
    pub(crate) rejected: u64,
    /// For each profile: calls that are denied, and those that are neither denied nor known not to be.
    pub(crate) verdicts: Vec<(u64, u64)>,
    pub(crate) unreadable: u64,
    /// The first that could not be read.
    pub(crate) unreadable_texts: Vec<Unreadable>,
}

/// Reads the inputs.
pub(crate) fn read(reading: &Reading<'_>, inputs: &[Input]) -> (Tally, Counts) {
    let scanner = Scanner { classifier: reading.classifier, jobs: reading.jobs };
    let mut all = Job::new(reading);
    for job in scanner.scan(inputs, || Job::new(reading)) {
        all.tally.append(job.tally);
        all.counts.append(job.counts);
    }
    (all.tally, all.counts)
}

/// The records that one job has read, evaluated.
struct Job<'a> {
    reading: &'a Reading<'a>,
    tally: Tally,
    counts: Counts,
    name: String,
}

impl<'a> Job<'a> {
    fn new(reading: &'a Reading<'a>) -> Self {
        let counts = Counts { verdicts: vec![(0, 0); reading.guards.len()], ..Counts::default() };
        Self { reading, tally: Tally::new(MOST_GROUPS), counts, name: String::new() }
    }

    /// The counter of a record on which no guard is evaluated; otherwise its principal.
    fn screen(&mut self, record: &Record<'_>, account: Option<&AccountId>) -> Result<Principal, &mut u64> {
        let counts = &mut self.counts;
        if !self.reading.range.contains(record.time()) {
            return Err(&mut counts.outside);
        }
        if record.failed() {
            let code = record.error_code.as_deref().unwrap_or_default();
            let code = code.strip_prefix("Client.").unwrap_or(code);
            let denied = classify(code, None) == ErrorClass::Denied;
            return Err(if denied { &mut counts.denied_already } else { &mut counts.failed });
        }
        let Ok(principal) = Principal::of(record) else { return Err(&mut counts.rejected) };
        if !is_subject(&principal) {
            return Err(&mut counts.no_subject);
        }
        let own = principal.account_id();
        if own.as_ref().is_some_and(|own| self.reading.exempt_accounts.contains(own)) {
            return Err(&mut counts.exempt);
        }
        let is_foreign = own.is_some_and(|own| account.is_some_and(|account| *account != own));
        if is_foreign { Err(&mut counts.elsewhere) } else { Ok(principal) }
    }

    fn judge(&mut self, record: &Record<'_>, account: Option<&AccountId>) {
        let principal = match self.screen(record, account) {
            Ok(principal) => principal,
            Err(counter) => return *counter += 1,
        };
        let catalog = self.reading.classifier.catalog();
        let Ok(request) = Request::of(record, &principal, account, catalog) else {
            self.counts.rejected += 1;
            return;
        };
        self.counts.judged += 1;
        let guards = self.reading.guards;
        for (profile, guard) in guards.iter().enumerate() {
            let mut most = Verdict::NotDenied;
            for (index, statement) in guard.statements.iter().enumerate() {
                let verdict = statement.judge(&request);
                most = most.max(verdict);
                if verdict != Verdict::NotDenied {
                    let subject = subject(record, &principal, statement, &request);
                    let subject = Subject { profile, statement: index, verdict, ..subject };
                    self.tally.add(subject, record.time(), record.event_id.as_deref());
                }
            }
            if let Some((denied, unknown)) = self.counts.verdicts.get_mut(profile) {
                *denied += u64::from(most == Verdict::Denied);
                *unknown += u64::from(most == Verdict::Unknown);
            }
        }
    }

    fn not_read(&mut self, why: &str) {
        self.counts.unreadable += 1;
        if self.counts.unreadable_texts.len() < MOST_UNREADABLE {
            self.counts.unreadable_texts.push(format!("{}: {why}", self.name));
        }
    }
}

fn subject(record: &Record<'_>, principal: &Principal, statement: &Statement, request: &Request) -> Subject {
    Subject {
        profile: 0,
        statement: 0,
        verdict: Verdict::NotDenied,
        principal: cut(&principal_arn(principal).unwrap_or_default()),
        event_source: cut(&record.event_source),
        event_name: cut(&record.event_name),
        keys: statement.named_keys(request),
    }
}

impl Counts {
    fn append(&mut self, other: Self) {
        self.records += other.records;
        self.outside += other.outside;
        self.judged += other.judged;
        self.denied_already += other.denied_already;
        self.failed += other.failed;
        self.no_subject += other.no_subject;
        self.elsewhere += other.elsewhere;
        self.exempt += other.exempt;
        self.rejected += other.rejected;
        self.unreadable += other.unreadable;
        for (all, more) in self.verdicts.iter_mut().zip(other.verdicts) {
            *all = (all.0 + more.0, all.1 + more.1);
        }
        self.unreadable_texts.extend(other.unreadable_texts);
        self.unreadable_texts.sort();
        self.unreadable_texts.truncate(MOST_UNREADABLE);
    }
}

impl InputSink for Job<'_> {
    fn begin(&mut self, _: usize, input: &Input) {
        self.name = input.name();
    }

    fn unreadable(&mut self, why: &str) {
        self.not_read(why);
    }

    fn records(&self) -> u64 {
        self.counts.records
    }
}

impl RecordSink for Job<'_> {
    fn record(&mut self, record: &LocatedRecord<'_>, account: Option<&AccountId>, class: Classification) {
        self.counts.records += 1;
        if is_disbelieved(&class) {
            self.counts.rejected += 1;
            return;
        }
        let of_event = || AccountId::new(&record.event_bridge.as_ref()?.account);
        let account = record.record.recipient_account().or_else(of_event).or_else(|| account.cloned());
        self.judge(&record.record, account.as_ref());
    }

    fn wants_all(&self) -> bool {
        true
    }

    fn others(&mut self, records: u64) {
        self.counts.records += records;
    }

    fn malformed(&mut self, fault: &Malformed) {
        if let Outcome::Malformed(why) = Outcome::from(fault) {
            self.not_read(&why);
        } else {
            self.counts.records += 1;
            self.counts.rejected += 1;
        }
    }
}

/// True if CloudTrail did not send the event around a record.
fn is_disbelieved(class: &Classification) -> bool {
    let Classification::Rejected(rows) = class else { return false };
    rows.iter().any(|row| {
        let Outcome::Skipped(why) = &row.status else { return false };
        let is_of_event = row.resource_type.is_none();
        is_of_event && matches!(why, SkipReason::NotFromCloudTrail(_) | SkipReason::AccountsDisagree(_))
    })
}
