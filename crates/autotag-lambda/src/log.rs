//! Logs: JSON lines on stderr, without payloads, tag values and tokens.

use crate::invocation::Message;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::ResourceOutcome;
use autotag_model::policy::Note;
use autotag_model::rule::Resource;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the logs of the function `target` and of autotag's libraries, at `level` and above. Other libraries are not
/// logged, because some of them log request bodies. A second call has no effect.
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
    // An error means that logs have already started.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}

/// Logs one outcome: the event, the resource, the outcome and its reason, and the message that brought the record. Of the tags
/// only their number, and the keys of forged identity tags.
pub fn outcome(row: &ResourceOutcome, message: Option<&Message>, request_id: &str) {
    let event = &row.event;
    let resource = row.resource.as_ref().map(Resource::display);
    let (owner_source, message_id) = (row.owner_source(), message.map(|message| message.id.as_str()));
    // Keys only. The values are a caller's text.
    let forged: Vec<&str> = row
        .notes
        .iter()
        .filter_map(|note| match note {
            Note::Forged { key, .. } | Note::ExpectedByAws(key) | Note::SetByService(key) => {
                Some(key.as_str())
            }
            _ => None,
        })
        .collect();
    let forged = (!forged.is_empty()).then(|| forged.join(", "));
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id,
                message_id,
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
                outcome = row.status.name(),
                reason = row.status.reason(),
                "outcome"
            )
        };
    }
    match row.status {
        Outcome::Refused(_) | Outcome::Malformed(_) => line!(error),
        Outcome::Deferred(_) | Outcome::Uncovered => line!(warn),
        _ => line!(info),
    }
}
