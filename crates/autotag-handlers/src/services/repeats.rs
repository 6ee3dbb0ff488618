//! Calls that may have changed or answered with a resource that an earlier call made.
//!
//! Calls with an idempotency token can be sent again: AWS answers with the resource of the first call and records both
//! alike. Nearly every SDK sends such a token, so the token alone says little. The time of creation in the answer does.

use super::handler::{RecordContext, Repeat, TagTarget};
use jiff::SignedDuration;

/// How long before its event a new resource may have been created: times come from different hosts of AWS.
pub const CREATION_SKEW: SignedDuration = SignedDuration::from_secs(15);

/// A resource that was created longer than this before the event is not one that the call created.
const CERTAINLY_OLDER: SignedDuration = SignedDuration::from_mins(2);

/// Notes on each target whether an earlier call may have made it, or has.
pub(super) fn note(context: &RecordContext<'_>, targets: &mut [TagTarget]) {
    for target in targets {
        let created = target.rule.created(context.parsed);
        let before = context.record.time().zip(created).map(|(event, created)| event.duration_since(created));
        let has_token = target.rule.has_idempotency_token(context.parsed);
        let certainly_older = before.is_some_and(|before| before > CERTAINLY_OLDER);
        target.is_older |= target.rule.changed_an_older_one(context.parsed) || (certainly_older && has_token);
        target.may_have_existed |= target.is_older || certainly_older;
        if has_token {
            target.repeat = match (created, before) {
                (Some(created), Some(before)) if before <= CREATION_SKEW => Repeat::IfCreatedEarlier(created),
                _ => Repeat::Possible,
            };
        }
    }
}
