//! The log of the calls that a proxy has received.

use crate::call::Call;
use crate::lock;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts calls. Keeps the calls themselves only after [`CallLog::keep`].
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    by_operation: Mutex<BTreeMap<String, BTreeMap<String, u64>>>,
    kept: Mutex<Option<Vec<Call>>>,
    pub(crate) forwarded: AtomicU64,
    pub(crate) faulted: AtomicU64,
}

/// Adds one. Relaxed: no other memory depends on the order of counts.
pub(crate) fn increment(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

impl CallLog {
    pub(crate) fn record(&self, call: &Call) {
        {
            let mut services = lock(&self.by_operation);
            // Looked up first, so that a known operation costs no allocation.
            match services.get_mut(&call.service).and_then(|operations| operations.get_mut(&call.operation)) {
                Some(count) => *count += 1,
                None => {
                    services.entry(call.service.clone()).or_default().insert(call.operation.clone(), 1);
                }
            }
        }
        if let Some(kept) = lock(&self.kept).as_mut() {
            // A copy: the received body is a slice of the connection's buffer and would keep the whole buffer alive.
            let body = Bytes::copy_from_slice(&call.body);
            kept.push(Call { body, ..call.clone() });
        }
    }

    pub(crate) fn keep(&self) {
        lock(&self.kept).get_or_insert_default();
    }

    pub(crate) fn kept(&self) -> Vec<Call> {
        lock(&self.kept).clone().unwrap_or_default()
    }

    pub(crate) fn count(&self, service: &str, operation: &str) -> u64 {
        let services = lock(&self.by_operation);
        services.get(service).and_then(|operations| operations.get(operation)).copied().unwrap_or_default()
    }

    pub(crate) fn counts(&self) -> BTreeMap<(String, String), u64> {
        let services = lock(&self.by_operation);
        let all = services.iter().flat_map(|(service, operations)| {
            operations.iter().map(|(operation, count)| ((service.clone(), operation.clone()), *count))
        });
        all.collect()
    }

    pub(crate) fn clear(&self) {
        lock(&self.by_operation).clear();
        if let Some(kept) = lock(&self.kept).as_mut() {
            kept.clear();
        }
        self.forwarded.store(0, Ordering::Relaxed);
        self.faulted.store(0, Ordering::Relaxed);
    }
}
