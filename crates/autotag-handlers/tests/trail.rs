//! The generator of trails gives the records that it was asked for: benchmarks rely on it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::records::{self, RecordSink};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::policy::Policy;
use autotag_testkit::trail::{Shape, Trail};
use std::collections::BTreeSet;

/// The findings of the engine in a trail.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    records: u64,
    creations: u64,
    sessions: u64,
    faults: u64,
    uncovered: u64,
    /// The access keys that STS gave out.
    given: BTreeSet<String>,
    /// The access keys of the sessions that created something.
    used: BTreeSet<String>,
    /// The resources that were created.
    resources: BTreeSet<String>,
}

impl RecordSink for Found {
    fn record(&mut self, _: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        self.records += 1;
        match classification {
            Classification::Creation(creation) => {
                self.creations += 1;
                let key = creation.principal.access_key.as_ref().map(|key| key.reveal().to_owned());
                self.used.extend(key.filter(|key| key.starts_with("ASIA")));
                self.resources.extend(creation.targets.iter().map(|target| format!("{:?}", target.resource)));
            }
            Classification::Session(session) => {
                self.sessions += 1;
                self.given.extend(session.access_key.as_ref().map(|key| key.reveal().to_owned()));
            }
            Classification::Uncovered(_) => self.uncovered += 1,
            _ => {}
        }
    }

    fn others(&mut self, records: u64) {
        self.records += records;
    }

    fn malformed(&mut self, _: &Malformed) {
        self.faults += 1;
    }
}

fn found(shape: Shape) -> Found {
    let classifier = Classifier::new(Catalog::embedded(), Policy::default());
    let trail = Trail::new(shape).unwrap();
    let mut found = Found::default();
    for number in 0..trail.files() {
        records::read(trail.file(number).bytes.as_slice(), &classifier, None, &mut found);
    }
    found
}

#[test]
fn shares_of_creations_and_sessions_are_those_of_the_shape() {
    for (creations, sessions, wrapped) in
        [(4.0, 3.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.0, 0.0), (4.0, 3.0, 100.0)]
    {
        let shape =
            Shape { records: 6_000, records_a_file: 250, creations, sessions, wrapped, ..Shape::default() };
        let expected = Trail::new(shape.clone()).unwrap();
        let found = found(shape);
        assert_eq!(
            (found.records, found.creations, found.sessions, found.faults, found.uncovered),
            (6_000, expected.creations(), expected.sessions(), 0, 0),
            "{creations} % creations, {sessions} % sessions, {wrapped} % wrapped"
        );
        assert!(
            found.resources.len() as u64 >= found.creations,
            "{} creations share resources",
            found.creations
        );
    }
}

#[test]
fn sessions_begin_with_a_record_and_are_used() {
    let found = found(Shape { records: 20_000, ..Shape::default() });
    assert_eq!(found.given.len(), 600, "each session has a key of its own");
    assert!(found.used.len() > 200, "only {} sessions create something", found.used.len());
    let unknown: Vec<&String> = found.used.difference(&found.given).collect();
    assert!(unknown.is_empty(), "{unknown:?} have no record");
}

#[test]
fn damaged_files_lose_records_and_odd_records_are_noticed() {
    let damaged = found(Shape { records: 6_000, records_a_file: 100, damaged: 100.0, ..Shape::default() });
    assert!((2_000..6_500).contains(&damaged.records), "{} of 6,000 records", damaged.records);
    assert!(damaged.faults >= 20, "{} faults in 60 damaged files", damaged.faults);
    let odd = found(Shape { records: 6_000, records_a_file: 100, odd: 20.0, ..Shape::default() });
    assert!(odd.faults > 60, "{} faults", odd.faults);
    assert!(odd.creations < 240, "{} of 240 creations", odd.creations);
}
