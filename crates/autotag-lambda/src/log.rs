//! Logs: JSON lines on stderr. No payload, no tag value, no token is in them.

use crate::environment::Problems;
use autotag_handlers::outcome::{Outcome, Row};
use autotag_handlers::owner::OwnerSource;
use autotag_model::policy::Note;
use autotag_model::rule::Resource;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the logs of a program as its configuration says; where there is none, says all that is wrong with it.
///
/// # Errors
/// [`Problems`], as they came.
pub fn configured<C>(
    target: &str,
    config: Result<C, Problems>,
    level: impl Fn(&C) -> LevelFilter,
) -> Result<C, Problems> {
    start(target, config.as_ref().map_or(LevelFilter::INFO, level));
    if let Err(problems) = &config {
        for problem in &problems.0 {
            tracing::error!(problem, "configuration");
        }
    }
    config
}

/// Logs of the function `target` and of our libraries go to stderr from here on, at this level and above. Those of other
/// libraries do not: a request's body stands in some of them.
pub fn start(target: &str, level: LevelFilter) {
    let ours = Targets::new()
        .with_target(target, level)
        .with_target("autotag_lambda", level)
        .with_target("autotag_handlers", level)
        .with_target("autotag_aws", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(std::io::stderr);
    // A second start finds the first one's place taken, which is as good.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}

/// The line of one outcome: the event's head, the resource, how it ended and why. Of tags only their number, and the keys
/// that a caller has set for himself.
pub fn outcome(row: &Row, request_id: &str) {
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
