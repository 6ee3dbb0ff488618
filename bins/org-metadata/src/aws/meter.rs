//! Counts of calls and their results.

use autotag_model::failure::ErrorClass;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The calls of one operation. Every attempt counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OperationCalls {
    /// All attempts.
    pub(crate) calls: u64,
    /// Attempts after the first one.
    pub(crate) retries: u64,
    /// Attempts that AWS throttled.
    pub(crate) throttled: u64,
    /// Attempts that failed for another reason.
    pub(crate) failed: u64,
}

/// Counts by operation.
#[derive(Debug, Default)]
pub(super) struct Meter {
    operations: Mutex<BTreeMap<String, OperationCalls>>,
}

impl Meter {
    /// Counts one attempt, the `attempt`-th of its call, with the class of its failure if it failed.
    pub(super) fn count(&self, operation: &str, attempt: u32, failure: Option<ErrorClass>) {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = operations.entry(operation.to_owned()).or_default();
        counts.calls += 1;
        counts.retries += u64::from(attempt > 1);
        counts.throttled += u64::from(failure == Some(ErrorClass::Throttled));
        counts.failed += u64::from(failure.is_some_and(|class| class != ErrorClass::Throttled));
    }

    pub(super) fn calls(&self) -> BTreeMap<String, OperationCalls> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All attempts, and the throttled ones.
    pub(super) fn totals(&self) -> (u64, u64) {
        let operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        operations
            .values()
            .fold((0, 0), |(calls, throttled), counts| (calls + counts.calls, throttled + counts.throttled))
    }
}
