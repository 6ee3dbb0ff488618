//! Rate limits of operations.

use autotag_aws::RateLimit;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// How fast each operation may be called, in one account (and region).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rates {
    by_operation: BTreeMap<String, RateLimit>,
}

/// The limits that AWS documents, and cautious ones where it documents none.
const DEFAULTS: [(&str, RateLimit); 12] = [
    ("AssumeRole", limit(100, 100)),
    ("DescribeOrganization", limit(10, 1)),
    ("ListAccounts", limit(10, 1)),
    // Not documented. Tools without a limit are throttled above 250 accounts.
    ("ListTagsForResource", limit(10, 1)),
    ("ListRegions", limit(5, 5)),
    ("DescribeRegions", limit(20, 20)),
    ("GetResources", limit(15, 1)),
    ("GetBucketLocation", limit(50, 10)),
    ("Search", limit(5, 1)),
    ("Scan", limit(50, 10)),
    ("PutObject", limit(50, 10)),
    ("HeadBucket", limit(50, 10)),
];

/// The limit of an operation without an entry.
const OTHERS: RateLimit = limit(10, 1);

/// A limit for constants. Zero counts as one.
const fn limit(per_second: u32, burst: u32) -> RateLimit {
    match RateLimit::new(per_second, burst) {
        Some(limit) => limit,
        None => RateLimit::even(NonZeroU32::MIN),
    }
}

impl Rates {
    /// The defaults, replaced by those of `configured`: calls a second by operation.
    pub(crate) fn new(configured: &BTreeMap<String, NonZeroU32>) -> Self {
        let configured =
            configured.iter().map(|(operation, rate)| (operation.clone(), RateLimit::even(*rate)));
        let defaults = DEFAULTS.iter().map(|(operation, limit)| ((*operation).to_owned(), *limit));
        Self { by_operation: defaults.chain(configured).collect() }
    }

    /// The operations whose rate can be configured.
    pub(crate) fn operations() -> impl Iterator<Item = &'static str> {
        DEFAULTS.iter().map(|(operation, _)| *operation)
    }

    /// The limit of an operation.
    pub(crate) fn of(&self, operation: &str) -> RateLimit {
        self.by_operation.get(operation).copied().unwrap_or(OTHERS)
    }
}
