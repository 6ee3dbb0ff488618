//! Patterns with wildcards.

use std::fmt;
use wildmatch::WildMatch;

/// A pattern for names: `*` is any text, `?` is one character, everything else is itself.
///
/// ```
/// use autotag_model::policy::Pattern;
///
/// let pattern = Pattern::new("arn:aws:iam::*:role/Terraform*");
/// assert!(pattern.matches("arn:aws:iam::111122223333:role/TerraformPlan"));
/// assert!(!pattern.matches("arn:aws:iam::111122223333:role/Dev"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(WildMatch);

impl Pattern {
    /// The pattern of this text. Every text is a pattern.
    pub fn new(pattern: &str) -> Self {
        Self(WildMatch::new(pattern))
    }

    /// True if the whole of `text` matches, upper and lower case told apart.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
