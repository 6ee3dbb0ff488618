//! Tags that the policy requires and that resources lack.

use super::lists::Group;
use super::owners::{Owners, owner_key};
use crate::report::estate::Estate;
use crate::report::money::Money;
use autotag_model::policy::Required;
use autotag_page::text::{thousands, visible};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many owners are named for each tag.
const OWNERS: usize = 3;

/// The resources without a tag.
#[derive(Default)]
struct Without {
    count: usize,
    cost: Money,
    by_owner: BTreeMap<String, usize>,
}

/// The keys by how many resources lack them, with the owners of most of these. `None` if the policy requires no tag, or if
/// no resource's tags are known: only an inventory tells them.
pub(crate) fn missing_tags(estate: &Estate, required: &Required) -> Option<Vec<Group>> {
    if *required == Required::default() {
        return None;
    }
    let mut without: BTreeMap<String, Without> = BTreeMap::new();
    let owners = Owners::of(estate);
    let mut any = false;
    for entry in estate.counted() {
        let Some(tags) = &entry.tags else { continue };
        any = true;
        for key in required.missing(&entry.resource.resource_type, |key| tags.contains_key(key)) {
            let lacking = without.entry(key).or_default();
            lacking.count += 1;
            lacking.cost.append(&entry.cost);
            let owner = owner_key(entry).map_or("unknown".to_owned(), |key| owners.label(key));
            *lacking.by_owner.entry(owner).or_default() += 1;
        }
    }
    let group = |(key, Without { count, cost, by_owner }): (String, Without)| {
        let mut owners: Vec<(String, usize)> = by_owner.into_iter().collect();
        owners.sort_by_key(|(_, count)| Reverse(*count));
        let more = owners.len().saturating_sub(OWNERS);
        owners.truncate(OWNERS);
        let named = |(owner, count): (String, usize)| format!("{} {}", visible(&owner), thousands(count));
        let mut note = owners.into_iter().map(named).collect::<Vec<_>>().join(", ");
        if more > 0 {
            note = format!("{note}, and {} more", thousands(more));
        }
        Group { name: visible(&key), note, count, cost: cost.rounded(), filter: String::new() }
    };
    let mut groups: Vec<Group> = without.into_iter().map(group).collect();
    groups.sort_by_key(|group| Reverse(group.count));
    any.then_some(groups)
}
