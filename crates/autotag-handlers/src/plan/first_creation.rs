//! Decides which of two calls created a resource, if its tags may be from the other call.

use crate::event::EventSummary;
use crate::services::{Repeat, TagTarget};
use autotag_model::policy::{Decision, DecisionInput, NoWriteReason, Policy};
use autotag_model::tags::TagSet;
use jiff::{SignedDuration, Timestamp};

/// How long after its event a record may come behind a later one. CloudTrail delivers within 15 minutes as a rule; an
/// order that is wrong by more than four times that is not believed.
const MAX_DISORDER: SignedDuration = SignedDuration::from_hours(1);

/// The decision about a resource that another call may have made.
///
/// It is the policy's, with two exceptions. Both need all identity tags that the policy writes now on the resource:
/// a single `Owner` is not one that an earlier evaluation wrote.
///
/// - The call may repeat an earlier one ([`Repeat`]), and has not asked for these tags itself: then they are those of
///   the earlier call, and stay. Tags that the call asked for are forged, as in every creation.
/// - The call may have found its resource, or repeat an earlier one, and one of the identity tags is the time of an event. If it is later than this
///   event, then this event was the first, and came late: its tags replace the others.
pub(super) fn first_creation(
    policy: &Policy,
    target: &TagTarget,
    event: &EventSummary,
    age: Option<SignedDuration>,
    inputs: &DecisionInput<'_>,
) -> Decision {
    let decision = policy.decide(inputs);
    if inputs.previous_tags.is_some() || !has_all_identity_tags(policy, &decision.decided, inputs) {
        return decision;
    }
    let as_new = DecisionInput { may_have_existed: false, ..*inputs };
    let decision = if target.repeat != Repeat::No && !inputs.may_have_existed {
        policy.decide(&DecisionInput { previous_tags: Some(&[]), ..*inputs })
    } else {
        decision
    };
    let found = decision.no_write == Some(NoWriteReason::HasOwner);
    let young = age.is_some_and(|age| age < MAX_DISORDER);
    if found && young && is_of_a_later_event(policy, &decision.decided, event, inputs) {
        return policy.decide(&as_new);
    }
    decision
}

/// True if each identity tag that the policy would write is on the resource, with whatever value.
fn has_all_identity_tags(policy: &Policy, decided: &TagSet, inputs: &DecisionInput<'_>) -> bool {
    let mut ours = decided.pairs().filter(|(key, _)| policy.is_identity_key(key)).peekable();
    ours.peek().is_some() && ours.all(|(key, _)| inputs.present.iter().any(|(known, _)| known == key))
}

/// True if an identity tag on the resource is the time of a later event. It must not be one that the call asked for.
fn is_of_a_later_event(
    policy: &Policy,
    decided: &TagSet,
    event: &EventSummary,
    inputs: &DecisionInput<'_>,
) -> bool {
    let (Some(written), Some(time)) = (event.time.as_deref(), event.timestamp()) else { return false };
    let mut keys = decided.pairs().filter(|(key, value)| policy.is_identity_key(key) && *value == written);
    keys.any(|(key, _)| {
        let mut present = inputs.present.iter().filter(|(known, _)| known == key);
        present.any(|tag| {
            let later = tag.1.parse::<Timestamp>().map(|there| there.duration_since(time));
            !inputs.requested.contains(tag)
                && later.is_ok_and(|later| later.is_positive() && later < MAX_DISORDER)
        })
    })
}
