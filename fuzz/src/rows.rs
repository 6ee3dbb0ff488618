//! Properties of each row of a plan, whatever the records and the policy are.

use crate::target::{Violation, hold, shortened};
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_model::arn::{AccountId, Arn};
use autotag_model::tags::{TagConstraints, TagKey, TagValue, normalized_key};
use std::collections::BTreeSet;

/// The tags of a row are within the limits of its service, and its resource is of the record's account.
pub(crate) fn row_is_sound(row: &PlannedResource) -> Result<(), Violation> {
    let Action::Tag(taggable) = &row.status else { return Ok(()) };
    let limits = &taggable.rule.limits;
    let told = || shortened(format!("{row:?}"));
    let count = row.tags.len();
    hold((1..=limits.tags).contains(&count), "a row to write has tags, and no more than fit", told)?;
    for (key, value) in row.tags.pairs() {
        let told = || format!("{key:?}={value:?}");
        hold(is_valid(key, value, limits), "a tag is within the limits of its service", told)?;
    }
    let keys: BTreeSet<String> = row.tags.pairs().map(|(key, _)| normalized_key(key)).collect();
    hold(keys.len() == count, "no two keys differ in case only", told)?;
    let Some(account) = &row.event.account else { return Ok(()) };
    let of_arn = taggable.resource.arn.as_ref().map_or("", Arn::account_field);
    hold(of_arn.is_empty() || of_arn == account, "an ARN is of the record's account", told)?;
    // An object lies in the account of its bucket, which `resources` names.
    let object = row.event.source == "s3.amazonaws.com" && of_arn.is_empty();
    let own = taggable.resource.account.as_ref().map(AccountId::as_str);
    hold(own == Some(account.as_str()) || object, "a resource is of the record's account", told)
}

/// True if AWS takes the tag: made to fit, it stays as it is.
fn is_valid(key: &str, value: &str, limits: &TagConstraints) -> bool {
    let key_stays = TagKey::sanitize(key, limits).is_ok_and(|(_, change)| change.is_none());
    let (_, change) = TagValue::sanitize(value, limits);
    let short = key.chars().count() <= 128 && value.chars().count() <= 256;
    key_stays && change.is_none() && short && !key.to_lowercase().starts_with("aws:")
}
