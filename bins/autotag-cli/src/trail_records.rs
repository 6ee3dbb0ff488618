//! Reads the records of a trail that are about a few resources: one pass, in bounded memory.
//!
//! Creations of what is asked for are kept, and of the kinds of resources to which others belong; beyond a bound they go to
//! disk. So do sessions. Which of the creations are needed is known when all are read.

use crate::cli::WhoisArgs;
use crate::input::{self, Days, Input, Unreadable};
use crate::kept::{KeptCreation, Place, Unpacker};
use crate::offline::known_sessions;
use crate::output::Problems;
use crate::scan::{InputSink, Scanner};
use crate::spill::{JobSessions, Runs, SessionRuns, Sorted, Sorter, Storage};
use anyhow::{Result, bail};
use autotag_handlers::classify::{Classification, Classifier};
use autotag_handlers::deletion::Deletion;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::packed::Packer;
use autotag_handlers::records::{PlanRequest, RecordSink};
use autotag_handlers::whois::{Asked, RecordFilter, TrailRecords, TrailSource, may_change_tags};
use autotag_model::arn::AccountId;
use autotag_model::envelope::{LocatedRecord, Malformed};
use autotag_model::record::Record;
use autotag_model::rule::ResourceKey;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// Creations and sessions share the memory.
const KINDS: usize = 2;

/// The most creations that are about what is asked for.
const MOST: usize = 20_000;

/// How far from a resource what it belongs to is looked for: an instance belongs to a group, and the group to a stack.
const PASSES: usize = 5;

/// A trail that was read.
pub(crate) struct TrailRun {
    pub(crate) source: TrailSource,
    /// Files and folders that could not be listed.
    pub(crate) unlisted: Vec<Unreadable>,
    pub(crate) unreadable: Problems,
}

impl TrailRun {
    /// Reads the trail that the arguments name.
    ///
    /// # Errors
    /// If a temporary file or the state file cannot be used.
    pub(crate) fn read(args: &WhoisArgs, classifier: &Classifier, asked: &[Asked]) -> Result<Self> {
        let (inputs, unlisted) = input::find(&args.trail, &Days::default())?;
        let storage = Storage::new(args.state.as_deref(), args.memory);
        let shared = Shared {
            creations: Runs::new(&storage),
            sessions: SessionRuns::new(&storage),
            packer: Packer::new(),
        };
        let scanner = Scanner { classifier, jobs: args.jobs };
        let filter = RecordFilter::new(classifier, asked);
        let bound = storage.share(scanner.jobs(&inputs) * KINDS);
        let mut done = scanner.scan(&inputs, || Job::new(filter.clone(), &shared, bound));
        if !shared.creations.is_empty() {
            done.iter_mut().try_for_each(Job::spill_creations)?;
        }
        let mut records = TrailRecords::new(filter.clone());
        let mut unreadable = Problems::default();
        let (mut creations, mut sessions, mut oldest) = (Vec::new(), Vec::new(), None);
        for job in done {
            job.failure.map_or(Ok(()), Err)?;
            creations.push(job.creations);
            sessions.push(job.sessions);
            records.append(job.noted);
            unreadable.append(job.unreadable);
            oldest = [oldest, job.oldest].into_iter().flatten().min();
        }
        let creations = Sorted::new(creations, shared.creations)?;
        let unpacker = Unpacker { classifier, packer: &shared.packer };
        records.creations = needed(&creations, &unpacker, &filter)?;
        let store = known_sessions(args.state.as_deref(), shared.sessions.join(sessions)?, oldest)?;
        let source = TrailSource::new(records, classifier.policy(), &*store);
        Ok(Self { source: futures_executor::block_on(source), unlisted, unreadable })
    }
}

/// The creations that are about what is asked for, those of what it belongs to, and the copies of all of them, in the order of
/// their events.
fn needed(
    all: &Sorted<KeptCreation>,
    unpacker: &Unpacker<'_>,
    filter: &RecordFilter<'_>,
) -> Result<Vec<PlanRequest>> {
    let mut needed = Needed::default();
    for _ in 0..PASSES {
        let before = needed.size();
        let mut visit = |kept: &KeptCreation| -> Result<()> {
            if needed.chosen.contains_key(&(kept.time, kept.place)) {
                return Ok(());
            }
            let creation = |record: &Record<'_>, text: &str, of| filter.creation(record, text, of);
            if let Some(request) = kept.to_request(unpacker, creation)? {
                needed.take(kept, request, filter);
            }
            if needed.chosen.len() > MOST {
                bail!(
                    "more than {MOST} creations name what is asked for: ask for fewer resources, or by their ARNs"
                );
            }
            Ok(())
        };
        match all {
            Sorted::Memory(creations) => creations.iter().try_for_each(&mut visit)?,
            Sorted::Disk(files) => files.merge()?.try_for_each(|kept| visit(&kept?))?,
        }
        if needed.size() == before {
            break;
        }
    }
    Ok(needed.chosen.into_values().collect())
}

