//! The functions: they can run, they get messages, and their environment fits the deployment.

use super::check::{CheckResult, Finding, fail};
use super::checks::{
    FUNCTION, FUNCTION_ALIAS, FUNCTION_ANSWERS, FUNCTION_CONCURRENCY, FUNCTION_ENVIRONMENT, FUNCTION_ERRORS,
    FUNCTION_RECEIVES, FUNCTION_SOURCE,
};
use super::consumer::{Consumer, LIVE, Queue};
use super::deployment::DeploymentView;
use super::errors::{concurrency, errors};
use super::mapping::{answers, mapping, source};
use autotag_aws::query::{encoded, if_there};
use futures_util::future::join_all;
use serde_json::Value;

/// The function's own default of `AUTOTAG_MAX_RECEIVES`.
const DEFAULT_MAX_RECEIVES: u64 = 5;

const EXTERNAL_ID: &str = "AUTOTAG_EXTERNAL_ID";

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    join_all(view.consumers().into_iter().map(|consumer| findings(view, consumer))).await.concat()
}

async fn findings(view: &DeploymentView, consumer: &Consumer) -> Vec<Finding> {
    let (alias, mapping, errors) =
        tokio::join!(alias(view, consumer), mapping(view, consumer), errors(view, consumer));
    let concurrency = concurrency(view, consumer, &mapping).await;
    let place = &consumer.function;
    vec![
        FUNCTION.at(place, runs(consumer)),
        FUNCTION_ALIAS.at(place, alias),
        FUNCTION_SOURCE.at(place, source(consumer, &mapping)),
        FUNCTION_ANSWERS.at(place, answers(consumer, &mapping)),
        FUNCTION_ENVIRONMENT.at(place, environment(view, consumer)),
        FUNCTION_RECEIVES.at(place, receives(consumer)),
        FUNCTION_CONCURRENCY.at(place, concurrency),
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
