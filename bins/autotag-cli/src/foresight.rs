//! Facts that the parts of a plan need about each other. A first pass over all creations collects them: see
//! [`PartDecider`](autotag_handlers::plan::PartDecider).

use crate::kept::KeptCreation;
use crate::spill::{Bytes, Runs, Sorted, Sorter, Spill, Storage};
use autotag_model::rule::ResourceKey;
use jiff::Timestamp;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{self, Read, Write};

/// How much of all memory is for this.
const SHARE: usize = 64;

/// A resource that an event names, by hashes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    resource: u64,
    event: u64,
    replaces: bool,
}

/// When a copy of an event is dated.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Dated {
    copy: u64,
    time: Option<Timestamp>,
}

/// Notes of all jobs.
#[derive(Debug)]
pub(crate) struct Notes {
    hasher: RandomState,
    named: Runs,
    dated: Runs,
}

/// Notes of one job.
#[derive(Debug)]
pub(crate) struct JobNotes {
    named: Sorter<Named>,
    dated: Sorter<Dated>,
}

impl Notes {
    pub(crate) fn new(storage: &Storage) -> Self {
        Self { hasher: RandomState::new(), named: Runs::new(storage), dated: Runs::new(storage) }
    }

    pub(crate) fn of_job(storage: &Storage, jobs: usize) -> JobNotes {
        let bound = storage.share(SHARE * jobs);
        JobNotes { named: Sorter::new(bound), dated: Sorter::new(bound) }
    }

    /// The hash of what copies of one event have in common.
    pub(crate) fn copy(&self, key: (&str, &str)) -> u64 {
        self.hasher.hash_one(key)
    }

    /// Notes a creation that leaves the memory.
    pub(crate) fn add(&self, job: &mut JobNotes, creation: &KeptCreation) -> io::Result<()> {
        let Some(request) = creation.request() else { return Ok(()) };
        // Copies of one time are planned together: they count as one event.
        let event = match creation.copy {
            Some(copy) => self.hasher.hash_one((copy, creation.time)),
            None => self.hasher.hash_one(creation.place),
        };
        for named in request.named_resources() {
            let resource = self.hasher.hash_one(&named.key);
            if job.named.push(Named { resource, event, replaces: named.replaces }) {
                job.named.spill(&self.named)?;
            }
        }
        if let Some(copy) = creation.copy
            && job.dated.push(Dated { copy, time: creation.time })
        {
            job.dated.spill(&self.dated)?;
        }
        Ok(())
    }

    /// Joins the notes of all jobs.
    pub(crate) fn join(self, jobs: Vec<JobNotes>) -> io::Result<Foresight> {
        let (named, dated): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.named, job.dated)).unzip();
        let mut foresight = Foresight { hasher: self.hasher, ..Foresight::default() };
        let mut before: Option<Named> = None;
        let mut replaces = false;
        each(Sorted::new(named, self.named)?, |next: Named| {
            let same = before.as_ref().filter(|before| before.resource == next.resource);
            replaces = next.replaces || (same.is_some() && replaces);
            if same.is_some_and(|before| before.event != next.event) {
                foresight.named_again.insert(next.resource);
            }
            foresight.replaces |= replaces && foresight.named_again.contains(&next.resource);
            before = Some(next);
        })?;
        let mut before: Option<Dated> = None;
        each(Sorted::new(dated, self.dated)?, |next: Dated| {
            if before.as_ref().is_some_and(|before| before.copy == next.copy && before.time != next.time) {
                foresight.copies.insert(next.copy);
            }
            before = Some(next);
        })?;
        Ok(foresight)
    }
}

fn each<T: Spill>(sorted: Sorted<T>, mut visit: impl FnMut(T)) -> io::Result<()> {
    match sorted {
        Sorted::Memory(values) => values.into_iter().for_each(visit),
        Sorted::Disk(files) => {
            for value in files.merge()? {
                visit(value?);
            }
        }
    }
    Ok(())
}

/// Facts that the parts of a plan need about each other. Two hashes that are equal by chance only cost memory.
#[derive(Debug, Default)]
pub(crate) struct Foresight {
    hasher: RandomState,
    /// Resources that several events name.
    named_again: HashSet<u64>,
    /// Events whose copies have different times.
    copies: HashSet<u64>,
    /// True if a later creation may replace the object of an earlier one.
    pub(crate) replaces: bool,
}

impl Foresight {
    pub(crate) fn is_named_again(&self, key: &ResourceKey) -> bool {
        self.named_again.contains(&self.hasher.hash_one(key))
    }

    pub(crate) fn has_copies(&self) -> bool {
        !self.copies.is_empty()
    }

    /// True if copies of the event are in several parts.
    pub(crate) fn is_copied(&self, creation: &KeptCreation) -> bool {
        creation.copy.is_some_and(|copy| self.copies.contains(&copy))
    }
}

impl Spill for Named {
    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.resource.encode(out)?;
        self.event.encode(out)?;
        self.replaces.encode(out)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        let (resource, event) = (u64::decode(input)?, u64::decode(input)?);
        Ok(Self { resource, event, replaces: bool::decode(input)? })
    }
}

impl Spill for Dated {
    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.copy.encode(out)?;
        self.time.encode(out)
    }

    fn read(input: &mut impl Read) -> io::Result<Self> {
        Ok(Self { copy: u64::decode(input)?, time: Option::decode(input)? })
    }
}
