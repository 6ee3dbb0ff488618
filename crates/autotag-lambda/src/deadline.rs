//! The time at which work stops, shortly before the deadline of the invocation.

use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// The time between the end of work and the deadline: for dead letters, logs and the answer.
const RESERVE: Duration = Duration::from_secs(2);

/// The end of work of an invocation with this `deadline`, in milliseconds since 1970 as Lambda gives it.
pub fn end_of_work(deadline: u64, now: Timestamp) -> Instant {
    let deadline = Timestamp::from_millisecond(i64::try_from(deadline).unwrap_or(i64::MAX));
    let left = deadline.map_or(Duration::ZERO, |deadline| {
        Duration::try_from(deadline.duration_since(now)).unwrap_or_default()
    });
    Instant::now() + left.saturating_sub(RESERVE)
}

/// The moment at which half of the time until `end` is over.
pub fn half_way(end: Instant) -> Instant {
    let now = Instant::now();
    now + end.saturating_duration_since(now) / 2
}

/// The moment at which three quarters of the time until `end` are over.
pub fn three_quarters(end: Instant) -> Instant {
    let now = Instant::now();
    now + end.saturating_duration_since(now) * 3 / 4
}
