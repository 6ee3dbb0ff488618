//! Copies of one event: duplicates of a delivery, and the two records of a call across accounts.

use super::row;
use crate::classify::Found;
use crate::outcome::{Outcome, Row, SkipReason};
use crate::ports::Tags;
use crate::services::Target;
use autotag_model::identity::{Principal, PrincipalKind};
use autotag_model::rule::ResourceKey;
use std::collections::{HashMap, HashSet};

/// What copies of one event have in common.
type CopyKey = (String, String);

fn copy_key(found: &Found) -> Option<CopyKey> {
    Some((found.event.dedup_id.clone()?, found.event.name.clone()))
}

/// Each resource once, whatever many copies of its event there are. A call across accounts is logged in both, and only
/// one copy may know the caller: he made what the other names, too.
pub(super) fn once_each(creations: Vec<Found>) -> Vec<(Found, Vec<Row>)> {
    let mut callers: HashMap<CopyKey, Principal> = HashMap::new();
    let mut first_looks: HashMap<CopyKey, Tags> = HashMap::new();
    for found in &creations {
        let Some(key) = copy_key(found) else { continue };
        if let Some(ours) = &found.first_look {
            first_looks.insert(key.clone(), ours.clone());
        }
        let known = callers.entry(key).or_insert_with(|| found.principal.clone());
        if knows_less(known, &found.principal) {
            known.clone_from(&found.principal);
        }
    }
    let mut seen: HashSet<(CopyKey, ResourceKey)> = HashSet::new();
    let mut once = Vec::with_capacity(creations.len());
    for mut found in creations {
        let mut duplicates = Vec::new();
        if let Some(key) = copy_key(&found) {
            if let Some(caller) = callers.get(&key) {
                found.principal.clone_from(caller);
            }
            // What a first look has written is ours, whichever copy is taken.
            if let Some(ours) = first_looks.get(&key) {
                found.first_look = Some(ours.clone());
            }
            let first = |target: &Target| seen.insert((key.clone(), target.resource.key()));
            let (targets, again): (Vec<Target>, Vec<Target>) = found.targets.into_iter().partition(first);
            found.targets = targets;
            duplicates.extend(again.iter().map(|target| {
                row(&found.event, &target.resource, None, Outcome::Skipped(SkipReason::Duplicate))
            }));
        }
        once.push((found, duplicates));
    }
    once
}

fn knows_less(one: &Principal, than: &Principal) -> bool {
    let rank = |principal: &Principal| match principal.kind {
        PrincipalKind::None => 0,
        PrincipalKind::AwsAccount => 1,
        _ => 2,
    };
    rank(one) < rank(than)
}
