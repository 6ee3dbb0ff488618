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

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    fn here() -> (AccountId, Region) {
        (AccountId::new("111122223333").unwrap(), Region::new("eu-west-1").unwrap())
    }

    /// When each of `count` calls that come at once has its turn, in milliseconds.
    async fn turns(pace: &Pace, count: usize) -> Vec<u128> {
        let (account, region) = here();
        let began = Instant::now();
        let turn = || async {
            pace.turn(Some(&account), &region).await;
            began.elapsed().as_millis()
        };
        join_all((0..count).map(|_| turn())).await
    }

    fn a_hundred() -> Pace {
        Pace::new(NonZeroU32::new(100).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn calls_take_their_turns_evenly_in_the_order_they_came() {
        let pace = a_hundred();
        let spaced: Vec<u128> = (0..20).map(|number| number * 10).collect();
        assert_eq!(turns(&pace, 20).await, spaced);
    }

    /// Otherwise a quiet minute would be followed by a burst.
    #[tokio::test(start_paused = true)]
    async fn turns_that_nobody_took_are_lost() {
        let pace = a_hundred();
        turns(&pace, 2).await;
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(turns(&pace, 3).await, [0, 10, 20]);
    }

    #[tokio::test(start_paused = true)]
    async fn accounts_and_regions_do_not_wait_for_each_other() {
        let pace = a_hundred();
        let (account, region) = here();
        turns(&pace, 20).await;
        let (busy, began) = (pace.turn(Some(&account), &region), Instant::now());
        pace.turn(Some(&account), &Region::new("us-east-1").unwrap()).await;
        pace.turn(Some(&AccountId::new("444455556666").unwrap()), &region).await;
        pace.turn(None, &region).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        busy.await;
        assert!(began.elapsed() >= Duration::from_millis(9), "{:?}", began.elapsed());
    }

    /// One that gave up waiting keeps its place; those behind are not faster for it.
    #[tokio::test(start_paused = true)]
    async fn who_gives_up_makes_nobody_faster() {
        let pace = a_hundred();
        let (account, region) = here();
        let began = Instant::now();
        pace.turn(Some(&account), &region).await;
        let gave_up =
            tokio::time::timeout(Duration::from_millis(1), pace.turn(Some(&account), &region)).await;
        assert!(gave_up.is_err());
        pace.turn(Some(&account), &region).await;
        assert!(began.elapsed() >= Duration::from_millis(20), "{:?}", began.elapsed());
    }
}
