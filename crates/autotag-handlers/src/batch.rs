//! Many creations at once: oldest first, copies of one event once, writes grouped into the fewest calls.
//!
//! Decisions build on each other (the first writer wins, an instance inherits from its group), writes come at the end. So
//! that no decision outlives the write it counted on, each row remembers on whose row it relies.

mod copies;

use crate::classify::Found;
use crate::dedup::Memo;
use crate::outcome::{BackendError, ErrorClass, Outcome, Row, SkipReason};
use crate::owner::Owner;
use crate::pipeline::{LookedUp, Pipeline, Present, Resolved, nothing_to_write};
use crate::ports::{Item, Ports, Tags, Write};
use crate::services::Target;
use autotag_model::policy::{Decision, Policy};
use autotag_model::rule::{Resource, ResourceKey};
use autotag_model::tags::TagSet;
use futures_util::stream::{self, StreamExt as _};
use jiff::SignedDuration;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// How many calls to the ports wait at the same time, where nothing else is asked for. Over AWS a write or read may be
/// several requests: see [`run`].
pub const CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// Puts creations in the order in which they are decided: oldest event first. The id decides within a second, so that the
/// order of input never does.
pub fn oldest_first(creations: &mut [Found]) {
    creations.sort_by_cached_key(|found| (found.event.timestamp(), found.event.id.clone()));
}

/// Takes creations through steps 5 to 9; answers with one row a resource, [oldest event first](oldest_first). At most
/// `concurrency` calls to the ports wait at the same time. Over AWS each write or read may itself be up to 8 requests that
/// wait together, where AWS takes few resources a request.
///
/// Sessions must be in the store before: a plan reads all records first, a queue brings late ones back.
pub async fn run<P: Ports>(
    policy: &Policy,
    ports: &P,
    concurrency: NonZeroUsize,
    creations: Vec<Found>,
) -> Vec<Row> {
    run_after(policy, ports, concurrency, creations, async |_: &[&Row]| HashMap::new()).await
}

/// As [`run`], with a step before anything is written: `first` sees the rows of which something is to be written, or would
/// be if more were known. Of the events whose ids it answers with nothing is written; their rows end as it says.
pub async fn run_after<P: Ports>(
    policy: &Policy,
    ports: &P,
    concurrency: NonZeroUsize,
    mut creations: Vec<Found>,
    first: impl AsyncFnOnce(&[&Row]) -> HashMap<String, Outcome>,
) -> Vec<Row> {
    oldest_first(&mut creations);
    let pipeline = Pipeline { policy, ports: Memo::new(ports) };
    let asked = copies::once_each(creations).into_iter().map(|(found, duplicates)| {
        let pipeline = &pipeline;
        async move { (Creation::ask(pipeline, found).await, duplicates) }
    });
    let asked = together(asked, concurrency).await;
    let wanted = asked.iter().filter_map(|(creation, _)| creation.as_ref().ok());
    let before = read_once(ports, wanted.flat_map(|creation| creation.asks_for(&pipeline))).await;
    let mut batch = Batch::new(&pipeline, before);
    for (creation, duplicates) in asked {
        match creation {
            Ok(creation) => batch.creation(creation),
            Err(failed) => batch.unresolved(failed),
        }
        batch.rows.extend(duplicates);
    }
    let withheld = first(&batch.to_write()).await;
    batch.withhold(&withheld);
    batch.write(ports, concurrency).await;
    batch.rows
}

