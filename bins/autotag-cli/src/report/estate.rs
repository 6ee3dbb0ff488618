//! Joins inventory, creations and costs into one list of resources, each with its class.

mod places;

use super::class::{Class, Facts, Gap, Maker, Verdict, classify};
use super::cost::{Charged, Costs};
use super::created::Created;
use super::entry::{Entry, service_of};
use super::fix::Fix;
use super::identity::{Identity, compare};
use super::inventory::{Item, Tags};
use super::made::{Creations, Found, Made};
use super::money::Money;
use autotag_handlers::catalog::Catalog;
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, ResourceKey};
use jiff::Timestamp;
use places::Places;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Costs of no resource of the report.
#[derive(Debug)]
pub(crate) struct OtherCost {
    pub(crate) charged: Charged,
    pub(crate) cost: Money,
}

/// All resources, and costs without one.
#[derive(Debug, Default)]
pub(crate) struct Estate {
    pub(crate) entries: Vec<Entry>,
    pub(crate) other_costs: Vec<OtherCost>,
    /// Rows of the inventory that name a resource that an earlier row names.
    pub(crate) listed_again: u64,
    pub(crate) has_inventory: bool,
    pub(crate) has_trail: bool,
    /// The rows that would repair the identity tags, if the creations have kept their rows.
    pub(crate) fix: Fix,
}

impl Estate {
    /// The resources that count: those of the inventory, and without one all that the ledger does not have as deleted.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.listed != Some(false) && entry.deleted.is_none())
    }

    /// All costs: those of resources, and those without one.
    pub(crate) fn costs(&self) -> Money {
        let mut all = self.costs_without_resource();
        for entry in &self.entries {
            all.append(&entry.cost);
        }
        all
    }

    pub(crate) fn costs_without_resource(&self) -> Money {
        let mut others = Money::default();
        for other in &self.other_costs {
            others.append(&other.cost);
        }
        others
    }

    pub(crate) fn count(&self, class: Class) -> usize {
        self.counted().filter(|entry| entry.class() == class).count()
    }
}

/// The inputs of the classes, besides the resources.
#[derive(Debug)]
pub(crate) struct Joiner<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) coverage: &'a Coverage,
    /// The keys of tags in which people declare an owner.
    pub(crate) owner_tags: &'a [String],
    verdicts: HashSet<Arc<Verdict>>,
}

/// The types that the catalogue has rules for.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    types: HashSet<String>,
    services: HashSet<String>,
}

impl Coverage {
    /// # Errors
    /// A file of the catalogue cannot be used.
    pub(crate) fn of(catalog: &Catalog) -> anyhow::Result<Self> {
        let mut coverage = Self::default();
        for service in catalog.services()? {
            for rule in &service.rules {
                let of_type = rule.resource_type.split("::").nth(1).map(str::to_lowercase);
                let kinds =
                    rule.arn.iter().filter_map(|arn| arn.as_str().split(':').nth(2).map(str::to_owned));
                coverage.services.extend(of_type.into_iter().chain(kinds));
                coverage.types.insert(rule.resource_type.clone());
            }
        }
        Ok(coverage)
    }

    /// True if no rule can find the resource. Types that are not named as in `CloudFormation` are judged by their service.
    fn lacks(&self, resource: &Resource) -> bool {
        let kind = resource.resource_type.as_str();
        if kind.starts_with("AWS::") {
            !self.types.contains(kind)
        } else {
            !self.services.contains(&service_of(resource))
        }
    }
}

impl<'a> Joiner<'a> {
    pub(crate) fn new(policy: &'a Policy, coverage: &'a Coverage, owner_tags: &'a [String]) -> Self {
        Self { policy, coverage, owner_tags, verdicts: HashSet::new() }
    }

