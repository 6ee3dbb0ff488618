//! `autotag apply`: plans as `plan` does, but asks AWS, and writes.

use crate::cli::{ApplyArgs, PlanArgs};
use crate::completion::Completion;
use crate::input::{self, Input};
use crate::offline::remember;
use crate::output::plural;
use crate::plan_input::PlanInput;
use crate::read_log::{ReadInput, ReadLog};
use crate::setup::{self, usage_error};
use crate::write_log::{LoggedBackend, WriteLog};
use anyhow::{Context as _, Result};
use autotag_aws::backend::AwsBackend;
use autotag_aws::{AccountScope, Accounts, MemberRole, Settings};
use autotag_handlers::backend::Backend;
use autotag_handlers::plan::{Execution, Planner, oldest_first};
use autotag_handlers::records::{ClassifiedRecords, PlanRequest};
use autotag_handlers::row::ResourceOutcome;
use autotag_model::VERSION;
use autotag_model::policy::Policy;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use session_store::{MemoryStore, OverlayStore, SessionReader};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many creations are planned at once. The tags that were read for them must not be old when they are written.
const MAX_PART: usize = 500;

pub(crate) fn run(args: &ApplyArgs) -> Result<Completion> {
    let settings = settings(args)?;
    let state = args.plan.source.state.as_deref();
    let log = state.map(WriteLog::open_for).transpose()?.map(Arc::new);
    let done = log.as_ref().map(|log| ReadLog::open(Arc::clone(log), &run_of(args)?)).transpose()?;
    let mut input = PlanInput::read(&args.plan, |inputs| leave_out_done(inputs, done.as_ref(), state))?;
    let mut records = std::mem::take(&mut input.records);
    let mut policy = input.classifier.policy().clone();
    policy.replace_existing |= args.replace;
    if !records.creations.is_empty() && !confirmed(args, &records.creations)? {
        return Err(usage_error("confirmation required: pass `--yes` when stdin is not a terminal"));
    }
    let store: Box<dyn SessionReader> = match state {
        Some(path) => Box::new(remember(path, &mut records)?),
        None => Box::new(MemoryStore::new()),
    };
    if let Some(done) = &done {
        let whole = input.whole().filter_map(|(input, creations)| ReadInput::new(input, creations));
        done.note_read(&whole.collect::<Vec<_>>(), &run_of(args)?)?;
    }
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let rows = runtime.block_on(async {
        let accounts = Arc::new(Accounts::connect(settings).await);
        let aws = AwsBackend::new(accounts).with_rate_limit(args.max_calls_per_second);
        let targets: usize = records.creations.iter().map(|request| request.creation.targets.len()).sum();
        let backend = LoggedBackend { inner: &aws, log, progress: progress(targets as u64) };
        let rows = apply(&policy, &*store, &backend, done.as_ref(), records).await;
        backend.progress.finish_and_clear();
        rows
    });
    let undone = rows.iter().any(|row| row.status.is_retryable());
    let done = input.show(rows, &args.plan)?;
    Ok(if undone { Completion::Partial } else { done })
}

/// Plans and executes one part after the other, the oldest first. A part finds the tags that earlier parts have written.
async fn apply(
    policy: &Policy,
    store: &dyn SessionReader,
    backend: &dyn Backend,
    mut done: Option<&ReadLog>,
    records: ClassifiedRecords,
) -> Vec<ResourceOutcome> {
    let ClassifiedRecords { sessions, creations, rejected, .. } = records;
    let known = OverlayStore::with_sessions(store, &sessions);
    let mut rows = Vec::new();
    for part in parts(creations, MAX_PART) {
        let mut records = ClassifiedRecords::default();
        records.creations = part;
        // A trail is old: the resources in it may have got an owner since.
        let plan = Planner::new(policy, &known, backend, now()).backfill(true).plan(records).await;
        let executed = plan.execute(backend, &Execution::at(now())).await;
        if let Some(Err(error)) = done.map(|done| done.note_executed(&executed)) {
            // Noting later parts would say that this one is done to its end.
            done = None;
            // The tags are written all the same. If stderr cannot be written either, the next run reads more, and says no less.
            let _ =
                writeln!(anstream::stderr(), "a later run reads again what is done from now on: {error:#}");
        }
        rows.extend(executed);
    }
    rows.extend(rejected);
    rows
}

/// Everything beside the inputs that the outcomes depend on: an input that is done for another run is read again. A state file
/// that was made anew lacks the sessions of earlier inputs.
fn run_of(args: &ApplyArgs) -> Result<String> {
    let PlanArgs { source, since, until, .. } = &args.plan;
    let policy = setup::policy(source.policy.as_deref())?;
    // A rule file that cannot be read is an error of usage, which follows.
    let rules: Vec<String> =
        source.rules.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let state =
        source.state.as_deref().and_then(|path| fs::metadata(path).and_then(|file| file.created()).ok());
    let ApplyArgs { replace, accounts, member_role, .. } = args;
    Ok(format!(
        "{VERSION} {policy:?} {rules:?} {since:?} {until:?} {replace} {accounts:?} {member_role:?} {state:?}"
    ))
}

