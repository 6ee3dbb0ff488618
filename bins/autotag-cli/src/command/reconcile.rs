//! `autotag reconcile`: `apply` over the last hours of a trail, without what the ledger has as done.
//!
//! `EventBridge` delivers at best effort, and a trail has every event. So a lost event is found here, and only its resources are
//! written.

use crate::cli::{ApplyArgs, FilterArgs, PlanArgs, ReconcileArgs, SourceArgs, ViewArgs};
use crate::completion::Completion;
use crate::saved_plan::SavedPlan;
use crate::setup::usage_error;
use anyhow::{Result, anyhow};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn run(args: ReconcileArgs) -> Result<Completion> {
    let ReconcileArgs { paths, policy, rules, jobs, ledger, hours, calls, format } = args;
    let source = SourceArgs { paths, policy, rules, state: None, jobs };
    if let Some(path) = source.paths.iter().find(|path| matches!(SavedPlan::open(path), Ok(Some(_)))) {
        return Err(usage_error(format!(
            "`{path}` is a saved plan: reconcile reads a trail, `autotag apply` a plan"
        )));
    }
    let plan = PlanArgs {
        source,
        format,
        since: Some(begin(now(), hours)?),
        until: None,
        all: false,
        memory: None,
        filter: FilterArgs::default(),
    };
    super::apply::run(&ApplyArgs {
        plan,
        view: ViewArgs::default(),
        // A schedule answers no question, and nothing is replaced.
        yes: true,
        replace: false,
        ledger: Some(ledger),
        calls,
    })
}

fn begin(now: Timestamp, hours: u32) -> Result<Timestamp> {
    now.checked_sub(SignedDuration::from_hours(hours.into()))
        .map_err(|error| anyhow!("--hours {hours}: {error}"))
}

#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
fn now() -> Timestamp {
    Timestamp::now()
}
