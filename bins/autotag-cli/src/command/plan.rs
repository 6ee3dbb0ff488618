//! `autotag plan`: which tags records would lead to, and why.

use crate::cli::PlanArgs;
use crate::completion::Completion;
use crate::offline::offline_plan;
use crate::plan_input::PlanInput;
use anyhow::Result;

pub(crate) fn run(args: &PlanArgs) -> Result<Completion> {
    let mut input = PlanInput::read(args, |_| Ok(()))?;
    let records = std::mem::take(&mut input.records);
    let plan = offline_plan(&args.source, input.classifier.policy(), records)?;
    input.show(plan.into_resources().collect(), args)
}
