//! Facts of one row of a plan about the creation that it tells of.

use autotag_handlers::catalog::Catalog;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_handlers::whois::Newness;
use autotag_model::policy::Policy;

/// True if the call also succeeds if the resource exists.
pub(super) fn may_have_found(row: &PlannedResource, catalog: &Catalog) -> bool {
    let rules = catalog.find(&row.event.source, &row.event.name).unwrap_or_default();
    rules.iter().any(|rule| rule.existing && row.resource_type.as_ref() == Some(&rule.resource_type))
}

/// Why no tags are written to a resource, if so. What could not be decided may still get some.
pub(super) fn unwritten(outcome: &Outcome) -> Option<String> {
    if outcome.is_returned() {
        return None;
    }
    if outcome.has_all_tags() {
        return Some("the creating call asked for all tags itself".to_owned());
    }
    // The catalogue's notes are sentences.
    outcome.reason().map(|why| why.trim_end_matches('.').to_owned())
}

/// Tags by key and value.
type Pairs = Vec<(String, String)>;

/// The identity tags that the policy enforces for a row, and the other ones.
pub(super) fn identity_tags(row: &PlannedResource, policy: &Policy) -> (Pairs, Pairs) {
    let identity = row.decided.pairs().filter(|(key, _)| policy.is_identity_key(key));
    let owned = identity.map(|(key, value)| (key.to_owned(), value.to_owned()));
    owned.partition(|(key, _)| policy.is_enforced(key))
}

/// True if a row proves that its resource is new, also if another one had the name before.
pub(super) fn is_new(row: &PlannedResource, policy: &Policy) -> bool {
    let newness = row.made.map(|made| made.newness);
    match &row.status {
        // The plan writes an identity tag over one that it has written only if the resource is new.
        Action::Tag(_) => {
            let may_be_older = newness == Some(Newness::MayHaveExisted) && !policy.replace_existing;
            !may_be_older && row.tags.iter().any(|(tag, _)| policy.is_identity_key(tag.as_str()))
        }
        // A resource that AWS cannot tag is made by the call.
        Action::Settled { outcome: Outcome::Skipped(SkipReason::CannotTag(_)), .. } => {
            newness.is_none_or(|newness| newness == Newness::New)
        }
        _ => newness == Some(Newness::New),
    }
}

/// True if a row with this outcome tells that its caller has made a resource.
pub(super) fn is_creation(outcome: Option<&Outcome>) -> bool {
    match outcome {
        // A call that leaves the owner to an earlier one may have made nothing: then the earlier one is known.
        None | Some(Outcome::AlreadyTagged(_) | Outcome::Deferred(_) | Outcome::Refused(_)) => true,
        Some(Outcome::Skipped(reason)) => matches!(
            reason,
            SkipReason::NoTags
                | SkipReason::CannotTag(_)
                | SkipReason::NoRoom
                | SkipReason::OptedOut
                | SkipReason::DerivedRule
                | SkipReason::NotOptedIn
        ),
        Some(_) => false,
    }
}
