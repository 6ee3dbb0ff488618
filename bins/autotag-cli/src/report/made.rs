//! Facts of a trail about resources: who made each, when, and with what proof.

use super::class::Maker;
use super::created::Created;
use super::identity::Expected;
use super::inventory::key_without_arn;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::owner::{MissingEvidence, Owner, OwnerSource, Proof};
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_handlers::row::Status as _;
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, ResourceKey};
use autotag_model::tags::TagSet;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The creation of a resource.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) resource: Resource,
    pub(crate) time: Option<Timestamp>,
    pub(crate) event_id: Option<String>,
    /// `ec2:RunInstances`
    pub(crate) event: Arc<str>,
    pub(crate) maker: Arc<MakerFacts>,
    /// The owner's name as the policy writes it: a tag cannot have every character.
    pub(crate) written: Option<String>,
    /// The identity tags that the policy enforces for the creation.
    identity: Vec<(String, String)>,
    /// Its other identity tags, which callers may declare.
    free: Vec<(String, String)>,
    /// Why no tags are written to the resource, if so.
    pub(crate) unwritten: Option<Arc<str>>,
    /// Facts that a ledger adds; `None` if no ledger knows the resource.
    pub(crate) ledger: Option<LedgerFacts>,
    /// The row of the plan, if rows are kept.
    row: Option<Box<PlannedResource>>,
}

/// Facts of a ledger about a resource besides its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LedgerFacts {
    /// How its tags ended.
    pub(crate) state: &'static str,
    /// True if tags were refused, until an operator changes something.
    pub(crate) is_refused: bool,
    /// Its deletion, if nothing was made under its name since.
    pub(crate) deleted: Option<Deleted>,
    /// The principal that changed its identity tags last, if autotag has not written them again.
    pub(crate) changed_by: Option<Arc<str>>,
}

/// The deletion of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deleted {
    pub(crate) time: Timestamp,
    /// True if the resource had a name that can be used again.
    pub(crate) is_by_name: bool,
}

/// The stored facts about an owner. Most resources share theirs with others.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MakerFacts {
    pub(crate) name: Option<String>,
    pub(crate) proof: Option<Proof>,
    pub(crate) source: Option<&'static str>,
    pub(crate) account: Option<String>,
    pub(crate) person: Option<String>,
    pub(crate) claimed: Option<String>,
    pub(crate) channel: Option<String>,
    is_service: bool,
    misses_session: bool,
    may_have_found: bool,
    undecided: Option<String>,
}

impl MakerFacts {
    fn new(owner: Option<&Owner>, may_have_found: bool, undecided: Option<String>) -> Self {
        let Some(owner) = owner else { return Self { may_have_found, undecided, ..Self::default() } };
        let misses = |pending: &autotag_handlers::owner::PendingEvidence| {
            matches!(pending.missing, MissingEvidence::SessionRecord | MissingEvidence::Caller)
        };
        Self {
            name: owner.name.clone(),
            proof: owner.proof,
            source: owner.source.map(OwnerSource::as_str),
            account: owner.account.clone(),
            person: owner.person.clone(),
            claimed: owner.claimed.clone(),
            channel: owner.channel.as_ref().map(|channel| channel.as_str().to_owned()),
            is_service: owner.is_service(),
            misses_session: owner.pending.as_ref().is_some_and(misses),
            may_have_found,
            undecided,
        }
    }

    /// For the class.
    pub(crate) fn maker(&self) -> Maker<'_> {
        Maker {
            name: self.name.as_deref(),
            proof: self.proof,
            written: None,
            is_service: self.is_service,
            missing_session: self.misses_session.then(|| self.account.as_deref().unwrap_or_default()),
            may_have_found: self.may_have_found,
            undecided: self.undecided.as_deref(),
        }
    }
}

/// All creations of a trail. One entry a resource: if it was made again, the last creation counts.
#[derive(Debug, Default)]
pub(crate) struct Creations {
    all: Vec<Option<Made>>,
    by_key: HashMap<ResourceKey, usize>,
    /// By account, region, type and id; `None` if several resources have the same.
    by_id: HashMap<ResourceKey, Option<usize>>,
    makers: HashSet<Arc<MakerFacts>>,
    /// Names of events, and why no tags are written: few differ.
    texts: HashSet<Arc<str>>,
    /// The times of the first and the last creation.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    pub(crate) accounts: BTreeSet<String>,
    /// Creations of resources whose id only AWS knows.
    pub(crate) unnamed: u64,
    /// Creations of a resource that was there before.
    again: u64,
    /// Calls for a resource that certainly existed before.
    older: u64,
    /// The rows of the plan that are counted here, and those that have led to a resource.
    rows: u64,
    /// True if a ledger told all of it, and no trail.
    pub(crate) is_ledger_alone: bool,
    /// True if rows are kept, for a plan.
    keeps_rows: bool,
    /// The last owner with these facts: most calls of one owner lead to an equal one.
    owners: HashMap<Arc<MakerFacts>, Arc<Owner>>,
}

