//! Selections of tag keys: all, none, or patterns.

use super::pattern::Pattern;
use crate::tags::normalized_key;

/// A selection of tag keys.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Selection {
    /// Every key.
    All,
    /// No key.
    None,
    /// Keys that match one of the patterns, ignoring case. The patterns are in lower case.
    Matching(Vec<Pattern>),
}

impl Selection {
    pub(crate) fn selects(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Matching(patterns) => {
                let key = normalized_key(key);
                patterns.iter().any(|pattern| pattern.matches(&key))
            }
        }
    }
}
