//! `autotag apply`: plans as `plan` does, but asks AWS, and writes. Or it writes the tags of a saved plan.

mod permission;
mod saved;

use crate::callers::Callers;
use crate::cli::{ApplyArgs, CallArgs, PlanArgs};
use crate::completion::Completion;
use crate::connection::connect;
use crate::filter::Filter;
use crate::gather::{Facts, Gathered};
use crate::input::{self, Input};
use crate::kept::{KeptRow, RowKind, Unpacker};
use crate::offline::known_sessions;
use crate::output::plural;
use crate::parts::Parts;
use crate::plan_input::PlanInput;
use crate::read_log::{ReadInput, ReadLog};
use crate::saved_plan::SavedPlan;
use crate::scan::WholeInput;
use crate::setup::{self, usage_error};
use crate::shown::Shown;
use crate::spill::Sorted;
use crate::withheld::{Withheld, WithheldBackend};
use crate::write_log::{LoggedBackend, WriteLog};
use anyhow::{Context as _, Result};
use autotag_aws::Accounts;
use autotag_aws::backend::AwsBackend;
use autotag_handlers::backend::Backend;
use autotag_handlers::classify::Classifier;
use autotag_handlers::plan::{Execution, PlannedResource, Planner};
use autotag_handlers::records::{ClassifiedRecords, PlanRequest};
use autotag_handlers::row::ResourceOutcome;
use autotag_ledger::{DynamoDbLedger, Entry};
use autotag_model::VERSION;
use autotag_model::policy::Policy;
use permission::{confirm, now, progress, settings};
use session_store::SessionReader;
use std::fs;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many entries are put into the ledger at the same time.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not zero");

/// How many creations are planned at once. The tags that were read for them must not be old when they are written.
const MAX_PART: usize = 500;

pub(crate) fn run(args: &ApplyArgs) -> Result<Completion> {
    if let Some(plan) = saved_plan(&args.plan)? {
        return saved::run(args, &plan);
    }
    let settings = settings(args)?;
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let accounts = Arc::new(runtime.block_on(connect(settings))?);
    let state = args.plan.source.state.as_deref();
    let log = state.map(WriteLog::open_for).transpose()?.map(Arc::new);
    let done = log.as_ref().map(|log| ReadLog::open(Arc::clone(log), &run_of(args)?)).transpose()?;
    let PlanInput { classifier, gathered, format, inputs, filter } = read(args, done.as_ref())?;
    let Gathered { mut creations, packer, foresight, sessions, mut rows, facts } = gathered;
    let Facts { summary, oldest, targets, whole } = facts;
    let mut policy = classifier.policy().clone();
    policy.replace_existing |= args.replace;
    if targets.count > 0 {
        confirm(args, &policy, (&targets, &*filter), &runtime, &accounts)?;
    }
    let store = known_sessions(state, sessions, oldest)?;
    note_read(done.as_ref(), &whole, &inputs, args)?;
    let callers = Callers { trust: &policy.trust, sessions: &*store };
    let ledger = ledger(args, &accounts);
    let mut rows = rows.drain()?;
    if let Some(ledger) = &ledger {
        runtime.block_on(keep_deletions(ledger, &mut rows, &callers, &classifier, &inputs))?;
    }
    let others = rows.filter_map(|row| row.and_then(|row| callers.chosen(row, format, &filter)).transpose());
    let mut shown = Shown::new(&args.plan, args.view, (format, Arc::clone(&filter)), others, summary);
    let in_memory = matches!(creations, Sorted::Memory(_));
    let withheld = Withheld::new((!in_memory).then_some(foresight));
    let unpacker = Unpacker { classifier: &classifier, packer: &packer };
    let requests = creations.drain()?.map(|creation| creation?.into_request(&unpacker));
    let (mut undone, mut noted) = (false, done.as_ref());
    let applied = runtime.block_on(async {
        let aws = AwsBackend::new(accounts).with_rate_limit(args.calls.max_calls_per_second);
        let progress = progress(targets.count);
        let backend = LoggedBackend { inner: &aws, log, progress: progress.clone() };
        let run = Run {
            policy: &policy,
            store: &*store,
            backend: &backend,
            ledger: ledger.as_ref(),
            inputs: &inputs,
            filter: &filter,
            withheld: &withheld,
        };
        let applied = run
            .apply(Parts::new(requests, MAX_PART), |rows, left_out| {
                shown.leave_out(&left_out);
                note_executed(&mut noted, &rows);
                undone |= rows.iter().any(|row| row.status.is_retryable());
                progress.suspend(|| shown.part(rows))
            })
            .await;
        progress.finish_and_clear();
        applied
    });
    let done = shown.finish(classifier.catalog());
    applied.and(done).map(|done| if undone { Completion::Partial } else { done })
}

