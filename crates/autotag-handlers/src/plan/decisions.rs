//! Decides about the creations of a plan one after the other, in the order of their events.

use super::asked::{AskedPart, ExistingTags, ResolvedCreation};
use super::decide::{Decided, Knowledge, Resolved, decide};
use super::earlier::{Earlier, EarlierRow};
use super::value::{Action, Plan, PlannedResource, RowNumber};
use crate::backend::Tags;
use crate::error::{BackendError, ErrorClass};
use crate::outcome::{Outcome, SkipReason};
use crate::owner::Owner;
use crate::records::PlanRequest;
use crate::row::{ResourceOutcome, Row};
use crate::services::{CREATION_SKEW, Repeat, TagTarget};
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, ResourceKey};
use autotag_model::tags::TagSet;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// The plan in the making. Each decision sees those before it.
pub(super) struct Decisions<'a> {
    policy: &'a Policy,
    before: ExistingTags,
    plan: Plan,
    next: RowNumber,
    /// The last row of each resource that is written, or that could not be decided.
    last: HashMap<ResourceKey, RowNumber>,
    /// The owner of each resource that was decided.
    owners: HashMap<ResourceKey, Arc<Owner>>,
    /// The decisions of earlier parts.
    earlier: Earlier,
}

impl<'a> Decisions<'a> {
    pub(super) fn new(policy: &'a Policy) -> Self {
        Self {
            policy,
            before: ExistingTags::new(),
            plan: Plan::default(),
            next: 0,
            last: HashMap::new(),
            owners: HashMap::new(),
            earlier: Earlier::default(),
        }
    }

    /// Decides about the creations of a part.
    pub(super) fn part(&mut self, part: AskedPart) {
        self.before = part.before;
        for (creation, duplicates) in part.creations {
            match creation {
                Ok(creation) => self.creation(creation),
                Err(failed) => self.unresolved(*failed),
            }
            self.settle_all(duplicates);
        }
    }

    pub(super) fn into_plan(self) -> Plan {
        self.plan
    }

    /// Takes the rows of the part. Of its resources those are remembered that later parts name.
    pub(super) fn end_part(&mut self, is_named_later: &dyn Fn(&ResourceKey) -> bool) -> Plan {
        for (key, number) in self.last.drain().filter(|(key, _)| is_named_later(key)) {
            if let Some(row) = self.plan.rows.get(&number) {
                self.earlier.remember_row(&key, number, row);
            }
        }
        for (key, owner) in self.owners.drain().filter(|(key, _)| is_named_later(key)) {
            self.earlier.remember_owner(&key, &owner);
        }
        std::mem::take(&mut self.plan)
    }

    /// The rows of earlier parts of which a later creation has taken the write out of the plan.
    pub(super) fn take_replaced(&mut self) -> Vec<RowNumber> {
        self.earlier.take_replaced()
    }

    pub(super) fn settle_all(&mut self, rows: Vec<ResourceOutcome>) {
        for row in rows {
            let _ = self.push(row.map_status(Action::settled));
        }
    }

    fn push(&mut self, row: PlannedResource) -> RowNumber {
        let number = self.next;
        self.plan.rows.insert(number, row);
        self.next += 1;
        number
    }

    /// Notes the last row of a resource. What an earlier part has decided about it does not count any more.
    fn set_last(&mut self, key: ResourceKey, number: RowNumber) {
        self.earlier.forget_row(&key);
        self.last.insert(key, number);
    }

    /// A creation whose owner is not known.
    fn unresolved(&mut self, (request, outcome): (PlanRequest, Outcome)) {
        let PlanRequest { creation, origin, .. } = request;
        self.settle_all(creation.rejected);
        for target in creation.targets {
            self.replace_namesake(&target);
            let made = target.made();
            let row = Row::of_resource(Arc::clone(&creation.event), target.resource, outcome.clone());
            let (requested, made) = (Some(target.requested), Some(made));
            self.fail(Row { origin, requested, made, ..row.by_rule_of(target.rule.evidence) });
        }
    }

