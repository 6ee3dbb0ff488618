//! The permissions of the functions' roles.

use super::check::{CheckFailure, CheckResult, Finding, fail};
use super::checks::{FUNCTION, PERMISSION_READING, PERMISSION_TAGGING, PERMISSION_WORKING};
use super::consumer::Consumer;
use super::deployment::DeploymentView;
use super::expected::Need;
use super::simulation::Simulation;
use autotag_model::arn::Partition;
use futures_util::future::join_all;
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let tag_handler = &view.tag_handler;
    let expected = &view.expected;
    let (tagging, reading) = tokio::join!(
        catalogue_permissions(view, tag_handler, &expected.tagging),
        catalogue_permissions(view, tag_handler, &expected.reading),
    );
    let working = view
        .consumers()
        .into_iter()
        .map(async |consumer| PERMISSION_WORKING.at(&consumer.function, working(view, consumer).await));
    let mut found = vec![
        PERMISSION_TAGGING.at(&tag_handler.function, tagging),
        PERMISSION_READING.at(&tag_handler.function, reading),
    ];
    found.extend(join_all(working).await);
    found
}

/// The function's role, or why it is not known.
fn role(consumer: &Consumer) -> Result<&str, CheckFailure> {
    consumer.config(FUNCTION)?;
    match consumer.role() {
        Some(role) => Ok(role),
        None => fail("the function has no role"),
    }
}

async fn catalogue_permissions(
    view: &DeploymentView,
    consumer: &Consumer,
    needs: &BTreeSet<Need>,
) -> CheckResult {
    let role = role(consumer)?;
    let region = consumer.region.as_str();
    has_all(&view.simulation(&view.aws), role, needs, (region, view.account.as_str())).await
}

/// Checks that a role has all of these permissions. `place` is the region and account of the example resources.
pub(super) async fn has_all(
    simulation: &Simulation<'_>,
    role: &str,
    needs: &BTreeSet<Need>,
    place: (&str, &str),
) -> CheckResult {
    let example = |need: &Need| example(need, simulation.partition, place);
    let requests: Vec<(&str, String)> =
        needs.iter().map(|need| (need.action.as_str(), example(need))).collect();
    let requests: Vec<(&str, &str)> =
        requests.iter().map(|(action, resource)| (*action, resource.as_str())).collect();
    simulation.may(role, &requests).await
}

/// A resource for which an action is needed. IAM simulates one resource, not a pattern.
pub(super) fn example(need: &Need, partition: &Partition, place: (&str, &str)) -> String {
    let filled = need.resource.replace("{partition}", partition.as_str()).replace("{account}", place.1);
    sample(&filled, place)
}

/// A resource that a pattern of a policy matches.
fn sample(pattern: &str, (region, account): (&str, &str)) -> String {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [arn, partition, service, in_region, in_account, resource] = parts.as_slice() else {
        return pattern.to_owned();
    };
    let region = if *in_region == "*" { region } else { in_region };
    let account = if *in_account == "*" { account } else { in_account };
    let resource = resource.replace('*', "autotag-doctor");
    [arn, partition, service, region, account, &resource].join(":")
}

/// Checks the permissions that a function needs besides those of the catalogue.
async fn working(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    let role = role(consumer)?;
    let (queue, dead_letters) = (view.queue_arn(&consumer.queue), view.queue_arn(&consumer.dead_letters));
    let (table, is_tag_handler) = (view.table_arn(), view.is_tag_handler(consumer));
    let mut requests = vec![
        ("sqs:ReceiveMessage", queue.clone()),
        ("sqs:DeleteMessage", queue.clone()),
        ("sqs:GetQueueAttributes", queue),
        ("sqs:SendMessage", dead_letters),
        (if is_tag_handler { "dynamodb:Query" } else { "dynamodb:PutItem" }, table),
    ];
    // The key of the queues, and that of the environment.
    let keys = [
        consumer.queue_attributes().map_or("", |queue| queue.text("KmsMasterKeyId")),
        consumer.config(FUNCTION)?.get("KMSKeyArn").and_then(Value::as_str).unwrap_or_default(),
    ];
    let keys: BTreeSet<&str> = keys.into_iter().filter(|key| key.starts_with("arn:")).collect();
    requests.extend(keys.into_iter().map(|key| ("kms:Decrypt", key.to_owned())));
    if is_tag_handler {
        requests.extend(member_roles(view));
        requests.extend(ledger(view));
        requests.extend(by_setting(view, consumer));
    }
    let requests: Vec<(&str, &str)> =
        requests.iter().map(|(action, resource)| (*action, resource.as_str())).collect();
    view.simulation(&view.aws).may(role, &requests).await
}

