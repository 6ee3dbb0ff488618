//! Whether a call may have changed or answered with a resource that an earlier call made.
//!
//! Calls with an idempotency token can be sent again: AWS answers with the resource of the first call and records both
//! alike. Nearly every SDK sends such a token, so the token alone says little. The time of creation in the answer does.

use super::handler::{RecordContext, Repeat, TagTarget};
use jiff::SignedDuration;

/// How long before its event a new resource may have been created: times come from different hosts of AWS.
pub const CREATION_SKEW: SignedDuration = SignedDuration::from_secs(15);

/// After this time the resource is certainly older than the call.
const CERTAINLY_OLDER: SignedDuration = SignedDuration::from_mins(2);

/// Notes on each target whether an earlier call may have made it.
pub(super) fn note(context: &RecordContext<'_>, targets: &mut [TagTarget]) {
    for target in targets {
        target.changes_older = target.rule.changed_an_older_one(context.parsed);
        target.may_have_existed |= target.changes_older;
        let created = target.rule.created(context.parsed);
        let before = context.record.time().zip(created).map(|(event, created)| event.duration_since(created));
        if before.is_some_and(|before| before > CERTAINLY_OLDER) {
            target.may_have_existed = true;
        }
        if target.rule.has_idempotency_token(context.parsed) {
            target.repeat = match (created, before) {
                (Some(created), Some(before)) if before <= CREATION_SKEW => Repeat::IfCreatedEarlier(created),
                _ => Repeat::Possible,
            };
        }
    }
}