    fn creation(&mut self, creation: ResolvedCreation) {
        let ResolvedCreation { mut request, resolved, related } = creation;
        let mut rejected = std::mem::take(&mut request.creation.rejected);
        for row in rejected.iter_mut().filter(|row| row.cannot_be_tagged()) {
            row.owner = Some(Arc::clone(&resolved.owner));
        }
        self.settle_all(rejected);
        for target in request.creation.targets.iter().chain(&related.targets) {
            self.target(&request, &resolved, target);
        }
        for (target, why) in related.unknown {
            self.unknown(&request, &resolved, &target, why);
        }
        let event = |status| Row {
            origin: request.origin,
            ..Row::of_event(Arc::clone(&request.creation.event), status)
        };
        for (resource_type, outcome) in related.failed {
            let row = event(Action::settled(outcome));
            let _ = self.push(Row { resource_type: Some(resource_type.to_owned()), ..row });
        }
    }

    /// A row that could not be decided. A later creation of the same resource must not win because of that.
    fn fail(&mut self, row: ResourceOutcome) {
        let key = row.resource.as_ref().map(Resource::key);
        let number = self.push(row.map_status(Action::settled));
        if let Some(key) = key {
            self.set_last(key, number);
        }
    }

    /// Takes the write to an earlier resource of the same name out of the plan: the creation of this one has replaced it, and
    /// its tags would be written to this one.
    fn replace_namesake(&mut self, target: &TagTarget) {
        if !target.replaces_its_namesake() {
            return;
        }
        let key = target.resource.key();
        match self.last.remove(&key) {
            Some(before) => {
                if let Some(row) = self.plan.rows.get_mut(&before) {
                    replace(row);
                }
            }
            None => self.earlier.replace(&key),
        }
    }

    fn target(&mut self, request: &PlanRequest, resolved: &Resolved, target: &TagTarget) {
        self.replace_namesake(target);
        let row = |status: Outcome| Row {
            origin: request.origin,
            owner: Some(Arc::clone(&resolved.owner)),
            evidence: Some(target.rule.evidence),
            requested: Some(target.requested.clone()),
            made: Some(target.made()),
            ..Row::of_resource(Arc::clone(&request.creation.event), target.resource.clone(), status)
        };
        if let Some(outcome) = self.unresolved_dependency(target) {
            return self.fail(row(outcome));
        }
        let decided = match decide(self.policy, request, resolved, target, self) {
            Ok(decided) => decided,
            Err(outcome) => return self.fail(row(outcome)),
        };
        let key = target.resource.key();
        let Decided { tags, all, notes, owner, lacking, nothing } = decided;
        self.owners.insert(key.clone(), Arc::clone(&owner));
        let action = match nothing {
            Some(outcome) => Action::Settled { outcome, depends_on: self.last_number(&key) },
            None if !self.policy.writes_to(&request.creation.event.source) => {
                Action::settled(Outcome::Skipped(SkipReason::NotOptedIn))
            }
            None if !self.policy.writes_by(target.rule.evidence) => {
                Action::settled(Outcome::Skipped(SkipReason::DerivedRule))
            }
            None => Action::Tag(Box::new(target.taggable())),
        };
        let writes = matches!(action, Action::Tag(_));
        let row = Row::of_resource(Arc::clone(&request.creation.event), target.resource.clone(), action)
            .by_rule_of(target.rule.evidence);
        let origin = request.origin;
        let (requested, lacking) = (Some(target.requested.clone()), Some(lacking));
        let row = Row { origin, owner: Some(owner), tags, decided: all, notes, requested, lacking, ..row };
        let row = Row { made: Some(target.made()), ..row };
        let number = self.push(row);
        if writes {
            self.set_last(key, number);
        }
    }

