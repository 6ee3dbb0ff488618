//! A sample of a trail: the number of events of each kind, and the time that they span.

use super::load::{Load, MONTH};
use crate::input::Input;
use crate::kept::Place;
use crate::output::Problems;
use crate::scan::{InputSink, Scanner};
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::deletion::Deletion;
use autotag_handlers::records::RecordSink;
use autotag_handlers::whois::may_change_tags;
use autotag_model::arn::{AccountId, Region};
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::record::Record;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

/// The most accounts and regions that are told apart. Both are texts of records.
const MOST: usize = 100_000;

/// Counts of a trail.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(crate) records: u64,
    creations: u64,
    resources: u64,
    objects: u64,
    sessions: u64,
    deletions: u64,
    tag_changes: u64,
    accounts: BTreeSet<String>,
    regions: BTreeSet<String>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    pub(crate) unreadable: Problems,
    place: Place,
    name: String,
}

/// Reads the inputs.
pub(crate) fn sample(classifier: &Classifier, jobs: Option<NonZeroUsize>, inputs: &[Input]) -> Sample {
    let scanner = Scanner { classifier, jobs };
    let mut all = Sample::default();
    for one in scanner.scan(inputs, Sample::default) {
        all.append(one);
    }
    all
}

#[expect(clippy::cast_precision_loss, reason = "an estimate needs three digits")]
fn scaled(count: u64, by: f64) -> f64 {
    count as f64 * by
}

impl Sample {
    /// The time from the first to the last event that counts, in seconds; `None` for fewer than two moments.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let span = self.last?.duration_since(self.first?).as_secs_f64();
        (span > 0.0).then_some(span)
    }

    /// The load of a month at the same rates.
    pub(crate) fn load(&self) -> Option<Load> {
        let by = MONTH / self.seconds()?;
        Some(Load {
            accounts: scaled(self.accounts.len().max(1) as u64, 1.0),
            regions: scaled(self.regions.len().max(1) as u64, 1.0),
            creations: scaled(self.creations, by),
            resources: scaled(self.resources, by),
            objects: scaled(self.objects, by),
            sessions: scaled(self.sessions, by),
            deletions: scaled(self.deletions, by),
            tag_changes: scaled(self.tag_changes, by),
        })
    }

    fn append(&mut self, other: Self) {
        self.records += other.records;
        self.creations += other.creations;
        self.resources += other.resources;
        self.objects += other.objects;
        self.sessions += other.sessions;
        self.deletions += other.deletions;
        self.tag_changes += other.tag_changes;
        self.accounts.extend(other.accounts);
        self.regions.extend(other.regions);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.unreadable.append(other.unreadable);
    }

    fn problem(&mut self, position: String, why: String) {
        self.place.1 += 1;
        self.unreadable.add(self.place, self.name.clone(), position, why);
    }

    fn note(&mut self, record: &Record<'_>, account: Option<&AccountId>) {
        let account = record.recipient_account().or_else(|| account.cloned());
        note(&mut self.accounts, account.as_ref().map(AccountId::as_str));
        note(&mut self.regions, record.region().as_ref().map(Region::as_str));
        let time = record.time();
        self.first = [self.first, time].into_iter().flatten().min();
        self.last = self.last.max(time);
    }
}

fn note(seen: &mut BTreeSet<String>, text: Option<&str>) {
    if let Some(text) = text.filter(|text| seen.len() < MOST && !seen.contains(*text)) {
        seen.insert(text.to_owned());
    }
}

impl InputSink for Sample {
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
}

impl RecordSink for Sample {
    fn record(&mut self, record: &LocatedRecord<'_>, account: Option<&AccountId>, class: Classification) {
        self.records += 1;
        self.note(&record.record, account);
        match class {
            Classification::Creation(creation) => {
                let targets = creation.targets.len() as u64;
                self.creations += 1;
                self.resources += targets;
                if creation.event.source == "s3.amazonaws.com" && creation.event.name != "CreateBucket" {
                    self.objects += targets;
                }
            }
            Classification::Session(_) => self.sessions += 1,
            _ => {}
        }
        if may_change_tags(&record.record.event_source, &record.record.event_name) {
            self.tag_changes += 1;
        }
    }

    fn also_wants(&self) -> fn(&str, &str) -> bool {
        may_change_tags
    }

    fn wants_deletions(&self) -> bool {
        true
    }

    fn deletion(&mut self, _: Deletion) {
        self.deletions += 1;
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
