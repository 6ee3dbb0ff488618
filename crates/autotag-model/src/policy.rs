//! The tag policy: which tags, from where, who wins, what is never overridden.
//!
//! One TOML file (`autotag.toml`); without one, [`Policy::default`] holds. Who wins, keys compared ignoring case:
//!
//! 1. identity tags (`Owner`, `PrincipalId`, `CreatedBy`): nobody can set them for himself;
//! 2. static tags of the policy;
//! 3. session tags, which beat
//! 4. IAM tags of the role or user, as STS has it.
//!
//! A tag that the user put on the resource himself is kept, unless its key is an identity key. If there are more tags
//! than a resource may carry, they are dropped from the end of that list; the user's own are never pushed out.

mod file;
mod template;

pub use file::PolicyError;
pub use template::{TagTemplate, TemplateContext};

use crate::arn::AccountId;
use crate::tags::{
    Adjustment, TagConstraints, TagKey, TagKeyError, TagSet, TagValue, is_reserved, normalized_key,
};
use std::fmt;
use wildmatch::WildMatch;

/// Which tags a resource gets, and who wins.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// Keys that say who created a resource, and what they hold. Enforced.
    pub identity: Vec<(String, TagTemplate)>,
    /// Further keys of the policy.
    pub fixed: Vec<(String, TagTemplate)>,
    /// Which IAM tags of the role or user are copied.
    pub iam_tags: Selection,
    /// Which session tags are copied.
    pub session_tags: Selection,
    /// What to do about an identity tag that the caller set in the very call that created the resource.
    pub forged: ForgedTagPolicy,
    /// Whether tags already on a new resource are read before writing (they always are where it may have existed).
    pub read_at_creation: bool,
    /// Whether an identity tag of an existing resource may be replaced.
    pub replace_existing: bool,
    /// A resource with this tag (and a value other than `false`) is left alone. None by default: who may set it may evade
    /// being named.
    pub opt_out: Option<String>,
    /// What is ignored.
    pub ignore: Ignore,
}

/// What to do about identity tags set by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ForgedTagPolicy {
    /// Replace them, and report.
    #[default]
    Enforce,
    /// Leave them, and report.
    Report,
}

/// Which keys are copied: all, none, or those that match one of the patterns (`*` and `?`, ignoring case).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Selection {
    /// Every key.
    All,
    /// No key.
    None,
    /// Keys that match.
    Matching(Vec<WildMatch>),
}

impl Selection {
    fn selects(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Matching(patterns) => patterns.iter().any(|pattern| pattern.matches(&normalized_key(key))),
        }
    }
}

/// What is ignored: patterns with `*` and `?`.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Ignore {
    /// Principals, by ARN, role ARN or `principalId`.
    pub principals: Vec<WildMatch>,
    /// Services, by event source or its first part (`s3.amazonaws.com`, `s3`).
    pub services: Vec<WildMatch>,
    /// Events, as `service:EventName`.
    pub events: Vec<WildMatch>,
    /// Accounts in which nothing is tagged.
    pub accounts: Vec<AccountId>,
}

impl Ignore {
    /// Why a call of `event_source`:`event_name` in `account` is ignored, if it is.
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

    /// Whether a principal with any of these names is ignored.
    pub fn principal<'n>(&self, names: impl IntoIterator<Item = Option<&'n str>>) -> bool {
        !self.principals.is_empty()
            && names.into_iter().flatten().any(|name| self.principals.iter().any(|p| p.matches(name)))
    }
}

/// What one resource's tags are decided from.
#[derive(Debug, Clone, Copy)]
pub struct DecisionInput<'a> {
    /// The owner, the principal and the event.
    pub context: &'a TemplateContext<'a>,
    /// IAM tags of the role or user.
    pub iam_tags: &'a [(String, String)],
    /// Session tags, as STS computed them.
    pub session_tags: &'a [(&'a str, &'a str)],
    /// Tags that the creating call itself asked for.
    pub requested: &'a [(String, String)],
    /// Tags that are on the resource now, where they were read.
    pub present: &'a [(String, String)],
    /// What the service accepts.
    pub constraints: &'a TagConstraints,
    /// On the second look at an event, the tags that the first one has written: they are nobody else's.
    pub previous_tags: Option<&'a [(String, String)]>,
    /// Whether the resource may have existed before the event: then the first writer wins.
    pub may_have_existed: bool,
}

