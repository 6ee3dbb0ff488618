//! `autotag plan`: which tags records would lead to, and why.

use crate::callers::Callers;
use crate::cli::PlanCommand;
use crate::completion::Completion;
use crate::gather::{Facts, Gathered};
use crate::offline::known_sessions;
use crate::plan_input::PlanInput;
use crate::planned::ToPlan;
use crate::saved_plan::{Header, PlanFile};
use crate::shown::Shown;
use anyhow::Result;
use autotag_handlers::plan::PlannedResource;
use std::io::Write as _;

pub(crate) fn run(command: &PlanCommand) -> Result<Completion> {
    let PlanCommand { plan: args, out } = command;
    let PlanInput { classifier, gathered, format, .. } = PlanInput::read(args, |_| Ok(()))?;
    let Gathered { creations, packer, foresight, sessions, mut rows, facts } = gathered;
    let Facts { summary, oldest, .. } = facts;
    let store = known_sessions(args.source.state.as_deref(), sessions, oldest)?;
    let header = || Header::new(classifier.catalog(), classifier.policy());
    let mut file = out.as_deref().map(|path| PlanFile::create("--out", path, &header()?)).transpose()?;
    let callers = Callers { trust: &classifier.policy().trust, sessions: &*store };
    let others = rows.drain()?.map(|row| callers.rendered(row?, format));
    let mut shown = Shown::new(args, format, others, summary);
    ToPlan { creations, packer, foresight }.each_part(&args.source, &classifier, &*store, |plan| {
        let rows: Vec<PlannedResource> = plan.into_resources().collect();
        file.as_mut().map_or(Ok(()), |file| file.add(&rows))?;
        shown.part(rows)
    })?;
    let done = shown.finish()?;
    if let Some(file) = file {
        writeln!(anstream::stderr(), "{}", file.finish()?)?;
    }
    Ok(done)
}
