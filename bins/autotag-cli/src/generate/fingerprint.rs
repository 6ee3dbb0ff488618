//! The version of a catalogue and policy, by which doctor sees that a deployment is out of date.

use super::inventory::Inventory;
use super::{iam, patterns};

/// A hash of the events that the rules match and of the permissions that the roles have, as 16 hexadecimal digits. It is another
/// one when a deployment must be updated.
pub(crate) fn fingerprint(inventory: &Inventory) -> String {
    let mut hash = Fnv::new();
    // `creations` fails if there are no events. Then no file is generated that could have the version.
    let creations = patterns::creations(inventory).unwrap_or_default();
    for pattern in creations.iter().chain([&patterns::sessions()]) {
        hash.add(&pattern.json());
    }
    for resource in iam::people() {
        hash.add(&resource);
    }
    for actions in [iam::write_actions(inventory), iam::read_actions(inventory)] {
        for (action, resources) in actions {
            hash.add(action);
            for resource in &resources {
                hash.add(resource);
            }
        }
    }
    format!("{:016x}", hash.0)
}

/// FNV-1a, 64 bits. It is the same in every build. It need not resist attacks: a collision only hides that a deployment is out of
/// date.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds a text and a terminator, so that `ab`, `c` and `a`, `bc` differ.
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
