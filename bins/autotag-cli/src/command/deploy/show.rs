//! `autotag deploy --status`.

use super::context::{Context, failed};
use super::organization;
use super::wanted::{hub_is_here, regions};
use crate::cli::{DeployArgs, TextFormat};
use crate::completion::Completion;
use crate::output::{plural, printable};
use anyhow::Result;
use autotag_deploy::existing::Existing;
use autotag_deploy::formation::{Phase, Place, Stack};
use autotag_deploy::layout::Layout;
use autotag_deploy::queues;
use autotag_deploy::stack_sets::{Group, StackSets};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;

/// A stack, and the messages in its queues.
struct Shown {
    place: Place,
    stack: Stack,
    queues: BTreeMap<String, u64>,
}

pub(super) async fn status(context: &Context, args: &DeployArgs) -> Result<Completion> {
    let engine = context.engine();
    let existing = Existing::find(&engine, &context.name, &context.hub).await.map_err(failed)?;
    let layout = existing.layout.unwrap_or(Layout::Parts);
    let central = layout.central().iter();
    let mut places: Vec<Place> =
        central.map(|(_, suffix)| Place::new(&context.hub, format!("{}{suffix}", context.name))).collect();
    let regional = regions(context, &args.place, Layout::Parts).await?;
    hub_is_here(context, &existing, &regional).await?;
    places.extend(regional.iter().map(|region| Place::new(region, format!("{}-region", context.name))));
    let mut all = Vec::new();
    for place in places {
        if let Some(stack) = engine.formation.stack(&place).await.map_err(failed)? {
            let queues = messages(context, &place).await?;
            all.push(Shown { place, stack, queues });
        }
    }
    if all.is_empty() {
        writeln!(anstream::stderr(), "there is no deployment `{}` in {}", context.name, context.hub)?;
        return Ok(Completion::Partial);
    }
    print(&all, TextFormat::or_default(args.run.format))?;
    let are_current = layout != Layout::Organization || instances(context, args).await?;
    let is_settled = |shown: &Shown| shown.stack.status.phase() == Phase::Settled;
    Ok(if all.iter().all(is_settled) && are_current { Completion::Complete } else { Completion::Partial })
}

/// The messages in each queue of a stack that has any.
async fn messages(context: &Context, place: &Place) -> Result<BTreeMap<String, u64>> {
    let mut all = BTreeMap::new();
    for resource in context.engine().formation.resources(place).await.map_err(failed)? {
        if resource.kind != "AWS::SQS::Queue" || !resource.physical_id.starts_with("http") {
            continue;
        }
        let count =
            queues::messages(&context.aws, &place.region, &resource.physical_id).await.map_err(failed)?;
        let name = resource.physical_id.rsplit('/').next().unwrap_or_default();
        all.extend(count.filter(|count| *count > 0).map(|count| (name.to_owned(), count)));
    }
    Ok(all)
}

async fn instances(context: &Context, args: &DeployArgs) -> Result<bool> {
    let call_as = args.organization.call_as.as_str();
    let sets = StackSets { aws: &context.aws, region: &context.hub, call_as };
    let mut are_current = true;
    for kind in ["member", "region"] {
        let set = format!("{}-{kind}", context.name);
        let groups = sets.groups(&set).await.map_err(failed)?;
        organization::print_groups(&set, &groups)?;
        are_current &= groups.iter().all(Group::is_current);
    }
    Ok(are_current)
}

fn print(all: &[Shown], format: TextFormat) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    for Shown { place, stack, queues } in all {
        let release = stack.parameters.get("Release");
        if format == TextFormat::Jsonl {
            let line: Value = json!({"region": place.region.as_str(), "stack": place.stack, "status": stack.status.0,
                "release": release, "updated": stack.updated, "reason": stack.reason, "messages": queues});
            writeln!(out, "{line}")?;
            continue;
        }
        let (status, release) =
            (printable(&stack.status.0), release.map(|name| printable(name)).unwrap_or_default());
        let line = format!("{:<14}  {:<20}  {status:<24}  {release}", place.region.as_str(), place.stack);
        writeln!(out, "{}", line.trim_end())?;
        if let Some(reason) = &stack.reason {
            writeln!(out, "    {}", printable(reason))?;
        }
        for (queue, count) in queues {
            writeln!(out, "    about {} in {}", plural(*count, "message"), printable(queue))?;
        }
    }
    Ok(())
}
