//! Resources that a call creates and its record does not name: volumes of an instance, snapshots of an image.

use super::bounded::join_bounded;
use crate::backend::{BackendReader, Related, RelatedQuery};
use crate::error::BackendError;
use crate::outcome::Outcome;
use crate::records::PlanRequest;
use crate::services::TagTarget;
use autotag_model::arn::{AccountId, Region};
use autotag_model::rule::{Resource, ResourceKey};
use jiff::SignedDuration;
use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroUsize;

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

/// A question about the resource of a target, and the creation that the target is of.
type Question<'r> = (usize, &'r TagTarget, &'r RelatedQuery);

/// Asks the backend for the resources that the creations made beside those that their records name. The questions of one
/// account and region are asked together, and an account that does not answer delays no other. The answers are in the order
/// of the creations; `age` is that of one of their events.
pub(super) async fn find_related(
    requests: &[&PlanRequest],
    age: impl Fn(&PlanRequest) -> Option<SignedDuration>,
    backend: &dyn BackendReader,
    concurrency: NonZeroUsize,
) -> Vec<RelatedTargets> {
    let calls = by_place(requests).into_values().map(|questions| async move {
        let asked: Vec<(Resource, RelatedQuery)> =
            questions.iter().map(|(_, target, query)| (target.resource.clone(), (*query).clone())).collect();
        let answers = backend.find_all_related(&asked).await;
        questions.into_iter().zip(answers).collect::<Vec<_>>()
    });
    let mut answers = join_bounded(calls, concurrency).await.concat();
    // As the records name them, whatever the place.
    answers.sort_by_key(|((number, _, _), _)| *number);
    let mut related: Vec<RelatedTargets> = requests.iter().map(|_| RelatedTargets::default()).collect();
    for ((number, target, query), answer) in answers {
        if let (Some(of), Some(request)) = (related.get_mut(number), requests.get(number)) {
            of.add(target, query, answer, age(request));
        }
    }
    for (of, request) in related.iter_mut().zip(requests) {
        of.without_repeats(request);
    }
    related
}

/// The questions about the creations, by the account and region that answers them.
fn by_place<'r>(requests: &[&'r PlanRequest]) -> BTreeMap<[Option<&'r str>; 2], Vec<Question<'r>>> {
    let mut questions: BTreeMap<_, Vec<Question<'r>>> = BTreeMap::new();
    for (number, request) in requests.iter().copied().enumerate() {
        for target in &request.creation.targets {
            let Resource { account, region, .. } = &target.resource;
            let place = [account.as_ref().map(AccountId::as_str), region.as_ref().map(Region::as_str)];
            let of_target = target.queries.iter().map(|query| (number, target, query));
            questions.entry(place).or_default().extend(of_target);
        }
    }
    questions.retain(|_, of_place| !of_place.is_empty());
    questions
}

impl RelatedTargets {
    fn add(
        &mut self,
        target: &TagTarget,
        query: &RelatedQuery,
        answer: Result<Related, BackendError>,
        age: Option<SignedDuration>,
    ) {
        match answer {
            Ok(Related::Found(resources)) => {
                let resources = resources.into_iter();
                self.targets.extend(resources.map(|resource| related_target(target, resource)));
            }
            Ok(Related::Unavailable) => self.unknown.push(unknown_target(target, query)),
            Err(error) => self.failed.push((query.resource_type(), error.outcome(age))),
        }
    }

    /// No resource is tagged twice: neither one that the record names itself, nor one that is attached to two instances.
    fn without_repeats(&mut self, request: &PlanRequest) {
        if self.targets.is_empty() {
            return;
        }
        let named = request.creation.targets.iter();
        let mut seen: HashSet<ResourceKey> = named.map(|target| target.resource.key()).collect();
        self.targets.retain(|extra| seen.insert(extra.resource.key()));
    }
}

/// A resource that the call made beside `target`: tagged like it, but with the tags that the call asked for its own type.
fn related_target(target: &TagTarget, resource: Resource) -> TagTarget {
    let mut for_types = target.requested_for.iter();
    let of_type = for_types.find(|(resource_type, _)| *resource_type == resource.resource_type);
    let requested = of_type.map(|(_, tags)| tags.clone()).unwrap_or_default();
    TagTarget { resource, requested, queries: Vec::new(), ..target.clone() }
}

/// The resource that represents those of a question without an answer.
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
