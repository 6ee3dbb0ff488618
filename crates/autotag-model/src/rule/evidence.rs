//! The evidence of a rule: a real record confirmed it, AWS documents it, or it follows from AWS's models.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How sure it is that a rule finds its resource in real records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Evidence {
    /// A record of the event has gone through the rule: a fixture of the project, or a real one.
    Seen,
    /// AWS prints such a record or documents the answer, and a person has compared the rule with it.
    #[default]
    Documented,
    /// The rule follows from AWS's models of the service. No record of the event has gone through it yet.
    Derived,
}

impl Evidence {
    /// Its name in rule files and rows: `seen`, `documented` or `derived`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Documented => "documented",
            Self::Derived => "derived",
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
