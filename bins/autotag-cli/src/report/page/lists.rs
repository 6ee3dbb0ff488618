//! Work lists: next steps, names without proof, resources that no rule covers, and costs without a resource.

use super::charts::search;
use crate::report::class::Class;
use crate::report::entry::Entry;
use crate::report::estate::Estate;
use crate::report::money::Money;
use autotag_page::facet::filter;
use autotag_page::text::{thousands, visible};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most lines of a list.
const MOST: usize = 50;

/// Resources that have something in common.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) note: String,
    pub(crate) count: usize,
    pub(crate) cost: String,
    /// Shows these resources.
    pub(crate) filter: String,
}

/// All lists.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    /// By reason, with the next step.
    pub(crate) todo: Vec<Group>,
    pub(crate) names: Vec<Group>,
    /// Types without a rule.
    pub(crate) types: Vec<Group>,
    pub(crate) other_costs: Vec<Group>,
    /// How many lines each list has beyond these, in words.
    pub(crate) more_names: String,
    pub(crate) more_types: String,
    pub(crate) more_costs: String,
}

/// The cost that the groups are sorted by, then their size.
fn most(money: &Money) -> impl Ord + use<> {
    money.iter().map(|(_, amount)| amount).max()
}

/// Resources by a key, those that cost most first.
fn grouped<K: Ord + Clone>(
    entries: impl Iterator<Item = (K, usize, Money)>,
    show: impl Fn(K) -> (String, String, String),
) -> Vec<Group> {
    let mut groups: BTreeMap<K, (usize, Money)> = BTreeMap::new();
    for (key, count, cost) in entries {
        let (sum, money) = groups.entry(key).or_default();
        *sum += count;
        money.append(&cost);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, (count, money))| Reverse((most(money), *count)));
    let group = |(key, (count, money)): (K, (usize, Money))| {
        let (name, note, filter) = show(key);
        Group { name, note, count, cost: money.rounded(), filter }
    };
    groups.into_iter().map(group).collect()
}

fn cut(list: &mut Vec<Group>) -> String {
    let more = list.len().saturating_sub(MOST);
    list.truncate(MOST);
    if more == 0 { String::new() } else { format!("And {} more; other formats have all.", thousands(more)) }
}

impl Lists {
    pub(crate) fn of(estate: &Estate) -> Self {
        let one = |entry: &Entry| (1, entry.cost.clone());
        let todo = estate.counted().filter(|entry| !entry.verdict.next.is_empty());
        let todo = todo.map(|entry| {
            let (count, cost) = one(entry);
            ((entry.verdict.reason.to_string(), entry.verdict.next.to_string()), count, cost)
        });
        let names = estate.counted().filter(|entry| entry.class() == Class::NameOnly).map(|entry| {
            let (count, cost) = one(entry);
            let key = (
                entry.owner().unwrap_or_default().to_owned(),
                entry.account().unwrap_or_default().to_owned(),
                entry.verdict.next.to_string(),
            );
            (key, count, cost)
        });
        let types = estate.counted().filter(|entry| entry.verdict.reason == "no rule for this type");
        let types = types.map(|entry| {
            let (count, cost) = one(entry);
            let kind = entry.resource.resource_type.clone();
            (if kind.is_empty() { entry.service() } else { kind }, count, cost)
        });
        let mut lists = Self {
            todo: grouped(todo, |(reason, next)| {
                let filter = search("reason", &reason);
                (visible(&reason), visible(&next), filter)
            }),
            names: grouped(names, |(name, account, next)| {
                let of_account = if account.is_empty() {
                    String::new()
                } else {
                    format!("&{}", filter("account", &account))
                };
                let link = format!(
                    "{}{of_account}&{}",
                    search("owner", &name),
                    filter("class", Class::NameOnly.words())
                );
                let name = if account.is_empty() { name } else { format!("{name} in {account}") };
                (visible(&name), visible(&next), link)
            }),
            types: grouped(types, |kind| {
                let link = search("type", &kind);
                (visible(&kind), String::new(), link)
            }),
            other_costs: other_costs(estate),
            ..Self::default()
        };
        lists.more_names = cut(&mut lists.names);
        lists.more_types = cut(&mut lists.types);
        lists.more_costs = cut(&mut lists.other_costs);
        lists
    }
}

fn other_costs(estate: &Estate) -> Vec<Group> {
    let costs = estate.other_costs.iter().map(|other| {
        let charged = &other.charged;
        let account = charged.account.as_ref().map_or(String::new(), ToString::to_string);
        let name = match (charged.resource.as_str(), charged.service.as_str()) {
            ("", "") => "no resource".to_owned(),
            ("", service) => format!("no resource: {service}"),
            (resource, _) => resource.to_owned(),
        };
        ((name, account), 1, other.cost.clone())
    });
    grouped(costs, |(name, account)| (visible(&name), account, String::new()))
}
