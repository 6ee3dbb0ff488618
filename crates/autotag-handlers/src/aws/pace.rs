//! Not more calls a second than allowed, for each account and region.

use autotag_model::arn::{AccountId, Region};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Gives turns, evenly spaced.
#[derive(Debug)]
pub(super) struct Pace {
    apart: Duration,
    next: Mutex<HashMap<(Option<AccountId>, Region), Instant>>,
}

impl Pace {
    pub(super) fn new(calls_per_second: NonZeroU32) -> Self {
        Self { apart: Duration::from_secs(1) / calls_per_second.get(), next: Mutex::default() }
    }

    /// Waits for the turn of a call to the place.
    pub(super) async fn turn(&self, account: Option<&AccountId>, region: &Region) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let place = next.entry((account.cloned(), region.clone())).or_insert_with(Instant::now);
            let at = (*place).max(Instant::now());
            *place = at + self.apart;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}
