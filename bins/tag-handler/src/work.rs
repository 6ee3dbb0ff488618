//! Handles one invocation: finds the inputs, plans and writes their tags, and forms the answer.

use crate::config::{Config, PolicySource};
use crate::metrics::LedgerCounts;
use crate::records::{LedgerRecords, Others};
use crate::tamper::Reactions;
use crate::{ledger, metrics, recheck, tamper};
use anyhow::{Context as _, Result, anyhow};
use autotag_aws::backend::AwsBackend;
use autotag_aws::signed::{self, calls};
use autotag_aws::{AccountScope, Accounts, TrailReader, WithDeadline};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_handlers::counts::Counts;
use autotag_handlers::deletion::Deletion;
use autotag_handlers::owner;
use autotag_handlers::plan::{Execution, Plan, Planner};
use autotag_handlers::records::ClassifiedRecords;
use autotag_handlers::row::{OriginId, ResourceOutcome};
use autotag_handlers::tamper::TagChange;
use autotag_lambda::deadline::{self, half_way, three_quarters};
use autotag_lambda::invocation::{Invocation, parse_payload};
use autotag_lambda::jobs::read_jobs;
use autotag_lambda::metrics::Head;
use autotag_lambda::{InvocationError, log, metrics as embedded, now, response};
use autotag_ledger::{DynamoDbLedger, Entry, TamperResponder};
use autotag_model::arn::{AccountId, Arn};
use autotag_model::policy::Policy;
use futures_util::stream::{self, StreamExt as _};
use lambda_runtime::Context;
use serde_json::Value;
use session_store::{MemoryStore, SessionReader};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::Arc;
use tokio::time::Instant;

/// The state of the function, shared by its invocations.
pub(crate) struct Worker {
    config: Config,
    classifier: Classifier,
    accounts: Arc<Accounts>,
    /// Sessions of earlier invocations. Without a table there are none.
    sessions: Box<dyn SessionReader>,
    ledger: Option<DynamoDbLedger>,
    backend: AwsBackend,
    trail: TrailReader,
}

/// The result of one invocation.
struct Done {
    counts: Counts,
    rechecks: usize,
    ledger: LedgerCounts,
    rows: Vec<ResourceOutcome>,
}

impl Worker {
    pub(crate) async fn start(config: Config, variables: &HashMap<String, String>) -> Result<Self> {
        let accounts = Arc::new(connect(&config, variables).await?);
        let policy = policy(&config.policy, &accounts).await?;
        let mut catalog = Catalog::embedded();
        for path in &config.rules {
            let text =
                fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            catalog.add(&path.display().to_string(), &text)?;
        }
        let sessions: Box<dyn SessionReader> = match &config.sessions {
            Some(table) => Box::new(table.store(&accounts)),
            None => Box::new(MemoryStore::new()),
        };
        let mut backend = AwsBackend::new(Arc::clone(&accounts));
        if let Some(store) = &config.identity_store {
            backend = backend.with_identity_store(store.region.clone());
            let listed = policy.trust.identity_stores.iter().filter_map(|store| store.parse::<Arn>().ok());
            backend = backend.with_trusted_identity_stores(store.trusted.iter().cloned().chain(listed));
        }
        let ledger = config.ledger_table.as_ref();
        let ledger =
            ledger.map(|table| DynamoDbLedger::new(autotag_aws::dynamodb_client(accounts.ambient()), table));
        let trail = TrailReader::new(Arc::clone(&accounts));
        let classifier = Classifier::new(catalog, policy);
        Ok(Self { config, classifier, accounts, sessions, ledger, backend, trail })
    }