/// The ledger that the arguments name, if they name one.
fn ledger(args: &ApplyArgs, accounts: &Accounts) -> Option<DynamoDbLedger> {
    let table = args.ledger.as_ref()?;
    Some(DynamoDbLedger::new(autotag_aws::dynamodb_client(accounts.ambient()), table))
}

/// Reads the inputs. With a ledger, records of deletions are kept as rows.
fn read(args: &ApplyArgs, done: Option<&ReadLog>) -> Result<PlanInput> {
    let state = args.plan.source.state.as_deref();
    let leave_out = |inputs: &mut Vec<Input>| leave_out_done(inputs, done, state);
    match &args.ledger {
        Some(_) if args.plan.all => Err(usage_error(
            "--all and --ledger exclude each other: `autotag plan --all` shows the other events",
        )),
        Some(_) => PlanInput::read_with_deletions(&args.plan, leave_out),
        None => PlanInput::read(&args.plan, leave_out),
    }
}

/// Puts the entries of deletions, before anything is compared with the ledger: a lost one would leave an earlier owner in it.
async fn keep_deletions(
    ledger: &DynamoDbLedger,
    rows: &mut dyn Iterator<Item = io::Result<KeptRow>>,
    callers: &Callers<'_>,
    classifier: &Classifier,
    inputs: &[Input],
) -> Result<()> {
    for row in rows {
        let row = row?;
        if row.kind != RowKind::Deleting {
            continue;
        }
        let input = usize::try_from(row.place.0).ok().and_then(|number| inputs.get(number));
        let origin = input.map(Input::name);
        let entries = callers.deletions(&row, classifier, origin.as_deref())?;
        for result in autotag_ledger::put_all(ledger, &entries, CONCURRENCY).await {
            result?;
        }
    }
    Ok(())
}

/// The saved plan that the arguments name, if they name one.
fn saved_plan(args: &PlanArgs) -> Result<Option<SavedPlan>> {
    for path in &args.source.paths {
        let Some(plan) = SavedPlan::open(path)? else { continue };
        if args.source.paths.len() > 1 || args.since.is_some() || args.until.is_some() {
            return Err(usage_error(format!(
                "`{path}` is a saved plan: apply it alone, without other files, --since and --until"
            )));
        }
        return Ok(Some(plan));
    }
    match args.source.paths.iter().find(|path| is_table(path)) {
        Some(path) => Err(usage_error(format!(
            "`{path}` is neither a trail nor a saved plan: save one with `autotag plan TRAIL --out plan.jsonl`"
        ))),
        None => Ok(None),
    }
}

/// True if the file is named like the rows of `plan` for a spreadsheet: no trail has such files.
fn is_table(path: &str) -> bool {
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["csv", "parquet", "xlsx"].iter().any(|one| ending.eq_ignore_ascii_case(one)))
}

/// Logs the inputs that were read whole, so that a later run leaves them out.
fn note_read(done: Option<&ReadLog>, whole: &[WholeInput], inputs: &[Input], args: &ApplyArgs) -> Result<()> {
    let Some(done) = done else { return Ok(()) };
    let read = whole.iter().filter_map(|whole| ReadInput::new(inputs.get(whole.input)?, whole.creations));
    done.note_read(&read.collect::<Vec<_>>(), &run_of(args)?)
}

/// Logs that the rows are done. After a failure nothing more is logged: it would say that this part is done to its end.
fn note_executed(noted: &mut Option<&ReadLog>, rows: &[ResourceOutcome]) {
    if let Some(Err(error)) = noted.map(|done| done.note_executed(rows)) {
        *noted = None;
        // The tags are written all the same. If stderr cannot be written either, the next run reads more, and says no less.
        let _ = writeln!(anstream::stderr(), "a later run reads again what is done from now on: {error:#}");
    }
}

