//! `autotag plan`: which tags records would lead to, and why.

use crate::cli::PlanArgs;
use crate::completion::Completion;
use crate::gather::{Facts, Gathered};
use crate::plan_input::PlanInput;
use crate::planned::ToPlan;
use crate::shown::Shown;
use anyhow::Result;

pub(crate) fn run(args: &PlanArgs) -> Result<Completion> {
    let PlanInput { classifier, gathered, format, .. } = PlanInput::read(args, |_| Ok(()))?;
    let Gathered { creations, foresight, sessions, mut rows, facts } = gathered;
    let Facts { summary, oldest, .. } = facts;
    let mut shown = Shown::new(args, format, rows.drain()?, summary);
    ToPlan { creations, foresight, sessions, oldest }
        .each_part(&args.source, &classifier, |plan| shown.part(plan.into_resources().collect()))?;
    shown.finish()
}
