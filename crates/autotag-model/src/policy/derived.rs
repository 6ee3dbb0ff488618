//! The treatment of rules that follow from AWS's models and that no record has confirmed.

/// The treatment of [derived](crate::rule::Evidence::Derived) rules.
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
