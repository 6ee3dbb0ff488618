//! Moto, a proxy before it that counts and makes faults, and a clock that the tests set.

use autotag_aws::{Accounts, Settings};
use autotag_testkit::{Call, Emulator, Proxy};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_async::time::TimeSource;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Moto's account.
pub(crate) const HERE: &str = "123456789012";
pub(crate) const THERE: &str = "444455556666";

/// 2026-03-02T12:00:00Z.
const NOON: u64 = 1_772_452_800;

/// Tests that run at the same time share an emulator, which takes a second to start; it ends with the last of them.
static EMULATOR: Mutex<Weak<Emulator>> = Mutex::new(Weak::new());

fn emulator() -> Arc<Emulator> {
    let mut shared = EMULATOR.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let started = Emulator::start(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
        let started = Arc::new(started);
        *shared = Arc::downgrade(&started);
        started
    })
}

/// A clock that stays at noon until it is moved.
#[derive(Debug, Clone)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) struct Aws {
    pub(crate) proxy: Proxy,
    pub(crate) config: SdkConfig,
    pub(crate) clock: Clock,
    /// Dropped last.
    _emulator: Arc<Emulator>,
}

impl Aws {
    pub(crate) async fn new() -> Self {
        let emulator = emulator();
        let proxy = Proxy::start(&emulator.url()).unwrap();
        proxy.keep_bodies();
        let clock = Clock(Arc::new(AtomicU64::new(NOON)));
        let config = config(&proxy.url(), &clock).await;
        Self { proxy, config, clock, _emulator: emulator }
    }

    pub(crate) fn accounts(&self, settings: Settings) -> Accounts {
        Accounts::new(self.config.clone(), settings)
    }

    /// The calls of one operation so far, in the order they came.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Call> {
        self.proxy.calls().into_iter().filter(|call| call.operation == operation).collect()
    }

    /// How often each operation was called.
    pub(crate) fn counts(&self) -> Vec<(String, u64)> {
        self.proxy.counts().into_iter().map(|((_, operation), count)| (operation, count)).collect()
    }
}

/// Three attempts without long pauses, and a second for each.
pub(crate) async fn config(url: &str, clock: &Clock) -> SdkConfig {
    let retries = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .retry_config(retries)
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(10)).build())
        .time_source(clock.clone())
        .load()
        .await
}
