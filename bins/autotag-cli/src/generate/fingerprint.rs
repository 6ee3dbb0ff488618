//! The version of a catalogue and policy. `autotag doctor` uses it to find an outdated deployment.

use super::inventory::Inventory;
use super::{iam, patterns};
use fnv::FnvHasher;
use std::hash::Hasher as _;

/// A hash of the events that the rules match and of the permissions that the roles have, as 16 hexadecimal digits. It is another
/// one when a deployment must be updated.
pub(crate) fn fingerprint(inventory: &Inventory) -> String {
    // The same in every build. It need not resist attacks: a collision only hides that a deployment is out of date.
    let mut hash = FnvHasher::default();
    // `creations` fails if there are no events. Then no file is generated that could have the version.
    let creations = patterns::creations(inventory).unwrap_or_default();
    for pattern in creations.iter().chain([&patterns::sessions()]) {
        add(&mut hash, &pattern.json());
    }
    for resource in iam::people() {
        add(&mut hash, &resource);
    }
    for actions in [iam::write_actions(inventory), iam::read_actions(inventory)] {
        for (action, resources) in actions {
            add(&mut hash, action);
            for resource in &resources {
                add(&mut hash, resource);
            }
        }
    }
    format!("{:016x}", hash.finish())
}

/// Adds a text and a terminator, so that `ab`, `c` and `a`, `bc` differ.
fn add(hasher: &mut FnvHasher, text: &str) {
    hasher.write(text.as_bytes());
    hasher.write_u8(0);
}
