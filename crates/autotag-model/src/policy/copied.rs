//! Selects the session and IAM tags that are copied to a resource.

use super::Policy;
use super::selection::Selection;
use crate::tags::{invisible_character, is_reserved, is_same_key, normalized_key};

/// The treatment of a session or IAM tag.
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
    /// The treatment of a tag of a source that copies `selection`.
    pub(super) fn copy<'a>(&'a self, selection: &Selection, key: &'a str, value: &str) -> Copy<'a> {
        if is_reserved(key) {
            return Copy::Reserved;
        }
        if self.is_own_key(key) {
            return Copy::Protected;
        }
        let rules = &self.copy;
        let denied = || {
            let key = normalized_key(key);
            rules.deny.iter().any(|pattern| pattern.matches(&key))
        };
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
                .find(|known| is_same_key(known, key))
                .map_or(Copy::NotSelected, |known| Copy::As(known)),
        }
    }

    /// True if a session or IAM tag of this key may be copied from somewhere.
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

    /// True if the policy itself writes this key, ignoring case.
    pub(super) fn is_own_key(&self, key: &str) -> bool {
        self.is_identity_key(key) || self.fixed.iter().any(|(known, _)| is_same_key(known, key))
    }
}
