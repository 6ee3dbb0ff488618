//! The resources that exist now, by AWS.

use crate::cli::ReportArgs;
use crate::connection::connect;
use crate::report::{self, Item};
use anyhow::{Context as _, Result};
use autotag_aws::inventory::{Listed, LiveInventory};
use autotag_aws::{CallError, Settings};
use autotag_model::arn::Region;
use tokio::runtime::Runtime;

/// The inventory, what it comes from, and what could not be listed.
pub(super) struct Live {
    pub(super) items: Vec<Item>,
    pub(super) sources: Vec<String>,
    pub(super) faults: Vec<String>,
}

/// Lists what exists, if the arguments ask for it.
pub(super) fn list(args: &ReportArgs) -> Result<Option<Live>> {
    if !args.live {
        return Ok(None);
    }
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let listed = runtime.block_on(async {
        let accounts = connect(Settings::default()).await?;
        let inventory = LiveInventory::new(&accounts);
        let regions = if args.regions.is_empty() {
            let enabled = inventory.enabled_regions().await;
            enabled.context(
                "cannot list the enabled regions: allow ec2:DescribeRegions, or name them with --regions",
            )?
        } else {
            args.regions.clone()
        };
        anyhow::Ok(inventory.list(&regions).await)
    })?;
    Ok(Some(live(listed)))
}

fn live(listed: Listed) -> Live {
    let mut faults = Vec::new();
    for (region, error) in &listed.failed {
        faults.push(format!("{region} is not in the inventory, or not whole: {}", why(error)));
    }
    let items = listed.resources.into_iter().map(report::live_item);
    let (items, unreadable): (Vec<_>, Vec<_>) = items.partition(Result::is_ok);
    if let Some(Err(first)) = unreadable.first() {
        faults.push(format!("{} listed resources cannot be used: {first}", unreadable.len()));
    }
    let sources = [
        ("inventory: Resource Explorer", &listed.explored),
        ("inventory: GetResources, which lists what has or had tags", &listed.tagged),
    ];
    let mut sources: Vec<String> = sources
        .into_iter()
        .filter(|(_, regions)| !regions.is_empty())
        .map(|(what, regions)| format!("{what} ({})", names(regions)))
        .collect();
    let unexplored = listed
        .unexplored
        .iter()
        .map(|(region, error)| format!("Resource Explorer was not asked in {region}: {}", why(error)));
    sources.extend(unexplored);
    Live { items: items.into_iter().flatten().collect(), sources, faults }
}

fn names(regions: &[Region]) -> String {
    regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
}

/// A failed call, with the permission that it needs.
fn why(CallError { operation, code, .. }: &CallError) -> String {
    let service = match operation.as_str() {
        "GetResources" => "tag",
        "GetIndex" | "GetDefaultView" | "GetView" | "ListResources" => "resource-explorer-2",
        _ => return format!("{operation} answered {code}"),
    };
    format!("{service}:{operation} answered {code}")
}
