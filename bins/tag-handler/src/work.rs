//! One invocation: what is to be read, what comes of it, what is answered.

use crate::config::{Config, PolicySource};
use crate::{metrics, second_look};
use anyhow::{Context as _, Result, anyhow};
use autotag_aws::backend::AwsPorts;
use autotag_aws::backend::until::Until;
use autotag_aws::signed::{self, Request};
use autotag_aws::{Accounts, TrailReader};
use autotag_handlers::batch;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::delivery::{self, Delivery, Gathered, Rules};
use autotag_handlers::outcome::Row;
use autotag_lambda::metrics::Head;
use autotag_lambda::{deadline, log, metrics as embedded, response};
use autotag_model::policy::Policy;
use jiff::Timestamp;
use lambda_runtime::{Context, Diagnostic};
use serde_json::{Value, json};
use session_store::{AnySessionStore, MemoryStore, OverlayStore, SessionWriter as _};
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;
use tokio::time::Instant;

/// What lives from invocation to invocation.
#[derive(Debug)]
pub(crate) struct Worker {
    config: Config,
    rules: Rules,
    world: AwsPorts<AnySessionStore>,
    trail: TrailReader,
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
        let known = match &config.sessions {
            Some(table) => table.store(&accounts).into(),
            None => AnySessionStore::from(MemoryStore::new()),
        };
        let trail = TrailReader::new(Arc::clone(&accounts));
        let mut world = AwsPorts::new(accounts, known, now);
        if let Some(region) = &config.identity_store {
            world = world.with_identity_store(region.clone());
        }
        Ok(Self { config, rules, world, trail })
    }

    /// Works on one payload.
    pub(crate) async fn invoke(&self, payload: &str, context: &Context) -> Result<Value, Failure> {
        let delivery = delivery::take_apart(payload, self.config.trail_bucket.as_deref())
            .map_err(|error| Failure { kind: "UnknownDelivery", what: error.to_string() })?;
        let end = deadline::end_of_work(context.deadline, now());
        let (records, rows, second_looks) = self.work(&delivery, end).await;
        for row in &rows {
            log::outcome(row, &context.request_id);
        }
        let head = Head {
            namespace: &self.config.metrics_namespace,
            function: &context.env_config.function_name,
            version: autotag_model::VERSION,
        };
        // How old records of a backfill are says nothing of how quickly tags come.
        let ages = if delivery.backfill { Vec::new() } else { metrics::ages(&rows, now()) };
        let counts = metrics::counts(records, second_looks, &rows);
        embedded::write(&embedded::line(head, &counts, &[("EventToTag", ages)], now()));
        let letters = self.config.dead_letter_queue.as_ref();
        let answer = response::respond(&delivery, records, &rows, letters, self.world.accounts()).await;
        answer.map_err(|error| Failure { kind: "NotDone", what: error.to_string() })
    }

    /// Records read, how each resource ended, and how many are looked at again.
    async fn work(&self, delivery: &Delivery, end: Instant) -> (u64, Vec<Row>, usize) {
        // What one delivery tells of sessions is in front of what the table knows, and of no use to the next.
        let ports = self.world.with_sessions(OverlayStore::over(self.world.sessions()));
        let concurrency = self.config.concurrency;
        let mut gathered: Gathered =
            self.trail.gather_all(&delivery.jobs, &self.rules, concurrency, end).await;
        if delivery.backfill {
            // As in `autotag apply`: the record proves that a resource was new then, not that it has no owner now.
            for target in gathered.creations.iter_mut().flat_map(|found| &mut found.targets) {
                target.may_have_existed = true;
            }
        }
        let records = autotag_handlers::second_look::records(&mut gathered);
        let mut rows = gathered.rows;
        for session in &gathered.sessions {
            if let Err(error) = ports.put(session).await {
                tracing::error!(%error, "cannot hold a session");
            }
        }
        let until = Until::new(&ports, Instant::now(), end);
        let mut second_looks = 0;
        let first = async |rows: &[&Row]| {
            let Some(to) = &self.config.second_look else { return HashMap::new() };
            let asked = second_look::ask(to, self.world.accounts(), &records, rows, (now(), end)).await;
            second_looks = asked.looks;
            asked.failed
        };
        let policy = &self.rules.policy;
        rows.extend(batch::run_after(policy, &until, concurrency, gathered.creations, first).await);
        (gathered.records, rows, second_looks)
    }
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
