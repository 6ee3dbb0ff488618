//! The rate limits of AWS: a token bucket for each API, account and region.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Instant;

/// The rate of an API in one account (and region).
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    pub per_second: f64,
    pub burst: f64,
}

/// Documented limits, otherwise observed ones. That of `AssumeRole` is for the calling account.
const REAL: [(&str, f64, f64); 6] = [
    ("AssumeRole", 600.0, 600.0),
    ("DescribeOrganization", 10.0, 10.0),
    ("GetResources", 15.0, 15.0),
    ("ListAccounts", 10.0, 10.0),
    ("ListRegions", 5.0, 5.0),
    ("ListTagsForResource", 10.0, 10.0),
];

/// An API by its operation, the account that calls, and the region where there is one for each.
type Place = (String, String, String);

/// Rates by operation; what is not named has none. They hold in real time.
#[derive(Debug, Default)]
pub struct Limits {
    rates: BTreeMap<&'static str, RateLimit>,
    buckets: Mutex<HashMap<Place, Bucket>>,
}

#[derive(Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limits {
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of AWS.
    pub fn real() -> Self {
        let rates = REAL.map(|(operation, per_second, burst)| (operation, RateLimit { per_second, burst }));
        Self { rates: rates.into(), ..Self::default() }
    }

    /// Takes a call, if there is room for it.
    pub fn allow(&self, operation: &str, account: &str, region: &str) -> bool {
        let Some(rate) = self.rates.get(operation) else { return true };
        let (now, place) = (Instant::now(), [operation, account, region].map(str::to_owned));
        let mut buckets = self.buckets.lock().unwrap();
        let bucket = buckets.entry(place.into()).or_insert(Bucket { left: rate.burst, at: now });
        let since = now.duration_since(bucket.at).as_secs_f64();
        bucket.left = (bucket.left + since * rate.per_second).min(rate.burst);
        bucket.at = now;
        let allowed = bucket.left >= 1.0;
        if allowed {
            bucket.left -= 1.0;
        }
        allowed
    }
}
