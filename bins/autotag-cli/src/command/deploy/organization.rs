//! `--org`: the parameters of an organization, and the operations of its stack sets.

use super::context::{Context, failed, random};
use crate::cli::{CallAs, DeployArgs};
use crate::output::{plural, printable};
use crate::setup::usage_error;
use anyhow::Result;
use autotag_aws::signed::{ORGANIZATIONS, organizations_region};
use autotag_deploy::existing::Existing;
use autotag_deploy::stack_sets::{Group, StackSets};
use autotag_model::arn::Region;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;

/// Adds the parameters of `org.yaml` that the flags stand for. What was chosen before stays.
pub(super) async fn add(
    context: &Context,
    args: &DeployArgs,
    existing: &Existing,
    regions: &[Region],
    parameters: &mut BTreeMap<String, String>,
) -> Result<()> {
    let flags = &args.organization;
    let is_new = existing.hub().is_none();
    let mut set = |name: &str, value: String| parameters.insert(format!("org.{name}"), value);
    if !flags.units.is_empty() {
        set("TargetOus", flags.units.join(","));
    } else if is_new {
        return Err(usage_error("--org: name the organizational units, or the root, with --units"));
    }
    if let Some(id) = &flags.organization_id {
        set("OrganizationId", id.clone());
    } else if is_new {
        set("OrganizationId", organization_id(context).await?);
    }
    if !regions.is_empty() {
        let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
        set("Regions", regions.join(","));
    } else if is_new {
        return Err(usage_error("--org: name the regions of all accounts with --regions"));
    }
    set("CallAs", flags.call_as.as_str().to_owned());
    // Members trust the hub only with this id. Another one at each run would change every account.
    if existing.parameter("ExternalId").is_none() {
        set("ExternalId", random());
    }
    Ok(())
}

async fn organization_id(context: &Context) -> Result<String> {
    let (action, region) = ("organizations:DescribeOrganization", organizations_region(&context.hub));
    let answer = context.aws.json(ORGANIZATIONS, action, &region, &json!({})).await;
    let answer = answer.map_err(|error| failed(error.into()))?;
    let id =
        answer.get("Organization").and_then(|organization| organization.get("Id")).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| usage_error("--org: this account is in no organization"))
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
