//! The event source mapping that delivers the messages of a queue to a function.

use super::check::{CheckResult, blocked_by, fail, fail_with};
use super::checks::{FUNCTION, FUNCTION_SOURCE};
use super::consumer::{Consumer, LIVE};
use super::deployment::DeploymentView;
use autotag_aws::query::{QueryError, encoded};
use serde_json::Value;

/// The mapping to the function or one of its aliases. `None`: there is none.
pub(super) type Mapping = Result<Option<Value>, QueryError>;

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Reads the mapping. Of several, the one to the alias `live` is taken, then an enabled one.
pub(super) async fn mapping(view: &DeploymentView, consumer: &Consumer) -> Mapping {
    let queue = view.queue_arn(&consumer.queue);
    let (action, items) = ("lambda:ListEventSourceMappings", "EventSourceMappings");
    let target = format!("/2015-03-31/event-source-mappings/?EventSourceArn={}", encoded(&queue));
    let all = view.aws.lambda_list(action, &consumer.region, &target, items).await?;
    let belongs = |mapping: &&Value| {
        let arn = text(mapping, "FunctionArn");
        text(mapping, "EventSourceArn") == queue && arn.split(':').nth(6) == Some(&consumer.function)
    };
    Ok(all.iter().filter(belongs).max_by_key(|mapping| (is_live(mapping), is_enabled(mapping))).cloned())
}

fn is_live(mapping: &Value) -> bool {
    text(mapping, "FunctionArn").split(':').nth(7) == Some(LIVE)
}

fn is_enabled(mapping: &Value) -> bool {
    ["Enabled", "Enabling", "Updating", "Creating"].contains(&text(mapping, "State"))
}

/// The maximum number of invocations at once; `None` if the mapping has no limit.
pub(super) fn concurrency(mapping: &Value) -> Option<u64> {
    mapping.pointer("/ScalingConfig/MaximumConcurrency")?.as_u64()
}

pub(super) fn source(consumer: &Consumer, mapping: &Mapping) -> CheckResult {
    consumer.config(FUNCTION)?;
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else {
        return fail(format!("no mapping delivers messages of `{}` to it", consumer.queue.name));
    };
    let (id, state, region) = (text(mapping, "UUID"), text(mapping, "State"), &consumer.region);
    let update = format!("aws lambda update-event-source-mapping --uuid {id} --region {region}");
    if !is_enabled(mapping) {
        if consumer.paused {
            return Ok(format!("mapping {id} is {state}: stack {} has Invoke=false", consumer.stack));
        }
        return fail_with(format!("mapping {id} is {state}"), format!("{update} --enabled"));
    }
    if !is_live(mapping) {
        let (arn, function) = (text(mapping, "FunctionArn"), &consumer.function);
        let seen = format!("mapping {id} delivers to {arn}, not to its alias `live`");
        return fail_with(seen, format!("{update} --function-name {function}:{LIVE}"));
    }
    let filters = mapping.pointer("/FilterCriteria/Filters").and_then(Value::as_array);
    if filters.is_some_and(|filters| !filters.is_empty()) {
        let seen = format!("mapping {id} has a filter: messages that do not match it are deleted");
        return fail_with(seen, format!("{update} --filter-criteria '{{}}'"));
    }
    let result = text(mapping, "LastProcessingResult");
    if result.starts_with("PROBLEM") {
        let show = format!("aws lambda get-event-source-mapping --uuid {id} --region {region}");
        return fail_with(format!("mapping {id} ended with `{result}`"), show);
    }
    let limit = concurrency(mapping).map_or(String::new(), |limit| format!(", at most {limit} at once"));
    Ok(format!("mapping {id} is {state}{limit}"))
}

pub(super) fn answers(consumer: &Consumer, mapping: &Mapping) -> CheckResult {
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else {
        return blocked_by(FUNCTION_SOURCE);
    };
    let types = mapping.get("FunctionResponseTypes").and_then(Value::as_array);
    if types.is_some_and(|types| types.iter().any(|kind| kind == "ReportBatchItemFailures")) {
        return Ok("ReportBatchItemFailures".to_owned());
    }
    let (id, region) = (text(mapping, "UUID"), &consumer.region);
    fail_with(
        "the mapping has no ReportBatchItemFailures: failed messages are lost",
        format!(
            "aws lambda update-event-source-mapping --uuid {id} --region {region} --function-response-types \
             ReportBatchItemFailures"
        ),
    )
}
