//! The regions of the deployment's account: in which events are forwarded, and in which they begin.

use super::check::{CheckFailure, CheckResult, Finding, fail_with};
use super::checks::REGIONS;
use super::deploy_commands::deploy_regions;
use super::deployment::{Coverage, DeploymentView};
use super::eventbridge::{DEFAULT_BUS, has_rules};
use super::expected::Event;
use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::signed::CLOUDTRAIL;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How far back creations show that a region is in use, in seconds: a week.
const USE_PERIOD: u64 = 7 * 24 * 3600;

/// The use of one region.
enum Use {
    Forwards,
    /// Something was created there, and no rule forwards it.
    Silent(Event),
    Unused,
    Unknown(CheckFailure),
}

/// The regions to examine: those that the user chose, else all enabled ones that forward events. The hub's region and that of the
/// global endpoint of STS are always among these.
pub(super) async fn chosen(view: &DeploymentView, chosen: &[Region]) -> (Vec<Region>, Option<Coverage>) {
    if !chosen.is_empty() {
        let chosen: BTreeSet<Region> = chosen.iter().cloned().collect();
        return (chosen.into_iter().collect(), None);
    }
    let needed = [Some(view.hub.clone()), view.partition.global_region()];
    let mut examined: BTreeSet<Region> = needed.into_iter().flatten().collect();
    let mut coverage = Coverage { enabled: Ok(0), forwarding: 0, silent: Vec::new(), unknown: None };
    let enabled = match view.aws.enabled_regions(&view.hub).await {
        Ok(enabled) => enabled,
        Err(error) => {
            coverage.enabled = Err(error);
            return (examined.into_iter().collect(), Some(coverage));
        }
    };
    coverage.enabled = Ok(enabled.len());
    let needed = examined.clone();
    let uses = join_all(enabled.iter().map(|region| use_of(view, region, needed.contains(region)))).await;
    for (region, found) in enabled.into_iter().zip(uses) {
        match found {
            Use::Forwards => {
                coverage.forwarding += 1;
                examined.insert(region);
            }
            Use::Silent(event) => coverage.silent.push((region, event)),
            Use::Unused => {}
            Use::Unknown(failure) => coverage.unknown = Some(failure),
        }
    }
    (examined.into_iter().collect(), Some(coverage))
}

async fn use_of(view: &DeploymentView, region: &Region, needed: bool) -> Use {
    match has_rules(&view.aws, region, DEFAULT_BUS, &view.names.prefix).await {
        Ok(true) => return Use::Forwards,
        // The checks of its rules say what is missing.
        Ok(false) if needed => return Use::Unused,
        Ok(false) => {}
        Err(failure) => return Use::Unknown(failure),
    }
    match creation(&view.aws, region, &view.expected.creations).await {
        Ok(Some(event)) => Use::Silent(event),
        Ok(None) => Use::Unused,
        Err(error) => Use::Unknown(error.into()),
    }
}

/// A creation of the catalogue among the newest events of a region that write.
async fn creation(
    aws: &AwsQuery,
    region: &Region,
    creations: &BTreeSet<Event>,
) -> Result<Option<Event>, QueryError> {
    let now = aws.now();
    let input = json!({"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}],
        "StartTime": now.saturating_sub(USE_PERIOD), "EndTime": now, "MaxResults": 50});
    let answer = aws.json(CLOUDTRAIL, "cloudtrail:LookupEvents", region, &input).await?;
    let events = answer.get("Events").and_then(Value::as_array).into_iter().flatten();
    let text = |event: &Value, name: &str| Some(event.get(name)?.as_str()?.to_owned());
    let mut events = events.filter_map(|event| {
        Some(Event { source: text(event, "EventSource")?, name: text(event, "EventName")? })
    });
    Ok(events.find(|event| creations.contains(event)))
}

pub(super) fn examine(view: &DeploymentView) -> Vec<Finding> {
    let coverage = view.coverage.iter();
    coverage.map(|coverage| REGIONS.at(view.account.as_str(), judge(view, coverage))).collect()
}

fn judge(view: &DeploymentView, coverage: &Coverage) -> CheckResult {
    let enabled = coverage.enabled.as_ref().map_err(|error| CheckFailure::from(error.clone()))?;
    let seen = format!("{} of {enabled} enabled regions forward", coverage.forwarding);
    if !coverage.silent.is_empty() {
        let of = |(region, event): &(Region, Event)| format!("{region} ({} {})", event.source, event.name);
        let silent: Vec<String> = coverage.silent.iter().map(of).collect();
        let regions: Vec<&str> = coverage.silent.iter().map(|(region, _)| region.as_str()).collect();
        let own = view.regions.iter().filter(|region| region.own);
        let forwarding: Vec<&str> = own.map(|region| region.region.as_str()).collect();
        return fail_with(
            format!("{seen}; these forward nothing, and something was created there: {}", silent.join(", ")),
            deploy_regions(&view.hub, &regions, &forwarding, &view.names),
        );
    }
    match &coverage.unknown {
        Some(failure) => Err(failure.clone()),
        None => Ok(format!("{seen}; nothing was created in the others for a week")),
    }
}
