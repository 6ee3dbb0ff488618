//! The decision of a statement about a call: denied, allowed or unknown.

use serde::Serialize;

/// The decision, from the least to the most. A statement denies if all of its parts do, so the least of them counts; a call is
/// denied if one statement denies it, so the most counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    NotDenied,
    /// The record lacks something that the statement asks for.
    Unknown,
    Denied,
}

impl Verdict {
    /// Denied if it is so.
    pub(crate) fn if_so(denied: bool) -> Self {
        if denied { Self::Denied } else { Self::NotDenied }
    }

    /// The verdict as programs see it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotDenied => "notdenied",
            Self::Unknown => "unknown",
            Self::Denied => "denied",
        }
    }
}
