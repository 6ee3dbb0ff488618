//! The alarms of the hub's region: there are some, somebody is told, and none is raised.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail_with};
use super::checks::{ALARMS, ALARMS_ACTIONS, ALARMS_STATE, ALARMS_TOPIC};
use super::deploy_commands::{deploy_hub, parameter_option};
use super::deployment::DeploymentView;
use crate::output::plural;
use autotag_aws::query::{QueryError, xml};
use autotag_aws::signed::METRICS;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let prefix = format!("{}-", view.names.prefix);
    let input = json!({"AlarmNamePrefix": prefix});
    let (action, pages) = ("cloudwatch:DescribeAlarms", ("MetricAlarms", "NextToken"));
    let place = view.hub.as_str();
    let alarms = match view.aws.list(METRICS, action, &view.hub, &input, pages).await {
        Ok(alarms) => alarms,
        Err(error) => return vec![ALARMS.at(place, Err(error.into()))],
    };
    // Another deployment of the account may have a name that begins in the same way.
    let ids = &view.names.physical_ids;
    let own = |alarm: &&Value| ids.is_empty() || ids.contains(text(alarm, "AlarmName"));
    let alarms: Vec<&Value> = alarms.iter().filter(own).collect();
    let topic = topics_reach_somebody(view, &alarms).await;
    let mut found = vec![ALARMS.at(place, exist(view, &alarms))];
    if !alarms.is_empty() {
        found.extend([
            ALARMS_ACTIONS.at(place, act(view, &alarms)),
            ALARMS_TOPIC.at(place, topic),
            ALARMS_STATE.at(place, quiet(view, &alarms)),
        ]);
    }
    found
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn actions(alarm: &Value) -> impl Iterator<Item = &str> {
    alarm.get("AlarmActions").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The command that gives alarms a topic.
fn with_topic(view: &DeploymentView) -> String {
    let hub = &view.hub;
    format!(
        "aws sns create-topic --name {} --region {hub}, then {} {} AlarmTopicArn=$TOPIC",
        view.names.prefix,
        deploy_hub(hub, &view.names),
        parameter_option(&view.names)
    )
}

/// Doctor cannot see other monitoring, so a deployment without alarms is not broken.
fn exist(view: &DeploymentView, alarms: &[&Value]) -> CheckResult {
    if alarms.is_empty() {
        let seen =
            "there are none, as AlarmTopicArn is empty: whether somebody is told of faults is not known";
        return Err(CheckFailure::Unknown(seen.to_owned(), with_topic(view)));
    }
    Ok(plural(alarms.len(), "alarm"))
}

fn act(view: &DeploymentView, alarms: &[&Value]) -> CheckResult {
    let disabled = |alarm: &Value| alarm.get("ActionsEnabled").and_then(Value::as_bool) == Some(false);
    let off: Vec<&str> =
        alarms.iter().filter(|alarm| disabled(alarm)).map(|alarm| text(alarm, "AlarmName")).collect();
    if !off.is_empty() {
        let names = off.join(" ");
        return fail_with(
            format!("actions of {} are disabled", off.join(", ")),
            format!("aws cloudwatch enable-alarm-actions --alarm-names {names} --region {}", view.hub),
        );
    }
    let silent = alarms.iter().filter(|alarm| actions(alarm).next().is_none());
    let silent: Vec<&str> = silent.map(|alarm| text(alarm, "AlarmName")).collect();
    if silent.is_empty() {
        return Ok("each has an action".to_owned());
    }
    fail_with(format!("{} have no action", silent.join(", ")), with_topic(view))
}

async fn topics_reach_somebody(view: &DeploymentView, alarms: &[&Value]) -> CheckResult {
    let topics: BTreeSet<&str> =
        alarms.iter().flat_map(|alarm| actions(alarm)).filter(|action| action.contains(":sns:")).collect();
    if topics.is_empty() {
        return blocked_by(ALARMS_ACTIONS);
    }
    let read = join_all(topics.iter().map(|topic| subscriptions(view, topic))).await;
    for (topic, read) in topics.iter().zip(read) {
        let (confirmed, pending) = read?;
        let region = topic.split(':').nth(3).unwrap_or_default();
        if confirmed == 0 && pending == 0 {
            let subscribe = format!(
                "aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint oncall@example.com --region {region}"
            );
            return fail_with(format!("{topic} has no subscription"), subscribe);
        }
        if confirmed == 0 {
            let list = format!("aws sns list-subscriptions-by-topic --topic-arn {topic} --region {region}");
            return fail_with(
                format!("no subscription of {topic} is confirmed"),
                format!("confirm by the link in the message that SNS has sent; {list}"),
            );
        }
    }
    Ok(topics.into_iter().collect::<Vec<_>>().join(", "))
}

/// The numbers of confirmed and of pending subscriptions.
async fn subscriptions(view: &DeploymentView, topic: &str) -> Result<(usize, usize), QueryError> {
    let region = topic.split(':').nth(3).and_then(Region::new).unwrap_or_else(|| view.hub.clone());
    let answer = view.aws.subscriptions(&region, topic).await?;
    let document = xml::parse("sns:ListSubscriptionsByTopic", &answer)?;
    let arns = document.descendants().filter(|node| node.has_tag_name("SubscriptionArn")).map(xml::text);
    let (confirmed, pending): (Vec<&str>, Vec<&str>) = arns.partition(|arn| arn.starts_with("arn:"));
    Ok((confirmed.len(), pending.len()))
}

fn quiet(view: &DeploymentView, alarms: &[&Value]) -> CheckResult {
    let raised = alarms.iter().filter(|alarm| text(alarm, "StateValue") == "ALARM");
    let raised: Vec<&str> = raised.map(|alarm| text(alarm, "AlarmName")).collect();
    let Some(first) = raised.first() else { return Ok("none is raised".to_owned()) };
    fail_with(
        format!("{} in ALARM", raised.join(", ")),
        format!("aws cloudwatch describe-alarm-history --alarm-name {first} --region {}", view.hub),
    )
}
