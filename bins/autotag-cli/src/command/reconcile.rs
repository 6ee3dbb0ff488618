//! `autotag reconcile`: `apply` over the last hours of a trail, without what the ledger has as done.
//!
//! `EventBridge` delivers at best effort, and a trail has every event. So a lost event is found here, and only its resources are
//! written.

use crate::cli::{ApplyArgs, PlanArgs, ReconcileArgs};
use crate::completion::Completion;
use crate::saved_plan::SavedPlan;
use crate::setup::usage_error;
use anyhow::{Result, anyhow};
use jiff::{SignedDuration, Timestamp};

pub(crate) fn run(args: ReconcileArgs) -> Result<Completion> {
    let ReconcileArgs {
        source,
        ledger,
        hours,
        max_calls_per_second,
        accounts,
        member_role,
        external_id,
        format,
    } = args;
    if let Some(path) = source.paths.iter().find(|path| matches!(SavedPlan::open(path), Ok(Some(_)))) {
        return Err(usage_error(format!(
            "`{path}` is a saved plan: reconcile reads a trail, `autotag apply` a plan"
        )));
    }
    if source.state.is_some() {
        return Err(usage_error("--state keeps what an earlier run has done; with a ledger, leave it out"));
    }
    let plan =
        PlanArgs { source, format, since: Some(begin(now(), hours)?), until: None, all: false, memory: None };
    super::apply::run(&ApplyArgs {
        plan,
        // A schedule answers no question, and nothing is replaced.
        yes: true,
        replace: false,
        ledger: Some(ledger),
        max_calls_per_second,
        accounts,
        member_role,
        external_id,
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
