//! The rules of each region, which forward events from where they happen to the hub; and the dead-letter queues of rules.

use super::check::{CheckFailure, Finding, fail};
use super::checks::{RULE_DEAD_LETTERS, RULE_DEAD_LETTERS_POLICY, RULE_INVOCATIONS};
use super::consumer::read_queue;
use super::deployment::{DeploymentView, RegionView};
use super::eventbridge::{DEFAULT_BUS, Rules, read_rules, read_rules_briefly};
use super::families::{Family, REGION_CHECKS, tag_events};
use super::invocations::delivered;
use super::queues::{is_empty, rule_may_send};
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// Up to so many regions of other accounts are read rule by rule.
const READ_WHOLE: usize = 64;

/// The findings about the rules of a region.
pub(super) async fn examine(view: &DeploymentView, region: &RegionView) -> Vec<Finding> {
    let (prefix, place) = (&view.names.prefix, region.to_string());
    let rules = if region.own && region.region == view.hub {
        view.default_bus.clone()
    } else if region.own || view.regions.len() <= READ_WHOLE {
        read_rules(&region.aws, &region.region, DEFAULT_BUS, prefix).await
    } else {
        read_rules_briefly(&region.aws, &region.region, prefix, &view.bus_arn()).await
    };
    // If each region has its own session-handler, STS records do not go to the hub.
    let queue = region.queue_arn(&view.partition, &view.session_handler.queue.name);
    let (mut targets, sessions) = (vec![view.bus_arn()], vec![view.bus_arn(), queue]);
    if region.own && region.region == view.hub {
        // In a deployment of one stack nothing is forwarded within the region.
        targets.push(view.queue_arn(&view.tag_handler.queue));
    }
    let mut found = Vec::new();
    for family in Family::of(view, &REGION_CHECKS, &targets, &sessions) {
        found.extend(family.findings(&place, region, view, &rules).await);
    }
    found.extend(tag_events(view, REGION_CHECKS.tag_events, &place, &rules));
    found.push(RULE_INVOCATIONS.at(&place, delivered(region, DEFAULT_BUS, &rules).await));
    found.extend(examine_dead_letters(&place, region, &rules, view).await);
    found
}

/// The ARNs of the dead-letter queues of the rules' targets, each with the ARN of a rule that sends there.
fn dead_letter_queues(rules: &Rules) -> Result<BTreeMap<&str, &str>, CheckFailure> {
    let mut queues = BTreeMap::new();
    for rule in rules.as_ref().map_err(Clone::clone)? {
        for target in &rule.targets {
            match &target.dead_letters {
                Some(queue) => queues.insert(queue.as_str(), rule.arn.as_str()),
                None => return fail(format!("the target of {} has no dead-letter queue", rule.name)),
            };
        }
    }
    Ok(queues)
}

/// The findings about the dead-letter queues of rules.
pub(super) async fn examine_dead_letters(
    place: &str,
    region: &RegionView,
    rules: &Rules,
    view: &DeploymentView,
) -> Vec<Finding> {
    let queues = match dead_letter_queues(rules) {
        Ok(queues) => queues,
        Err(failure) => return vec![RULE_DEAD_LETTERS.at(place, Err(failure))],
    };
    let findings = queues.into_iter().map(async |(arn, rule)| {
        let name = arn.rsplit(':').next().unwrap_or(arn);
        let queue = read_queue(&region.aws, &region.region, name.to_owned()).await;
        let place = format!("{place} {name}");
        let policy = queue.needed(RULE_DEAD_LETTERS).and_then(|queue| rule_may_send(queue, rule));
        [
            RULE_DEAD_LETTERS.at(&place, is_empty(&region.aws, &queue, view).await),
            RULE_DEAD_LETTERS_POLICY.at(&place, policy),
        ]
    });
    join_all(findings).await.concat()
}