/// The decision for one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The tags to write, most important first. Empty when nothing is to be written.
    pub tags: TagSet,
    /// All tags that the policy has for it, those too that are there already or that somebody else was first with.
    pub decided: TagSet,
    /// Why nothing is to be written, if so.
    pub no_write: Option<NoWriteReason>,
    /// What users may want to know of how the tags came to be.
    pub notes: Vec<Note>,
}

/// Why nothing is written to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoWriteReason {
    /// An identity tag is there already, and the first writer wins.
    HasOwner,
    /// As before, but the call itself asked for just these identity tags: whether it found or forged them cannot be told.
    /// Not replaced: otherwise a call for somebody else's resource, with his tags in it, would take the resource over.
    MayBeForged,
    /// Every tag is there already with its value.
    Complete,
    /// The resource carries the opt-out tag.
    OptedOut,
}

/// Something that users may want to know of how a tag came to be, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The caller had set an identity key himself.
    Forged {
        /// The key as the caller wrote it.
        key: String,
        /// Whether it is replaced.
        replaced: bool,
    },
    /// A key or value was made to fit.
    Adjusted(String, Adjustment),
    /// A session or IAM tag has a key that only AWS or the policy may set.
    Protected(String),
    /// A session or IAM tag has a key that AWS keeps for itself.
    Reserved(String),
    /// There was no room on the resource.
    NoRoom(String),
    /// A placeholder of this tag has no value for this event.
    NoValue(String),
    /// The user's own tag of this key is kept.
    Kept(String),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forged { key, replaced: true } => write!(f, "`{key}` set by the caller is replaced"),
            Self::Forged { key, replaced: false } => write!(f, "`{key}` was set by the caller"),
            Self::Adjusted(key, what) => write!(f, "`{key}`: {what}"),
            Self::Protected(key) => {
                write!(f, "tag `{key}` of the session or role is not copied: protected key")
            }
            Self::Reserved(key) => write!(f, "tag `{key}` is not copied: AWS keeps `aws:` keys for itself"),
            Self::NoRoom(key) => write!(f, "no room for `{key}`"),
            Self::NoValue(key) => write!(f, "`{key}` has no value here"),
            Self::Kept(key) => write!(f, "the user's own `{key}` is kept"),
        }
    }
}

impl Policy {
    /// Whether `key` is an identity key to a reader who ignores case.
    pub fn is_identity_key(&self, key: &str) -> bool {
        let key = normalized_key(key);
        self.identity.iter().any(|(known, _)| normalized_key(known) == key)
    }

    /// The identity key that holds just the owner's name, if there is one: what a child resource inherits.
    pub fn owner_key(&self) -> Option<&str> {
        self.identity.iter().find(|(_, template)| template.is_owner()).map(|(key, _)| key.as_str())
    }

