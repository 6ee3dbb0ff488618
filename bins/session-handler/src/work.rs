//! One invocation: what is to be read, which sessions are kept, what is answered.

use crate::config::Config;
use async_trait::async_trait;
use autotag_aws::{Accounts, TrailReader};
use autotag_handlers::delivery;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::sessions::Sessions;
use autotag_lambda::metrics::{self, Head};
use autotag_lambda::{answer, deadline, log};
use autotag_model::session::Session;
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic};
use serde_json::Value;
use session_store::{DynamoDbStore, SessionReader, SessionStoreError, SessionWriter};
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

/// What lives from invocation to invocation.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Config,
    accounts: Arc<Accounts>,
    store: DynamoDbStore,
    trail: TrailReader,
}

/// The clock.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn failure(kind: &str, error: &impl ToString) -> Diagnostic {
    Diagnostic { error_type: kind.to_owned(), error_message: error.to_string() }
}

impl Worker {
    pub(crate) async fn start(config: Config) -> Self {
        let accounts = Arc::new(Accounts::connect(config.accounts.clone()).await);
        let store = config.table.store(&accounts);
        let trail = TrailReader::new(Arc::clone(&accounts));
        Self { config, accounts, store, trail }
    }

    /// Works on one payload.
    pub(crate) async fn invoke(&self, payload: &str, context: &Context) -> Result<Value, Diagnostic> {
        let delivery = delivery::take_apart(payload, self.config.trail_bucket.as_deref())
            .map_err(|error| failure("UnknownDelivery", &error))?;
        let end = deadline::end_of_work(context.deadline, now());
        let concurrency = self.config.concurrency;
        let mut found: Sessions = self.trail.gather_all(&delivery.jobs, &(), concurrency, end).await;
        let issued: Vec<Timestamp> = found.sessions.iter().map(|(session, _)| session.issued).collect();
        let kept = found.keep(&Until { store: &self.store, end }, concurrency).await;
        // How old records of a backfill are says nothing of how quickly they come.
        let issued = if delivery.backfill { Vec::new() } else { issued };
        let ages = issued.iter().map(|issued| now().duration_since(*issued).as_secs_f64()).collect();
        self.report(&found, kept, ages, context);
        let letters = self.config.dead_letters.as_ref();
        let answer = answer::give(&delivery, found.records, &found.rows, letters, &self.accounts).await;
        answer.map_err(|error| failure("NotDone", &error))
    }

    /// A log line for each record that could not be kept, one for the invocation, and its metrics.
    fn report(&self, found: &Sessions, kept: u64, ages: Vec<f64>, context: &Context) {
        for row in &found.rows {
            log::outcome(row, &context.request_id);
        }
        let skipped: u64 = found.skipped.values().sum();
        for (why, count) in &found.skipped {
            tracing::debug!(request_id = context.request_id, why, count, "skipped");
        }
        tracing::info!(request_id = context.request_id, records = found.records, kept, skipped, "sessions");
        let count = |is| metrics::count(&found.rows, is);
        let counts = [
            ("Received", found.records),
            ("Kept", kept),
            ("Skipped", skipped + count(|outcome| matches!(outcome, Outcome::Skipped(_)))),
            ("Deferred", count(|outcome| matches!(outcome, Outcome::Deferred(_)))),
            ("Refused", count(|outcome| matches!(outcome, Outcome::Refused(_)))),
            ("Malformed", count(|outcome| matches!(outcome, Outcome::Malformed(_)))),
        ];
        let head = Head {
            namespace: &self.config.metrics_namespace,
            function: &context.env_config.function_name,
            version: autotag_model::VERSION,
        };
        metrics::write(&metrics::line(head, &counts, &[("CallToKept", ages)], now()));
    }
}

/// A store that answers until a moment, and not after it.
struct Until<'s> {
    store: &'s DynamoDbStore,
    end: Instant,
}

impl Until<'_> {
    fn late() -> SessionStoreError {
        let source = "the invocation was at its end".into();
        SessionStoreError::Unavailable { place: "the session store".to_owned(), source }
    }
}

#[async_trait]
impl SessionReader for Until<'_> {
    async fn find_issued(
        &self,
        role_session: &str,
        between: &RangeInclusive<Timestamp>,
    ) -> Result<Vec<Session>, SessionStoreError> {
        let found = timeout_at(self.end, self.store.find_issued(role_session, between)).await;
        found.unwrap_or_else(|_| Err(Self::late()))
    }
}

#[async_trait]
impl SessionWriter for Until<'_> {
    async fn put(&self, session: &Session) -> Result<(), SessionStoreError> {
        timeout_at(self.end, self.store.put(session)).await.unwrap_or_else(|_| Err(Self::late()))
    }
}