impl Creations {
    /// None yet. A plan can be made of them if their rows are kept.
    pub(crate) fn new(keeps_rows: bool) -> Self {
        Self { keeps_rows, ..Self::default() }
    }

    /// Takes a row of the plan. Rows come in the order of their events.
    pub(crate) fn add(&mut self, row: &PlannedResource, policy: &Policy, catalog: &Catalog) {
        let outcome = row.status.outcome();
        if !self.count(outcome) {
            return;
        }
        let time = row.event.timestamp();
        if let Some(time) = time {
            let (first, last) = self.span.unwrap_or((time, time));
            self.span = Some((first.min(time), last.max(time)));
        }
        if let Some(account) = row.account().filter(|account| !self.accounts.contains(*account)) {
            self.accounts.insert(account.to_owned());
        }
        let Some(resource) = &row.resource else {
            self.unnamed += 1;
            return;
        };
        let key = resource.key();
        let known = self.by_key.get(&key).copied();
        self.again += u64::from(known.is_some());
        if known.is_some() && !is_new(row, policy) {
            return;
        }
        let undecided = outcome.filter(|outcome| outcome.is_returned()).and_then(Outcome::reason);
        let unwritten = outcome.and_then(unwritten).map(|why| self.text(&why));
        let service = row.event.source.split('.').next().unwrap_or_default();
        let event = self.text(&format!("{service}:{}", row.event.name));
        let (identity, free) = identity_tags(row, policy);
        let written = policy.owner_key().and_then(|key| {
            row.decided.iter().find(|(tag, _)| tag.as_str() == key).map(|(_, value)| value.to_string())
        });
        let maker =
            self.maker(MakerFacts::new(row.owner.as_deref(), may_have_found(row, catalog), undecided));
        let made = Made {
            resource: resource.clone(),
            time,
            event_id: row.event.id.clone(),
            event,
            written,
            identity,
            free,
            unwritten,
            ledger: None,
            row: if self.keeps_rows { kept(row).map(|row| self.sharing_owner(row, &maker)) } else { None },
            maker,
        };
        match known.and_then(|at| self.all.get_mut(at)) {
            Some(place) => *place = Some(made),
            None => self.insert(key, made),
        }
    }

    /// Counts a row with this outcome. True if it tells of a creation.
    fn count(&mut self, outcome: Option<&Outcome>) -> bool {
        let is_older = outcome == Some(&Outcome::Skipped(SkipReason::Older));
        let is_replaced = outcome == Some(&Outcome::Skipped(SkipReason::Replaced));
        let is_creation = is_creation(outcome);
        self.older += u64::from(is_older);
        self.again += u64::from(is_replaced);
        self.rows += u64::from(is_older || is_replaced || is_creation);
        is_creation
    }

    fn insert(&mut self, key: ResourceKey, made: Made) {
        let at = self.all.len();
        let by_id = key_without_arn(&made.resource);
        self.by_id.entry(by_id).and_modify(|known| *known = None).or_insert(Some(at));
        self.by_key.insert(key, at);
        self.all.push(Some(made));
    }

    /// The creation of a resource of an inventory, which was created at `created` if that is known. It is taken out.
    pub(crate) fn take(&mut self, resource: &Resource, created: Option<Created>) -> Found {
        let Some(made) = self.place(resource) else { return Found::None };
        let fits = |made: &mut Made| is_same_time(made.time, created);
        match (made.take_if(fits), made.is_some()) {
            (Some(made), _) => match made.reused(created) {
                Some(time) => Found::Reused(time),
                None => Found::Creation(Box::new(made)),
            },
            (None, true) => Found::OtherTime,
            (None, false) => Found::None,
        }
    }

