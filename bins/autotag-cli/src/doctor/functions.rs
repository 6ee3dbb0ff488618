//! The functions: they can run, they get messages, and their environment fits the deployment.

use super::check::{CheckResult, Finding, blocked_by, fail};
use super::checks::{
    FUNCTION, FUNCTION_ALIAS, FUNCTION_ANSWERS, FUNCTION_ENVIRONMENT, FUNCTION_ERRORS, FUNCTION_RECEIVES,
    FUNCTION_SOURCE,
};
use super::consumer::{Consumer, LIVE, Queue};
use super::deployment::DeploymentView;
use autotag_aws::query::{QueryError, encoded, if_there};
use serde_json::Value;

/// The function's own default of `AUTOTAG_MAX_RECEIVES`.
const DEFAULT_MAX_RECEIVES: u64 = 5;

const EXTERNAL_ID: &str = "AUTOTAG_EXTERNAL_ID";

/// The time over which errors are counted, in seconds.
const ERROR_PERIOD: u64 = 3600;

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let (tag_handler, session_handler) =
        tokio::join!(findings(view, &view.tag_handler), findings(view, &view.session_handler));
    [tag_handler, session_handler].concat()
}

async fn findings(view: &DeploymentView, consumer: &Consumer) -> Vec<Finding> {
    let (alias, mapping, errors) =
        tokio::join!(alias(view, consumer), mapping(view, consumer), errors(view, consumer));
    let place = &consumer.function;
    vec![
        FUNCTION.at(place, runs(consumer)),
        FUNCTION_ALIAS.at(place, alias),
        FUNCTION_SOURCE.at(place, source(consumer, &mapping)),
        FUNCTION_ANSWERS.at(place, answers(&mapping)),
        FUNCTION_ENVIRONMENT.at(place, environment(view, consumer)),
        FUNCTION_RECEIVES.at(place, receives(consumer)),
        FUNCTION_ERRORS.at(place, errors),
    ]
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn runs(consumer: &Consumer) -> CheckResult {
    let config = match &consumer.config {
        Ok(Some(config)) => config,
        Ok(None) => {
            return fail(format!("there is no function `{}` in {}", consumer.function, consumer.region));
        }
        Err(error) => return Err(error.clone().into()),
    };
    let (state, update) = (text(config, "State"), text(config, "LastUpdateStatus"));
    let reason = |name: &str| match text(config, name) {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    match (state, update) {
        // Lambda activates an inactive function when it is invoked.
        ("Active" | "Inactive" | "", "Successful" | "InProgress" | "") => {
            Ok(format!("{state}, {} MB, {} s", config["MemorySize"], config["Timeout"]))
        }
        ("Active" | "Inactive" | "", _) => {
            fail(format!("its last update is {update}{}", reason("LastUpdateStatusReason")))
        }
        _ => fail(format!("it is {state}{}", reason("StateReason"))),
    }
}

async fn alias(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    consumer.config(FUNCTION)?;
    let target = format!("/2015-03-31/functions/{}/aliases/{LIVE}", encoded(&consumer.function));
    let Some(alias) = if_there(view.aws.lambda("lambda:GetAlias", &consumer.region, &target).await)? else {
        return fail("there is no alias `live`");
    };
    match text(&alias, "FunctionVersion") {
        "$LATEST" => fail("it points to $LATEST, which changes with every upload and cannot be rolled back"),
        version => Ok(format!("version {version}")),
    }
}

/// The event source mapping from the queue to the function or one of its aliases. `None`: there is none.
type Mapping = Result<Option<Value>, QueryError>;

/// Reads the mapping. Of several, the one to the alias `live` is taken, then an enabled one.
async fn mapping(view: &DeploymentView, consumer: &Consumer) -> Mapping {
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

fn source(consumer: &Consumer, mapping: &Mapping) -> CheckResult {
    consumer.config(FUNCTION)?;
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else {
        return fail(format!("no mapping delivers messages of `{}` to it", consumer.queue.name));
    };
    let (id, state) = (text(mapping, "UUID"), text(mapping, "State"));
    if !is_enabled(mapping) {
        return fail(format!("mapping {id} is {state}"));
    }
    if !is_live(mapping) {
        let arn = text(mapping, "FunctionArn");
        return fail(format!("mapping {id} delivers to {arn}, not to its alias `live`"));
    }
    Ok(format!("mapping {id} is {state}"))
}

fn answers(mapping: &Mapping) -> CheckResult {
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else {
        return blocked_by(FUNCTION_SOURCE);
    };
    let types = mapping.get("FunctionResponseTypes").and_then(Value::as_array);
    if types.is_some_and(|types| types.iter().any(|kind| kind == "ReportBatchItemFailures")) {
        Ok("ReportBatchItemFailures".to_owned())
    } else {
        fail("the mapping has no ReportBatchItemFailures")
    }
}

fn environment(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    consumer.environment(FUNCTION)?;
    let mut wrong = Vec::new();
    let mut compare = |name: &str, wanted: Option<&str>, required: bool| {
        let Some(wanted) = wanted else { return };
        match consumer.variable(name) {
            // An external id is a shared secret: the finding does not show it.
            Some(value) if value != wanted && name == EXTERNAL_ID => wrong.push(format!("{name} differs")),
            Some(value) if value != wanted => wrong.push(format!("{name} is `{value}`, not `{wanted}`")),
            None if required => wrong.push(format!("{name} is not set")),
            _ => {}
        }
    };
    let url = |queue: &Queue| Some(queue.attributes.as_ref().ok()?.as_ref()?.url.clone());
    compare("AUTOTAG_SESSION_TABLE", Some(&view.table), true);
    // Without the variable the function takes its own region.
    let elsewhere = consumer.region != view.table_region;
    compare("AUTOTAG_SESSION_REGION", Some(view.table_region.as_str()), elsewhere);
    compare("AUTOTAG_DEAD_LETTER_QUEUE_URL", url(&consumer.dead_letters).as_deref(), true);
    if let Some(role) = view.member_role.as_ref().filter(|_| view.is_tag_handler(consumer)) {
        compare("AUTOTAG_MEMBER_ROLE", Some(&role.name), true);
        compare(EXTERNAL_ID, role.external_id.as_deref(), true);
    }
    if wrong.is_empty() { Ok("as deployed".to_owned()) } else { fail(wrong.join("; ")) }
}

fn receives(consumer: &Consumer) -> CheckResult {
    consumer.environment(FUNCTION)?;
    let Some((receives, _)) = consumer.queue_attributes()?.redrive() else {
        return Ok("the queue has no maxReceiveCount".to_owned());
    };
    let variable = consumer.variable("AUTOTAG_MAX_RECEIVES");
    let value = variable.map_or(Some(DEFAULT_MAX_RECEIVES), |text| text.trim().parse().ok());
    if value == Some(receives) {
        return Ok(format!("receive {receives}"));
    }
    let shown = variable.map_or_else(
        || format!("not set, and its default is {DEFAULT_MAX_RECEIVES}"),
        |text| format!("`{text}`"),
    );
    fail(format!("AUTOTAG_MAX_RECEIVES is {shown}; the queue's maxReceiveCount is {receives}"))
}

async fn errors(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    consumer.config(FUNCTION)?;
    let dimension = ("FunctionName", consumer.function.as_str());
    let values = async |name| {
        let metric = ("AWS/Lambda", name, "Sum");
        view.aws.metric(&consumer.region, metric, dimension, ERROR_PERIOD).await
    };
    let (errors, calls) = tokio::join!(values("Errors"), values("Invocations"));
    // `sum` of no values is -0, which would be printed.
    let sum = |values: Vec<f64>| values.into_iter().fold(0.0, |sum, value| sum + value);
    let (errors, calls) = (sum(errors?), sum(calls?));
    let seen = format!("{errors} errors in {calls} invocations");
    if errors > 0.0 { fail(seen) } else { Ok(seen) }
}
