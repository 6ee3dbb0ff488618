//! Answers that are cached for a while.

use autotag_handlers::dedup::SingleFlight;
use autotag_handlers::error::BackendError;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an answer is kept.
const CACHE_TTL: Duration = Duration::from_mins(5);

type Answers<V> = Arc<SingleFlight<V, BackendError>>;

/// Answers by key, forgotten all at once when the oldest is five minutes old. Callers that ask the same at the same time
/// share one call.
#[derive(Debug)]
pub(super) struct TtlCache<V>(Mutex<Option<(Instant, Answers<V>)>>);

impl<V> Default for TtlCache<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> TtlCache<V> {
    /// The cached answer for `key`, otherwise the answer of `ask`. A failure is not cached.
    ///
    /// # Errors
    /// The failure of `ask`.
    pub(super) async fn get(
        &self,
        key: &str,
        ask: impl Future<Output = Result<V, BackendError>>,
    ) -> Result<V, BackendError> {
        self.fresh(Instant::now()).get(key, ask).await
    }

    fn fresh(&self, now: Instant) -> Answers<V> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answers)) = held.as_ref().filter(|(since, _)| now.duration_since(*since) < CACHE_TTL)
        {
            return Arc::clone(answers);
        }
        let (_, answers) = held.insert((now, Arc::default()));
        Arc::clone(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_asked_for_again_after_five_minutes() {
        let (cache, calls) = (TtlCache::default(), AtomicUsize::new(0));
        let ask = || async { Ok(calls.fetch_add(1, Ordering::Relaxed)) };
        assert_eq!(cache.get("role", ask()).await, Ok(0));
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(cache.get("role", ask()).await, Ok(0));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(cache.get("role", ask()).await, Ok(1));
    }
}
