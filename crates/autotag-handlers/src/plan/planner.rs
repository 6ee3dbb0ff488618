//! Asks about all creations first, then decides about one after the other.

use super::bounded::{CONCURRENCY, join_bounded};
use super::copies;
use super::decide::{Decided, Knowledge, Resolved, decide, named_resources, queried_resources, resolve};
use super::related::{RelatedTargets, find_related};
use super::value::{Action, Plan, PlannedResource, RowNumber};
use crate::backend::{BackendReader, TaggableResource, Tags};
use crate::dedup::{DedupReader, DedupSessions};
use crate::error::{BackendError, ErrorClass};
use crate::outcome::{Outcome, SkipReason};
use crate::owner::Owner;
use crate::records::{ClassifiedRecords, PlanRequest};
use crate::row::{ResourceOutcome, Row};
use crate::services::{CREATION_SKEW, Repeat, TagTarget};
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, ResourceKey};
use autotag_model::tags::TagSet;
use futures_util::future::join;
use jiff::Timestamp;
use session_store::{OverlayStore, SessionReader};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Puts creations in the order in which they are decided: the oldest event first. Within a second the id decides, so the
/// order of the input never does.
pub fn oldest_first(requests: &mut [PlanRequest]) {
    requests.sort_by_cached_key(|request| {
        let event = &request.creation.event;
        (event.timestamp(), event.id.clone())
    });
}

/// Makes plans.
#[derive(Clone, Copy)]
pub struct Planner<'a> {
    policy: &'a Policy,
    sessions: &'a dyn SessionReader,
    backend: &'a dyn BackendReader,
    now: Timestamp,
    concurrency: NonZeroUsize,
    may_have_existed: bool,
    rechecks: bool,
}

impl std::fmt::Debug for Planner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { policy, now, concurrency, may_have_existed, rechecks, .. } = self;
        f.debug_struct("Planner")
            .field("policy", policy)
            .field("now", now)
            .field("concurrency", concurrency)
            .field("may_have_existed", may_have_existed)
            .field("rechecks", rechecks)
            .finish_non_exhaustive()
    }
}

impl<'a> Planner<'a> {
    /// A planner that asks `sessions` and `backend`. `now` tells how old an event is: a resource that is not found may
    /// still be on its way for the first minutes.
    pub fn new(
        policy: &'a Policy,
        sessions: &'a dyn SessionReader,
        backend: &'a dyn BackendReader,
        now: Timestamp,
    ) -> Self {
        let (concurrency, may_have_existed, rechecks) = (CONCURRENCY, false, false);
        Self { policy, sessions, backend, now, concurrency, may_have_existed, rechecks }
    }

    /// The same with at most so many questions to the backend at a time.
    #[must_use]
    pub fn concurrency(self, concurrency: NonZeroUsize) -> Self {
        Self { concurrency, ..self }
    }

    /// The same for old records: they prove that a resource was new then, not that it has no owner now.
    #[must_use]
    pub fn backfill(self, backfill: bool) -> Self {
        Self { may_have_existed: backfill, ..self }
    }

    /// The same where every creation whose owner is provisional is [rechecked](crate::recheck). Its session tags are left to
    /// the recheck while the record of another session may show that they are another's: a tag that is written cannot be
    /// taken back.
    #[must_use]
    pub fn rechecks(self, rechecks: bool) -> Self {
        Self { rechecks, ..self }
    }

    /// Plans everything that was read. The sessions of the records count beside those of the store.
    pub async fn plan(&self, records: ClassifiedRecords) -> Plan {
        let ClassifiedRecords { sessions, mut creations, rejected, .. } = records;
        if self.may_have_existed {
            for target in creations.iter_mut().flat_map(|request| &mut request.creation.targets) {
                target.may_have_existed = true;
            }
        }
        oldest_first(&mut creations);
        let sessions = OverlayStore::with_sessions(self.sessions, &sessions);
        let (asked, before) = self.ask(creations, &sessions).await;
        let mut decisions = Decisions {
            policy: self.policy,
            before,
            plan: Plan::default(),
            last: HashMap::new(),
            owners: HashMap::new(),
        };
        for (creation, duplicates) in asked {
            match creation {
                Ok(creation) => decisions.creation(creation),
                Err(failed) => decisions.unresolved(*failed),
            }
            decisions.settle_all(duplicates);
        }
        decisions.settle_all(rejected);
        decisions.plan
    }

