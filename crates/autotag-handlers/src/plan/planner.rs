//! Asks the backend about all creations of a part, before anything is decided about them.

use super::asked::{Asked, AskedPart, ExistingTags, ResolvedCreation};
use super::bounded::{CONCURRENCY, join_bounded};
use super::copies::Copies;
use super::decide::{Resolved, named_resources, resolve};
use super::decisions::Decisions;
use super::related::find_related;
use super::value::Plan;
use crate::backend::{BackendReader, TaggableResource};
use crate::dedup::{DedupReader, DedupSessions};
use crate::outcome::{Outcome, SkipReason};
use crate::records::{ClassifiedRecords, PlanRequest};
use crate::row::ResourceOutcome;
use autotag_model::policy::Policy;
use futures_util::future::join3;
use jiff::{SignedDuration, Timestamp};
use session_store::{OverlayStore, SessionReader};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

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
    backfill: bool,
    rechecks: bool,
}

impl std::fmt::Debug for Planner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { policy, now, concurrency, backfill, rechecks, .. } = self;
        f.debug_struct("Planner")
            .field("policy", policy)
            .field("now", now)
            .field("concurrency", concurrency)
            .field("backfill", backfill)
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
        let (concurrency, backfill, rechecks) = (CONCURRENCY, false, false);
        Self { policy, sessions, backend, now, concurrency, backfill, rechecks }
    }

    /// The same with at most so many questions to the backend at a time.
    #[must_use]
    pub fn concurrency(self, concurrency: NonZeroUsize) -> Self {
        Self { concurrency, ..self }
    }

    /// The same for old records: they prove that a resource was new then, not that it has no owner now.
    #[must_use]
    pub fn backfill(self, backfill: bool) -> Self {
        Self { backfill, ..self }
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
        oldest_first(&mut creations);
        let sessions = OverlayStore::with_sessions(self.sessions, &sessions);
        let planner = Planner { sessions: &sessions, ..*self };
        let asked = planner.ask(creations, &mut Copies::default()).await;
        let mut decisions = Decisions::new(self.policy);
        decisions.part(asked);
        decisions.settle_all(rejected);
        decisions.into_plan()
    }

    /// The policy of this planner.
    pub(super) fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Asks for the owner of each creation and, in the same wait, for the related resources and the existing tags of the
    /// resources that the records name; then for the existing tags of the others.
    pub(super) async fn ask(&self, mut creations: Vec<PlanRequest>, copies: &mut Copies) -> AskedPart {
        if self.backfill {
            for target in creations.iter_mut().flat_map(|request| &mut request.creation.targets) {
                target.is_backfill = true;
            }
        }
        let sessions = DedupSessions::new(self.sessions);
        let backend = DedupReader::new(self.backend);
        let requests = copies.deduplicate(creations);
        let unanswered: Vec<&PlanRequest> = requests.iter().map(|(request, _)| request).collect();
        let named = unanswered.iter().flat_map(|request| named_resources(self.policy, request));
        let owners = unanswered.iter().map(|request| self.resolve(request, &sessions, &backend));
        let none = ExistingTags::new();
        let (resolved, related, mut before) = join3(
            join_bounded(owners, self.concurrency),
            find_related(&unanswered, |request| self.age(request), &backend, self.concurrency),
            read_once(self.backend, named, &none),
        )
        .await;
        let answered = requests.into_iter().zip(resolved).zip(related);
        let creations: Vec<Asked> = answered
            .map(|(((request, duplicates), resolved), related)| match resolved {
                Ok(resolved) => (Ok(ResolvedCreation { request, resolved, related }), duplicates),
                Err(outcome) => (Err(Box::new((request, outcome))), duplicates),
            })
            .collect();
        let resolved = creations.iter().filter_map(|(creation, _)| creation.as_ref().ok());
        let queried = resolved.flat_map(|creation| creation.queried_resources(self.policy));
        let others = read_once(self.backend, queried, &before).await;
        before.extend(others);
        AskedPart { creations, before }
    }

    /// The owner of a creation; otherwise why it is not known.
    async fn resolve(
        &self,
        request: &PlanRequest,
        sessions: &dyn SessionReader,
        backend: &dyn BackendReader,
    ) -> Result<Resolved, Outcome> {
        let creation = &request.creation;
        let has_untaggable = creation.rejected.iter().any(ResourceOutcome::cannot_be_tagged);
        if creation.targets.is_empty() && !has_untaggable {
            // No target is left after deduplication, so there is nothing to resolve.
            return Err(Outcome::Skipped(SkipReason::Duplicate));
        }
        let mut resolved =
            resolve(self.policy, &request.creation, self.age(request), sessions, backend).await?;
        resolved.leaves_session_tags = self.rechecks && has_provisional_session(request, &resolved, self.now);
        Ok(resolved)
    }

    /// How old the event of a creation is.
    fn age(&self, request: &PlanRequest) -> Option<SignedDuration> {
        request.creation.event.timestamp().map(|time| self.now.duration_since(time))
    }
}

/// True if the record of another session may still arrive in which the call can have been made as well.
fn has_provisional_session(request: &PlanRequest, resolved: &Resolved, now: Timestamp) -> bool {
    let owner = &resolved.owner;
    let may_arrive = owner.pending.as_ref().is_some_and(|pending| pending.may_still_arrive(now));
    request.previous_tags.is_none() && owner.session_is_provisional && may_arrive
}

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
