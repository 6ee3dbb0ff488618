//! A client-side limit of calls per second, which becomes lower when AWS throttles.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

/// The share of its rate that a bucket keeps after a throttled call.
const BACKOFF_FACTOR: f64 = 0.7;

/// The smallest share of its rate that a bucket can have.
const MIN_SHARE: f64 = 0.1;

/// How long a bucket takes to recover from a share of zero to its full rate.
const RECOVERY_TIME: Duration = Duration::from_secs(20);

/// How fast an API may be called: a token bucket.
///
/// A rate of zero would never allow a call, so it cannot be built:
///
/// ```
/// use autotag_aws::RateLimit;
///
/// assert_eq!(RateLimit::new(0, 1), None);
/// assert_eq!(RateLimit::new(10, 5).map(RateLimit::per_second), Some(10));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl RateLimit {
    /// `per_second` calls a second in the long run, and up to `burst` calls at once after a pause. `None` if either is zero.
    pub const fn new(per_second: u32, burst: u32) -> Option<Self> {
        match (NonZeroU32::new(per_second), NonZeroU32::new(burst)) {
            (Some(per_second), Some(burst)) => Some(Self { per_second, burst }),
            _ => None,
        }
    }

    /// Evenly spaced calls.
    pub const fn even(per_second: NonZeroU32) -> Self {
        Self { per_second, burst: NonZeroU32::MIN }
    }

    /// Calls a second in the long run; at least 1.
    pub const fn per_second(self) -> u32 {
        self.per_second.get()
    }
}

/// Permits for calls. Each key (for example an API, with account and region) has a token bucket of its own.
#[derive(Debug)]
pub struct RateLimiter<K> {
    buckets: Mutex<HashMap<K, Arc<Bucket>>>,
}

/// Permission to make one call. Report through it when the call was throttled.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    bucket: Arc<Bucket>,
    issued: Instant,
}

#[derive(Debug)]
struct Bucket {
    limit: RateLimit,
    /// Waiting calls queue for this lock, in the order of their arrival. It guards the time when the bucket is full again.
    full_at: AsyncMutex<Instant>,
    speed: Mutex<Speed>,
}

/// The share of the full rate at a moment.
#[derive(Debug, Clone, Copy)]
struct Speed {
    share: f64,
    at: Instant,
}

