//! One invocation: what is to be read, what comes of it, what is answered.

use crate::config::{Config, PolicySource};
use crate::{answer, dead_letters, log, metrics};
use anyhow::{Context as _, Result, anyhow};
use autotag_handlers::aws::AwsPorts;
use autotag_handlers::aws::trail::Rules;
use autotag_handlers::aws::until::Until;
use autotag_handlers::batch;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::delivery::{self, Delivery, Gathered};
use autotag_handlers::outcome::{Outcome, Row};
use autotag_model::policy::Policy;
use aws_accounts::Accounts;
use aws_accounts::signed::{self, Request};
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic};
use serde_json::{Value, json};
use session_store::{MemoryStore, SessionStore as _};
use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long before the end of an invocation work stops, so that the answer still gets out.
const RESERVE: Duration = Duration::from_secs(2);

/// What lives from invocation to invocation.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Config,
    rules: Rules,
    world: AwsPorts<MemoryStore>,
}

/// An invocation that fails as a whole.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What Lambda shows as the type of the error.
    kind: &'static str,
    what: String,
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.kind.to_owned(), error_message: failure.what }
    }
}

/// The clock.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Worker {
    pub(crate) async fn start(config: Config) -> Result<Self> {
        let accounts = Arc::new(Accounts::connect(config.accounts.clone()).await);
        let policy = policy(&config.policy, &accounts).await?;
        let mut catalog = Catalog::embedded();
        for path in &config.rules {
            let text =
                fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            catalog.add(&path.display().to_string(), &text)?;
        }
        let rules = Rules { catalog: Arc::new(catalog), policy: Arc::new(policy) };
        Ok(Self { config, rules, world: AwsPorts::new(accounts, MemoryStore::new(), now) })
    }

    /// Works on one payload.
    pub(crate) async fn invoke(&self, payload: &str, context: &Context) -> Result<Value, Failure> {
        let delivery = delivery::take_apart(payload, self.config.trail_bucket.as_deref())
            .map_err(|error| Failure { kind: "UnknownDelivery", what: error.to_string() })?;
        let end = end_of_work(context);
        let (records, rows) = self.work(&delivery, end).await;
        for row in &rows {
            log::outcome(row, &context.request_id);
        }
        let function = &context.env_config.function_name;
        let line = metrics::line(&self.config.metrics_namespace, function, records, &rows, now());
        if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
            tracing::error!(%error, "cannot write metrics");
        }
        if !delivery.from_queue {
            let whole = answer::whole(records, &rows);
            return whole.map_err(|error| Failure { kind: "NotDone", what: error.to_string() });
        }
        let failed = answer::failed(&delivery, &rows);
        let ids = match &self.config.dead_letters {
            Some(letters) => dead_letters::bury(letters, self.world.accounts(), &delivery, failed).await,
            None => failed.into_iter().map(|(id, _)| id).collect(),
        };
        Ok(answer::partial(ids.into_iter()))
    }

    /// Records read, and how each resource ended.
    async fn work(&self, delivery: &Delivery, end: Instant) -> (u64, Vec<Row>) {
        // The sessions that one delivery tells of are of no use to the next.
        let ports = self.world.with_sessions(MemoryStore::new());
        let readings = delivery.jobs.iter().map(|job| {
            let read = ports.gather(job, &self.rules);
            async move {
                timeout_at(end, read).await.unwrap_or_else(|_| {
                    let mut late = Gathered::default();
                    let id = job.message.as_ref().map(|message| message.id.as_str());
                    let hints = autotag_handlers::assess::Hints::default().in_message(id);
                    late.unreadable(Outcome::Deferred("out of time before it was read".to_owned()), &hints);
                    late
                })
            }
        });
        let readings: Vec<_> = readings.collect();
        let mut gathered = Gathered::default();
        let mut readings = stream::iter(readings).buffered(self.config.concurrency.get());
        while let Some(one) = readings.next().await {
            gathered.append(one);
        }
        let mut rows = gathered.rows;
        for session in &gathered.sessions {
            if let Err(error) = ports.put(session).await {
                tracing::error!(%error, "cannot keep a session");
            }
        }
        let until = Until::new(&ports, Instant::now(), end);
        rows.extend(
            batch::run(&self.rules.policy, &until, self.config.concurrency, gathered.creations).await,
        );
        (gathered.records, rows)
    }
}

/// When work stops.
fn end_of_work(context: &Context) -> Instant {
    let deadline = Timestamp::from_millisecond(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    let left = deadline.map_or(Duration::ZERO, |deadline| {
        Duration::try_from(deadline.duration_since(now())).unwrap_or_default()
    });
    Instant::now() + left.saturating_sub(RESERVE)
}

async fn policy(source: &PolicySource, accounts: &Accounts) -> Result<Policy> {
    let (name, text) = match source {
        PolicySource::BuiltIn => return Ok(Policy::default()),
        PolicySource::Inline(text) => ("AUTOTAG_POLICY".to_owned(), text.clone()),
        PolicySource::File(path) => {
            let text =
                fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            (path.display().to_string(), text)
        }
        PolicySource::Parameter(name) => (name.clone(), parameter(name, accounts).await?),
    };
    Policy::from_toml(&text).map_err(|error| anyhow!("policy `{name}`: {error}"))
}

/// The text of an SSM parameter.
async fn parameter(name: &str, accounts: &Accounts) -> Result<String> {
    let region = accounts.home_region().context("no region is known to read the policy's parameter in")?;
    let input = json!({"Name": name, "WithDecryption": true});
    let request = Request::json(signed::SSM, "GetParameter", &region, &input);
    let answer = signed::send_json(accounts.ambient(), request).await;
    let answer = answer.with_context(|| format!("cannot read the policy from parameter `{name}`"))?;
    let value = answer.pointer("/Parameter/Value").and_then(Value::as_str);
    value.map(str::to_owned).with_context(|| format!("parameter `{name}` has no value"))
}