    /// A resource whose id is not known: its tags are still decided.
    fn unknown(&mut self, request: &PlanRequest, resolved: &Resolved, target: &TagTarget, why: String) {
        let event = Arc::clone(&request.creation.event);
        let resource_type = Some(target.resource.resource_type.clone());
        let evidence = Some(target.rule.evidence);
        let row =
            |status| Row { origin: request.origin, resource_type, evidence, ..Row::of_event(event, status) };
        let row = match decide(self.policy, request, resolved, target, self) {
            Ok(Decided { tags, all, notes, owner, lacking, .. }) => {
                let (requested, lacking) = (Some(target.requested.clone()), Some(lacking));
                let owner = Some(owner);
                Row { tags, decided: all, notes, owner, requested, lacking, ..row(Action::LookUp(why)) }
            }
            Err(outcome) => row(Action::settled(outcome)),
        };
        let _ = self.push(row);
    }

    fn last_number(&self, key: &ResourceKey) -> Option<RowNumber> {
        self.last.get(key).copied().or_else(|| self.earlier.number(key))
    }

    /// The tags of the last row that writes to the resource, and the time of its event.
    fn written(&self, resource: &Resource) -> Option<(&TagSet, Option<Timestamp>)> {
        let key = resource.key();
        let Some(number) = self.last.get(&key) else {
            return match self.earlier.row(&key)? {
                EarlierRow::Writes { tags, time } => Some((tags, *time)),
                EarlierRow::Fails(_) | EarlierRow::Settled => None,
            };
        };
        let row = self.plan.rows.get(number)?;
        matches!(row.status, Action::Tag(_)).then(|| (&row.tags, row.event.timestamp()))
    }

    /// The outcome of the last row of the resource, if it could not be decided.
    fn failure(&self, resource: &Resource) -> Option<Outcome> {
        let key = resource.key();
        match self.last.get(&key) {
            Some(number) => self.plan.rows.get(number)?.status.failure().cloned(),
            None => match self.earlier.row(&key)? {
                EarlierRow::Fails(outcome) => Some((**outcome).clone()),
                EarlierRow::Writes { .. } | EarlierRow::Settled => None,
            },
        }
    }

    /// The outcome of a resource that depends on another one in this plan that could not be decided: on an earlier
    /// creation of the same resource, or on the parent whose owner it inherits.
    fn unresolved_dependency(&self, target: &TagTarget) -> Option<Outcome> {
        let may_be_known = target.may_have_owner() || target.repeat != Repeat::No;
        let same = may_be_known.then_some(&target.resource);
        let parent = target.parent.as_ref().map(|parent| &parent.resource);
        same.into_iter().chain(parent).find_map(|resource| self.failure(resource))
    }
}

/// Takes the write of a row out of the plan: a later call has written another object in its place.
pub(super) fn replace(row: &mut PlannedResource) {
    if matches!(row.status, Action::Tag(_)) {
        row.status = Action::settled(Outcome::Skipped(SkipReason::Replaced));
        row.tags = TagSet::new();
    }
}

impl Knowledge for Decisions<'_> {
    /// The tags before the plan, and over them those that the plan would write.
    fn tags_of(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let mut tags = self.tags_before(resource)?;
        if let Some((written, _)) = self.written(resource) {
            tags.retain(|(key, _)| written.get(key).is_none());
            tags.extend(pairs(written));
        }
        Ok(tags)
    }

    fn tags_before(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let not_asked = || Err(BackendError::new(ErrorClass::Invalid, "reading tags", "NotAsked"));
        self.before.get(&resource.key()).cloned().unwrap_or_else(not_asked)
    }

    fn planned_by_creator(&self, resource: &Resource, created: Timestamp) -> Option<Tags> {
        let (written, time) = self.written(resource)?;
        (created.duration_since(time?) <= CREATION_SKEW).then(|| pairs(written).collect())
    }

    fn decided_owner_is_provisional(&self, resource: &Resource) -> Option<bool> {
        let key = resource.key();
        let here = self.owners.get(&key).map(|owner| owner.pending.is_some());
        here.or_else(|| self.earlier.owner_is_provisional(&key))
    }
}

fn pairs(tags: &TagSet) -> impl Iterator<Item = (String, String)> {
    tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned()))
}
