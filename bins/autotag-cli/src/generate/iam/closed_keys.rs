//! The tag keys that the role of the tagger may write, in strict mode.

use crate::generate::inventory::Inventory;
use autotag_model::tags::{Characters, TagConstraints, TagKey};
use std::collections::BTreeSet;

/// The only tag keys that actions may name.
#[derive(Debug, Default)]
pub(super) struct ClosedKeys {
    /// Empty if the actions may name any.
    keys: Vec<String>,
    /// Actions that may name any key: they replace all tags of a resource, and so name those of the user too.
    except: BTreeSet<String>,
}

impl ClosedKeys {
    /// The keys that an action may name; empty if it may name any.
    pub(super) fn of(&self, action: &str) -> Vec<String> {
        if self.except.contains(action) { Vec::new() } else { self.keys.clone() }
    }
}

/// The keys that the policy closes the list of, also as services without `@` in keys spell them.
pub(super) fn closed_keys(inventory: &Inventory) -> ClosedKeys {
    let mut ascii = TagConstraints::default();
    ascii.keys = Characters::Ascii;
    let spelled = |key: &str| {
        let portable = TagKey::sanitize(key, &TagConstraints::default());
        [portable, TagKey::sanitize(key, &ascii)]
    };
    let keys = inventory.policy.closed_keys().unwrap_or_default();
    let keys: BTreeSet<String> = keys
        .into_iter()
        .flat_map(spelled)
        .filter_map(|key| key.ok().map(|(key, _)| key.as_str().to_owned()))
        .collect();
    let replacing = inventory.rules().filter(|(_, rule)| rule.call.replaces());
    let except = replacing.flat_map(|(_, rule)| rule.actions.iter().cloned()).collect();
    ClosedKeys { keys: keys.into_iter().collect(), except }
}