    /// Asks for the owner and the related resources of each creation, and meanwhile for the existing tags of the resources
    /// that the records name; then for those of the others.
    async fn ask(
        &self,
        creations: Vec<PlanRequest>,
        sessions: &dyn SessionReader,
    ) -> (Vec<Asked>, ExistingTags) {
        let sessions = DedupSessions::new(sessions);
        let backend = DedupReader::new(self.backend);
        let requests = copies::deduplicate(creations);
        let named: Vec<TaggableResource> =
            requests.iter().flat_map(|(request, _)| named_resources(self.policy, request)).collect();
        let questions = requests.into_iter().map(|(request, duplicates)| {
            let (sessions, backend) = (&sessions, &backend);
            async move { (self.resolve(request, sessions, backend).await, duplicates) }
        });
        let none = ExistingTags::new();
        let (asked, mut before) = join(
            join_bounded(questions, self.concurrency),
            read_once(self.backend, named.into_iter(), &none),
        )
        .await;
        let resolved = asked.iter().filter_map(|(creation, _)| creation.as_ref().ok());
        let queried = resolved.flat_map(|creation| creation.queried_resources(self.policy));
        let others = read_once(self.backend, queried, &before).await;
        before.extend(others);
        (asked, before)
    }

    /// The owner and the related resources of a creation; otherwise the creation, and why its owner is not known.
    async fn resolve(
        &self,
        request: PlanRequest,
        sessions: &dyn SessionReader,
        backend: &dyn BackendReader,
    ) -> Result<ResolvedCreation, Box<(PlanRequest, Outcome)>> {
        if request.creation.targets.is_empty() {
            // No target is left after deduplication, so there is nothing to resolve.
            return Err(Box::new((request, Outcome::Skipped(SkipReason::Duplicate))));
        }
        let age = request.creation.event.timestamp().map(|time| self.now.duration_since(time));
        match resolve(self.policy, &request.creation, age, sessions, backend).await {
            Ok(mut resolved) => {
                resolved.leaves_session_tags =
                    self.rechecks && has_provisional_session(&request, &resolved, self.now);
                let related = find_related(&request, age, backend).await;
                Ok(ResolvedCreation { request, resolved, related })
            }
            Err(outcome) => Err(Box::new((request, outcome))),
        }
    }
}

/// Whether the record of another session may still arrive in which the call can have been made as well.
fn has_provisional_session(request: &PlanRequest, resolved: &Resolved, now: Timestamp) -> bool {
    let owner = &resolved.owner;
    let may_arrive = owner.pending.as_ref().is_some_and(|pending| pending.may_still_arrive(now));
    request.previous_tags.is_none() && owner.session_is_provisional && may_arrive
}

/// The answer for one creation, and the rows of its duplicates.
type Asked = (Result<ResolvedCreation, Box<(PlanRequest, Outcome)>>, Vec<ResourceOutcome>);

/// The tags on resources before the plan.
type ExistingTags = HashMap<ResourceKey, Result<Tags, BackendError>>;

/// The tags on resources that are not known yet, each read once.
async fn read_once(
    backend: &dyn BackendReader,
    resources: impl Iterator<Item = TaggableResource>,
    known: &ExistingTags,
) -> ExistingTags {
    let mut seen = HashSet::new();
    let resources: Vec<TaggableResource> = resources
        .filter(|taggable| {
            let key = taggable.resource.key();
            !known.contains_key(&key) && seen.insert(key)
        })
        .collect();
    if resources.is_empty() {
        return HashMap::new();
    }
    let answers = backend.existing_tags(&resources).await;
    resources.iter().map(|taggable| taggable.resource.key()).zip(answers).collect()
}

/// A creation with its owner.
struct ResolvedCreation {
    request: PlanRequest,
    resolved: Resolved,
    related: RelatedTargets,
}

impl ResolvedCreation {
    /// The resources whose tags the decisions have to know.
    fn queried_resources(&self, policy: &Policy) -> Vec<TaggableResource> {
        let unknown = self.related.unknown.iter().map(|(target, _)| target);
        let targets = self.request.creation.targets.iter().chain(&self.related.targets).chain(unknown);
        targets.flat_map(|target| queried_resources(policy, &self.request, &self.resolved, target)).collect()
    }
}

/// The plan in the making. Each decision sees those before it.
struct Decisions<'a> {
    policy: &'a Policy,
    before: ExistingTags,
    plan: Plan,
    /// The last row of each resource that is written, or that could not be decided.
    last: HashMap<ResourceKey, RowNumber>,
    /// The owner of each resource that was decided.
    owners: HashMap<ResourceKey, Arc<Owner>>,
}

