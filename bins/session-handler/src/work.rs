//! One invocation: reads the payload, keeps its sessions, and answers.

use crate::config::Config;
use autotag_aws::{Accounts, NotInLambda, TrailReader, WithDeadline};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::sessions::CollectedSessions;
use autotag_lambda::invocation::{Invocation, parse_payload};
use autotag_lambda::jobs::read_jobs;
use autotag_lambda::metrics::{self, Head};
use autotag_lambda::{InvocationError, deadline, log, now, response};
use autotag_model::policy::Policy;
use jiff::Timestamp;
use lambda_runtime::Context;
use serde_json::Value;
use session_store::DynamoDbStore;
use std::collections::HashMap;
use std::sync::Arc;

/// The state of the function, shared by its invocations.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Config,
    /// Without a catalogue: creations do not count here.
    classifier: Classifier,
    accounts: Arc<Accounts>,
    store: DynamoDbStore,
    trail: TrailReader,
}

impl Worker {
    pub(crate) fn new(config: Config, variables: &HashMap<String, String>) -> Result<Self, NotInLambda> {
        let accounts = Arc::new(Accounts::in_lambda(variables, config.accounts.clone())?);
        let store = config.table.store(&accounts);
        let trail = TrailReader::new(Arc::clone(&accounts));
        let classifier = Classifier::new(Catalog::empty(), Policy::default());
        Ok(Self { config, classifier, accounts, store, trail })
    }

    /// Keeps the sessions of one payload, and returns the answer to Lambda.
    pub(crate) async fn work(&self, payload: &str, context: &Context) -> Result<Value, InvocationError> {
        let invocation = parse_payload(payload, self.config.trail_bucket.as_deref())
            .map_err(|error| InvocationError::new("UnknownDelivery", &error))?;
        let end = deadline::end_of_work(context.deadline, now());
        let concurrency = self.config.concurrency;
        // A slow log file must not stop the sessions of other messages from being written.
        let read_until = deadline::half_way(end);
        let mut found: CollectedSessions =
            read_jobs(&self.trail, &invocation.jobs, &self.classifier, concurrency, read_until).await;
        let issued: Vec<Timestamp> = found.sessions.iter().map(|(session, _)| session.issued).collect();
        let kept = found.keep(&WithDeadline::new(&self.store, end), concurrency).await;
        // The records of a backfill are old. Their age is not the delay of new records.
        let issued = if invocation.backfill { Vec::new() } else { issued };
        let ages = issued.iter().map(|issued| now().duration_since(*issued).as_secs_f64()).collect();
        self.report(&found, &invocation, kept, ages, context);
        let queue = self.config.dead_letter_queue.as_ref();
        response::respond(&invocation, &found.counts, &found.rejected, queue, &self.accounts)
            .await
            .map_err(|error| InvocationError::new("NotDone", &error))
    }

    /// Logs each record that could not be kept and one line for the invocation, and writes the metrics.
    fn report(
        &self,
        found: &CollectedSessions,
        invocation: &Invocation,
        kept: u64,
        ages: Vec<f64>,
        context: &Context,
    ) {
        for row in &found.rejected {
            log::outcome(row, invocation.message(row.origin), &context.request_id);
        }
        let skipped: u64 = found.skipped.values().sum();
        let reasons: Vec<_> = found.skipped.iter().map(|(why, count)| format!("{why}: {count}")).collect();
        let reasons = (!reasons.is_empty()).then(|| reasons.join(", "));
        tracing::info!(
            request_id = context.request_id,
            records = found.counts.records,
            kept,
            skipped,
            reasons,
            "sessions"
        );
        let count = |is| metrics::count(&found.rejected, is);
        // Some parts of the inputs have no row of their own.
        let counted = found.counts;
        let counts = [
            ("Received", found.counts.records),
            ("Kept", kept),
            (
                "Skipped",
                skipped
                    + counted.skipped_without_row
                    + count(|outcome| matches!(outcome, Outcome::Skipped(_))),
            ),
            ("Deferred", count(|outcome| matches!(outcome, Outcome::Deferred(_)))),
            ("Refused", count(|outcome| matches!(outcome, Outcome::Refused(_)))),
            (
                "Malformed",
                counted.unreadable_without_row + count(|outcome| matches!(outcome, Outcome::Malformed(_))),
            ),
        ];
        let head = Head {
            namespace: &self.config.metrics_namespace,
            function: &context.env_config.function_name,
            version: autotag_model::VERSION,
        };
        metrics::write(&metrics::line(head, &counts, &[("CallToKept", ages)], now()));
    }
}
