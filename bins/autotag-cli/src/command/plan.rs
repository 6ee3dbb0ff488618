//! `autotag plan`: which tags records would lead to, and why.

mod next;

use crate::callers::Callers;
use crate::cli::PlanCommand;
use crate::completion::Completion;
use crate::console;
use crate::gather::{Facts, Gathered};
use crate::new_file::check_file;
use crate::offline::known_sessions;
use crate::plan_input::PlanInput;
use crate::planned::ToPlan;
use crate::saved_plan::{Header, PlanFile, refuse_plans};
use crate::shown::{Shown, check_summary};
use anyhow::Result;
use autotag_handlers::plan::PlannedResource;
use std::io::Write as _;
use std::sync::Arc;

pub(crate) fn run(command: &PlanCommand) -> Result<Completion> {
    let PlanCommand { plan: args, view, checks, out } = command;
    refuse_plans(&args.source.paths)?;
    check_summary(args.format, *view)?;
    out.as_deref().map_or(Ok(()), |out| check_file("--out", out))?;
    let PlanInput { classifier, gathered, format, filter, .. } = PlanInput::read_checked(args, checks)?;
    let Gathered { creations, packer, foresight, sessions, mut rows, facts } = gathered;
    let Facts { mut summary, oldest, .. } = facts;
    summary.is_plan = true;
    summary.next = next::commands(command);
    let store = known_sessions(args.source.state.as_deref(), sessions, oldest)?;
    let header = || Header::new(classifier.catalog(), classifier.policy());
    let mut file = out.as_deref().map(|path| PlanFile::create("--out", path, &header()?)).transpose()?;
    let callers = Callers { trust: &classifier.policy().trust, sessions: &*store };
    let others =
        rows.drain()?.filter_map(|row| row.and_then(|row| callers.chosen(row, format, &filter)).transpose());
    let mut shown = Shown::new(args, *view, (format, Arc::clone(&filter)), others, summary);
    ToPlan { creations, packer, foresight }.each_part(&args.source, &classifier, &*store, |plan| {
        let rows: Vec<PlannedResource> = shown.chosen(plan.into_resources());
        file.as_mut().map_or(Ok(()), |file| file.add(&rows))?;
        shown.part(rows)
    })?;
    let done = shown.finish(classifier.catalog())?;
    if let Some(file) = file {
        writeln!(console::notes(), "{}", file.finish()?)?;
    }
    Ok(done)
}
