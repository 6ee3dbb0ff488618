//! The owners of creations: those that a plan of the same creations has.

use super::finding::{FoundCreation, Newness};
use crate::backend::BackendReader;
use crate::outcome::{Outcome, SkipReason};
use crate::owner;
use crate::plan::{PlannedResource, Planner};
use crate::records::{ClassifiedRecords, PlanRequest};
use crate::row::{OriginId, ResourceOutcome, Status as _};
use crate::services::{Repeat, TagTarget};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::rule::{Resource, ResourceKey};
use jiff::Timestamp;
use session_store::SessionReader;
use std::collections::HashMap;
use std::sync::Arc;

/// What a plan does not carry into its rows.
struct OfRequest {
    principal: Principal,
    /// Whether the call made the resource, and whether the caller named it.
    newness: HashMap<ResourceKey, (Newness, bool)>,
    /// Resources that AWS cannot tag. They have an owner all the same.
    untaggable: Vec<ResourceOutcome>,
}

/// Every resource of these creations with its owner.
pub(super) async fn evaluate(
    policy: &Policy,
    mut creations: Vec<PlanRequest>,
    sessions: &dyn SessionReader,
    backend: &dyn BackendReader,
) -> Vec<FoundCreation> {
    let mut of_requests = Vec::with_capacity(creations.len());
    for (number, request) in creations.iter_mut().enumerate() {
        request.origin = OriginId(number);
        of_requests.push(OfRequest::of(request));
    }
    let mut records = ClassifiedRecords::default();
    records.creations = creations;
    // Nothing is retried, so the time does not matter.
    let plan = Planner::new(policy, sessions, backend, Timestamp::UNIX_EPOCH).plan(records).await;
    let rows = plan.into_resources().filter_map(|row| {
        let of = of_requests.get(row.origin.0)?;
        of.found(row)
    });
    let mut found: Vec<FoundCreation> = rows.collect();
    for of in of_requests {
        for row in of.untaggable {
            let Some(resource) = row.resource else { continue };
            let resolved = owner::resolve(&of.principal, &policy.trust, sessions, backend).await;
            let (owner, why_not) = match resolved {
                Ok(owner) => (Some(Arc::new(owner)), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let creation = FoundCreation::new(resource, row.event, of.principal.clone(), owner);
            found.push(FoundCreation { why_not, ..creation });
        }
    }
    found
}

impl OfRequest {
    fn of(request: &PlanRequest) -> Self {
        let creation = &request.creation;
        let targets = creation.targets.iter();
        let untaggable = |row: &&ResourceOutcome| {
            matches!(row.status, Outcome::Skipped(SkipReason::CannotTag(_))) && row.resource.is_some()
        };
        Self {
            principal: creation.principal.clone(),
            newness: targets
                .map(|target| (target.resource.key(), (newness(target), target.rule.is_named_by_caller())))
                .collect(),
            untaggable: creation.rejected.iter().filter(untaggable).cloned().collect(),
        }
    }

    /// The creation that a row of the plan tells of. Copies of an event, and resources that nobody knows by their id, are none.
    fn found(&self, row: PlannedResource) -> Option<FoundCreation> {
        let why_not = row.owner.is_none().then(|| row.status.reason()).flatten();
        if let Some(Outcome::Skipped(
            SkipReason::Duplicate | SkipReason::CannotTag(_) | SkipReason::AccountsDisagree(_),
        )) = row.status.outcome()
        {
            return None;
        }
        let resource: Resource = row.resource?;
        // A related resource is made by the call that made the one it comes with.
        let known = self.newness.get(&resource.key()).copied();
        let (newness, is_named_by_caller) = known.unwrap_or((Newness::New, false));
        let creation = FoundCreation::new(resource, row.event, self.principal.clone(), row.owner);
        Some(FoundCreation { why_not, newness, is_named_by_caller, ..creation })
    }
}

fn newness(target: &TagTarget) -> Newness {
    match target.repeat {
        _ if target.is_older => Newness::Older,
        _ if target.may_have_existed => Newness::MayHaveExisted,
        Repeat::Possible => Newness::MayRepeat(None),
        Repeat::IfCreatedEarlier(created) => Newness::MayRepeat(Some(created)),
        Repeat::No => Newness::New,
    }
}
