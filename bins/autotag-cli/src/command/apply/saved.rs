//! `autotag apply PLAN`: writes exactly the tags of a saved plan. It leaves out resources whose tags have changed since.

use super::permission::{confirm, now, progress, settings};
use crate::cli::{ApplyArgs, CheckArgs};
use crate::completion::Completion;
use crate::connection::connect;
use crate::filter::Filter;
use crate::gather::Targets;
use crate::output::{Detail, RowPrinter, Summary};
use crate::saved_plan::{Header, SavedPlan, checked};
use crate::setup;
use crate::shown::{self, format_of};
use crate::write_log::{LoggedBackend, WriteLog};
use anyhow::{Context as _, Result};
use autotag_aws::backend::AwsBackend;
use autotag_handlers::backend::Backend;
use autotag_handlers::plan::{Action, Execution, Plan, PlannedResource};
use autotag_handlers::row::ResourceOutcome;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many resources are written at once. Their tags are read just before.
const MAX_PART: usize = 500;

pub(super) fn run(args: &ApplyArgs, plan: &SavedPlan) -> Result<Completion> {
    let (settings, source) = (settings(args)?, &args.plan.source);
    let catalog = setup::catalog(&source.rules)?;
    let policy = setup::policy(source.policy.as_deref())?;
    plan.expect(&Header::new(&catalog, &policy)?)?;
    // All of it, so that nothing of a damaged plan is written.
    let all = plan.check(&catalog)?;
    let all_count = all.count;
    let filter = Filter::new(&args.plan.filter, &CheckArgs::default(), &catalog)?;
    let is_chosen = |row: &Result<PlannedResource>| row.as_ref().map_or(true, |row| filter.matches(row));
    let targets = if filter.is_empty() { all } else { targets(plan.rows(&catalog)?.filter(is_chosen))? };
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let accounts = Arc::new(runtime.block_on(connect(settings))?);
    if targets.count > 0 {
        confirm(args, &policy, (&targets, &filter), &runtime, &accounts)?;
    }
    let log = source.state.as_deref().map(WriteLog::open_for).transpose()?.map(Arc::new);
    let format = format_of(args.plan.format);
    let mut printer = RowPrinter::new(format, shown::table_view(args.view), shown::stdout(format));
    let mut summary = Summary {
        filter: filter.describe(),
        left_out: all_count.saturating_sub(targets.count),
        ..Summary::default()
    };
    summary.unmatched = filter.unmatched(&catalog);
    let (mut undone, mut number) = (false, 0);
    let mut rows = plan.rows(&catalog)?.filter(is_chosen);
    let applied = runtime.block_on(async {
        let aws = AwsBackend::new(accounts).with_rate_limit(args.calls.max_calls_per_second);
        let progress = progress(targets.count);
        let backend = LoggedBackend { inner: &aws, log, progress: progress.clone() };
        let replace = args.replace || policy.replace_existing;
        loop {
            let part: Vec<PlannedResource> = rows.by_ref().take(MAX_PART).collect::<Result<_>>()?;
            if part.is_empty() {
                break;
            }
            let outcomes = write(part, &backend, replace, now()).await;
            undone |= outcomes.iter().any(|row| row.status.is_returned());
            progress.suspend(|| {
                for row in &outcomes {
                    summary.count(row, None, (0, number));
                    number += 1;
                    printer.row(row);
                }
            });
        }
        progress.finish_and_clear();
        anyhow::Ok(())
    });
    // An error does not hide the rows before it: they say what was written.
    let ended = printer.finish();
    summary.write(&mut crate::console::notes(), Detail::Short)?;
    applied.and(ended)?;
    Ok(if undone { Completion::Partial } else { Completion::Complete })
}

/// The resources that these rows would write, and where.
fn targets(rows: impl Iterator<Item = Result<PlannedResource>>) -> Result<Targets> {
    let mut targets = Targets::default();
    for row in rows {
        targets.count += 1;
        targets.accounts.extend(row?.resource.and_then(|resource| resource.account));
    }
    Ok(targets)
}

/// Writes a part of a plan: each resource is read, and what has changed since the plan is not written.
async fn write(
    part: Vec<PlannedResource>,
    backend: &dyn Backend,
    replace: bool,
    now: Timestamp,
) -> Vec<ResourceOutcome> {
    let taggables: Vec<_> = part
        .iter()
        .filter_map(|row| match &row.status {
            Action::Tag(taggable) => Some((**taggable).clone()),
            _ => None,
        })
        .collect();
    let existing = backend.existing_tags(&taggables).await;
    let checked = part.into_iter().zip(existing).map(|(row, tags)| checked(row, tags, replace, now));
    checked.collect::<Plan>().execute(backend, &Execution::at(now)).await
}
