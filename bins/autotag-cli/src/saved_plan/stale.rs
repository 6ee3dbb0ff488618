//! Changes of a resource since its plan was made.

use autotag_handlers::backend::Tags;
use autotag_handlers::error::BackendError;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::plan::{Action, PlannedResource};
use jiff::Timestamp;

/// The row with the tags that are still to be written. The resource may have new tags since. The reviewer of the
/// plan did not see them, so the plan does not replace them.
pub(crate) fn checked(
    mut row: PlannedResource,
    existing: Result<Tags, BackendError>,
    replace: bool,
    now: Timestamp,
) -> PlannedResource {
    let settled = |outcome| Action::Settled { outcome, depends_on: None };
    let existing = match existing {
        Ok(existing) => existing,
        Err(error) => {
            let age = row.event.timestamp().map(|time| now.duration_since(time));
            row.status = settled(error.outcome(age));
            return row;
        }
    };
    let mut changed = Vec::new();
    row.tags.retain(|key, value| {
        let is_same = existing.iter().any(|(old, text)| old == key.as_str() && text == value.as_str());
        let other = existing.iter().find(|(old, _)| key.eq_ignore_case(old));
        if let (Some((old, text)), false) = (other, is_same || replace) {
            changed.push(format!("`{}` is `{}`", old.escape_debug(), text.escape_debug()));
        }
        !is_same
    });
    if !changed.is_empty() {
        let changed = changed.join(", ");
        row.status = settled(Outcome::Refused(format!(
            "the resource has other tags than the plan expects ({changed}): plan it again, or pass --replace"
        )));
    } else if row.tags.is_empty() {
        row.status = settled(Outcome::AlreadyTagged("all tags are there"));
    }
    row
}