    /// Joins what is known. Costs are taken out of `costs`; what is left in it is of no resource.
    pub(crate) fn join(
        &mut self,
        items: Option<Vec<Item>>,
        mut creations: Option<Creations>,
        costs: Costs,
    ) -> Estate {
        let mut estate =
            Estate { has_inventory: items.is_some(), has_trail: creations.is_some(), ..Estate::default() };
        let trail = creations.as_ref().map(Trail::of);
        let mut listed: HashMap<ResourceKey, usize> = HashMap::new();
        let mut ambiguous: HashSet<usize> = HashSet::new();
        for item in items.into_iter().flatten() {
            let key = item.resource.key();
            if let Some(first) = listed.get(&key).copied() {
                estate.listed_again += 1;
                let tags = estate.entries.get(first).and_then(|entry| entry.tags.as_ref());
                if item.tags.is_some() && item.tags.as_ref() != tags {
                    ambiguous.insert(first);
                }
                continue;
            }
            let place = estate.entries.len();
            listed.insert(key, place);
            let mut found =
                creations.as_mut().map_or(Found::None, |all| all.take(&item.resource, item.created));
            let row = found.take_row();
            let entry = self.entry(item, found, trail.as_ref());
            if entry.deleted.is_none() {
                estate.fix.note(place, &entry, row, self.policy);
            }
            estate.entries.push(entry);
        }
        estate.fix.leave_out(&ambiguous);
        let listed = estate.has_inventory.then_some(false);
        for made in creations.iter_mut().flat_map(Creations::rest) {
            let item = Item { resource: made.resource.clone(), created: None, tags: None };
            let entry = self.entry(item, Found::Creation(Box::new(made)), trail.as_ref());
            estate.entries.push(Entry { listed, ..entry });
        }
        charge(&mut estate, costs);
        estate
    }

    fn entry(&mut self, item: Item, found: Found, trail: Option<&Trail>) -> Entry {
        let Item { mut resource, created, tags } = item;
        let (made, reused, is_of_other_time) = match found {
            Found::Creation(made) => (Some(*made), None, false),
            Found::Reused(time) => (None, Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()), false),
            Found::OtherTime => (None, None, true),
            Found::None => (None, None, false),
        };
        let declared = tags.as_ref().and_then(|tags| self.declared(tags)).map(str::to_owned);
        let identity = self.identity(made.as_ref(), tags.as_ref());
        let ledger = made.as_ref().and_then(|made| made.ledger.clone());
        let facts = Facts {
            maker: made.as_ref().map(|made| Maker { written: made.written.as_deref(), ..made.maker.maker() }),
            declared: declared.as_deref(),
            identity,
            by_service: is_by_service(&resource, tags.as_ref()),
            changed_by: ledger.as_ref().and_then(|facts| facts.changed_by.as_deref()),
            is_refused: ledger.as_ref().is_some_and(|facts| facts.is_refused),
            unwritten: self.unwritten(made.as_ref(), tags.as_ref()),
            gap: match &reused {
                Some(time) => Gap::Deleted(time),
                None if is_of_other_time => Gap::OtherTime,
                None => self.gap(&resource, created, trail),
            },
        };
        let verdict = self.shared(classify(&facts));
        if let Some(made) = &made
            && !resource.resource_type.starts_with("AWS::")
        {
            resource.resource_type.clone_from(&made.resource.resource_type);
        }
        let (time, event_id, event, maker) = match made {
            Some(made) => (made.time, made.event_id, Some(made.event), Some(made.maker)),
            None => (None, None, None, None),
        };
        let deleted = ledger.as_ref().and_then(|facts| facts.deleted).map(|deleted| deleted.time);
        Entry {
            resource,
            listed: Some(deleted.is_none()),
            created: time.or(created.map(|created| created.first)),
            event_id,
            event,
            maker,
            declared,
            tags,
            verdict,
            cost: Money::default(),
            state: ledger.map(|facts| facts.state),
            deleted,
        }
    }

    fn identity(&self, made: Option<&Made>, tags: Option<&Tags>) -> Identity {
        let (Some(made), Some(tags)) = (made, tags.filter(|tags| !self.is_opted_out(tags))) else {
            return Identity::NotCompared;
        };
        match compare(&made.expected(self.policy.owner_key()), tags) {
            // Then `--fix` replaces other values.
            Identity::Other if self.policy.replace_existing => Identity::Missing,
            identity => identity,
        }
    }

    /// Why autotag writes no tags to a resource, if so.
    fn unwritten<'m>(&self, made: Option<&'m Made>, tags: Option<&Tags>) -> Option<&'m str> {
        match tags {
            Some(tags) if self.is_opted_out(tags) => Some("the resource carries the opt-out tag"),
            _ => made?.unwritten.as_deref(),
        }
    }

    fn is_opted_out(&self, tags: &Tags) -> bool {
        let value = self.policy.opt_out.as_ref().and_then(|key| tags.get(key));
        value.is_some_and(|value| !value.eq_ignore_ascii_case("false"))
    }

    /// The value of the first owner tag that is not blank.
    fn declared<'t>(&self, tags: &'t Tags) -> Option<&'t str> {
        let value = |key: &String| {
            let in_another_case = tags.iter().filter(|(tag, _)| tag.trim().eq_ignore_ascii_case(key));
            let values = tags.get(key).into_iter().chain(in_another_case.map(|(_, value)| value));
            values.map(|value| value.trim()).find(|value| !value.is_empty())
        };
        self.owner_tags.iter().find_map(value)
    }

    fn gap<'t>(&self, resource: &'t Resource, created: Option<Created>, trail: Option<&'t Trail>) -> Gap<'t> {
        let Some(trail) = trail else { return Gap::NoTrail };
        if self.coverage.lacks(resource) {
            return Gap::NoRule;
        }
        if trail.is_ledger {
            return Gap::NotInLedger;
        }
        let first = trail.first.as_ref();
        match (created, first, &resource.account) {
            (Some(created), Some((first, day)), _) if created.last < *first => Gap::BeforeTrail(day),
            (.., Some(account)) if !trail.accounts.contains(account.as_str()) => {
                Gap::OtherAccount(account.as_str())
            }
            _ => Gap::NotFound(first.map(|(_, day)| day.as_str())),
        }
    }

    /// Few verdicts differ.
    fn shared(&mut self, verdict: Verdict) -> Arc<Verdict> {
        if let Some(known) = self.verdicts.get(&verdict) {
            return Arc::clone(known);
        }
        let new = Arc::new(verdict);
        self.verdicts.insert(Arc::clone(&new));
        new
    }
}

