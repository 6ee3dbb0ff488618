//! The tag policy: which tags a resource gets, their sources, and which source comes first.
//!
//! The policy is one TOML file (`autotag.toml`); without one, [`Policy::default`] applies. The sources in their order,
//! keys compared ignoring case:
//!
//! 1. identity tags (`Owner`, `PrincipalId`, `CreatedBy`): no session or IAM tag sets them;
//! 2. static tags of the policy;
//! 3. session tags;
//! 4. IAM tags of the role or user.
//!
//! A tag that the user put on the resource is kept, unless its key is an enforced identity key. If the resource has no room
//! for all tags, they are dropped from the end of that list; the user's own tags are never removed.

mod conditions;
mod copied;
mod copies;
mod decide;
mod declared;
mod derived;
mod file;
mod input;
mod note;
mod opt_in;
mod pattern;
mod people;
mod profile;
mod required;
mod selection;
mod tamper;
mod template;
mod trust;

pub use crate::template::BraceError;
pub use crate::toml_error::TomlError;
pub use conditions::{Effect, TagCondition, TaggedThing};
pub use copies::CopyRules;
pub use decide::{Decision, NoWriteReason};
pub use derived::DerivedRules;
pub use file::PolicyError;
pub use input::DecisionInput;
pub use note::Note;
pub use opt_in::OPT_IN_SERVICES;
pub use pattern::Pattern;
pub use people::People;
pub use profile::Profile;
pub use required::Required;
pub use selection::Selection;
pub use tamper::{Tamper, TamperAction};
pub use template::{TagTemplate, TagTemplateError, TemplateContext};
pub use trust::{Trust, WorkloadName};

use crate::arn::AccountId;
use crate::rule::Evidence;
use crate::tags::is_same_key;

/// The tags that resources get, and the precedence of their sources. [`Policy::from_toml`] reads one from a file.
///
/// ```
/// use autotag_model::policy::Policy;
///
/// assert_eq!(Policy::default().owner_key(), Some("Owner"));
/// assert!(Policy::default().is_identity_key("principalid"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// The identity keys, which say who created a resource, with their values.
    pub identity: Vec<(String, TagTemplate)>,
    /// The profile that decides the enforced identity keys, unless the policy lists them.
    pub profile: Profile,
    /// The identity keys that are enforced: a value that the creating call declares is replaced and reported. A declared
    /// value of another identity key is kept and reported. By default those of [`Profile::Proof`].
    pub enforced: Vec<String>,
    /// The static keys with their values.
    pub fixed: Vec<(String, TagTemplate)>,
    /// The IAM tags of the role or user that are copied.
    pub iam_tags: Selection,
    /// The session tags that are copied.
    pub session_tags: Selection,
    /// The rules for copying the selected tags.
    pub copy: CopyRules,
    /// True if the tags of a new resource are read before tags are written. Those of a resource that may have existed
    /// before the event are always read.
    pub read_at_creation: bool,
    /// True if an identity tag of an existing resource may be replaced.
    pub replace_existing: bool,
    /// The key of a tag that makes autotag skip a resource, unless its value is `false`. None by default: a caller who
    /// may set the tag may avoid being named.
    pub opt_out: Option<String>,
    /// The treatment of rules that follow from AWS's models and that no record has confirmed.
    pub derived: DerivedRules,
    /// The services of [`OPT_IN_SERVICES`] whose resources are still tagged.
    pub opt_in: Vec<String>,
    /// The calls that are ignored.
    pub ignore: Ignore,
    /// The evidence about owners that is believed.
    pub trust: Trust,
    /// The tag keys that resources must have.
    pub required: Required,
    /// The reaction to removed or changed identity tags.
    pub tamper: Tamper,
}

/// The calls that a policy ignores.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Ignore {
    /// Principals, by ARN, role ARN or `principalId`.
    pub principals: Vec<Pattern>,
    /// Services, by event source or its first label (`s3.amazonaws.com`, `s3`).
    pub services: Vec<Pattern>,
    /// Events, as `service:EventName`.
    pub events: Vec<Pattern>,
    /// Accounts in which nothing is tagged.
    pub accounts: Vec<AccountId>,
}

impl Ignore {
    /// The reason why a call of `event_source`:`event_name` in `account` is ignored, if it is.
    pub fn event(
        &self,
        event_source: &str,
        event_name: &str,
        account: Option<&AccountId>,
    ) -> Option<&'static str> {
        let short = event_source.split('.').next().unwrap_or_default();
        if account.is_some_and(|account| self.accounts.contains(account)) {
            return Some("the policy ignores the account");
        }
        if self.services.iter().any(|pattern| pattern.matches(event_source) || pattern.matches(short)) {
            return Some("the policy ignores the service");
        }
        if !self.events.is_empty() {
            let event = format!("{short}:{event_name}");
            if self.events.iter().any(|pattern| pattern.matches(&event)) {
                return Some("the policy ignores the event");
            }
        }
        None
    }

    /// True if a principal with any of these names is ignored.
    pub fn principal<'n>(&self, names: impl IntoIterator<Item = Option<&'n str>>) -> bool {
        !self.principals.is_empty()
            && names.into_iter().flatten().any(|name| self.principals.iter().any(|p| p.matches(name)))
    }
}

impl Policy {
    /// True if `key` is an identity key, ignoring case.
    pub fn is_identity_key(&self, key: &str) -> bool {
        self.identity.iter().any(|(known, _)| is_same_key(known, key))
    }

    /// The same policy with the identity keys that a profile enforces by default.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { enforced: profile.enforced(&self.identity), profile, ..self }
    }

    /// True if `key` is an enforced identity key, ignoring case.
    pub fn is_enforced(&self, key: &str) -> bool {
        self.enforced.iter().any(|known| is_same_key(known, key))
    }

    /// True if a tag stays on a resource of the service `event_source` even where
    /// [`replace_existing`](Self::replace_existing) is set: conditions of AWS's own policies expect it, whatever
    /// the caller is.
    pub fn is_expected_by_aws(&self, key: &str, value: &str, event_source: &str) -> bool {
        conditions::is_expected(
            key,
            value,
            event_source,
            &conditions::Caller { user_id: None, tags: Vec::new() },
        )
    }

    /// True if rules of this evidence apply.
    pub fn applies(&self, evidence: Evidence) -> bool {
        self.derived != DerivedRules::Off || evidence != Evidence::Derived
    }

    /// True if tags are written by rules of this evidence.
    pub fn writes_by(&self, evidence: Evidence) -> bool {
        self.derived == DerivedRules::Tag || evidence != Evidence::Derived
    }

    /// True if tags are written to resources of the service `event_source`: not those of [`OPT_IN_SERVICES`], unless the policy opts
    /// in.
    ///
    /// ```
    /// use autotag_model::policy::Policy;
    ///
    /// assert!(!Policy::default().writes_to("codebuild.amazonaws.com"));
    /// let policy = Policy::from_toml("[policy]\nopt_in = [\"codebuild\"]")?;
    /// assert!(policy.writes_to("codebuild.amazonaws.com"));
    /// # Ok::<(), autotag_model::policy::PolicyError>(())
    /// ```
    pub fn writes_to(&self, event_source: &str) -> bool {
        opt_in::writes_to(event_source, &self.opt_in)
    }

    /// The identity key whose value is the owner's name alone, if there is one. Child resources inherit its value.
    pub fn owner_key(&self) -> Option<&str> {
        self.identity.iter().find(|(_, template)| template.is_owner()).map(|(key, _)| key.as_str())
    }
}

#[cfg(test)]
mod tests;