/// The answers to questions of which so many wait at the same time, in the order of the questions. A slow one keeps no
/// other from being asked.
async fn together<F: Future>(
    questions: impl Iterator<Item = F>,
    concurrency: NonZeroUsize,
) -> Vec<F::Output> {
    let numbered = questions.enumerate().map(|(number, question)| async move { (number, question.await) });
    let mut answers: Vec<_> = stream::iter(numbered).buffer_unordered(concurrency.get()).collect().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// A creation about which the world has been asked.
struct Creation {
    found: Found,
    resolved: Resolved,
    looked_up: LookedUp,
}

impl Creation {
    /// Steps 5 and 6; else the creation and why its owner could not be found out.
    async fn ask<P: Ports>(pipeline: &Pipeline<'_, P>, found: Found) -> Result<Self, Box<(Found, Outcome)>> {
        if found.targets.is_empty() {
            // Nobody has to be asked for nothing; there is no target either that would end so.
            return Err(Box::new((found, Outcome::Skipped(SkipReason::Duplicate))));
        }
        match pipeline.resolve(&found).await {
            Ok(resolved) => {
                let looked_up = pipeline.look_up(&found, resolved.age).await;
                Ok(Self { found, resolved, looked_up })
            }
            Err(outcome) => Err(Box::new((found, outcome))),
        }
    }

    /// The resources whose tags its decisions have to know.
    fn asks_for<P: Ports>(&self, pipeline: &Pipeline<'_, P>) -> Vec<Item> {
        let later = self.looked_up.later.iter().map(|(target, _)| target);
        let targets = self.found.targets.iter().chain(&self.looked_up.targets).chain(later);
        targets.flat_map(|target| pipeline.asks_for(&self.found, &self.resolved, target)).collect()
    }
}

/// The tags on resources, each read once.
async fn read_once<P: Ports>(
    ports: &P,
    items: impl Iterator<Item = Item>,
) -> HashMap<ResourceKey, Result<Tags, BackendError>> {
    let mut seen = HashSet::new();
    let items: Vec<Item> = items.filter(|item| seen.insert(item.resource.key())).collect();
    if items.is_empty() {
        return HashMap::new();
    }
    let answers = ports.tags(&items).await;
    items.iter().map(|item| item.resource.key()).zip(answers).collect()
}

struct Batch<'a, P> {
    pipeline: &'a Pipeline<'a, P>,
    /// The tags on resources before this batch.
    before: HashMap<ResourceKey, Result<Tags, BackendError>>,
    rows: Vec<Row>,
    writes: Vec<Pending>,
    /// The last write of each group.
    groups: HashMap<Group, usize>,
    /// What was last decided for each resource.
    last: HashMap<ResourceKey, Last>,
    /// Rows that hold only if another row's write succeeds: (row, the row it relies on).
    relies: Vec<(usize, usize)>,
}

/// What one request to AWS can have in common.
#[derive(PartialEq, Eq, Hash)]
struct Group {
    account: Option<String>,
    region: Option<String>,
    service: Option<String>,
    call: String,
    tags: TagSet,
}

/// A write in the making, and the rows that wait for it.
struct Pending {
    write: Write,
    rows: Vec<usize>,
    /// How old the event of each row is.
    ages: Vec<Option<SignedDuration>>,
}

#[derive(Clone, Copy)]
struct Last {
    row: usize,
    /// The write the row waits for; `None` when the row has failed already.
    write: Option<usize>,
}

impl<'a, P: Ports> Batch<'a, P> {
    fn new(pipeline: &'a Pipeline<'a, P>, before: HashMap<ResourceKey, Result<Tags, BackendError>>) -> Self {
        Self {
            pipeline,
            before,
            rows: Vec::new(),
            writes: Vec::new(),
            groups: HashMap::new(),
            last: HashMap::new(),
            relies: Vec::new(),
        }
    }

    /// A creation whose owner could not be found out.
    fn unresolved(&mut self, failed: Box<(Found, Outcome)>) {
        let (found, outcome) = *failed;
        self.rows.extend(found.rows);
        for target in &found.targets {
            self.fail(row(&found.event, &target.resource, None, outcome.clone()));
        }
    }

    fn creation(&mut self, creation: Creation) {
        let Creation { mut found, resolved, looked_up } = creation;
        self.rows.append(&mut found.rows);
        for target in found.targets.iter().chain(&looked_up.targets) {
            self.target(&found, &resolved, target);
        }
        for (target, row) in looked_up.later {
            let decided = self.pipeline.decide(&found, &resolved, &target, self);
            self.rows.push(match decided {
                Ok((decision, owner)) => {
                    let Decision { tags, decided, notes, .. } = decision;
                    Row { owner: Some(owner), tags, decided, notes, ..row }
                }
                Err(outcome) => Row { outcome, ..row },
            });
        }
        self.rows.extend(looked_up.failed);
    }