/// The parts of `apply` that plan and execute.
struct Run<'a> {
    policy: &'a Policy,
    store: &'a dyn SessionReader,
    backend: &'a dyn Backend,
    ledger: Option<&'a DynamoDbLedger>,
    inputs: &'a [Input],
    filter: &'a Filter,
    withheld: &'a Withheld,
}

impl Run<'_> {
    /// Plans and executes one part after the other, the oldest first. A part finds the tags that earlier parts have written, or would
    /// have written without the filter. `visit` gets the rows, and those that the filter leaves out.
    async fn apply(
        &self,
        parts: impl Iterator<Item = io::Result<Vec<PlanRequest>>>,
        mut visit: impl FnMut(Vec<ResourceOutcome>, Vec<PlannedResource>) -> Result<()>,
    ) -> Result<()> {
        let Self { policy, store, backend, ledger, filter, withheld, .. } = *self;
        let reader = WithheldBackend { inner: backend, withheld };
        for part in parts {
            let mut records = ClassifiedRecords::default();
            records.creations = part?;
            if let Some(ledger) = ledger {
                autotag_ledger::leave_out_done(ledger, &mut records.creations).await?;
            }
            // A trail is old: the resources in it may have got an owner since.
            let mut plan = Planner::new(policy, store, &reader, now()).backfill(true).plan(records).await;
            let left_out = plan.take_out(|row| filter.matches(row));
            withheld.add(&left_out);
            let mut rows = plan.execute(backend, &Execution::at(now())).await;
            if let Some(ledger) = ledger {
                self.keep(ledger, &mut rows).await;
            }
            visit(rows, left_out)?;
        }
        Ok(())
    }

    /// Puts the entries of the rows. A row whose entry could not be put is deferred: the next run does it again.
    async fn keep(&self, ledger: &DynamoDbLedger, rows: &mut [ResourceOutcome]) {
        let name = |row: &ResourceOutcome| self.inputs.get(row.origin.0).map(Input::name);
        let entries: Vec<(usize, Entry)> = rows
            .iter()
            .enumerate()
            .filter_map(|(number, row)| Some((number, Entry::of_row(row, name(row).as_deref())?)))
            .collect();
        let (numbers, entries): (Vec<usize>, Vec<Entry>) = entries.into_iter().unzip();
        let results = autotag_ledger::put_all(ledger, &entries, CONCURRENCY).await;
        for (number, result) in numbers.into_iter().zip(results) {
            if let (Err(error), Some(row)) = (result, rows.get_mut(number))
                && !row.status.is_returned()
            {
                row.status = error.outcome();
            }
        }
    }
}

