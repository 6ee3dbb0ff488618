//! Logs: JSON lines on stderr. No payload, no tag value, no token is in them.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Logs of the function `target` and of our libraries go to stderr from here on, at this level and above. Those of other
/// libraries do not: a request's body stands in some of them.
pub fn start(target: &str, level: LevelFilter) {
    let ours = Targets::new()
        .with_target(target, level)
        .with_target("autotag_functions", level)
        .with_target("autotag_handlers", level)
        .with_target("aws_accounts", level);
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
