//! Identity tags that somebody else set: the policy enforces some keys and keeps others.

use super::conditions::{Caller, is_expected};
use super::input::DecisionInput;
use super::{Note, Policy};
use crate::tags::is_same_key;

/// Services that put tags of the customer on what they make: those of a launch template, a stack, a recipe, or of
/// the source of a copy. The author of these chooses the tags, so they are not tags of the service.
const PASS_ON_TAGS: &[&str] = &[
    "autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "batch.amazonaws.com",
    "cloudformation.amazonaws.com",
    "dlm.amazonaws.com",
    "ec2fleet.amazonaws.com",
    "ecs.amazonaws.com",
    "eks-nodegroup.amazonaws.com",
    "eks.amazonaws.com",
    "elasticbeanstalk.amazonaws.com",
    "elasticmapreduce.amazonaws.com",
    "imagebuilder.amazonaws.com",
    "rds.amazonaws.com",
    "sagemaker.amazonaws.com",
    "servicecatalog.amazonaws.com",
    "spot.amazonaws.com",
    "spotfleet.amazonaws.com",
];

/// The treatment of an identity tag that somebody else set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// Ours replaces it.
    Replaced,
    /// It stays, and ours is not written.
    Kept(Kept),
}

/// Why a tag that somebody else set is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Its key is not enforced.
    Declared,
    /// An AWS service set it at creation.
    ByService,
    /// Conditions of AWS's own policies expect its value.
    Expected,
}

impl Kept {
    /// The note about it for users.
    pub(super) fn note(self, key: &str) -> Note {
        let key = key.to_owned();
        match self {
            Self::Declared => Note::Forged { key, replaced: false },
            Self::ByService => Note::SetByService(key),
            Self::Expected => Note::ExpectedByAws(key),
        }
    }
}

impl Policy {
    /// The treatment of an identity tag that is on the resource, or that the creating call asked for.
    pub(super) fn declared(&self, inputs: &DecisionInput<'_>, tag: &(String, String)) -> Declared {
        let (key, value) = tag;
        let requested = inputs.requested.contains(tag);
        let own = |service: &str| !PASS_ON_TAGS.contains(&service);
        if requested && inputs.by_service.is_some_and(own) {
            return Declared::Kept(Kept::ByService);
        }
        if is_expected(key, value, inputs.context.event_source, &caller(inputs)) {
            return Declared::Kept(Kept::Expected);
        }
        // If autotag is told to replace owners, it also replaces tags that it may have written itself. The call
        // declares its tags again.
        let told_to = inputs.may_have_existed && self.replace_existing && !requested;
        if self.is_enforced(key) || told_to { Declared::Replaced } else { Declared::Kept(Kept::Declared) }
    }

    /// True if the creating call declared this tag, and its key is not enforced. Such a tag says nothing of an earlier owner.
    pub(super) fn is_declaration(&self, inputs: &DecisionInput<'_>, tag: &(String, String)) -> bool {
        !self.is_enforced(&tag.0) && inputs.requested.contains(tag)
    }
}

/// The caller as conditions of AWS's policies see them, without session tags: the caller of `AssumeRole` chooses
/// those, and could make any value an expected one. A session tag hides an IAM tag of the same key.
fn caller<'a>(inputs: &DecisionInput<'a>) -> Caller<'a> {
    let hidden = |key: &str| {
        let mut session = inputs.session_tags.iter();
        session.any(|(known, _)| is_same_key(known, key))
    };
    let own = inputs.iam_tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let tags = own.filter(|(key, _)| !hidden(key)).collect();
    Caller { user_id: inputs.context.principal.principal_id.as_deref(), tags }
}
