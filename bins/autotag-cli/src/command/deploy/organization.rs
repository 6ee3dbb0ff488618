//! `--org`: the parameters of an organization, and the operations of its stack sets.

use super::context::{Context, failed, random};
use crate::cli::{CallAs, DeployArgs};
use crate::output::{plural, printable};
use crate::setup::usage_error;
use anyhow::Result;
use autotag_deploy::existing::Existing;
use autotag_deploy::identity::organization;
use autotag_deploy::stack_sets::{Group, StackSets};
use autotag_model::arn::Region;
use std::collections::BTreeMap;
use std::io::Write as _;

/// Adds the parameters of `org.yaml` that the flags set. Earlier choices stay.
pub(super) async fn add(
    context: &Context,
    args: &DeployArgs,
    existing: &Existing,
    regions: &[Region],
    parameters: &mut BTreeMap<String, String>,
) -> Result<()> {
    let (flags, is_new) = (&args.organization, existing.hub().is_none());
    if is_new && flags.units.is_empty() {
        return Err(usage_error("--org: name the organizational units, or the root, with --units"));
    }
    if is_new && regions.is_empty() {
        return Err(usage_error("--org: name the regions of all accounts with --regions"));
    }
    let mut set = |name: &str, value: &str| parameters.insert(format!("org.{name}"), value.to_owned());
    if !flags.units.is_empty() {
        set("TargetOus", &flags.units.join(","));
    }
    if !regions.is_empty() {
        let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
        set("Regions", &regions.join(","));
    }
    set("CallAs", flags.call_as.as_str());
    if let Some(id) = &flags.organization_id {
        set("OrganizationId", id);
    } else if is_new {
        let there = organization(&context.aws, &context.hub).await.map_err(failed)?;
        set("OrganizationId", &there.id);
        if flags.call_as == CallAs::DelegatedAdmin {
            set("ManagementAccount", &there.management);
        }
    }
    // Stack sets pass over the management account.
    if flags.call_as == CallAs::Management {
        set("OwnRegion", "true");
    }
    // Members trust the hub only with this id. Another one at each run would change every account.
    if existing.parameter("ExternalId").is_none() && !has(&args.what.parameters, "ExternalId") {
        parameters.insert("org.ExternalId".to_owned(), random());
    }
    Ok(())
}

fn has(parameters: &[(String, String)], name: &str) -> bool {
    parameters.iter().any(|(key, _)| key == name || key.strip_prefix("org.") == Some(name))
}

/// Follows the operations of the stack sets to their end, and names what failed. Returns whether all instances are current.
pub(super) async fn follow(context: &Context, call_as: CallAs) -> Result<bool> {
    let sets = StackSets { aws: &context.aws, region: &context.hub, call_as: call_as.as_str() };
    let mut is_current = true;
    for kind in ["member", "region"] {
        let set = format!("{}-{kind}", context.name);
        let groups = sets.follow(&set, &context.progress, context.pause).await.map_err(failed)?;
        print_groups(&set, &groups)?;
        is_current &= groups.iter().all(Group::is_current);
    }
    Ok(is_current)
}

/// Prints the instances of a stack set on stderr, those with the same failure in one line.
pub(super) fn print_groups(set: &str, groups: &[Group]) -> Result<()> {
    let mut err = anstream::stderr().lock();
    for group in groups.iter().filter(|group| !group.is_current()) {
        let places: Vec<String> =
            group.examples.iter().map(|(account, region)| format!("{account} {region}")).collect();
        let more = if group.count > places.len() { ", ..." } else { "" };
        let instances = plural(group.count, "instance");
        let text = format!(
            "{set}: {instances} {} {}: {} ({}{more})",
            group.status,
            group.detail,
            group.reason,
            places.join(", ")
        );
        writeln!(err, "{}", printable(&text))?;
    }
    Ok(())
}
