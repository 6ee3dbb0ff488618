//! `autotag deploy`: deploys, shows, rolls back and removes.

mod context;
mod destroy;
mod done;
mod enquiry;
mod iam_policy;
mod organization;
mod progress;
mod rollback;
mod run;
mod show;
mod steps;
mod wanted;

use crate::cli::{DeployArgs, DeployCommand};
use crate::completion::Completion;
use anyhow::{Context as _, Result};
use context::Context;
use done::Done;
use tokio::runtime::Runtime;

pub(crate) fn run(args: &DeployArgs) -> Result<Completion> {
    if let Some(DeployCommand::IamPolicy(args)) = &args.command {
        return iam_policy::print(args);
    }
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let done = runtime.block_on(Box::pin(deploy(args)))?;
    if done.completion == Completion::Complete && args.run.canary {
        return run::canary(args, &done);
    }
    Ok(done.completion)
}

async fn deploy(args: &DeployArgs) -> Result<Done> {
    let mode = &args.mode;
    if mode.status || mode.destroy {
        let context = Context::connect(args).await?;
        let completion = if mode.status {
            show::status(&context, args).await
        } else {
            destroy::destroy(&context, args).await
        };
        return completion.map(Done::without_regions);
    }
    if let Some(release) = &mode.rollback {
        let context = Context::connect(args).await?;
        return rollback::roll_back(&context, args, release).await;
    }
    // Files are read before AWS is asked: what is wrong with them is said at once.
    let files = wanted::Files::read(&args.what)?;
    let context = Context::connect(args).await?;
    if mode.plan {
        return run::plan(&context, args, &files).await.map(Done::without_regions);
    }
    run::deploy(&context, args, &files).await
}
