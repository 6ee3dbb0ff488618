//! Not more calls a second than allowed, and fewer where AWS throttles.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

/// What is left of the speed after a throttled call.
const SLOWER: f64 = 0.7;

/// How little of its speed a bucket may come down to.
const SLOWEST: f64 = 0.1;

/// How long a bucket takes from standing still to its full speed.
const REGAINED_AFTER: Duration = Duration::from_secs(20);

/// How fast an API may be called: a token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimit {
    /// Calls a second in the long run, above zero.
    pub per_second: f64,
    /// How many calls may come at once after a pause; 1 is evenly spaced.
    pub burst: u32,
}

impl RateLimit {
    /// So many calls a second, evenly spaced.
    pub fn even(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second), burst: 1 }
    }
}

/// Turns for calls: each place (an API of an account in a region, say) has a token bucket of its own.
#[derive(Debug)]
pub struct RateLimiter<K> {
    places: Mutex<HashMap<K, Arc<Bucket>>>,
}

/// A turn that was taken; with it a throttled call makes its bucket slower.
#[derive(Debug)]
#[must_use]
pub struct Permit {
    bucket: Arc<Bucket>,
    taken: Instant,
}

#[derive(Debug)]
struct Bucket {
    rate: RateLimit,
    /// Who waits, waits here, first come first served. In it: when the bucket is full again.
    queue: AsyncMutex<Instant>,
    speed: Mutex<Speed>,
}

/// A share of the full speed, as it was at a moment.
#[derive(Debug, Clone, Copy)]
struct Speed {
    share: f64,
    at: Instant,
}

impl<K> Default for RateLimiter<K> {
    fn default() -> Self {
        Self { places: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash> RateLimiter<K> {
    /// Nothing has been called yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for the turn of a call to the place, whose rate this is.
    pub async fn turn(&self, place: &K, rate: RateLimit) -> Permit {
        let bucket = {
            let mut places = crate::lock(&self.places);
            Arc::clone(places.entry(place.clone()).or_insert_with(|| Arc::new(Bucket::new(rate))))
        };
        let taken = bucket.turn().await;
        Permit { bucket, taken }
    }
}

impl Permit {
    /// AWS has throttled the call of this turn: the calls behind it come more slowly, and regain their speed as time passes.
    /// Of calls that were under way at the same time only the first one counts.
    pub fn slow_down(&self) {
        let now = Instant::now();
        let mut speed = crate::lock(&self.bucket.speed);
        if self.taken >= speed.at {
            *speed = Speed { share: (speed.share(now) * SLOWER).max(SLOWEST), at: now };
        }
    }
}

impl Bucket {
    fn new(rate: RateLimit) -> Self {
        let now = Instant::now();
        Self { rate, queue: AsyncMutex::new(now), speed: Mutex::new(Speed { share: 1.0, at: now }) }
    }

    async fn turn(&self) -> Instant {
        let mut full = self.queue.lock().await;
        loop {
            let now = Instant::now();
            let apart = Duration::from_secs_f64(1.0 / (self.rate.per_second * self.share(now)));
            let in_hand = apart * self.rate.burst.saturating_sub(1);
            if *full <= now + in_hand {
                *full = now.max(*full) + apart;
                return now;
            }
            // Looked at again after that: the bucket may have become slower meanwhile.
            tokio::time::sleep_until(*full - in_hand).await;
        }
    }

    fn share(&self, now: Instant) -> f64 {
        crate::lock(&self.speed).share(now)
    }
}

impl Speed {
    fn share(self, now: Instant) -> f64 {
        let regained = now.saturating_duration_since(self.at).as_secs_f64() / REGAINED_AFTER.as_secs_f64();
        (self.share + regained).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    const A_HUNDRED: RateLimit = RateLimit { per_second: 100.0, burst: 1 };

    /// When each of `count` calls that come at once has its turn, in milliseconds.
    async fn turns(pace: &RateLimiter<&str>, rate: RateLimit, count: usize) -> Vec<u128> {
        let began = Instant::now();
        let turn = || async {
            let _ = pace.turn(&"here", rate).await;
            began.elapsed().as_millis()
        };
        join_all((0..count).map(|_| turn())).await
    }

    #[tokio::test(start_paused = true)]
    async fn calls_take_their_turns_evenly_in_the_order_they_came() {
        let spaced: Vec<u128> = (0..20).map(|number| number * 10).collect();
        assert_eq!(turns(&RateLimiter::new(), A_HUNDRED, 20).await, spaced);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_bucket_gives_its_burst_at_once() {
        let pace = RateLimiter::new();
        let rate = RateLimit { burst: 5, ..A_HUNDRED };
        let expected = [0, 0, 0, 0, 0, 10, 20, 30];
        assert_eq!(turns(&pace, rate, 8).await, expected);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(turns(&pace, rate, 8).await, expected, "a quiet minute is worth a burst, and no more");
    }

    /// Otherwise a quiet minute would be followed by a burst.
    #[tokio::test(start_paused = true)]
    async fn turns_that_nobody_took_are_lost() {
        let pace = RateLimiter::new();
        turns(&pace, A_HUNDRED, 2).await;
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(turns(&pace, A_HUNDRED, 3).await, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn places_do_not_wait_for_each_other() {
        let pace = RateLimiter::new();
        turns(&pace, A_HUNDRED, 20).await;
        let began = Instant::now();
        let _ = pace.turn(&"there", A_HUNDRED).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        let _ = pace.turn(&"here", A_HUNDRED).await;
        assert!(began.elapsed() >= Duration::from_millis(9), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_makes_nobody_faster() {
        let pace = RateLimiter::new();
        let began = Instant::now();
        let _ = pace.turn(&"here", A_HUNDRED).await;
        let gave_up = tokio::time::timeout(Duration::from_millis(1), pace.turn(&"here", A_HUNDRED)).await;
        assert!(gave_up.is_err());
        let _ = pace.turn(&"here", A_HUNDRED).await;
        assert!(began.elapsed() >= Duration::from_millis(10), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_makes_the_next_ones_slower_and_the_speed_comes_back() {
        let pace = RateLimiter::new();
        pace.turn(&"here", A_HUNDRED).await.slow_down();
        let after: Vec<u128> = turns(&pace, A_HUNDRED, 10).await;
        let last = after.last().copied().unwrap();
        assert!((130..=150).contains(&last), "ten calls at seven tenths of the speed took {last} ms");
        tokio::time::advance(REGAINED_AFTER).await;
        assert_eq!(turns(&pace, A_HUNDRED, 3).await, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_were_under_way_together_count_once() {
        let pace = RateLimiter::new();
        let rate = RateLimit { burst: 50, ..A_HUNDRED };
        let mut under_way = Vec::new();
        for _ in 0..50 {
            under_way.push(pace.turn(&"here", rate).await);
        }
        tokio::time::advance(Duration::from_millis(1)).await;
        under_way.iter().for_each(Permit::slow_down);
        let share = under_way.first().unwrap().bucket.share(Instant::now());
        assert!((share - SLOWER).abs() < 0.001, "{share}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_stands_still() {
        let pace = RateLimiter::new();
        for _ in 0..100 {
            pace.turn(&"here", A_HUNDRED).await.slow_down();
        }
        let began = Instant::now();
        turns(&pace, A_HUNDRED, 5).await;
        assert!(began.elapsed() <= Duration::from_millis(500), "{:?}", began.elapsed());
    }
}
