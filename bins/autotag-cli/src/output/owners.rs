//! The owners of a plan, counted: who they are, and how sure that is.

use super::terminal::without_end;
use autotag_handlers::row::Row;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// How many owners are told apart. A trail of an attacker names any number of them.
const TOLD_APART: usize = 10_000;

/// The most columns of a name that is kept. AWS has no longer ones; a record in a file may.
const LONGEST_NAME: usize = 500;

/// Owners of the resources that get tags.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    /// Resources by the proof of their owner.
    pub(super) by_proof: BTreeMap<&'static str, u64>,
    /// Resources whose owner is only a name, by the rule that named it.
    pub(super) name_only: BTreeMap<&'static str, u64>,
    /// Resources whose caller claimed to be somebody else.
    pub(super) claimed: u64,
    by_owner: HashMap<OwnerKey, u64>,
    /// Resources of owners beyond [`TOLD_APART`].
    beyond: u64,
}

/// One owner: `bob` in two accounts is two people, unless the policy says that they are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(super) struct OwnerKey {
    pub(super) owner: String,
    pub(super) account: Option<String>,
}

impl Owners {
    /// Counts a resource that gets tags.
    pub(super) fn add<S>(&mut self, row: &Row<S>) {
        let Some(name) = row.owner_name() else { return };
        let proof = row.proof().unwrap_or("none");
        *self.by_proof.entry(proof).or_default() += 1;
        if proof == "name-only" {
            *self.name_only.entry(row.owner_source().unwrap_or("none")).or_default() += 1;
        }
        self.claimed += u64::from(row.claimed().is_some());
        let account = if row.person().is_some() { None } else { row.owner_account() };
        let kept = |text: &str| without_end(text, LONGEST_NAME);
        let key = OwnerKey { owner: kept(name), account: account.map(kept) };
        if let Some(count) = self.by_owner.get_mut(&key) {
            *count += 1;
        } else if self.by_owner.len() < TOLD_APART {
            self.by_owner.insert(key, 1);
        } else {
            self.beyond += 1;
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        for (proof, count) in other.by_proof {
            *self.by_proof.entry(proof).or_default() += count;
        }
        for (source, count) in other.name_only {
            *self.name_only.entry(source).or_default() += count;
        }
        self.claimed += other.claimed;
        self.beyond += other.beyond;
        for (key, count) in other.by_owner {
            *self.by_owner.entry(key).or_default() += count;
        }
    }

    /// The owners with the most resources, and how many owners more there are.
    pub(super) fn top(&self, max: usize) -> (Vec<(&OwnerKey, u64)>, usize) {
        let mut owners: Vec<(&OwnerKey, u64)> =
            self.by_owner.iter().map(|(key, count)| (key, *count)).collect();
        owners.sort_by(|(one, count), (other, more)| (more, *one).cmp(&(count, *other)));
        let others = owners.len().saturating_sub(max);
        owners.truncate(max);
        (owners, others)
    }

    /// True if two owners have this name.
    pub(super) fn is_ambiguous(&self, name: &str) -> bool {
        self.by_owner.keys().filter(|key| key.owner == name).count() > 1
    }

    /// Resources whose owners are not among those that are told apart.
    pub(super) fn beyond(&self) -> u64 {
        self.beyond
    }
}
