//! Logs: JSON, one line an outcome. No payload, no tag value, no token is in them.

use autotag_handlers::outcome::{Outcome, Row};
use autotag_model::rule::Resource;
use tracing_subscriber::EnvFilter;

/// Logs go to stderr from here on; a wrong level is said and taken for `info`.
pub(crate) fn start(level: &str) {
    let filter = EnvFilter::try_new(level);
    let wrong = filter.is_err();
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second start finds the first one's place taken, which is as good.
    let _ = subscriber.try_init();
    if wrong {
        tracing::warn!(level, "AUTOTAG_LOG is no filter: expected a level such as `info`");
    }
}

/// The line of one outcome.
pub(crate) fn outcome(row: &Row, request_id: &str) {
    let event = &row.event;
    let resource = row.resource.as_ref().map(Resource::display);
    let owner_source = row.owner.as_ref().and_then(|owner| owner.source).map(|source| source.as_str());
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
