//! Which session and IAM tags are copied.

use super::pattern::Pattern;
use super::{Policy, Selection};
use crate::tags::{invisible_character, is_reserved, normalized_key};

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

/// Which session and IAM tags are copied, besides the two selections of a [`Policy`] by source.
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

/// What happens to a session or IAM tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Copy<'a> {
    /// It is copied under this key.
    As(&'a str),
    /// It is not copied, as its key begins with `aws:`.
    Reserved,
    /// It is not copied, as the policy writes this key.
    Protected,
    /// It is not copied, as its key or value has a character that cannot be seen.
    Invisible,
    /// It is not copied, as the policy does not select it.
    NotSelected,
}

impl Policy {
    /// What happens to a tag of a source that copies `selection`.
    pub(super) fn copy<'a>(&'a self, selection: &Selection, key: &'a str, value: &str) -> Copy<'a> {
        if is_reserved(key) {
            return Copy::Reserved;
        }
        if self.is_own_key(key) {
            return Copy::Protected;
        }
        let rules = &self.copy;
        let denied = || rules.deny.iter().any(|pattern| pattern.matches(&normalized_key(key)));
        if !selection.selects(key) || !rules.allow.selects(key) || denied() {
            return Copy::NotSelected;
        }
        if invisible_character(key).or_else(|| invisible_character(value)).is_some() {
            return Copy::Invisible;
        }
        match &rules.strict {
            None => Copy::As(key),
            // A permission on `aws:TagKeys` tells upper and lower case apart.
            Some(keys) => keys
                .iter()
                .find(|known| normalized_key(known) == normalized_key(key))
                .map_or(Copy::NotSelected, |known| Copy::As(known)),
        }
    }

    /// Whether a session or IAM tag of this key may be copied from somewhere.
    pub fn may_copy(&self, key: &str) -> bool {
        [&self.session_tags, &self.iam_tags]
            .iter()
            .any(|selection| matches!(self.copy(selection, key, ""), Copy::As(_)))
    }

    /// Every key that autotag may write, in strict mode: identity, static and copied keys. Otherwise `None`.
    pub fn closed_keys(&self) -> Option<Vec<&str>> {
        let own = self.identity.iter().chain(&self.fixed).map(|(key, _)| key.as_str());
        let copied = self.copy.strict.as_ref()?;
        Some(own.chain(copied.iter().map(String::as_str)).collect())
    }

    /// Whether the policy itself writes this key, ignoring case.
    pub(super) fn is_own_key(&self, key: &str) -> bool {
        self.is_identity_key(key)
            || self.fixed.iter().any(|(known, _)| normalized_key(known) == normalized_key(key))
    }
}