/// The permissions to assume the roles of other accounts.
fn member_roles(view: &DeploymentView) -> Vec<(&'static str, String)> {
    let Some(role) = &view.member_role else { return Vec::new() };
    let members = view.members.iter().flatten();
    members.map(|member| ("sts:AssumeRole", view.member_role_arn(role, &member.account))).collect()
}

/// The permissions to write the ledger, and to read it if tags are watched.
fn ledger(view: &DeploymentView) -> Vec<(&'static str, String)> {
    let Some(table) = view.ledger_arn() else { return Vec::new() };
    let mut requests = vec![("dynamodb:PutItem", table.clone())];
    if view.watches_tags() {
        requests.extend([("dynamodb:Query", format!("{table}/index/by-name")), ("dynamodb:Query", table)]);
    }
    requests
}

/// The permissions that tag-handler needs for its settings.
fn by_setting(view: &DeploymentView, tag_handler: &Consumer) -> Vec<(&'static str, String)> {
    let DeploymentView { partition, account, .. } = view;
    let mut requests = Vec::new();
    // The queue of rechecks may be its own, or another one.
    let rechecks = tag_handler.variable("AUTOTAG_SECOND_LOOK_QUEUE_URL");
    requests.extend(rechecks.and_then(|url| queue_arn(view, url)).map(|queue| ("sqs:SendMessage", queue)));
    if let Some(parameter) = tag_handler.variable("AUTOTAG_POLICY_PARAMETER") {
        let (parameter, _) = pinned(parameter);
        let parameter = parameter.trim_start_matches('/');
        let arn = format!("arn:{partition}:ssm:{}:{account}:parameter/{parameter}", tag_handler.region);
        requests.push(("ssm:GetParameter", arn));
    }
    if let Some(bucket) = tag_handler.variable("AUTOTAG_TRAIL_BUCKET") {
        requests.push(("s3:GetObject", format!("arn:{partition}:s3:::{bucket}/AWSLogs/autotag-doctor")));
    }
    requests
}

/// The name of a parameter, and its version if that is pinned: `/autotag/policy:7`.
pub(super) fn pinned(parameter: &str) -> (&str, Option<&str>) {
    match parameter.rsplit_once(':') {
        Some((name, version)) if !version.is_empty() => (name, Some(version)),
        _ => (parameter, None),
    }
}

/// The ARN of the queue with the URL `https://HOST/ACCOUNT/NAME`.
fn queue_arn(view: &DeploymentView, url: &str) -> Option<String> {
    let mut parts = url.rsplit('/');
    let (name, account) = (parts.next()?, parts.next()?);
    // The host names the region, except for emulators and private endpoints.
    let region = url
        .split('.')
        .nth(1)
        .filter(|region| region.contains('-'))
        .unwrap_or(view.tag_handler.region.as_str());
    Some(format!("arn:{}:sqs:{region}:{account}:{name}", view.partition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_matches_the_pattern() {
        let sample = |pattern| sample(pattern, ("eu-west-1", "111122223333"));
        assert_eq!(sample("*"), "*");
        assert_eq!(sample("arn:aws:sns:*:*:*"), "arn:aws:sns:eu-west-1:111122223333:autotag-doctor");
        assert_eq!(sample("arn:aws:s3:::*"), "arn:aws:s3:::autotag-doctor");
        assert_eq!(
            sample("arn:aws:rds:*:111122223333:db:*"),
            "arn:aws:rds:eu-west-1:111122223333:db:autotag-doctor"
        );
    }
}