/// Everything beside the inputs that the outcomes depend on: an input that is done for another run is read again. A state file
/// that was made anew lacks the sessions of earlier inputs.
fn run_of(args: &ApplyArgs) -> Result<String> {
    let PlanArgs { source, since, until, filter, .. } = &args.plan;
    let policy = setup::policy(source.policy.as_deref())?;
    // A rule file that cannot be read is an error of usage, which follows.
    let rules: Vec<String> =
        source.rules.iter().map(|path| fs::read_to_string(path).unwrap_or_default()).collect();
    let state =
        source.state.as_deref().and_then(|path| fs::metadata(path).and_then(|file| file.created()).ok());
    let ApplyArgs { replace, calls, ledger, .. } = args;
    let CallArgs { accounts, member_role, .. } = calls;
    Ok(format!(
        "{VERSION} {policy:?} {rules:?} {since:?} {until:?} {replace} {accounts:?} {member_role:?} {state:?} {ledger:?} {filter:?}"
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
            crate::console::notes(),
            "{files} of an earlier run not read again, for all in them is done (delete `{state}.written` to read them)"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{CheckArgs, FilterArgs};
    use autotag_handlers::catalog::Catalog;
    use autotag_handlers::memory::MemoryBackend;
    use autotag_handlers::outcome::{Outcome, SkipReason};
    use futures_executor::block_on;
    use serde_json::json;
    use session_store::MemoryStore;

    /// The creation of a queue.
    fn queue(time: &str, event_id: &str, name: &str) -> PlanRequest {
        queue_of("mara", time, event_id, name)
    }

    fn queue_of(user: &str, time: &str, event_id: &str, name: &str) -> PlanRequest {
        let record = json!({"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "eventTime": time,
            "eventID": event_id, "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "userName": user, "principalId": "AIDAMARA",
                "accountId": "111122223333", "arn": format!("arn:aws:iam::111122223333:user/{user}")},
            "requestParameters": {"queueName": name},
            "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}")}});
        let classifier = Classifier::new(Catalog::embedded(), Policy::default());
        ClassifiedRecords::read(record.to_string().as_bytes(), &classifier).creations.remove(0)
    }

    /// The two records of one call would else be two creations of the same queue.
    #[test]
    fn copies_of_one_event_are_decided_together() {
        let time = "2026-03-02T09:00:01Z";
        let mut creations: Vec<PlanRequest> = (1..MAX_PART)
            .map(|number| queue("2026-03-02T09:00:00Z", &format!("{number:04}"), "other"))
            .collect();
        creations.extend([queue(time, "copied", "orders"), queue(time, "copied", "orders")]);
        let (store, backend) = (MemoryStore::new(), MemoryBackend::new());
        let parts = Parts::new(creations.into_iter().map(Ok), MAX_PART);
        let mut rows = Vec::new();
        let visit = |part, _| {
            rows.extend(part);
            Ok(())
        };
        let policy = Policy::default();
        let (filter, withheld) = (Filter::default(), Withheld::new(None));
        let run = Run {
            policy: &policy,
            store: &store,
            backend: &backend,
            ledger: None,
            inputs: &[],
            filter: &filter,
            withheld: &withheld,
        };
        block_on(run.apply(parts, visit)).unwrap();
        let copied = rows.iter().filter(|row| row.event.id.as_deref() == Some("copied"));
        let outcomes: Vec<_> = copied.map(|row| row.status.clone()).collect();
        assert_eq!(outcomes, [Outcome::Tagged, Outcome::Skipped(SkipReason::Duplicate)]);
    }

    /// The outcomes by event, and what is written, with this filter. Each creation is a part of its own.
    fn outcomes(owner: &[&str], creations: &[PlanRequest]) -> Vec<(Option<String>, Outcome)> {
        let owner = owner.iter().map(|name| (*name).to_owned()).collect();
        let args = FilterArgs { owner, ..FilterArgs::default() };
        let filter = Filter::new(&args, &CheckArgs::default(), &Catalog::embedded()).unwrap();
        let (store, backend) = (MemoryStore::new(), MemoryBackend::new());
        let (policy, withheld) = (Policy::default(), Withheld::new(None));
        let run = Run {
            policy: &policy,
            store: &store,
            backend: &backend,
            ledger: None,
            inputs: &[],
            filter: &filter,
            withheld: &withheld,
        };
        let mut rows = Vec::new();
        let visit = |part: Vec<ResourceOutcome>, _| {
            rows.extend(part.into_iter().map(|row| (row.event.id.clone(), row.status)));
            Ok(())
        };
        block_on(run.apply(Parts::new(creations.iter().cloned().map(Ok), 1), visit)).unwrap();
        rows
    }

    /// A queue that is not written for Mara still belongs to Mara. Noor, who came later, does not get it.
    #[test]
    fn a_filter_does_not_change_who_owns_what() {
        let creations = [
            queue_of("mara", "2026-03-02T09:00:00Z", "1", "orders"),
            queue_of("noor", "2026-03-02T09:00:05Z", "2", "orders"),
            queue_of("noor", "2026-03-02T09:00:09Z", "3", "bills"),
        ];
        let all = outcomes(&[], &creations);
        let tagged: Vec<_> = all.iter().filter(|(_, outcome)| *outcome == Outcome::Tagged).collect();
        assert_eq!(tagged.len(), 2, "one owner a queue: {all:?}");
        let of_noor: Vec<_> = all.iter().filter(|(id, _)| id.as_deref() != Some("1")).cloned().collect();
        assert_eq!(outcomes(&["noor"], &creations), of_noor);
    }
}
