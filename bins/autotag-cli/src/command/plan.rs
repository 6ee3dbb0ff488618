//! `autotag plan`: which tags records would lead to, and why.

use super::plan_rows;
use crate::cli::PlanArgs;
use crate::completion::Completion;
use crate::material::Material;
use anyhow::Result;

pub(crate) fn run(args: &PlanArgs) -> Result<Completion> {
    let mut material = Material::gather(args)?;
    let creations = std::mem::take(&mut material.creations);
    let rows = plan_rows(&args.source, &material.policy, &material.sessions, creations)?;
    material.show(rows, args)
}
