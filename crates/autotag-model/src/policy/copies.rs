//! The rules of a policy about the keys of copied session and IAM tags.

use super::pattern::Pattern;
use super::selection::Selection;
use crate::tags::normalized_key;

/// Keys that differ from run to run, or from commit to commit. A resource keeps its tags for years, and bills list each
/// value of a key.
///
/// `kubernetes-pod-name` and `kubernetes-pod-uid` are [tags of EKS Pod Identity][eks]. `Commit` is a tag of GitHub's action
/// `configure-aws-credentials`, whose `Repository`, `Workflow`, `Action`, `Actor` and `Branch` stay the same from run to run.
/// The others are names that pipelines give to the number of a run.
///
/// [eks]: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html
const PER_RUN: &[&str] = &[
    "kubernetes-pod-*",
    "commit",
    "commit?id",
    "commit?sha",
    "commitid",
    "commitsha",
    "git?commit",
    "gitcommit",
    "github?run?id",
    "github?run?number",
    "github?sha",
    "build?commit",
    "build?id",
    "build?number",
    "buildid",
    "buildnumber",
    "job?id",
    "jobid",
    "run?attempt",
    "run?id",
    "run?number",
    "runattempt",
    "runid",
    "runnumber",
];

/// The rules for copying session and IAM tags, besides the two selections of a [`Policy`](super::Policy) by source.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CopyRules {
    /// The keys that may be copied.
    pub allow: Selection,
    /// The keys that are not copied, although `allow` has them: those that the policy lists and, unless it lists what to
    /// allow, those that differ from run to run.
    pub deny: Vec<Pattern>,
    /// In strict mode, the keys that may be copied, as they are then written; `allow` has the same keys.
    ///
    /// The list is closed, so that the permissions of the role that writes tags can name all its keys.
    pub strict: Option<Vec<String>>,
}

impl Default for CopyRules {
    fn default() -> Self {
        Self { allow: Selection::All, deny: Pattern::of_keys(PER_RUN.iter().copied()), strict: None }
    }
}

impl Pattern {
    /// Patterns of [`normalized_key`]s.
    pub(super) fn of_keys<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Vec<Self> {
        patterns.into_iter().map(|one| Self::new(&normalized_key(one))).collect()
    }
}