impl Decisions<'_> {
    fn settle_all(&mut self, rows: Vec<ResourceOutcome>) {
        for row in rows {
            let _ = self.plan.push(row.map_status(Action::settled));
        }
    }

    /// A creation whose owner is not known.
    fn unresolved(&mut self, (request, outcome): (PlanRequest, Outcome)) {
        let PlanRequest { creation, origin, .. } = request;
        self.settle_all(creation.rejected);
        for target in creation.targets {
            self.replace_namesake(&target);
            let row = Row::of_resource(Arc::clone(&creation.event), target.resource, outcome.clone());
            self.fail(Row { origin, ..row.by_rule_of(target.rule.evidence) });
        }
    }

    fn creation(&mut self, creation: ResolvedCreation) {
        let ResolvedCreation { mut request, resolved, related } = creation;
        self.settle_all(std::mem::take(&mut request.creation.rejected));
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
            let _ = self.plan.push(Row { resource_type: Some(resource_type.to_owned()), ..row });
        }
    }

    /// A row that could not be decided. A later creation of the same resource must not win because of that.
    fn fail(&mut self, row: ResourceOutcome) {
        let key = row.resource.as_ref().map(Resource::key);
        let number = self.plan.push(row.map_status(Action::settled));
        if let Some(key) = key {
            self.last.insert(key, number);
        }
    }

    /// Takes the write to an earlier resource of the same name out of the plan: the creation of this one has replaced it, and
    /// its tags would be written to this one.
    fn replace_namesake(&mut self, target: &TagTarget) {
        if !target.replaces_its_namesake() {
            return;
        }
        if let Some(before) = self.last.remove(&target.resource.key())
            && let Some(row) = self.plan.rows.get_mut(&before)
            && matches!(row.status, Action::Tag(_))
        {
            row.status = Action::settled(Outcome::Skipped(SkipReason::Replaced));
            row.tags = TagSet::new();
        }
    }

    fn target(&mut self, request: &PlanRequest, resolved: &Resolved, target: &TagTarget) {
        self.replace_namesake(target);
        let row = |status: Outcome| Row {
            origin: request.origin,
            owner: Some(Arc::clone(&resolved.owner)),
            evidence: Some(target.rule.evidence),
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
        let Decided { tags, all, notes, owner, nothing } = decided;
        self.owners.insert(key.clone(), Arc::clone(&owner));
        let action = match nothing {
            Some(outcome) => Action::Settled { outcome, depends_on: self.last.get(&key).copied() },
            None if !self.policy.writes_by(target.rule.evidence) => {
                Action::settled(Outcome::Skipped(SkipReason::DerivedRule))
            }
            None => Action::Tag(Box::new(target.taggable())),
        };
        let writes = matches!(action, Action::Tag(_));
        let row = Row::of_resource(Arc::clone(&request.creation.event), target.resource.clone(), action)
            .by_rule_of(target.rule.evidence);
        let origin = request.origin;
        let number = self.plan.push(Row { origin, owner: Some(owner), tags, decided: all, notes, ..row });
        if writes {
            self.last.insert(key, number);
        }
    }

    /// A resource whose id is not known: its tags are decided all the same.
    fn unknown(&mut self, request: &PlanRequest, resolved: &Resolved, target: &TagTarget, why: String) {
        let event = Arc::clone(&request.creation.event);
        let resource_type = Some(target.resource.resource_type.clone());
        let evidence = Some(target.rule.evidence);
        let row =
            |status| Row { origin: request.origin, resource_type, evidence, ..Row::of_event(event, status) };
        let row = match decide(self.policy, request, resolved, target, self) {
            Ok(Decided { tags, all, notes, owner, .. }) => {
                Row { tags, decided: all, notes, owner: Some(owner), ..row(Action::LookUp(why)) }
            }
            Err(outcome) => row(Action::settled(outcome)),
        };
        let _ = self.plan.push(row);
    }

    /// The last row that writes to the resource.
    fn written(&self, resource: &Resource) -> Option<&PlannedResource> {
        let row = self.plan.rows.get(self.last.get(&resource.key())?)?;
        matches!(row.status, Action::Tag(_)).then_some(row)
    }

    /// The outcome of a resource that depends on another one in this plan that could not be decided: on an earlier
    /// creation of the same resource, or on the parent whose owner it inherits.
    fn unresolved_dependency(&self, target: &TagTarget) -> Option<Outcome> {
        let may_be_known = target.may_have_existed || target.repeat != Repeat::No;
        let same = may_be_known.then_some(&target.resource);
        let parent = target.parent.as_ref().map(|parent| &parent.resource);
        let failure = |resource: &Resource| {
            let row = self.plan.rows.get(self.last.get(&resource.key())?)?;
            row.status.failure().cloned()
        };
        same.into_iter().chain(parent).find_map(failure)
    }
}

impl Knowledge for Decisions<'_> {
    /// The tags before the plan, and over them those that the plan would write.
    fn tags_of(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let mut tags = self.tags_before(resource)?;
        if let Some(row) = self.written(resource) {
            tags.retain(|(key, _)| row.tags.get(key).is_none());
            tags.extend(row.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        Ok(tags)
    }

    fn tags_before(&self, resource: &Resource) -> Result<Tags, BackendError> {
        let not_asked = || Err(BackendError::new(ErrorClass::Invalid, "reading tags", "NotAsked"));
        self.before.get(&resource.key()).cloned().unwrap_or_else(not_asked)
    }

    fn planned_by_creator(&self, resource: &Resource, created: Timestamp) -> Option<Tags> {
        let row = self.written(resource)?;
        let event = row.event.timestamp()?;
        (created.duration_since(event) <= CREATION_SKEW)
            .then(|| row.tags.pairs().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    fn decided_owner(&self, resource: &Resource) -> Option<Arc<Owner>> {
        self.owners.get(&resource.key()).cloned()
    }
}