/// The time and the accounts of a trail.
struct Trail {
    /// The time of the first creation, and its day. Records that create nothing may be older: they are only counted.
    first: Option<(Timestamp, String)>,
    accounts: HashSet<String>,
    /// It is a ledger, which does not say how far back it goes.
    is_ledger: bool,
}

impl Trail {
    fn of(creations: &Creations) -> Self {
        let first = creations.span.map(|(first, _)| (first, first.strftime("%Y-%m-%d").to_string()));
        let (accounts, is_ledger) = (creations.accounts.iter().cloned().collect(), creations.is_ledger_alone);
        Self { first, accounts, is_ledger }
    }
}

/// Tags that only AWS can set, where one of its services makes resources for another one.
const TAGS_OF_SERVICES: [&str; 5] = [
    "aws:autoscaling:groupName",
    "aws:ec2:fleet-id",
    "aws:ec2spot:fleet-request-id",
    "aws:batch:compute-environment",
    "aws:elasticmapreduce:job-flow-id",
];

fn is_by_service(resource: &Resource, tags: Option<&Tags>) -> bool {
    let by_arn = resource.arn.as_ref().is_some_and(|arn| {
        arn.account_field() == "aws"
            || (arn.service() == "iam" && arn.resource().starts_with("role/aws-service-role/"))
    });
    by_arn || tags.is_some_and(|tags| TAGS_OF_SERVICES.iter().any(|key| tags.contains_key(*key)))
}

/// Gives each cost to its resource. Every cost ends in exactly one place.
fn charge(estate: &mut Estate, costs: Costs) {
    let places = Places::of(&estate.entries);
    let mut others = Vec::new();
    for (charged, cost) in costs.by_resource {
        let at = places.find(&charged, &estate.entries);
        let entry = at.and_then(|at| estate.entries.get_mut(at));
        if !entry.is_some_and(|entry| entry.cost.append(&cost)) {
            others.push(OtherCost { charged, cost });
        }
    }
    others.extend(costs.without_account.into_iter().map(|(charged, cost)| OtherCost { charged, cost }));
    others.sort_by(|one, other| one.charged.cmp(&other.charged));
    estate.other_costs = others;
}

#[cfg(test)]
pub(super) mod tests;