/// The records that were found to be needed so far.
#[derive(Default)]
struct Needed {
    chosen: BTreeMap<(Option<Timestamp>, Place), PlanRequest>,
    /// Parents of the chosen resources.
    parents: HashSet<ResourceKey>,
    /// The events of the chosen: one of their copies may tell who called.
    events: HashSet<(String, String)>,
}

impl Needed {
    fn size(&self) -> (usize, usize) {
        (self.parents.len(), self.events.len())
    }

    fn take(&mut self, kept: &KeptCreation, request: PlanRequest, filter: &RecordFilter<'_>) {
        let targets = &request.creation.targets;
        let event = request.copy_key().map(|(id, name)| (id.to_owned(), name.to_owned()));
        let is_wanted = targets.iter().any(|target| self.parents.contains(&target.resource.key()));
        let is_copy = event.as_ref().is_some_and(|event| self.events.contains(event));
        if !(is_wanted || is_copy || filter.is_about(&request.creation)) {
            return;
        }
        let parents = targets.iter().filter_map(|target| target.parent.as_ref());
        self.parents.extend(parents.map(|parent| parent.resource.key()));
        self.events.extend(event);
        self.chosen.insert((kept.time, kept.place), request);
    }
}

/// State that all jobs write to.
struct Shared {
    creations: Runs,
    sessions: SessionRuns,
    packer: Packer,
}

/// Results of one job.
struct Job<'a, 's> {
    filter: RecordFilter<'a>,
    shared: &'s Shared,
    place: Place,
    name: String,
    noted: TrailRecords<'a>,
    creations: Sorter<KeptCreation>,
    sessions: JobSessions,
    oldest: Option<Timestamp>,
    records: u64,
    unreadable: Problems,
    failure: Option<anyhow::Error>,
}

impl<'a, 's> Job<'a, 's> {
    fn new(filter: RecordFilter<'a>, shared: &'s Shared, bound: usize) -> Self {
        Self {
            shared,
            place: (0, 0),
            name: String::new(),
            noted: TrailRecords::new(filter.clone()),
            filter,
            creations: Sorter::new(bound),
            sessions: JobSessions::new(bound),
            oldest: None,
            records: 0,
            unreadable: Problems::default(),
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

    fn note_time(&mut self, time: Option<Timestamp>) {
        self.oldest = [self.oldest, time].into_iter().flatten().min();
    }

    fn creation(&mut self, record: &LocatedRecord<'_>, account: Option<&AccountId>, request: PlanRequest) {
        let place = self.next_place();
        let kept = KeptCreation::new(request, place, None, record, account);
        self.note_time(kept.time);
        if self.creations.push(kept) {
            let spilled = self.spill_creations();
            self.check(spilled);
        }
    }

    fn spill_creations(&mut self) -> Result<()> {
        self.creations.values_mut().iter_mut().for_each(|creation| creation.pack(&self.shared.packer));
        Ok(self.creations.spill(&self.shared.creations)?)
    }
}

impl InputSink for Job<'_, '_> {
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

impl RecordSink for Job<'_, '_> {
    fn record(
        &mut self,
        record: &LocatedRecord<'_>,
        account: Option<&AccountId>,
        classification: Classification,
    ) {
        self.records += 1;
        self.noted.note(record, account, &classification);
        if let Classification::Session(session) = classification {
            self.note_time(Some(session.issued));
            let kept = self.shared.sessions.keep(&mut self.sessions, *session);
            self.check(kept);
        } else if let Some(creation) = self.filter.creation(&record.record, record.raw, classification) {
            self.creation(record, account, PlanRequest::from(creation));
        }
    }

    fn also_wants(&self) -> fn(&str, &str) -> bool {
        may_change_tags
    }

    fn wants_deletions(&self) -> bool {
        true
    }

    fn deletion(&mut self, deletion: Deletion) {
        self.noted.note_deletion(deletion);
    }

    fn others(&mut self, records: u64) {
        self.records += records;
    }

    fn malformed(&mut self, fault: &Malformed) {
        self.records += 1;
        if let Outcome::Malformed(_) = Outcome::from(fault) {
            self.problem(fault.position.to_string(), fault.kind.to_string());
            self.unreadable.add_further(fault.parts().saturating_sub(1));
        }
    }
}
