//! Facts about a run besides its resources.

use super::tamper::TamperWeeks;
use autotag_model::policy::Required;

/// Facts about a run besides its resources.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The inputs that were read, in words.
    pub(crate) sources: Vec<String>,
    /// The first and the last creation of the trail, as days.
    pub(crate) period: Option<(String, String)>,
    pub(crate) policy: String,
    /// Creating events without a rule: source, name and count, the most frequent first.
    pub(crate) uncovered: Vec<(String, String, u64)>,
    /// The faults of the inputs, in words.
    pub(crate) faults: Vec<String>,
    /// Creations of resources whose id only AWS knows.
    pub(crate) unnamed: u64,
    /// The keys in which owners are declared.
    pub(crate) owner_tags: Vec<String>,
    /// The tags that the policy requires.
    pub(crate) required: Required,
    /// Changes of identity tags, by the ledger.
    pub(crate) tamper_weeks: Option<TamperWeeks>,
}
