//! How each resource ended after its plan was executed.

use autotag_model::envelope::Malformed;
use std::fmt;

/// Why nothing is written to a resource that has all tags.
pub(crate) const ALL_TAGS: &str = "all tags are there";

/// How one resource ended, or a record that led to no resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Outcome {
    /// The tags are written.
    Tagged,
    /// Nothing had to be written: the resource has the tags, or it has an owner already.
    AlreadyTagged(&'static str),
    /// The resource is not to be tagged.
    Skipped(SkipReason),
    /// The event looks like a creation, but the catalogue has no rule for it. Programs see `NoRule`.
    Uncovered,
    /// The API call itself failed, so nothing was created; the error code.
    CallFailed(String),
    /// The resource is not found, long after the event: it was deleted.
    Gone,
    /// Not done yet. A later try may succeed.
    Deferred(String),
    /// A later try fails as well, until an operator changes something (a permission, a limit).
    Refused(String),
    /// The record cannot be read.
    Malformed(String),
}

/// Why a resource is not to be tagged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SkipReason {
    /// The caller asked AWS only to check (`DryRun`).
    DryRun,
    /// The policy ignores it.
    Ignored(&'static str),
    /// The resource carries the opt-out tag.
    OptedOut,
    /// AWS cannot tag it.
    CannotTag(String),
    /// The record names no resource, as some old records do.
    NoId,
    /// The policy has no tag for it.
    NoTags,
    /// The resource carries as many tags as AWS allows, all of them set by its users.
    NoRoom,
    /// The `EventBridge` event around the record is not one that CloudTrail sends.
    NotFromCloudTrail(String),
    /// Envelope, record and ARN name different accounts.
    AccountsDisagree(String),
    /// Another copy of the same event was taken.
    Duplicate,
    /// The record proves that the resource was there before the call, and it has no owner. The caller is not its owner.
    Older,
    /// A later call of the same plan has written another object in its place.
    Replaced,
    /// A derived rule found it, and by the policy these only plan.
    DerivedRule,
    /// The service has no tag call, and the policy does not opt in to the call that changes the whole resource.
    NotOptedIn,
    /// A log file is in a storage class that S3 reads only after it is restored.
    Archived(String),
}

impl Outcome {
    /// The outcome's name, as programs see it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tagged => "Tagged",
            Self::AlreadyTagged(_) => "AlreadyTagged",
            Self::Skipped(_) => "Skipped",
            Self::Uncovered => "NoRule",
            Self::CallFailed(_) => "CallFailed",
            Self::Gone => "Gone",
            Self::Deferred(_) => "Deferred",
            Self::Refused(_) => "Refused",
            Self::Malformed(_) => "Malformed",
        }
    }

    /// Why, in words. `None` if the name is enough.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Tagged | Self::Uncovered | Self::Gone => None,
            Self::AlreadyTagged(why) => Some((*why).to_owned()),
            Self::Skipped(why) => Some(why.to_string()),
            Self::CallFailed(why) | Self::Deferred(why) | Self::Refused(why) | Self::Malformed(why) => {
                Some(why.clone())
            }
        }
    }

    /// True if the resource has all tags that the policy decided, although nothing was written.
    pub fn has_all_tags(&self) -> bool {
        *self == Self::AlreadyTagged(ALL_TAGS)
    }

    /// True if the message goes back to its queue: the outcome may still change, or an operator must see it in the
    /// dead-letter queue.
    pub fn is_returned(&self) -> bool {
        let is_undone = matches!(self, Self::Deferred(_) | Self::Refused(_) | Self::Malformed(_));
        is_undone || matches!(self, Self::Skipped(SkipReason::Archived(_)))
    }

    /// True if a later try may succeed by itself.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Deferred(_))
    }
}

/// The outcome of a part of an input that is not a record: what CloudTrail did not send is skipped, and what cannot be read
/// is malformed.
impl From<&Malformed> for Outcome {
    fn from(fault: &Malformed) -> Self {
        match fault.not_from_cloudtrail() {
            Some(event) => Self::Skipped(SkipReason::NotFromCloudTrail(event)),
            None => Self::Malformed(fault.to_string()),
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DryRun => f.write_str("dry run"),
            Self::Ignored(why) => f.write_str(why),
            Self::OptedOut => f.write_str("the resource carries the opt-out tag"),
            Self::CannotTag(note) => write!(f, "AWS cannot tag it: {note}"),
            Self::NoId => f.write_str("the record names no resource"),
            Self::NoTags => f.write_str("the policy has no tag for it"),
            Self::NoRoom => f.write_str("the resource carries as many tags as AWS allows"),
            Self::NotFromCloudTrail(what) => write!(f, "not an event that CloudTrail sends: {what}"),
            Self::AccountsDisagree(what) => write!(f, "accounts disagree: {what}"),
            Self::Duplicate => f.write_str("another copy of this event was taken"),
            Self::Older => f.write_str("the resource existed before the call"),
            Self::Replaced => f.write_str("a later call has written another object in its place"),
            Self::Archived(name) => write!(f, "{name}: archived; restore it, then read it again"),
            Self::NotOptedIn => f.write_str(
                "the service has no tag call: tags are written only if the policy lists it in `policy.opt_in`",
            ),
            Self::DerivedRule => f.write_str(
                "its rule is derived from AWS's models, and the policy has `derived = \"plan\"`: nothing is written",
            ),
        }
    }
}
