//! Records -> classification -> plan -> outcomes, over a backend in memory.

use crate::mutate::{Seed, Seeds};
use crate::rows::row_is_sound;
use crate::seeds::{CALLERS_WORD, SeedTexts};
use crate::target::{Target, Violation, hold, same};
use crate::wrap;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::memory::MemoryBackend;
use autotag_handlers::plan::{Action, Execution, Plan, PlannedResource, Planner};
use autotag_handlers::records::{self, ClassifiedRecords, RecordSink};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{Limits, LocatedRecord, Malformed, read_records};
use autotag_model::policy::Policy;
use autotag_model::tags::TagValue;
use fastrand::Rng;
use futures_executor::block_on;
use jiff::Timestamp;
use session_store::MemoryStore;
use std::collections::BTreeSet;

pub(super) struct Engine {
    classifier: Classifier,
    creations: Seeds,
    sessions: Seeds,
    /// The numbers of creations and of the sessions in which they were made.
    pairs: Vec<(usize, usize)>,
    now: Timestamp,
}

impl Engine {
    pub(super) fn new(seeds: &SeedTexts) -> Self {
        let classifier = Classifier::new(Catalog::embedded(), Policy::default());
        // Each service's rules are parsed when the first of its events comes: here, not in the memory of an input.
        let _ = classifier.catalog().services();
        let creates = |text: &String| {
            let creations = ClassifiedRecords::read(text.as_bytes(), &classifier).creations;
            !creations.is_empty()
        };
        let plain = seeds.records.iter().filter(|text| creates(text)).cloned();
        let forged = seeds.records_with_forged_tags().into_iter().filter(|text| creates(text));
        let creations = Seeds::new(plain.chain(forged));
        let sessions = Seeds::new(&seeds.sts);
        let pairs = pairs(&creations, &sessions);
        let now = "2026-03-03T15:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
        Self { classifier, creations, sessions, pairs, now }
    }

    fn plan(&self, records: ClassifiedRecords, backend: &MemoryBackend) -> Plan {
        let store = MemoryStore::new();
        let policy = self.classifier.policy();
        block_on(Planner::new(policy, &store, backend, self.now).plan(records))
    }
}

/// The creations by role sessions, each with the records by which its session began.
fn pairs(creations: &Seeds, sessions: &Seeds) -> Vec<(usize, usize)> {
    let text = |seed: &Seed| String::from_utf8_lossy(&seed.text).into_owned();
    let begins: Vec<String> = sessions.seeds.iter().map(text).collect();
    let mut pairs = Vec::new();
    for (number, creation) in creations.seeds.iter().map(text).enumerate() {
        let id = creation.split_once("\"principalId\":\"").and_then(|(_, rest)| rest.split('"').next());
        let Some(id) = id.filter(|id| id.contains(':')) else { continue };
        let of_id = begins
            .iter()
            .enumerate()
            .filter(|(_, begin)| begin.contains(&format!("\"assumedRoleId\":\"{id}\"")));
        pairs.extend(of_id.map(|(session, _)| (number, session)));
    }
    pairs
}

impl Target for Engine {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn share(&self) -> u64 {
        10
    }

    fn generate(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let mut texts = Vec::new();
        for _ in 0..rng.usize(1..=2) {
            let mut seed = self.creations.any(rng);
            let mut text = Vec::new();
            if let Some((creation, session)) = rng.choice(&self.pairs).filter(|_| rng.bool()) {
                seed = &self.creations.seeds[*creation];
                let mut begin = Vec::new();
                self.sessions.mutate(&self.sessions.seeds[*session], rng, &mut begin);
                texts.push(begin);
            }
            self.creations.mutate(seed, rng, &mut text);
            if rng.u8(..6) == 0 {
                // A copy, often with another time, id or caller.
                let mut copy = Vec::new();
                self.creations.mutate(seed, rng, &mut copy);
                texts.push(copy);
            }
            if rng.u8(..8) == 0 {
                let inner = std::mem::take(&mut text);
                wrap::once(rng, &inner, &mut text);
            }
            texts.push(text);
        }
        if rng.u8(..4) == 0 {
            let mut text = Vec::new();
            self.sessions.mutated(rng, &mut text);
            texts.push(text);
        }
        rng.shuffle(&mut texts);
        wrap::together(rng, &texts, out);
    }