    /// Decides the tags of one resource.
    pub fn decide(&self, inputs: &DecisionInput<'_>) -> Decision {
        let present = all_present(inputs);
        if self.opted_out(&present) {
            return Decision { no_write: Some(NoWriteReason::OptedOut), ..Decision::default() };
        }
        let theirs: Vec<_> = present.iter().copied().filter(|tag| !self.is_ours(inputs, tag)).collect();
        let mut draft = TagDraft { constraints: inputs.constraints, tags: TagSet::new(), notes: Vec::new() };
        self.add_identity(inputs, &theirs, &mut draft);
        draft.add_templates(&self.fixed, inputs.context);
        self.add_copies(inputs, &mut draft);
        self.preserve_user_tags(&theirs, &mut draft);
        draft.reuse_existing_case(inputs.previous_tags.unwrap_or_default(), &present);
        draft.enforce_tag_limit(&present);
        let TagDraft { tags: decided, notes, .. } = draft;
        if let Some(reason) = self.first_writer(inputs, &decided) {
            let asked_for = inputs.requested.iter().filter(|(key, _)| self.is_identity_key(key));
            let notes =
                asked_for.map(|(key, _)| Note::Forged { key: key.clone(), replaced: false }).collect();
            return Decision { tags: TagSet::new(), decided, no_write: Some(reason), notes };
        }
        let mut tags = decided.clone();
        tags.retain(|key, value| {
            !present.iter().any(|(known, there)| known == key.as_str() && there == value.as_str())
        });
        let no_write = (!decided.is_empty() && tags.is_empty()).then_some(NoWriteReason::Complete);
        Decision { tags, decided, no_write, notes }
    }

    /// Whether a tag on the resource is there because the first look has written it, and not because the call asked for it.
    fn is_ours(&self, inputs: &DecisionInput<'_>, tag: &(String, String)) -> bool {
        let written = inputs.previous_tags.is_some_and(|ours| ours.contains(tag));
        written && (self.is_identity_key(&tag.0) || !inputs.requested.contains(tag))
    }

    /// Whether somebody was there first: on a resource that may have existed, or on one that was made again under the same
    /// name since the first look.
    fn first_writer(&self, inputs: &DecisionInput<'_>, decided: &TagSet) -> Option<NoWriteReason> {
        if self.replace_existing || !(inputs.may_have_existed || inputs.previous_tags.is_some()) {
            return None;
        }
        let theirs = |tag: &&(String, String)| self.is_identity_key(&tag.0) && !self.is_ours(inputs, tag);
        let mut identity = inputs.present.iter().filter(theirs).peekable();
        identity.peek()?;
        if !inputs.may_have_existed {
            // The call made it, so what the call asked for is forged and no sign of anybody else.
            let by_call = |tag: &(String, String)| {
                inputs.requested.contains(tag)
                    || decided.get(&tag.0).is_some_and(|ours| ours.as_str() == tag.1)
            };
            return (!identity.all(by_call)).then_some(NoWriteReason::HasOwner);
        }
        let asked_for = identity.all(|tag| inputs.requested.contains(tag));
        Some(if asked_for { NoWriteReason::MayBeForged } else { NoWriteReason::HasOwner })
    }

    fn opted_out(&self, present: &[&(String, String)]) -> bool {
        let Some(opt_out) = &self.opt_out else { return false };
        present.iter().any(|(key, value)| key == opt_out && !value.eq_ignore_ascii_case("false"))
    }

    fn add_identity(
        &self,
        inputs: &DecisionInput<'_>,
        present: &[&(String, String)],
        draft: &mut TagDraft<'_>,
    ) {
        draft.add_templates(&self.identity, inputs.context);
        for (key, value) in present {
            if !self.is_identity_key(key) {
                continue;
            }
            let ours = draft.tags.get(key).is_some();
            let same = draft.tags.get(key).is_some_and(|mine| mine.as_str() == value);
            if same {
                continue;
            }
            let told_to = inputs.may_have_existed && self.replace_existing;
            let replaced = ours && (self.forged == ForgedTagPolicy::Enforce || told_to);
            draft.notes.push(Note::Forged { key: key.clone(), replaced });
            if !replaced {
                draft.tags.retain(|mine, _| mine.as_str() != key.as_str());
            }
        }
    }

    /// Session tags beat IAM tags; neither can set a key of the policy.
    fn add_copies(&self, inputs: &DecisionInput<'_>, draft: &mut TagDraft<'_>) {
        let session = inputs.session_tags.iter().copied().map(|tag| (tag, &self.session_tags));
        let iam = inputs.iam_tags.iter().map(|(k, v)| ((k.as_str(), v.as_str()), &self.iam_tags));
        for ((key, value), selection) in session.chain(iam) {
            if is_reserved(key) {
                draft.notes.push(Note::Reserved(key.to_owned()));
            } else if self.is_own_key(key) {
                draft.notes.push(Note::Protected(key.to_owned()));
            } else if selection.selects(key) {
                draft.add(key, value);
            }
        }
    }

