//! All that a deployment is generated from.

use super::{iam, patterns};
use autotag_model::policy::Policy;
use autotag_model::rule::{Rule, ServiceRules};
use std::collections::{BTreeMap, BTreeSet};

/// The catalogue and the policy, and what follows from them.
#[derive(Debug)]
pub(crate) struct Inventory {
    /// The catalogue with the user's own rules, in the order of event sources.
    pub(crate) services: Vec<ServiceRules>,
    /// The tag policy.
    pub(crate) policy: Policy,
}

impl Inventory {
    pub(crate) fn new(services: Vec<ServiceRules>, policy: Policy) -> Self {
        Self { services, policy }
    }

    /// The rules that are meant: those of events that the policy does not ignore.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&ServiceRules, &Rule)> {
        let all =
            self.services.iter().flat_map(|service| service.rules.iter().map(move |rule| (service, &**rule)));
        all.filter(|(service, rule)| self.policy.ignore.event(&service.source, &rule.event, None).is_none())
    }

    /// The creating events, by event source. Those of resources that AWS cannot tag are among them: that they are not
    /// tagged is said of them too.
    pub(crate) fn events(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut events: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (service, rule) in self.rules() {
            events.entry(&service.source).or_default().insert(&rule.event);
        }
        events
    }

    /// The keys that say who created a resource, as the policy spells them.
    pub(crate) fn identity_keys(&self) -> Vec<&str> {
        self.policy.identity.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// A short name for what the rules let through and what the roles may do. It changes when a deployment has to be brought
    /// up to date.
    pub(crate) fn version(&self) -> String {
        let mut hash = Fnv::new();
        // Where there are none, nothing is generated that could bear the name.
        for pattern in patterns::creations(self).unwrap_or_default().iter().chain([&patterns::sessions()]) {
            hash.add(&pattern.json());
        }
        for resource in iam::people() {
            hash.add(&resource);
        }
        for needs in [iam::writing(self), iam::reading(self)] {
            for (action, resources) in needs {
                hash.add(action);
                for resource in &resources {
                    hash.add(resource);
                }
            }
        }
        format!("{:016x}", hash.0)
    }
}

/// FNV-1a: the same in every build, and nobody gains by finding a second catalogue of the same name.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// A text, and that it ends here.
    fn add(&mut self, text: &str) {
        for byte in text.bytes().chain([0]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
