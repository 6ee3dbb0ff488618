//! Copies of one event: the same record delivered twice, and the two records of a call across accounts.

use crate::backend::Tags;
use crate::outcome::{Outcome, SkipReason};
use crate::records::PlanRequest;
use crate::row::{ResourceOutcome, Row};
use crate::services::TagTarget;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::rule::ResourceKey;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The key that copies of one event share: the id, and the name of the event.
pub(super) type CopyKey = (String, String);

fn copy_key(request: &PlanRequest) -> Option<CopyKey> {
    let event = &request.creation.event;
    Some((event.dedup_id.clone()?, event.name.clone()))
}

/// The copies of events whose records are in several parts of a plan.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The caller of each such event.
    callers: HashMap<CopyKey, Principal>,
    /// Resources that the earlier copies of such events have made.
    seen: HashSet<(CopyKey, ResourceKey)>,
}

impl Copies {
    /// Notes the caller of an event with a copy in another part, before the first part is deduplicated.
    pub(super) fn foresee(&mut self, request: &PlanRequest) {
        if let Some(key) = copy_key(request) {
            note_caller(&mut self.callers, key, &request.creation.principal);
        }
    }

    /// Leaves each resource in the first copy of its event, and answers with a row for each duplicate.
    ///
    /// A call across accounts is logged in both, and only one copy may name the caller. That caller then made the resources
    /// of the other copy, too.
    pub(super) fn deduplicate(
        &mut self,
        requests: Vec<PlanRequest>,
    ) -> Vec<(PlanRequest, Vec<ResourceOutcome>)> {
        let here = CopiesOfPart::of(&requests, &self.callers);
        let mut seen: HashSet<(CopyKey, ResourceKey)> = HashSet::new();
        let mut deduplicated = Vec::with_capacity(requests.len());
        for mut request in requests {
            let mut duplicates = Vec::new();
            // An event with one record and one resource has no duplicates.
            let key = here
                .key(&request)
                .or_else(|| if request.creation.targets.len() > 1 { copy_key(&request) } else { None });
            if let Some(key) = key {
                let in_other_parts = self.callers.get(&key);
                let seen = if in_other_parts.is_some() { &mut self.seen } else { &mut seen };
                let creation = &mut request.creation;
                // Records of redacted trails may share an id without being copies: each keeps the caller that it names.
                if let Some(caller) = in_other_parts.or_else(|| here.callers.get(&key))
                    && is_less_specific(&creation.principal, caller)
                {
                    creation.principal.clone_from(caller);
                }
                // The tags of the first evaluation count whichever copy is taken.
                if let Some(tags) = here.previous.get(&key) {
                    request.previous_tags = Some(tags.clone());
                }
                let is_first = |target: &TagTarget| seen.insert((key.clone(), target.resource.key()));
                let (first, again): (Vec<TagTarget>, Vec<TagTarget>) =
                    std::mem::take(&mut creation.targets).into_iter().partition(is_first);
                creation.targets = first;
                duplicates.extend(again.into_iter().map(|target| {
                    let outcome = Outcome::Skipped(SkipReason::Duplicate);
                    let row = Row::of_resource(Arc::clone(&creation.event), target.resource, outcome);
                    Row { origin: request.origin, ..row.by_rule_of(target.rule.evidence) }
                }));
            }
            deduplicated.push((request, duplicates));
        }
        deduplicated
    }
}

/// Events with several records in one part of a plan, or with further ones in other parts.
struct CopiesOfPart {
    /// The caller of each such event.
    callers: HashMap<CopyKey, Principal>,
    /// The tags that their first evaluations wrote.
    previous: HashMap<CopyKey, Tags>,
}

impl CopiesOfPart {
    /// Nearly every event has one record, whose caller and tags are its own.
    fn of(requests: &[PlanRequest], in_other_parts: &HashMap<CopyKey, Principal>) -> Self {
        let mut records: HashMap<(&str, &str), usize> = HashMap::with_capacity(requests.len());
        for key in requests.iter().filter_map(PlanRequest::copy_key) {
            *records.entry(key).or_default() += 1;
        }
        let mut copies = Self { callers: HashMap::new(), previous: HashMap::new() };
        for request in requests {
            let is_alone = request.copy_key().is_none_or(|key| records.get(&key) == Some(&1));
            let is_foreseen = || copy_key(request).is_some_and(|key| in_other_parts.contains_key(&key));
            let has_copies = !is_alone || (!in_other_parts.is_empty() && is_foreseen());
            let Some(key) = copy_key(request).filter(|_| has_copies) else { continue };
            if let Some(tags) = &request.previous_tags {
                copies.previous.insert(key.clone(), tags.clone());
            }
            note_caller(&mut copies.callers, key, &request.creation.principal);
        }
        copies
    }

    /// The key that a record shares with the copies of its event; `None` if it has no copies.
    fn key(&self, request: &PlanRequest) -> Option<CopyKey> {
        if self.callers.is_empty() {
            return None;
        }
        copy_key(request).filter(|key| self.callers.contains_key(key))
    }
}

/// Of the callers in the copies of an event, the first of the most specific ones counts.
fn note_caller(callers: &mut HashMap<CopyKey, Principal>, key: CopyKey, principal: &Principal) {
    let known = callers.entry(key).or_insert_with(|| principal.clone());
    if is_less_specific(known, principal) {
        known.clone_from(principal);
    }
}

fn is_less_specific(one: &Principal, than: &Principal) -> bool {
    let rank = |principal: &Principal| match principal.kind {
        PrincipalKind::None => 0,
        PrincipalKind::AwsAccount => 1,
        _ => 2,
    };
    rank(one) < rank(than)
}
