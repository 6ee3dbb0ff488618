//! Answers that are believed for a while.

use autotag_handlers::dedup::SingleFlight;
use jiff::{SignedDuration, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};

/// How long an answer is believed.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// Answers that are believed for a while, and then forgotten all at once.
#[derive(Debug)]
pub(super) struct Kept<V>(Mutex<Option<(Timestamp, Arc<SingleFlight<V>>)>>);

impl<V> Default for Kept<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Kept<V> {
    /// What is believed at this time.
    pub(super) fn at(&self, now: Timestamp) -> Arc<SingleFlight<V>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = held.as_ref().filter(|(since, _)| now.duration_since(*since).abs() < KEPT);
        if let Some((_, known)) = fresh {
            return Arc::clone(known);
        }
        let (_, new) = held.insert((now, Arc::default()));
        Arc::clone(new)
    }
}
