//! The log line of an outcome. No payload, no tag value, no token is in it.

use autotag_handlers::outcome::{Outcome, Row};
use autotag_handlers::owner::OwnerSource;
use autotag_model::policy::Note;
use autotag_model::rule::Resource;

/// The line of one outcome.
pub(crate) fn outcome(row: &Row, request_id: &str) {
    let event = &row.event;
    let resource = row.resource.as_ref().map(Resource::display);
    let owner_source = row.owner.as_ref().and_then(|owner| owner.source).map(OwnerSource::as_str);
    // Keys only: what somebody tried to pass for himself.
    let forged: Vec<&str> = row
        .notes
        .iter()
        .filter_map(|note| match note {
            Note::Forged { key, .. } => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let forged = (!forged.is_empty()).then(|| forged.join(", "));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id,
                message_id = event.message_id.as_deref(),
                event_id = event.id.as_deref(),
                event_time = event.time.as_deref(),
                event_source = event.source,
                event_name = event.name,
                account = event.account.as_deref(),
                region = event.region.as_deref(),
                resource_type = row.resource_type.as_deref(),
                resource = resource.as_deref(),
                owner_source,
                tags = row.tags.len(),
                forged = forged.as_deref(),
                outcome = row.outcome.name(),
                reason = row.outcome.reason(),
                "outcome"
            )
        };
    }
    match row.outcome {
        Outcome::Refused(_) | Outcome::Malformed(_) => line!(error),
        Outcome::Deferred(_) | Outcome::NoRule => line!(warn),
        _ => line!(info),
    }
}