    fn check(&self, input: &[u8]) -> Result<(), Violation> {
        let counts = Counts::of(input, &self.classifier);
        counts.add_up(input)?;
        let records = ClassifiedRecords::read(input, &self.classifier);
        let collected = (records.sessions.len() as u64, records.creations.len() as u64);
        same(&collected, &(counts.sessions, counts.creations), "every session and creation is collected")?;
        let forged_only = is_said_by_the_caller_only(&records, input);
        let targets: usize = records.creations.iter().map(|request| request.creation.targets.len()).sum();
        let rejected: usize = records.creations.iter().map(|request| request.creation.rejected.len()).sum();
        let rows = targets + rejected + records.rejected.len();
        let backend = MemoryBackend::new();
        let plan = self.plan(records.clone(), &backend);
        same(&plan.len(), &rows, "every resource and every rejected record has one row")?;
        hold(backend.writes().is_empty(), "a plan writes nothing", || format!("{:?}", backend.writes()))?;
        for row in plan.resources() {
            row_is_sound(row)?;
            let owner = forged_only.then(|| named_by_the_caller(row)).flatten();
            hold(owner.is_none(), "no owner is named by tags of the caller", || owner.unwrap_or_default())?;
        }
        same(&plan, &self.plan(records, &backend), "the same records, the same plan")?;
        let wanted: BTreeSet<String> = plan.resources().filter_map(written_to).collect();
        let outcomes = block_on(plan.execute(&backend, &Execution::at(self.now)));
        same(&outcomes.len(), &rows, "every row has one outcome")?;
        let writes = backend.writes();
        let written = writes
            .iter()
            .flat_map(|write| &write.resources)
            .map(|taggable| taggable.resource.key().to_string());
        same(&written.collect(), &wanted, "what is planned is written, and nothing else")
    }
}

/// The counts of the records of an input.
#[derive(Debug, Default)]
struct Counts {
    records: u64,
    faults: u64,
    sessions: u64,
    creations: u64,
    uncovered: u64,
    rejected: u64,
    others: u64,
}

impl Counts {
    fn of(input: &[u8], classifier: &Classifier) -> Self {
        let mut counts = Self::default();
        records::read(input, classifier, None, &mut counts);
        counts
    }

    /// Sessions, creations, uncovered, rejected and other records are all records, and what was read was classified.
    fn add_up(&self, input: &[u8]) -> Result<(), Violation> {
        let sum = self.sessions + self.creations + self.uncovered + self.rejected + self.others;
        same(&sum, &self.records, "the kinds of records add up")?;
        let (mut records, mut faults) = (0, 0);
        read_records(input, &Limits::default(), &mut |item| match item {
            Ok(_) => records += 1,
            Err(_) => faults += 1,
        });
        same(&(records, faults), &(self.records, self.faults), "every record that is read is classified")
    }
}

impl RecordSink for Counts {
    fn record(&mut self, _: &LocatedRecord<'_>, _: Option<&AccountId>, classification: Classification) {
        self.records += 1;
        match classification {
            Classification::Session(_) => self.sessions += 1,
            Classification::Creation(_) => self.creations += 1,
            Classification::Uncovered(_) => self.uncovered += 1,
            Classification::Rejected(_) => self.rejected += 1,
            Classification::Other | Classification::NoSession(_) => self.others += 1,
            // A kind that this sum does not know is missing in it.
            _ => {}
        }
    }

    fn others(&mut self, records: u64) {
        self.records += records;
        self.others += records;
    }

    fn malformed(&mut self, _: &Malformed) {
        self.faults += 1;
    }
}

fn written_to(row: &PlannedResource) -> Option<String> {
    match &row.status {
        Action::Tag(taggable) => Some(taggable.resource.key().to_string()),
        _ => None,
    }
}

/// True if the word is in requested tags only: mutations copy it to other places, too. AWS sets the tags whose keys begin
/// with `aws:`, so a record in which such a tag has it is none that a caller can cause.
fn is_said_by_the_caller_only(records: &ClassifiedRecords, input: &[u8]) -> bool {
    let said = |text: &str| text.contains(CALLERS_WORD);
    let mut only = true;
    read_records(input, &Limits::default(), &mut |item| {
        let Ok(located) = item else { return };
        let of_sts = located.record.event_source == "sts.amazonaws.com";
        let by_identity = located.record.user_identity.is_some_and(said);
        only &= !(by_identity || of_sts && said(located.raw));
    });
    let targets = records.creations.iter().flat_map(|request| &request.creation.targets);
    let mut requested = targets.flat_map(|target| &target.requested);
    only && !requested.any(|(key, value)| key.starts_with("aws:") && said(value))
}

/// The owner of a row, if it has the word of the caller's own tags.
fn named_by_the_caller(row: &PlannedResource) -> Option<String> {
    let tag = row.tags.get("Owner").map(TagValue::as_str);
    let names = [row.owner_name(), tag];
    names.into_iter().flatten().find(|name| name.contains(CALLERS_WORD)).map(str::to_owned)
}