    fn is_own_key(&self, key: &str) -> bool {
        self.is_identity_key(key)
            || self.fixed.iter().any(|(known, _)| normalized_key(known) == normalized_key(key))
    }

    /// What the user has put on the resource himself stays, whatever a session or the policy would put there.
    fn preserve_user_tags(&self, present: &[&(String, String)], draft: &mut TagDraft<'_>) {
        for (key, value) in present {
            let identity = self.is_identity_key(key);
            let notes = &mut draft.notes;
            draft.tags.retain(|mine, ours| {
                let keep = identity || !mine.eq_ignore_case(key);
                if !keep && ours.as_str() != value {
                    notes.push(Note::Kept(key.clone()));
                }
                keep
            });
        }
    }
}

/// The tags that are on the resource, or will be by the creating call; AWS's own do not count.
fn all_present<'i>(inputs: &DecisionInput<'i>) -> Vec<&'i (String, String)> {
    let read = |key: &str| inputs.present.iter().any(|(known, _)| known == key);
    let requested = inputs.requested.iter().filter(|(key, _)| !read(key));
    inputs.present.iter().chain(requested).filter(|(key, _)| !is_reserved(key)).collect()
}

/// Tags in the making.
struct TagDraft<'a> {
    constraints: &'a TagConstraints,
    tags: TagSet,
    notes: Vec<Note>,
}

impl TagDraft<'_> {
    fn add_templates(&mut self, templates: &[(String, TagTemplate)], context: &TemplateContext<'_>) {
        for (key, template) in templates {
            match template.fill(context) {
                Some(value) => self.add(key, &value),
                None => self.notes.push(Note::NoValue(key.clone())),
            }
        }
    }

    fn add(&mut self, key: &str, value: &str) {
        let (fitted, key_adjusted) = match TagKey::sanitize(key, self.constraints) {
            Ok(fitted) => fitted,
            Err(TagKeyError::Reserved) => return self.notes.push(Note::Reserved(key.to_owned())),
            Err(TagKeyError::Empty) => return,
        };
        let (value, value_adjusted) = TagValue::sanitize(value, self.constraints);
        if self.tags.add(fitted, value) {
            let adjusted = key_adjusted.into_iter().chain(value_adjusted);
            self.notes.extend(adjusted.map(|what| Note::Adjusted(key.to_owned(), what)));
        }
    }

    /// A key that the first look has written in another case is that key: AWS would keep both.
    fn reuse_existing_case(&mut self, ours: &[(String, String)], present: &[&(String, String)]) {
        let written = |key: &TagKey| {
            let there = present.iter().filter(|tag| ours.contains(tag)).map(|(there, _)| there.as_str());
            there.into_iter().find(|there| key.eq_ignore_case(there) && key.as_str() != *there)
        };
        let spelt = self.tags.iter().map(|(key, value)| {
            let known = written(key).and_then(|there| TagKey::sanitize(there, self.constraints).ok());
            (known.map_or_else(|| key.clone(), |(known, _)| known), value.clone())
        });
        let spelt: Vec<(TagKey, TagValue)> = spelt.collect();
        self.tags = TagSet::new();
        for (key, value) in spelt {
            self.tags.add(key, value);
        }
    }

    fn enforce_tag_limit(&mut self, present: &[&(String, String)]) {
        let stay = present.iter().filter(|(key, _)| self.tags.get(key).is_none()).count();
        let dropped = self.tags.split_off(self.constraints.tags.saturating_sub(stay));
        self.notes.extend(dropped.into_iter().map(|(key, _)| Note::NoRoom(key.as_str().to_owned())));
    }
}

#[cfg(test)]
mod tests;
