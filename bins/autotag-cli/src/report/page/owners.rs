//! Owners told apart: `bob` in two accounts is two people, unless the policy says that they are one.

use crate::report::entry::Entry;
use crate::report::estate::Estate;
use std::collections::{BTreeMap, BTreeSet};

/// The name of an owner, and the account that tells them apart from others of that name.
pub(super) type OwnerKey<'e> = (&'e str, Option<&'e str>);

/// `None` if the resource has no owner.
pub(super) fn owner_key(entry: &Entry) -> Option<OwnerKey<'_>> {
    entry.owner().map(|owner| (owner, entry.owner_account()))
}

/// The names of the owners, each with the accounts that it is in.
pub(super) struct Owners<'e>(BTreeMap<&'e str, BTreeSet<Option<&'e str>>>);

impl<'e> Owners<'e> {
    pub(super) fn of(estate: &'e Estate) -> Self {
        let mut accounts: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
        for (owner, account) in estate.entries.iter().filter_map(owner_key) {
            accounts.entry(owner).or_default().insert(account);
        }
        Self(accounts)
    }

    /// True if two owners have this name.
    pub(super) fn is_ambiguous(&self, owner: &str) -> bool {
        self.0.get(owner).is_some_and(|accounts| accounts.len() > 1)
    }

    /// `bob`, or `bob of 111122223333` if there are several.
    pub(super) fn label(&self, (owner, account): OwnerKey<'_>) -> String {
        match account {
            Some(account) if self.is_ambiguous(owner) => format!("{owner} of {account}"),
            _ => owner.to_owned(),
        }
    }
}
