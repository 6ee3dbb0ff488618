//! The findings of a classification, for the tests of the catalogue.

use autotag_handlers::classify::{Classification, Creation};
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::row::ResourceOutcome;
use autotag_model::rule::Resource;

/// The resources found of a record: those to tag, and those that AWS cannot tag.
pub(crate) fn resources(classified: Classification) -> Vec<Resource> {
    let untaggable = |rows: Vec<ResourceOutcome>| {
        rows.into_iter().filter_map(|row| match row.status {
            Outcome::Skipped(SkipReason::CannotTag(_)) => row.resource,
            _ => None,
        })
    };
    match classified {
        Classification::Creation(found) => {
            let Creation { targets, rejected, .. } = *found;
            targets.into_iter().map(|target| target.resource).chain(untaggable(rejected)).collect()
        }
        Classification::Rejected(rows) => untaggable(rows).collect(),
        _ => Vec::new(),
    }
}