    /// A row that has failed: what comes later for the same resource must not win because of that.
    fn fail(&mut self, row: Row) {
        if let Some(resource) = &row.resource {
            self.last.insert(resource.key(), Last { row: self.rows.len(), write: None });
        }
        self.rows.push(row);
    }

    fn target(&mut self, found: &Found, resolved: &Resolved, target: &Target) {
        if let Some(outcome) = self.waits_for(target) {
            return self.fail(row(&found.event, &target.resource, Some(&resolved.owner), outcome));
        }
        let decided = self.pipeline.decide(found, resolved, target, self);
        let (decision, owner) = match decided {
            Ok(decided) => decided,
            Err(outcome) => {
                return self.fail(row(&found.event, &target.resource, Some(&resolved.owner), outcome));
            }
        };
        let at = self.rows.len();
        let nothing = nothing_to_write(&decision);
        let write = nothing.is_none();
        let outcome = nothing.unwrap_or_else(|| Outcome::Deferred("the write was not answered".to_owned()));
        let decided = row(&found.event, &target.resource, Some(&owner), outcome);
        let Decision { tags, decided: all, notes, .. } = decision;
        self.rows.push(Row { tags, decided: all, notes, ..decided });
        if write {
            self.enqueue(at, target, resolved.age);
        } else if let Some(before) = self.last.get(&target.resource.key()) {
            self.relies.push((at, before.row));
        }
    }

    /// How a resource ends that depends on another one, in this batch, that could not be settled: an earlier creation
    /// of the same, or the group whose owner it inherits.
    fn waits_for(&self, target: &Target) -> Option<Outcome> {
        let same = target.may_have_existed.then_some(&target.resource);
        let unsettled = |resource: &Resource| {
            let last = self.last.get(&resource.key())?;
            let row = self.rows.get(last.row).filter(|_| last.write.is_none())?;
            row.outcome.is_returned().then(|| row.outcome.clone())
        };
        same.into_iter().chain(target.parent.as_ref().map(|parent| &parent.resource)).find_map(unsettled)
    }

    /// Into the write of the same account, region, call and tags, unless something else is written to the resource after
    /// that: writes to one resource keep their order.
    fn enqueue(&mut self, at: usize, target: &Target, age: Option<SignedDuration>) {
        let Some(row) = self.rows.get(at) else { return };
        let resource = &target.resource;
        let group = Group {
            account: resource.account.as_ref().map(ToString::to_string),
            region: resource.region.as_ref().map(ToString::to_string),
            // The tagging API takes ARNs of all services; other calls are their service's own.
            service: (target.rule.call != autotag_model::rule::TagCall::TaggingApi)
                .then(|| resource.resource_type.split("::").nth(1).unwrap_or_default().to_owned()),
            call: target.rule.call.name().to_owned(),
            tags: row.tags.clone(),
        };
        let name = resource.key();
        let before = self.last.get(&name).and_then(|last| last.write);
        let open =
            self.groups.get(&group).copied().filter(|write| before.is_none_or(|before| *write > before));
        let write = open.unwrap_or_else(|| {
            let write = Write { call: target.rule.call.clone(), tags: row.tags.clone(), items: Vec::new() };
            self.writes.push(Pending { write, rows: Vec::new(), ages: Vec::new() });
            self.writes.len() - 1
        });
        self.groups.insert(group, write);
        if let Some(pending) = self.writes.get_mut(write) {
            pending.write.items.push(target.item());
            pending.rows.push(at);
            pending.ages.push(age);
        }
        self.last.insert(name, Last { row: at, write: Some(write) });
    }

    /// The rows that wait for a write, and those that have nothing to be written.
    fn to_write(&self) -> Vec<&Row> {
        let pending: HashSet<usize> =
            self.writes.iter().flat_map(|write| write.rows.iter().copied()).collect();
        let nothing = |row: &Row| row.outcome == Outcome::Skipped(SkipReason::NoTags);
        let rows = self.rows.iter().enumerate();
        rows.filter(|(at, row)| pending.contains(at) || nothing(row)).map(|(_, row)| row).collect()
    }

