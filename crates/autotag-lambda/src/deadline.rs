//! When work stops, so that the answer still gets out.

use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// How long before the end of an invocation work stops.
const RESERVE: Duration = Duration::from_secs(2);

/// When work stops in an invocation that ends at `deadline` (milliseconds since 1970, as Lambda says it).
pub fn end_of_work(deadline: u64, now: Timestamp) -> Instant {
    let deadline = Timestamp::from_millisecond(i64::try_from(deadline).unwrap_or(i64::MAX));
    let left = deadline.map_or(Duration::ZERO, |deadline| {
        Duration::try_from(deadline.duration_since(now)).unwrap_or_default()
    });
    Instant::now() + left.saturating_sub(RESERVE)
}
