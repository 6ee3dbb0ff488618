//! A truce: autotag stops repairing one resource.

use super::history::{MAX_REPAIRS, TamperHistory, UNDONE_UNTIL_TRUCE};
use autotag_model::policy::{Policy, Profile};
use std::fmt;

/// Why nothing is repaired on a resource any more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TruceReason {
    /// This principal has undone [`UNDONE_UNTIL_TRUCE`] repairs.
    Undone(String),
    /// The resource has got [`MAX_REPAIRS`] repairs, undone by several principals.
    TooManyRepairs,
}

/// The end of repair on one resource: two programs write its tags, and neither gives in by itself.
///
/// Its text names the principal, and prints the block by which Terraform leaves the tags alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Truce {
    /// Why.
    pub reason: TruceReason,
    /// The keys that programs have to leave alone.
    pub ignored_keys: Vec<String>,
}

impl Truce {
    /// The truce to which a history leads; `None` if it leads to none.
    pub(super) fn of(history: &TamperHistory, policy: &Policy) -> Option<Self> {
        let undone = || {
            let undone = history.undone().into_iter().filter(|(_, repairs)| *repairs >= UNDONE_UNTIL_TRUCE);
            let most = undone.max_by(|one, other| one.1.cmp(&other.1).then(other.0.cmp(one.0)));
            most.map(|(by, _)| TruceReason::Undone(by.to_owned()))
        };
        let many = || (history.repairs().count() >= MAX_REPAIRS).then_some(TruceReason::TooManyRepairs);
        let reason = undone().or_else(many)?;
        Some(Self { reason, ignored_keys: ignored_keys(policy) })
    }

    /// The other principal of the truce; `None` if there are several.
    pub fn with(&self) -> Option<&str> {
        match &self.reason {
            TruceReason::Undone(by) => Some(by),
            TruceReason::TooManyRepairs => None,
        }
    }

    /// The block by which Terraform's provider leaves the tags alone.
    pub fn ignore_tags(&self) -> String {
        let keys: Vec<String> = self.ignored_keys.iter().map(|key| format!("{key:?}")).collect();
        format!("provider \"aws\" {{\n  ignore_tags {{\n    keys = [{}]\n  }}\n}}\n", keys.join(", "))
    }
}

impl fmt::Display for Truce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            TruceReason::Undone(by) => write!(f, "{by} has undone {UNDONE_UNTIL_TRUCE} repairs")?,
            TruceReason::TooManyRepairs => write!(f, "{MAX_REPAIRS} repairs were undone")?,
        }
        write!(
            f,
            "; autotag repairs the tags of this resource no longer. If a program puts back what it knows, tell it to leave \
             these tags alone. For Terraform:\n{}",
            self.ignore_tags()
        )
    }
}

/// The keys that a program has to leave alone, as in the generated files of `ignore-tags/`: all that autotag writes, without an
/// owner that programs declare themselves.
fn ignored_keys(policy: &Policy) -> Vec<String> {
    let declared =
        policy.owner_key().filter(|key| policy.profile == Profile::Declared && !policy.is_enforced(key));
    let ours = || policy.identity.iter().chain(&policy.fixed).map(|(key, _)| key.as_str()).collect();
    let keys: Vec<&str> = policy.closed_keys().unwrap_or_else(ours);
    keys.into_iter().filter(|key| Some(*key) != declared).map(str::to_owned).collect()
}
