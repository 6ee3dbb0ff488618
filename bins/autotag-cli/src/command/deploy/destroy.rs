//! `autotag deploy --destroy`.

use super::context::{Context, failed, shown};
use super::enquiry::agreed;
use super::wanted::{hub_is_here, regions};
use crate::cli::DeployArgs;
use crate::completion::Completion;
use crate::output::printable;
use anyhow::Result;
use autotag_deploy::bucket::CodeBucket;
use autotag_deploy::existing::Existing;
use autotag_deploy::formation::Place;
use autotag_deploy::layout::Layout;
use autotag_deploy::removal::Removal;
use futures_util::future::join_all;
use std::io::Write as _;

pub(super) async fn destroy(context: &Context, args: &DeployArgs) -> Result<Completion> {
    let engine = context.engine();
    let existing = Existing::find(&engine, &context.name, &context.hub).await.map_err(failed)?;
    let layout = existing.layout.unwrap_or(Layout::Parts);
    let regional = regions(context, &args.place, Layout::Parts).await?;
    hub_is_here(context, &existing, &regional).await?;
    let regional: Vec<Place> =
        regional.iter().map(|region| Place::new(region, format!("{}-region", context.name))).collect();
    let central = central(context, layout);
    let all = [regional.as_slice(), central.as_slice()].concat();
    let removal = Removal::of(&engine, &context.aws, all).await.map_err(failed)?;
    let account = &context.identity.account;
    let bucket = match existing.parameter("CodeBucket") {
        Some(name) => Some(name.to_owned()),
        None => CodeBucket::find(&context.s3, account, &context.hub, &context.name)
            .await
            .map_err(failed)?
            .map(|bucket| bucket.name().to_owned()),
    };
    announce(context, &removal, bucket.as_deref())?;
    if !removal.full.is_empty() && !args.run.discard_messages {
        return Ok(Completion::Partial);
    }
    if removal.stacks.is_empty() {
        return Ok(Completion::Complete);
    }
    if !agreed(args.run.yes, &format!("Remove these stacks of account {account}?"))? {
        writeln!(anstream::stderr(), "nothing was removed")?;
        return Ok(Completion::Partial);
    }
    remove(context, &removal, &central).await
}

/// The stacks of the hub, the last one made first.
fn central(context: &Context, layout: Layout) -> Vec<Place> {
    let suffixes = layout.central().iter().rev();
    suffixes.map(|(_, suffix)| Place::new(&context.hub, format!("{}{suffix}", context.name))).collect()
}

fn announce(context: &Context, removal: &Removal, bucket: Option<&str>) -> Result<()> {
    let mut err = anstream::stderr().lock();
    for place in &removal.stacks {
        writeln!(err, "  removed   {:<14}  {}", place.region.as_str(), place.stack)?;
    }
    for kept in &removal.kept {
        let (kind, name) = (printable(&kept.kind), printable(&kept.name));
        writeln!(err, "  kept      {:<14}  {kind} {name}", kept.place.region.as_str())?;
    }
    if let Some(bucket) = bucket {
        writeln!(err, "  kept      {:<14}  AWS::S3::Bucket {}", context.hub.as_str(), printable(bucket))?;
    }
    for queue in &removal.full {
        let (region, url) = (queue.place.region.as_str(), printable(&queue.url));
        writeln!(err, "  messages  {region:<14}  about {} in {url}", queue.messages)?;
    }
    if !removal.full.is_empty() {
        writeln!(
            err,
            "queues with messages go with their stack: wait until they are empty, send dead letters on with `autotag redrive`, or \
             lose the messages with --discard-messages"
        )?;
    }
    if removal.stacks.is_empty() {
        writeln!(err, "there are no stacks to remove")?;
    }
    Ok(())
}

/// Removes the regions at the same time, then the hub: nothing is sent to a bus that is gone.
async fn remove(context: &Context, removal: &Removal, central: &[Place]) -> Result<Completion> {
    let engine = context.engine();
    let (central, regional): (Vec<&Place>, Vec<&Place>) =
        removal.stacks.iter().partition(|place| central.contains(place));
    let results = join_all(regional.iter().map(|place| engine.delete(place))).await;
    let mut failures: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    for place in central {
        if failures.is_empty() {
            failures.extend(engine.delete(place).await.err());
        }
    }
    let mut err = anstream::stderr().lock();
    for failure in &failures {
        writeln!(err, "autotag: {}", shown(failure))?;
    }
    Ok(if failures.is_empty() { Completion::Complete } else { Completion::Partial })
}