    /// Takes the events of these ids out of the writes.
    fn withhold(&mut self, events: &HashMap<String, Outcome>) {
        if events.is_empty() {
            return;
        }
        for at in 0..self.rows.len() {
            let Some(row) = self.rows.get_mut(at) else { continue };
            let Some(outcome) = row.event.id.as_ref().and_then(|id| events.get(id)) else { continue };
            let waits = self.writes.iter().any(|write| write.rows.contains(&at));
            if waits || row.outcome == Outcome::Skipped(SkipReason::NoTags) {
                row.outcome = outcome.clone();
            }
        }
        for write in &mut self.writes {
            let stays: Vec<bool> = write
                .rows
                .iter()
                .map(|at| {
                    self.rows
                        .get(*at)
                        .is_some_and(|row| row.event.id.as_ref().is_none_or(|id| !events.contains_key(id)))
                })
                .collect();
            retain(&mut write.write.items, &stays);
            retain(&mut write.rows, &stays);
            retain(&mut write.ages, &stays);
        }
        self.writes.retain(|write| !write.rows.is_empty());
    }

    /// Steps 8 and 9: writes, and gives each row its end. Writes of one wave have no resource in common.
    async fn write(&mut self, ports: &P, concurrency: NonZeroUsize) {
        for wave in waves(std::mem::take(&mut self.writes)) {
            let answers = wave.iter().map(|pending| async { ports.write(&pending.write).await });
            for (pending, answers) in wave.iter().zip(together(answers, concurrency).await) {
                self.answer(pending, answers);
            }
        }
        for (at, on) in std::mem::take(&mut self.relies) {
            let failed = self.rows.get(on).map(|row| row.outcome.clone()).filter(Outcome::is_returned);
            if let (Some(outcome), Some(row)) = (failed, self.rows.get_mut(at)) {
                row.outcome = outcome;
            }
        }
    }

    fn answer(&mut self, pending: &Pending, answers: Vec<Result<(), BackendError>>) {
        for ((at, age), answer) in pending.rows.iter().zip(&pending.ages).zip(answers) {
            if let Some(row) = self.rows.get_mut(*at) {
                row.outcome = answer.map_or_else(|error| error.outcome(*age), |()| Outcome::Tagged);
            }
        }
    }
}

impl<P> Present for Batch<'_, P> {
    /// What was there before, and over it what this batch has decided to write.
    fn tags_of(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let name = resource.key();
        let mut tags = self.tags_before(resource)?;
        let last = self.last.get(&name).filter(|last| last.write.is_some());
        if let Some(row) = last.and_then(|last| self.rows.get(last.row)) {
            tags.retain(|(key, _)| row.tags.get(key).is_none());
            tags.extend(row.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        Ok(tags)
    }

    fn tags_before(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let not_asked = || Err(BackendError::new(ErrorClass::Invalid, "reading tags", "NotAsked"));
        self.before.get(&resource.key()).cloned().unwrap_or_else(not_asked)
    }
}

/// Keeps the elements whose place says so.
fn retain<T>(elements: &mut Vec<T>, stays: &[bool]) {
    let mut stays = stays.iter();
    elements.retain(|_| stays.next().copied().unwrap_or_default());
}

/// Writes that may go at the same time: a resource is in each wave at most once, in the order of its writes.
fn waves(writes: Vec<Pending>) -> Vec<Vec<Pending>> {
    let mut waves: Vec<Vec<Pending>> = Vec::new();
    let mut next: HashMap<ResourceKey, usize> = HashMap::new();
    for pending in writes {
        let names: Vec<ResourceKey> = pending.write.items.iter().map(|item| item.resource.key()).collect();
        let at = names.iter().filter_map(|name| next.get(name).copied()).max().unwrap_or_default();
        next.extend(names.into_iter().map(|name| (name, at + 1)));
        match waves.get_mut(at) {
            Some(wave) => wave.push(pending),
            None => waves.push(vec![pending]),
        }
    }
    waves
}

fn row(
    event: &Arc<crate::outcome::EventSummary>,
    resource: &Resource,
    owner: Option<&Arc<Owner>>,
    outcome: Outcome,
) -> Row {
    Row {
        resource_type: Some(resource.resource_type.clone()),
        resource: Some(resource.clone()),
        owner: owner.map(Arc::clone),
        ..Row::of_event(Arc::clone(event), outcome)
    }
}

#[cfg(test)]
mod tests;
