//! The plan of `--fix`: identity tags that the trail proves and that the inventory does not have.
//!
//! It decides as `autotag apply` does for a resource that may have existed before, from the tags of the inventory:
//! an existing owner stays, unless the policy says `existing.replace`. A resource whose identity tags are all as
//! proven, but for some that are missing, gets those.

use super::class::Class;
use super::entry::Entry;
use super::inventory::Tags;
use autotag_handlers::owner::Proof;
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_model::policy::Policy;
use autotag_model::tags::{TagConstraints, TagSet, is_reserved};
use std::collections::HashSet;

/// The rows to write, and the reasons for the others.
#[derive(Debug, Default)]
pub(crate) struct Fix {
    /// One row a resource, in the order of the inventory, with the place of its entry.
    rows: Vec<(usize, PlannedResource)>,
    /// Resources with another owner or identity tag, which stays.
    pub(crate) others: u64,
    /// Resources whose tags the inventory does not have.
    pub(crate) tags_unknown: u64,
    /// Resources that the inventory lists several times, with different tags.
    pub(crate) ambiguous: u64,
    /// Resources that AWS or the policy leaves without tags.
    pub(crate) not_taggable: u64,
}

/// Why a resource is not in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LeftOut {
    /// Nothing is missing.
    Complete,
    Other,
    NotTaggable,
}

impl Fix {
    /// The rows to write.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &PlannedResource> {
        self.rows.iter().map(|(_, row)| row)
    }

    /// Notes a resource that the inventory lists. `row` is that of its creation.
    pub(super) fn note(
        &mut self,
        place: usize,
        entry: &Entry,
        row: Option<Box<PlannedResource>>,
        policy: &Policy,
    ) {
        let proof = entry.maker.as_ref().and_then(|maker| maker.proof);
        if !matches!(proof, Some(Proof::Person | Proof::Workload)) {
            return;
        }
        let Some(tags) = &entry.tags else {
            self.tags_unknown += 1;
            return;
        };
        // The owner may be declared in another tag than that of the policy.
        if matches!(entry.class(), Class::Disagree | Class::Tampered) && !policy.replace_existing {
            self.others += 1;
            return;
        }
        match row.ok_or(LeftOut::NotTaggable).and_then(|row| repaired(*row, tags, policy)) {
            Ok(row) => self.rows.push((place, row)),
            Err(LeftOut::Complete) => {}
            Err(LeftOut::Other) => self.others += 1,
            Err(LeftOut::NotTaggable) => self.not_taggable += 1,
        }
    }

    /// Leaves out the entries at these places: their present tags are unknown.
    pub(super) fn leave_out(&mut self, places: &HashSet<usize>) {
        let before = self.rows.len();
        self.rows.retain(|(place, _)| !places.contains(place));
        self.ambiguous += u64::try_from(before - self.rows.len()).unwrap_or(u64::MAX);
    }
}

/// The row with what is still to be written to a resource that has these tags.
fn repaired(mut row: PlannedResource, tags: &Tags, policy: &Policy) -> Result<PlannedResource, LeftOut> {
    let Action::Tag(taggable) = &row.status else { return Err(LeftOut::NotTaggable) };
    let opted_out = |key: &String| tags.get(key).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
    if policy.opt_out.as_ref().is_some_and(opted_out) {
        return Err(LeftOut::NotTaggable);
    }
    let source = row.event.source.as_str();
    let requested = row.requested.as_deref().unwrap_or_default();
    // A tag that the creating call declared and the policy keeps does not name another owner.
    let is_declaration = |key: &str, value: &str| {
        !policy.is_enforced(key) && requested.iter().any(|(asked, text)| asked == key && text == value)
    };
    let others = || {
        let identity = tags.iter().filter(|(key, _)| policy.is_identity_key(key));
        identity.filter(|(key, value)| !is_same(&row.decided, key, value) && !is_declaration(key, value))
    };
    if !policy.replace_existing && others().next().is_some() {
        return Err(LeftOut::Other);
    }
    let expected = others().filter(|(key, value)| policy.is_expected_by_aws(key, value, source));
    let kept: Vec<&String> = expected.map(|(key, _)| key).collect();
    let mut wanted = row.decided.clone();
    wanted.retain(|key, value| {
        let there: Vec<_> = tags.iter().filter(|(there, _)| key.eq_ignore_case(there)).collect();
        if there.is_empty() {
            return true;
        }
        // Tags of users stay.
        if !policy.is_identity_key(key.as_str()) || kept.iter().any(|kept| key.eq_ignore_case(kept)) {
            return false;
        }
        // A present identity tag is planned, too: `apply` does not write it again, and refuses the row if it has
        // changed.
        let same = there.iter().find(|(_, text)| *text == value.as_str());
        same.is_none_or(|(there, _)| *there == key.as_str())
    });
    fit(&mut wanted, tags, &taggable.rule.limits);
    let is_missing = |key: &str, value: &str| {
        policy.is_identity_key(key) && tags.get(key).is_none_or(|there| there != value)
    };
    if !wanted.pairs().any(|(key, value)| is_missing(key, value)) {
        return Err(LeftOut::Complete);
    }
    row.tags = wanted;
    Ok(row)
}

/// True if the tag is one of those decided, also if it is spelt in another case.
fn is_same(decided: &TagSet, key: &str, value: &str) -> bool {
    decided.iter().any(|(ours, text)| ours.eq_ignore_case(key) && text.as_str() == value)
}

/// Leaves out what is more than AWS's number of tags, the least important first.
fn fit(wanted: &mut TagSet, tags: &Tags, limits: &TagConstraints) {
    let others = tags.keys().filter(|key| !is_reserved(key) && wanted.get(key).is_none()).count();
    wanted.split_off(limits.tags.saturating_sub(others));
}

#[cfg(test)]
mod tests;