    fn place(&mut self, resource: &Resource) -> Option<&mut Option<Made>> {
        let by_id = || self.by_id.get(&key_without_arn(resource)).copied().flatten();
        let at = self.by_key.get(&resource.key()).copied().or_else(by_id)?;
        let made = self.all.get_mut(at)?;
        // Two ARNs are two resources, also if they share an id.
        let differs = |made: &Made| match (&made.resource.arn, &resource.arn) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        if made.as_ref().is_some_and(differs) { None } else { Some(made) }
    }

    /// The creations that were not taken, in the order of their events.
    pub(crate) fn rest(&mut self) -> impl Iterator<Item = Made> + '_ {
        self.all.iter_mut().filter_map(Option::take)
    }

    fn maker(&mut self, facts: MakerFacts) -> Arc<MakerFacts> {
        if let Some(known) = self.makers.get(&facts) {
            return Arc::clone(known);
        }
        let new = Arc::new(facts);
        self.makers.insert(Arc::clone(&new));
        new
    }

    fn sharing_owner(
        &mut self,
        mut row: Box<PlannedResource>,
        maker: &Arc<MakerFacts>,
    ) -> Box<PlannedResource> {
        if let Some(owner) = &mut row.owner {
            let known = self.owners.entry(Arc::clone(maker)).or_insert_with(|| Arc::clone(owner));
            if *known != *owner {
                *known = Arc::clone(owner);
            }
            *owner = Arc::clone(known);
        }
        row
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&new));
        new
    }

    /// The resources of a plan that are not in the report, by reason. The plan has `planned` resources.
    pub(crate) fn left_out(&self, planned: u64) -> [(u64, &'static str); 4] {
        [
            (self.unnamed, "that only AWS can name"),
            (self.again, "named again"),
            (self.older, "that existed before the call"),
            (planned.saturating_sub(self.rows), "whose records do not say enough"),
        ]
    }
}

/// The parts of a row that a plan needs; `None` if the row cannot lead to a write.
fn kept(row: &PlannedResource) -> Option<Box<PlannedResource>> {
    let proof = row.owner.as_ref().and_then(|owner| owner.proof);
    if !matches!((proof, &row.status), (Some(Proof::Person | Proof::Workload), Action::Tag(_))) {
        return None;
    }
    let mut row = row.clone();
    (row.tags, row.notes, row.lacking) = (TagSet::new(), Vec::new(), None);
    Some(Box::new(row))
}

impl Made {
    /// The identity tags that it leads to.
    pub(crate) fn expected<'a>(&'a self, owner_key: Option<&'a str>) -> Expected<'a> {
        let Self { identity, free, maker, .. } = self;
        Expected { enforced: identity, free, owner_key, may_have_found: maker.may_have_found }
    }

    /// When it was deleted, if what an inventory lists under its name, created at `created`, may have been made since.
    fn reused(&self, created: Option<Created>) -> Option<Timestamp> {
        let deleted = self.ledger.as_ref()?.deleted?;
        // Both times were compared, and are those of one resource.
        let is_the_same = self.time.is_some() && created.is_some();
        (deleted.is_by_name && !is_the_same).then_some(deleted.time)
    }
}

/// The result of a trail or a ledger for a resource of an inventory.
#[derive(Debug)]
pub(crate) enum Found {
    Creation(Box<Made>),
    /// The ledger says that the resource of this name was deleted then.
    Reused(Timestamp),
    /// A creation of the same name, at another time.
    OtherTime,
    None,
}

impl Found {
    /// The row of the plan, if rows are kept.
    pub(super) fn take_row(&mut self) -> Option<Box<PlannedResource>> {
        match self {
            Self::Creation(made) => made.row.take(),
            Self::Reused(_) | Self::OtherTime | Self::None => None,
        }
    }
}

/// How much later than the call a service may say that a resource was created: databases are, by minutes.
const LATER: SignedDuration = SignedDuration::from_hours(6);
/// How much earlier: clocks differ.
const EARLIER: SignedDuration = SignedDuration::from_mins(15);

/// True if a resource that was created at `created` can be the one of a call at `called`. A name can be used again.
fn is_same_time(called: Option<Timestamp>, created: Option<Created>) -> bool {
    let (Some(called), Some(created)) = (called, created) else { return true };
    created.first.duration_since(called) <= LATER && created.last.duration_since(called) >= -EARLIER
}

#[cfg(feature = "aws")]
mod known;
mod rows;

#[cfg(feature = "aws")]
pub(crate) use known::Known;
use rows::{identity_tags, is_creation, is_new, may_have_found, unwritten};

#[cfg(test)]
pub(super) mod tests;
