//! The answers to all questions about creations, collected before the first decision.

use super::decide::{Resolved, queried_resources};
use super::related::RelatedTargets;
use crate::backend::{TaggableResource, Tags};
use crate::error::BackendError;
use crate::outcome::Outcome;
use crate::records::PlanRequest;
use crate::row::ResourceOutcome;
use autotag_model::policy::Policy;
use autotag_model::rule::ResourceKey;
use std::collections::HashMap;

/// The answer for one creation, and the rows of its duplicates.
pub(super) type Asked = (Result<ResolvedCreation, Box<(PlanRequest, Outcome)>>, Vec<ResourceOutcome>);

/// Creations in the order of their events, with everything that is decided by.
#[derive(Debug)]
pub struct AskedPart {
    pub(super) creations: Vec<Asked>,
    pub(super) before: ExistingTags,
}

/// The tags on resources before the plan.
pub(super) type ExistingTags = HashMap<ResourceKey, Result<Tags, BackendError>>;

/// A creation with its owner.
#[derive(Debug)]
pub(super) struct ResolvedCreation {
    pub(super) request: PlanRequest,
    pub(super) resolved: Resolved,
    pub(super) related: RelatedTargets,
}

impl ResolvedCreation {
    /// The resources whose tags the decisions have to know.
    pub(super) fn queried_resources(&self, policy: &Policy) -> Vec<TaggableResource> {
        let unknown = self.related.unknown.iter().map(|(target, _)| target);
        let targets = self.request.creation.targets.iter().chain(&self.related.targets).chain(unknown);
        targets.flat_map(|target| queried_resources(policy, &self.request, &self.resolved, target)).collect()
    }
}