    /// Handles one payload, and returns the answer to Lambda.
    pub(crate) async fn invoke(&self, payload: &str, context: &Context) -> Result<Value, InvocationError> {
        let mut invocation = parse_payload(payload, self.config.trail_bucket.as_deref())
            .map_err(|error| InvocationError::new("UnknownDelivery", &error))?;
        if let Some(account) = own_account(context) {
            self.accounts.set_own(account);
        }
        let end = deadline::end_of_work(context.deadline, now());
        let tag_events = match &self.config.own_roles {
            Some(_) => tamper::take_tag_events(&mut invocation.jobs),
            None => Vec::new(),
        };
        let Done { counts: records, rechecks, ledger, rows } = self.work(&invocation, &tag_events, end).await;
        for row in &rows {
            log::outcome(row, invocation.message(row.origin), &context.request_id);
        }
        let head = Head {
            namespace: &self.config.metrics_namespace,
            function: &context.env_config.function_name,
            version: autotag_model::VERSION,
        };
        // The records of a backfill are old. Their age is not the delay of new tags.
        let ages = if invocation.backfill { Vec::new() } else { metrics::ages(&rows, now()) };
        let counts = metrics::counts(&records, rechecks, ledger, &rows);
        embedded::write(&embedded::line(head, &counts, &[("EventToTag", ages)], now()));
        let queue = self.config.dead_letter_queue.as_ref();
        let answer = response::respond(&invocation, &records, &rows, queue, &self.accounts).await;
        answer.map_err(|error| InvocationError::new("NotDone", &error))
    }

    /// Reads, plans, arranges rechecks and writes. Each step has its own deadline. So a slow log file or service
    /// does not stop the tags of other resources.
    async fn work(&self, invocation: &Invocation, tag_events: &[(OriginId, String)], end: Instant) -> Done {
        let Config { concurrency, .. } = self.config;
        let (mut records, others) = self.read(invocation, half_way(end)).await;
        if others.left_out > 0 {
            tracing::error!(left_out = others.left_out, "more deletions and changes of tags than are kept");
        }
        let counts = records.counts;
        let recheckable = take_rechecks(&mut records, invocation);
        let mut plan = self.plan(records, invocation.backfill, half_way(end)).await;
        let rechecks = self.arrange_rechecks(&mut plan, &recheckable, half_way(end)).await;
        // The ledger has a quarter of the time that is left.
        let end_of_writes = if self.ledger.is_some() { three_quarters(end) } else { end };
        let writer = WithDeadline::new(&self.backend, end_of_writes);
        let mut rows = plan.execute(&writer, &Execution::at(now()).concurrency(concurrency)).await;
        let entries = match &self.ledger {
            Some(ledger) => {
                let deletions = self.deletions(others.deletions, invocation, end).await;
                ledger::write(ledger, &mut rows, deletions, invocation, concurrency, end).await
            }
            None => ledger::Written::default(),
        };
        let reactions = match (&self.ledger, &self.config.own_roles) {
            (Some(ledger), Some(own)) => {
                let changes =
                    tamper::changes(&self.classifier, own, &others.tag_calls, tag_events, &mut rows);
                self.answer_changes(ledger, changes, &mut rows, end).await
            }
            _ => Reactions::default(),
        };
        let (records, left_out) = (others.count + tag_events.len(), others.left_out);
        let ledger = LedgerCounts { records, left_out, entries, reactions };
        Done { counts, rechecks, ledger, rows }
    }

    async fn answer_changes(
        &self,
        ledger: &DynamoDbLedger,
        changes: Vec<(OriginId, TagChange)>,
        rows: &mut Vec<ResourceOutcome>,
        end: Instant,
    ) -> Reactions {
        let backend = WithDeadline::new(&self.backend, end);
        let sessions = WithDeadline::new(&*self.sessions, end);
        let responder = TamperResponder {
            ledger,
            reader: &backend,
            writer: &backend,
            sessions: &sessions,
            catalog: self.classifier.catalog(),
            policy: self.classifier.policy(),
        };
        tamper::answer(&responder, changes, rows, now(), self.config.concurrency, end).await
    }

    /// The records of an invocation. Deletions and changes of tags matter only to a ledger.
    async fn read(&self, invocation: &Invocation, deadline: Instant) -> (ClassifiedRecords, Others) {
        let (jobs, concurrency) = (&invocation.jobs, self.config.concurrency);
        let (trail, classifier) = (&self.trail, &self.classifier);
        // Old changes of tags need no answer: the events after them decide.
        let watches = self.config.own_roles.is_some() && !invocation.backfill;
        if self.ledger.is_none() {
            return (read_jobs(trail, jobs, classifier, concurrency, deadline).await, Others::default());
        }
        if watches {
            let read: LedgerRecords<true> = read_jobs(trail, jobs, classifier, concurrency, deadline).await;
            return (read.records, read.others);
        }
        let read: LedgerRecords<false> = read_jobs(trail, jobs, classifier, concurrency, deadline).await;
        (read.records, read.others)
    }

