//! What a policy does by rules that no record has confirmed.

use super::Policy;
use crate::rule::Evidence;

/// What is done by [derived](Evidence::Derived) rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DerivedRules {
    /// They are rules like any other.
    #[default]
    Tag,
    /// Their resources are planned and shown, and no tag is written.
    Plan,
    /// They do not apply. Their events are uncovered.
    Off,
}

impl Policy {
    /// Whether rules of this evidence apply.
    pub fn applies(&self, evidence: Evidence) -> bool {
        self.derived != DerivedRules::Off || evidence != Evidence::Derived
    }

    /// Whether tags are written by rules of this evidence.
    pub fn writes_by(&self, evidence: Evidence) -> bool {
        self.derived == DerivedRules::Tag || evidence != Evidence::Derived
    }
}
