//! Profiles of a policy: the identity keys that are enforced by default.

use super::template::TagTemplate;
use crate::tags::normalized_key;

/// The identity key that is not enforced by default. AWS's services condition their own permissions on it, and no
/// guard of ours depends on it.
const DECLARED_BY_DEFAULT: &str = "CreatedBy";

/// The profile that decides the enforced identity keys, unless the policy lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Profile {
    /// All but `CreatedBy`: the tags prove who created a resource.
    #[default]
    Proof,
    /// As `Proof`, but a declared owner is kept: the key whose value is `{owner}` is not enforced.
    Declared,
}

impl Profile {
    /// The keys of `identity` that the profile enforces.
    pub(super) fn enforced(self, identity: &[(String, TagTemplate)]) -> Vec<String> {
        let enforced = |(key, template): &&(String, TagTemplate)| {
            let declared = normalized_key(key) == normalized_key(DECLARED_BY_DEFAULT);
            let owner = self == Self::Declared && template.is_owner();
            !(declared || owner)
        };
        identity.iter().filter(enforced).map(|(key, _)| key.clone()).collect()
    }
}
