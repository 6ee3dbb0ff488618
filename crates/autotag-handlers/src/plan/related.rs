//! Resources that a call made and that its record does not name: volumes of an instance, snapshots of an image.

use crate::backend::{BackendReader, Related, RelatedQuery};
use crate::outcome::Outcome;
use crate::records::PlanRequest;
use crate::services::TagTarget;
use autotag_model::rule::{Resource, ResourceKey};
use jiff::SignedDuration;
use std::collections::HashSet;

/// The resources that a call made and that its record does not name.
#[derive(Debug, Default)]
pub(super) struct RelatedTargets {
    /// Those that were found.
    pub(super) targets: Vec<TagTarget>,
    /// Those whose ids are not known, because the backend knows records only; and how they are looked up.
    pub(super) unknown: Vec<(TagTarget, String)>,
    /// Questions without an answer: the type of the resources, and the outcome.
    pub(super) failed: Vec<(&'static str, Outcome)>,
}

/// Asks the backend for the resources that the creation made beside those that its record names.
pub(super) async fn find_related(
    request: &PlanRequest,
    age: Option<SignedDuration>,
    backend: &dyn BackendReader,
) -> RelatedTargets {
    let targets = &request.creation.targets;
    let mut related = RelatedTargets::default();
    for (target, query) in
        targets.iter().flat_map(|target| target.queries.iter().map(move |query| (target, query)))
    {
        match backend.find_related(&target.resource, query).await {
            Ok(Related::Found(resources)) => {
                let resources = resources.into_iter();
                related.targets.extend(resources.map(|resource| related_target(target, resource)));
            }
            Ok(Related::Unavailable) => related.unknown.push(unknown_target(target, query)),
            Err(error) => related.failed.push((query.resource_type(), error.outcome(age))),
        }
    }
    // No resource is tagged twice: neither one that the record names itself, nor one that is attached to two instances.
    let mut seen: HashSet<ResourceKey> = targets.iter().map(|target| target.resource.key()).collect();
    related.targets.retain(|extra| seen.insert(extra.resource.key()));
    related
}

/// A resource that the call made beside `target`: tagged like it, but with the tags that the call asked for its own type.
fn related_target(target: &TagTarget, resource: Resource) -> TagTarget {
    let mut for_types = target.requested_for.iter();
    let of_type = for_types.find(|(resource_type, _)| *resource_type == resource.resource_type);
    let requested = of_type.map(|(_, tags)| tags.clone()).unwrap_or_default();
    TagTarget { resource, requested, queries: Vec::new(), ..target.clone() }
}

/// The resource that stands for those of a question without an answer.
pub(super) fn unknown_resource(target: &TagTarget, query: &RelatedQuery) -> Resource {
    let mut unknown = target.resource.clone();
    query.resource_type().clone_into(&mut unknown.resource_type);
    unknown.id = String::new();
    unknown.arn = None;
    unknown
}

fn unknown_target(target: &TagTarget, query: &RelatedQuery) -> (TagTarget, String) {
    let unknown = unknown_resource(target, query);
    let why = format!("looked up when tags are written: {}", query.describe());
    (related_target(target, unknown), why)
}
