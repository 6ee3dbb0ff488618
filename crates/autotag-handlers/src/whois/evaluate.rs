//! Finds the owners of creations. They are the owners that a plan of the same creations has.

use super::finding::FoundCreation;
use crate::backend::BackendReader;
use crate::outcome::{Outcome, SkipReason};
use crate::plan::{PlannedResource, Planner};
use crate::records::{ClassifiedRecords, PlanRequest};
use crate::row::{OriginId, Status as _};
use crate::services::Made;
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use jiff::Timestamp;
use session_store::SessionReader;

/// Every resource of these creations with its owner.
pub(super) async fn evaluate(
    policy: &Policy,
    mut creations: Vec<PlanRequest>,
    sessions: &dyn SessionReader,
    backend: &dyn BackendReader,
) -> Vec<FoundCreation> {
    // A plan does not carry the principals into its rows.
    let mut principals = Vec::with_capacity(creations.len());
    for (number, request) in creations.iter_mut().enumerate() {
        request.set_origin(OriginId(number));
        principals.push(request.creation.principal.clone());
    }
    let mut records = ClassifiedRecords::default();
    records.creations = creations;
    // Nothing is retried, so the time does not matter.
    let plan = Planner::new(policy, sessions, backend, Timestamp::UNIX_EPOCH).plan(records).await;
    plan.into_resources().filter_map(|row| found(principals.get(row.origin.0)?, row)).collect()
}

/// The creation that a row of the plan tells of. Copies of an event, and resources whose id is not known, are none.
fn found(principal: &Principal, row: PlannedResource) -> Option<FoundCreation> {
    let why_not = row.owner.is_none().then(|| row.status.reason()).flatten();
    if let Some(Outcome::Skipped(SkipReason::Duplicate | SkipReason::AccountsDisagree(_))) =
        row.status.outcome()
    {
        return None;
    }
    // A related resource, and one that AWS cannot tag, is made by the call.
    let Made { newness, is_named_by_caller } = row.made.unwrap_or_default();
    let creation = FoundCreation::new(row.resource?, row.event, principal.clone(), row.owner);
    Some(FoundCreation { why_not, newness, is_named_by_caller, ..creation })
}
