//! Decides the tags of one resource, from the policy and the facts about a call.

use super::copied::Copy;
use super::declared::{Declared, Kept};
use super::input::DecisionInput;
use super::template::{TagTemplate, TemplateContext};
use super::{Note, Policy};
use crate::tags::{TagConstraints, TagKey, TagKeyError, TagSet, TagValue, is_reserved};

/// The decision for one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The tags to write, the most important first. Empty if none is to be written.
    pub tags: TagSet,
    /// All tags that the policy has for the resource, also those that it has already and those that are not written
    /// because it has an owner.
    pub decided: TagSet,
    /// Why no tag is written, if so.
    pub no_write: Option<NoWriteReason>,
    /// Notes about the decision for users.
    pub notes: Vec<Note>,
}

/// The reason why no tag is written to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoWriteReason {
    /// The resource may have existed before and has an identity tag, which is kept.
    HasOwner,
    /// As [`HasOwner`](Self::HasOwner), but the call asked for the same identity tags, so that they may be forged.
    ///
    /// They are not replaced. Otherwise a caller could take over an existing resource by passing its current tags.
    MayBeForged,
    /// The resource has every tag already, with the same value.
    Complete,
    /// The resource has the opt-out tag.
    OptedOut,
}

impl Policy {
    /// Decides the tags of one resource.
    ///
    /// A pure function: the same input gives the same decision.
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

    /// True if the first evaluation of the event wrote a tag that the resource has, and the call did not ask for it.
    fn is_ours(&self, inputs: &DecisionInput<'_>, tag: &(String, String)) -> bool {
        let written = inputs.previous_tags.is_some_and(|ours| ours.contains(tag));
        written && (self.is_identity_key(&tag.0) || !inputs.requested.contains(tag))
    }

    /// Why an earlier owner is kept, if there is one: on a resource that may have existed before the event, or on one
    /// that was created again under the same name since the first evaluation.
    fn first_writer(&self, inputs: &DecisionInput<'_>, decided: &TagSet) -> Option<NoWriteReason> {
        if self.replace_existing || !(inputs.may_have_existed || inputs.previous_tags.is_some()) {
            return None;
        }
        let theirs = |tag: &&(String, String)| {
            self.is_identity_key(&tag.0) && !self.is_ours(inputs, tag) && !self.is_declaration(inputs, tag)
        };
        let mut identity = inputs.present.iter().filter(theirs).peekable();
        identity.peek()?;
        if !inputs.may_have_existed {
            // The call created the resource: identity tags that it asked for are forged and show no earlier owner.
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
        for tag in present {
            let (key, value) = tag;
            if !self.is_identity_key(key) || draft.tags.get(key).is_some_and(|mine| mine.as_str() == value) {
                continue;
            }
            match self.declared(inputs, tag) {
                Declared::Replaced => {
                    // A key in another case stays beside ours: tags of users are not removed.
                    let replaced = draft.tags.get(key).is_some();
                    draft.notes.push(Note::Forged { key: key.clone(), replaced });
                }
                Declared::Kept(why) => {
                    draft.notes.push(why.note(key));
                    // To AWS, a key in another case is another key, but IAM's conditions ignore the case of a key. Beside a tag
                    // on which permissions rest, ours could count in its stead.
                    let same = |mine: &TagKey| match why {
                        Kept::Declared => mine.as_str() == key.as_str(),
                        Kept::ByService | Kept::Expected => mine.eq_ignore_case(key),
                    };
                    draft.tags.retain(|mine, _| !same(mine));
                }
            }
        }
    }

    /// Copies session tags, then IAM tags; neither can set a key of the policy.
    fn add_copies(&self, inputs: &DecisionInput<'_>, draft: &mut TagDraft<'_>) {
        let session = inputs.session_tags.iter().copied().map(|tag| (tag, &self.session_tags));
        let iam = inputs.iam_tags.iter().map(|(k, v)| ((k.as_str(), v.as_str()), &self.iam_tags));
        for ((key, value), selection) in session.chain(iam) {
            match self.copy(selection, key, value) {
                Copy::As(key) => draft.add(key, value),
                Copy::Reserved => draft.notes.push(Note::Reserved(key.to_owned())),
                Copy::Protected => draft.notes.push(Note::Protected(key.to_owned())),
                Copy::Invisible => draft.notes.push(Note::Invisible(key.to_owned())),
                Copy::NotSelected => {}
            }
        }
    }

    /// Keeps the user's own tags: a tag of a session or the policy does not replace them.
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

/// The tags that the resource has or gets by the creating call, without those of AWS.
fn all_present<'i>(inputs: &DecisionInput<'i>) -> Vec<&'i (String, String)> {
    let read = |key: &str| inputs.present.iter().any(|(known, _)| known == key);
    let requested = inputs.requested.iter().filter(|(key, _)| !read(key));
    inputs.present.iter().chain(requested).filter(|(key, _)| !is_reserved(key)).collect()
}

/// The tags decided so far.
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

    /// Spells a key as the first evaluation of the event wrote it: AWS would keep both spellings.
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