/// Takes out the inputs that an earlier run is done with, and says so.
fn leave_out_done(inputs: &mut Vec<Input>, done: Option<&ReadLog>, state: Option<&Path>) -> Result<()> {
    let (Some(done), Some(state)) = (done, state) else { return Ok(()) };
    let count = done.leave_out_done(inputs)?;
    if count > 0 {
        input::read_ahead(inputs);
        let (files, state) = (plural(count, "file"), state.display());
        writeln!(
            anstream::stderr(),
            "{files} of an earlier run not read again, for all in them is done (delete `{state}.written` to read them)"
        )?;
    }
    Ok(())
}

fn settings(args: &ApplyArgs) -> Result<Settings> {
    let role = args.member_role.as_ref().map(|name| MemberRole {
        name: name.clone(),
        external_id: args.external_id.clone(),
        session_policy: None,
    });
    if args.accounts != AccountScope::OwnOnly && role.is_none() {
        return Err(usage_error(
            "--accounts names other accounts: say with --member-role which role to assume there",
        ));
    }
    Ok(Settings { allowed: args.accounts.clone(), role, ..Settings::default() })
}

/// Asks on a terminal; elsewhere only `--yes` is one.
fn confirmed(args: &ApplyArgs, creations: &[PlanRequest]) -> Result<bool> {
    if args.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let targets = creations.iter().flat_map(|request| &request.creation.targets);
    let accounts: BTreeSet<_> =
        targets.clone().filter_map(|target| target.resource.account.as_ref()).collect();
    let accounts: Vec<&str> = accounts.into_iter().map(autotag_model::arn::AccountId::as_str).collect();
    let resources = plural(targets.count(), "resource");
    let mut out = anstream::stderr().lock();
    write!(out, "Write tags to up to {resources} in {}? [y/N] ", accounts.join(", "))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// The clock.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Parts of at most `max` creations, the oldest first. A part goes on to the end of its second: copies of one event have the
/// same time, and are recognized only if they are planned together.
fn parts(mut creations: Vec<PlanRequest>, max: usize) -> Vec<Vec<PlanRequest>> {
    oldest_first(&mut creations);
    let second = |request: &PlanRequest| request.creation.event.timestamp().map(Timestamp::as_second);
    let mut parts: Vec<Vec<PlanRequest>> = Vec::new();
    for request in creations {
        let last = parts.last_mut().filter(|part| {
            part.len() < max || part.last().is_some_and(|last| second(last) == second(&request))
        });
        match last {
            Some(part) => part.push(request),
            None => parts.push(vec![request]),
        }
    }
    parts
}

/// How many resources are written, for people who wait.
fn progress(resources: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(resources);
    let style = "writing {bar:40} {pos}/{len} resources {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_handlers::classify::Classifier;
    use autotag_handlers::memory::MemoryBackend;
    use autotag_handlers::outcome::{Outcome, SkipReason};
    use futures_executor::block_on;
    use serde_json::json;

    /// The creation of a queue.
    fn queue(time: &str, event_id: &str, name: &str) -> PlanRequest {
        let record = json!({"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "eventTime": time,
            "eventID": event_id, "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
                "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/mara"},
            "requestParameters": {"queueName": name},
            "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}")}});
        let classifier = Classifier::new(Catalog::embedded(), Policy::default());
        ClassifiedRecords::read(record.to_string().as_bytes(), &classifier).creations.remove(0)
    }

    fn ids(parts: &[Vec<PlanRequest>]) -> Vec<Vec<String>> {
        let id = |request: &PlanRequest| request.creation.event.id.clone().unwrap();
        let of_part = |part: &Vec<PlanRequest>| part.iter().map(id).collect();
        parts.iter().map(of_part).collect()
    }

    #[test]
    fn a_part_goes_on_to_the_end_of_its_second() {
        let at = |time: &str, id: &str| queue(&format!("2026-03-02T09:00:{time}Z"), id, id);
        let creations = vec![
            at("02", "f"),
            at("01", "b"),
            at("01.5", "e"),
            at("00", "a"),
            at("01", "d"),
            at("01.000", "c"),
        ];
        let by_two = parts(creations.clone(), 2);
        assert_eq!(ids(&by_two), [vec!["a", "b", "c", "d", "e"], vec!["f"]]);
        assert_eq!(ids(&parts(creations, 1)), [vec!["a"], vec!["b", "c", "d", "e"], vec!["f"]]);
        assert_eq!(ids(&parts(Vec::new(), 1)), Vec::<Vec<String>>::new());
    }

    /// The two records of one call would else be two creations of the same queue.
    #[test]
    fn copies_of_one_event_are_decided_together() {
        let time = "2026-03-02T09:00:01Z";
        let mut creations: Vec<PlanRequest> = (1..MAX_PART)
            .map(|number| queue("2026-03-02T09:00:00Z", &format!("{number:04}"), "other"))
            .collect();
        creations.extend([queue(time, "copied", "orders"), queue(time, "copied", "orders")]);
        let mut records = ClassifiedRecords::default();
        records.creations = creations;
        let (store, backend) = (MemoryStore::new(), MemoryBackend::new());
        let rows = block_on(apply(&Policy::default(), &store, &backend, None, records));
        let copied = rows.iter().filter(|row| row.event.id.as_deref() == Some("copied"));
        let outcomes: Vec<_> = copied.map(|row| row.status.clone()).collect();
        assert_eq!(outcomes, [Outcome::Tagged, Outcome::Skipped(SkipReason::Duplicate)]);
    }
}