    /// The entries of deletions, with their callers. A deletion is an entry also if its caller is unknown.
    async fn deletions(
        &self,
        deletions: Vec<(OriginId, Deletion)>,
        invocation: &Invocation,
        deadline: Instant,
    ) -> Vec<(OriginId, Entry)> {
        let sessions = WithDeadline::new(&*self.sessions, deadline);
        let backend = WithDeadline::new(&self.backend, deadline);
        let trust = &self.classifier.policy().trust;
        let (sessions, backend) = (&sessions, &backend);
        let entries = deletions.into_iter().map(|(origin, deletion)| async move {
            let by = owner::resolve(&deletion.principal, trust, sessions, backend).await;
            let user_agent = deletion.event.user_agent.as_deref();
            let by = by.ok().map(|by| by.with_user_agent(&deletion.principal, user_agent));
            let message = invocation.message(origin).map(|message| message.id.as_str());
            (origin, Entry::of_deletion(&deletion, by.as_ref(), message))
        });
        let entries: Vec<_> = entries.collect();
        stream::iter(entries).buffered(self.config.concurrency.get()).collect().await
    }

    async fn plan(&self, records: ClassifiedRecords, backfill: bool, deadline: Instant) -> Plan {
        let sessions = WithDeadline::new(&*self.sessions, deadline);
        let backend = WithDeadline::new(&self.backend, deadline);
        let planner = Planner::new(self.classifier.policy(), &sessions, &backend, now());
        let rechecks = self.config.recheck_queue.is_some();
        planner.concurrency(self.config.concurrency).backfill(backfill).rechecks(rechecks).plan(records).await
    }

    /// Puts the rechecks that the plan needs into their queue. If a recheck could not be sent, its event is not
    /// written. Returns the number of rechecks in the queue.
    async fn arrange_rechecks(
        &self,
        plan: &mut Plan,
        recheckable: &BTreeMap<String, String>,
        deadline: Instant,
    ) -> usize {
        let Some(queue) = &self.config.recheck_queue else { return 0 };
        let rechecks = autotag_handlers::recheck::needed(plan, recheckable, now());
        let result = recheck::enqueue(&rechecks, queue, &self.accounts, deadline).await;
        plan.defer(&result.failed);
        result.enqueued
    }
}

/// Marks the creations that messages bring back for a recheck. Returns the texts of the records that may need one:
/// a creation is rechecked once.
fn take_rechecks(records: &mut ClassifiedRecords, invocation: &Invocation) -> BTreeMap<String, String> {
    let mut recheckable = std::mem::take(&mut records.recheckable);
    for request in &mut records.creations {
        let message = invocation.message(request.origin);
        request.previous_tags = message.and_then(|message| message.previous_tags.clone());
        if let (Some(_), Some(id)) = (&request.previous_tags, &request.creation.event.id) {
            recheckable.remove(id);
        }
    }
    recheckable
}

/// The account of the function, by the ARN with which Lambda invokes it: the first event does not wait for STS.
fn own_account(context: &Context) -> Option<AccountId> {
    context.invoked_function_arn.parse::<Arn>().ok()?.account()
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

/// Access to the accounts in scope. Their list is read from its parameter, if there is one.
async fn connect(config: &Config, variables: &HashMap<String, String>) -> Result<Accounts> {
    let accounts = Accounts::in_lambda(variables, config.accounts.clone())?;
    let Some(name) = &config.accounts_parameter else { return Ok(accounts) };
    let text = parameter(name, &accounts).await?;
    let listed = text.trim().split(',').map(|id| {
        let id = id.trim();
        AccountId::new(id)
            .with_context(|| format!("parameter `{name}` has `{id}`: expected ids of 12 digits"))
    });
    Ok(accounts.with_scope(AccountScope::Listed(listed.collect::<Result<_>>()?)))
}

/// The text of an SSM parameter.
async fn parameter(name: &str, accounts: &Accounts) -> Result<String> {
    let region = accounts.home_region().context("no region is known to read a parameter in")?;
    let answer = signed::send_json(accounts.ambient(), calls::parameter(&region, name)).await;
    let answer = answer.with_context(|| format!("cannot read parameter `{name}`"))?;
    let value = answer.pointer("/Parameter/Value").and_then(Value::as_str);
    value.map(str::to_owned).with_context(|| format!("parameter `{name}` has no value"))
}
