//! Events that rules matched, and that EventBridge could not deliver to their targets.

use super::check::{CheckResult, fail_with};
use super::deployment::RegionView;
use super::eventbridge::{DEFAULT_BUS, Rules};
use super::metrics::{PERIOD, series};
use crate::output::plural;
use autotag_aws::query::QueryError;
use autotag_aws::signed::METRICS;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The time over which failures count, in seconds. `CloudWatch` lists a metric that had values in these three hours.
const LONGEST: u64 = 3 * 3600;

/// How many failing rules are looked at. All rules of a stack have the same targets.
const MOST: usize = 3;

/// The metric of events that could not be delivered for good. It has no values while there are none.
const FAILED: &str = "FailedInvocations";

/// True if the rules of the deployment on a bus reach their targets. A rule that has delivered since its last failure has recovered.
pub(super) async fn delivered(region: &RegionView, bus: &str, rules: &Rules) -> CheckResult {
    let rules = rules.as_ref().map_err(Clone::clone)?;
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    if names.is_empty() {
        return Ok("there are no rules".to_owned());
    }
    let failing = failing(region, bus, &names).await?;
    let mut recovered = None;
    for rule in failing.iter().take(MOST) {
        let (failed, all) =
            tokio::join!(values(region, bus, rule, FAILED), values(region, bus, rule, "Invocations"));
        let (failed, all) = (failed?, all?);
        let Some((last, _)) = failed.iter().rev().find(|(_, value)| *value > 0.0) else { continue };
        let count = failed.iter().fold(0.0, |sum, (_, value)| sum + value);
        let minutes = region.aws.now().saturating_sub(last + PERIOD) / 60;
        let seen =
            format!("{rule}: {count} events in three hours were not delivered, the last {minutes} min ago");
        if all.iter().any(|(start, value)| start > last && *value > 0.0) {
            recovered = Some(format!("{seen}; later ones were"));
            continue;
        }
        let more = failing.len().saturating_sub(1);
        let more = if more > 0 { format!("; {} more", plural(more, "rule")) } else { String::new() };
        let at = &region.region;
        let show =
            format!("aws events list-targets-by-rule --rule {rule} --event-bus-name {bus} --region {at}");
        return fail_with(
            format!("{seen}{more}"),
            format!("{show}; the letters of its dead-letter queue have an ERROR_CODE"),
        );
    }
    Ok(recovered.unwrap_or_else(|| "no event was undeliverable in three hours".to_owned()))
}

/// The rules of these names that had failures.
async fn failing(region: &RegionView, bus: &str, names: &BTreeSet<&str>) -> Result<Vec<String>, QueryError> {
    let input = json!({"Namespace": "AWS/Events", "MetricName": FAILED, "RecentlyActive": "PT3H"});
    let (action, keys) = ("cloudwatch:ListMetrics", ("Metrics", "NextToken"));
    let metrics = region.aws.list(METRICS, action, &region.region, &input, keys).await?;
    let is_meant = |metric: &Value| {
        let of = |name: &str| dimension(metric, name);
        let on = of("EventBusName").unwrap_or(DEFAULT_BUS);
        let rule = of("RuleName").filter(|rule| names.contains(rule))?;
        (on == bus).then(|| rule.to_owned())
    };
    let found: BTreeSet<String> = metrics.iter().filter_map(is_meant).collect();
    Ok(found.into_iter().collect())
}

fn dimension<'m>(metric: &'m Value, name: &str) -> Option<&'m str> {
    let mut dimensions = metric.get("Dimensions").and_then(Value::as_array).into_iter().flatten();
    dimensions.find(|one| one.get("Name").is_some_and(|known| known == name))?.get("Value")?.as_str()
}

async fn values(
    region: &RegionView,
    bus: &str,
    rule: &str,
    metric: &str,
) -> Result<Vec<(u64, f64)>, QueryError> {
    let metric = ("AWS/Events", metric, "Sum");
    let mut dimensions = vec![("RuleName", rule)];
    if bus != DEFAULT_BUS {
        dimensions.push(("EventBusName", bus));
    }
    series(&region.aws, &region.region, metric, &dimensions, LONGEST).await
}