impl<K> Default for RateLimiter<K> {
    fn default() -> Self {
        Self { buckets: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> RateLimiter<K> {
    /// A limiter whose buckets are full.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until `key` may make another call. The first call for a key sets its limit.
    pub async fn acquire(&self, key: &K, limit: RateLimit) -> Permit {
        self.acquire_with(key, limit, async {}).await.0
    }

    /// As [`RateLimiter::acquire`], with a `slot` of another limit, such as that of calls in flight. The slot is awaited when
    /// the rate allows a call, and the permit is issued when the slot is there. So calls that wait for a slot do not save
    /// permits up and go as a burst, and calls that wait for their rate hold no slot. Of a key, one call at a time waits for a
    /// slot.
    pub async fn acquire_with<S>(
        &self,
        key: &K,
        limit: RateLimit,
        slot: impl Future<Output = S>,
    ) -> (Permit, S) {
        let bucket = {
            let mut buckets = crate::lock(&self.buckets);
            Arc::clone(buckets.entry(key.clone()).or_insert_with(|| Arc::new(Bucket::new(limit))))
        };
        let (issued, slot) = bucket.acquire(slot).await;
        (Permit { bucket, issued }, slot)
    }
}

impl Permit {
    /// AWS throttled the call. Later calls of the same key come more slowly, and recover their rate with time. Of calls that
    /// were in flight together, only the first report counts.
    pub fn throttled(&self) {
        let now = Instant::now();
        let mut speed = crate::lock(&self.bucket.speed);
        if self.issued >= speed.at {
            let share = (speed.share(now) * BACKOFF_FACTOR).max(MIN_SHARE);
            *speed = Speed { share, at: now };
        }
    }
}

impl Bucket {
    fn new(limit: RateLimit) -> Self {
        let now = Instant::now();
        Self { limit, full_at: AsyncMutex::new(now), speed: Mutex::new(Speed { share: 1.0, at: now }) }
    }

    async fn acquire<S>(&self, slot: impl Future<Output = S>) -> (Instant, S) {
        let mut full_at = self.full_at.lock().await;
        let mut has_waited = false;
        loop {
            let now = Instant::now();
            let burst = self.interval(now) * (self.limit.burst.get() - 1);
            if *full_at <= now + burst {
                break;
            }
            // Checked again after the pause: the bucket may have become slower meanwhile.
            tokio::time::sleep_until(*full_at - burst).await;
            has_waited = true;
        }
        let slot = slot.await;
        let now = Instant::now();
        let interval = self.interval(now);
        // A pause ends late by a millisecond or two. The next one is shorter by that, so that the rate is kept in the long run.
        let lateness = if has_waited { interval / 10 } else { Duration::ZERO };
        *full_at = (now - lateness).max(*full_at) + interval;
        (now, slot)
    }

    /// The time between two calls.
    fn interval(&self, now: Instant) -> Duration {
        Duration::from_secs_f64(1.0 / (f64::from(self.limit.per_second.get()) * self.share(now)))
    }

    fn share(&self, now: Instant) -> f64 {
        crate::lock(&self.speed).share(now)
    }
}

impl Speed {
    fn share(self, now: Instant) -> f64 {
        let recovered = now.saturating_duration_since(self.at).as_secs_f64() / RECOVERY_TIME.as_secs_f64();
        (self.share + recovered).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    fn limit(per_second: u32, burst: u32) -> RateLimit {
        RateLimit::new(per_second, burst).unwrap()
    }

    fn hundred() -> RateLimit {
        limit(100, 1)
    }

    /// When each of `count` calls that arrive together gets its permit, in milliseconds.
    async fn permits(limiter: &RateLimiter<&str>, rate: RateLimit, count: usize) -> Vec<u128> {
        let began = Instant::now();
        let permit = || async {
            let _ = limiter.acquire(&"here", rate).await;
            began.elapsed().as_millis()
        };
        join_all((0..count).map(|_| permit())).await
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_evenly_spaced_in_the_order_of_their_arrival() {
        let spaced: Vec<u128> = (0..20).map(|number| number * 10).collect();
        assert_eq!(permits(&RateLimiter::new(), hundred(), 20).await, spaced);
    }

    /// Timers end late by a millisecond or two, and slots take some time. Otherwise a thousand calls at ten a second would take
    /// some seconds longer.
    #[tokio::test(start_paused = true)]
    async fn late_permits_do_not_lower_the_rate() {
        let limiter = RateLimiter::new();
        let began = Instant::now();
        let mut times = Vec::new();
        for _ in 0..10 {
            let late = async { tokio::time::sleep(Duration::from_millis(5)).await };
            let _ = limiter.acquire_with(&"here", limit(10, 1), late).await;
            times.push(began.elapsed().as_millis());
        }
        assert_eq!(times, [5, 110, 210, 310, 410, 510, 610, 710, 810, 910]);
    }

    /// Otherwise the permits of calls that wait for a slot would be saved up, and the calls would go as a burst.
    #[tokio::test(start_paused = true)]
    async fn calls_that_waited_for_a_slot_are_evenly_spaced_too() {
        let (limiter, slots) = (RateLimiter::new(), tokio::sync::Semaphore::new(5));
        let began = Instant::now();
        let all = slots.acquire_many(5).await.unwrap();
        let call = || async {
            let (_, slot) = limiter.acquire_with(&"here", hundred(), slots.acquire()).await;
            let at = began.elapsed().as_millis();
            tokio::time::sleep(Duration::from_millis(1)).await;
            drop(slot);
            at
        };
        let release = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(all);
        };
        let (times, ()) = futures_util::future::join(join_all((0..5).map(|_| call())), release).await;
        assert_eq!(times, [100, 110, 120, 130, 140]);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_wait_for_their_rate_hold_no_slot() {
        let (limiter, slots) = (RateLimiter::new(), tokio::sync::Semaphore::new(1));
        let slow = limit(1, 1);
        drop(limiter.acquire_with(&"slow", slow, slots.acquire()).await);
        let began = Instant::now();
        let second = limiter.acquire_with(&"slow", slow, slots.acquire());
        let other = async {
            tokio::task::yield_now().await;
            drop(limiter.acquire_with(&"other", hundred(), slots.acquire()).await);
            began.elapsed()
        };
        let ((_, acquired), waited) = futures_util::future::join(second, other).await;
        assert_eq!(waited, Duration::ZERO);
        assert!(acquired.is_ok() && began.elapsed() >= Duration::from_millis(999));
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_allows_its_burst_at_once() {
        let limiter = RateLimiter::new();
        let rate = limit(100, 5);
        let expected = [0, 0, 0, 0, 0, 10, 20, 30];
        assert_eq!(permits(&limiter, rate, 8).await, expected);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(
            permits(&limiter, rate, 8).await,
            expected,
            "a quiet minute fills the bucket, and no more"
        );
    }

    /// Otherwise a burst would follow a quiet minute.
    #[tokio::test(start_paused = true)]
    async fn unused_permits_do_not_accumulate() {
        let limiter = RateLimiter::new();
        permits(&limiter, hundred(), 2).await;
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(permits(&limiter, hundred(), 3).await, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_do_not_wait_for_each_other() {
        let limiter = RateLimiter::new();
        permits(&limiter, hundred(), 20).await;
        let began = Instant::now();
        let _ = limiter.acquire(&"there", hundred()).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        let _ = limiter.acquire(&"here", hundred()).await;
        assert!(began.elapsed() >= Duration::from_millis(9), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_does_not_make_others_faster() {
        let limiter = RateLimiter::new();
        let began = Instant::now();
        let _ = limiter.acquire(&"here", hundred()).await;
        let cancelled =
            tokio::time::timeout(Duration::from_millis(1), limiter.acquire(&"here", hundred())).await;
        assert!(cancelled.is_err());
        let _ = limiter.acquire(&"here", hundred()).await;
        assert!(began.elapsed() >= Duration::from_millis(10), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_slows_the_next_ones_until_the_rate_recovers() {
        let limiter = RateLimiter::new();
        limiter.acquire(&"here", hundred()).await.throttled();
        let after: Vec<u128> = permits(&limiter, hundred(), 10).await;
        let last = after.last().copied().unwrap();
        assert!((130..=150).contains(&last), "ten calls at seven tenths of the rate took {last} ms");
        tokio::time::advance(RECOVERY_TIME).await;
        assert_eq!(permits(&limiter, hundred(), 3).await, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn throttled_calls_in_flight_together_count_once() {
        let limiter = RateLimiter::new();
        let rate = limit(100, 50);
        let mut in_flight = Vec::new();
        for _ in 0..50 {
            in_flight.push(limiter.acquire(&"here", rate).await);
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        in_flight.iter().for_each(Permit::throttled);
        let share = in_flight.first().unwrap().bucket.share(Instant::now());
        assert!((share - BACKOFF_FACTOR).abs() < 0.001, "{share}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_never_falls_to_zero() {
        let limiter = RateLimiter::new();
        for _ in 0..100 {
            limiter.acquire(&"here", hundred()).await.throttled();
        }
        let began = Instant::now();
        permits(&limiter, hundred(), 5).await;
        assert!(began.elapsed() <= Duration::from_millis(500), "{:?}", began.elapsed());
    }

    /// Such a rate would make the interval between calls infinite.
    #[test]
    fn a_rate_of_zero_cannot_be_built() {
        assert_eq!(RateLimit::new(0, 1), None);
        assert_eq!(RateLimit::new(1, 0), None);
        assert_eq!(RateLimit::new(7, 1), Some(RateLimit::even(NonZeroU32::new(7).unwrap())));
    }
}
