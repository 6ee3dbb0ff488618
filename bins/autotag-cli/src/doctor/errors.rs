//! Errors, throttles and concurrency of a function.

use super::check::{CheckFailure, CheckResult, blocked_by, fail_with};
use super::checks::{FUNCTION, FUNCTION_SOURCE};
use super::consumer::Consumer;
use super::deployment::DeploymentView;
use super::mapping::{Mapping, concurrency as limit};
use super::metrics::{PERIOD, series, time};
use autotag_aws::query::{QueryError, encoded};
use autotag_model::failure::ErrorClass;
use serde_json::Value;

/// The longest time over which errors are counted, in seconds: a day.
const LONGEST: u64 = 24 * 3600;

/// A function without an error for so long, in seconds, has recovered.
const RECOVERED: u64 = 900;

/// So many errors are none of a single start.
const FEW: f64 = 1.0;

/// The share of invocations above which errors count.
const RATE: f64 = 0.01;

type Series = Vec<(u64, f64)>;

/// Checks if the live version fails now. Errors of older versions do not count, and neither do those from which it
/// has recovered.
pub(super) async fn errors(view: &DeploymentView, consumer: &Consumer) -> CheckResult {
    let deployed = consumer.config(FUNCTION)?.get("LastModified").and_then(time).unwrap_or_default();
    let now = view.aws.now();
    let (errors, calls, throttles) = tokio::join!(
        metric(view, consumer, "Errors"),
        metric(view, consumer, "Invocations"),
        metric(view, consumer, "Throttles"),
    );
    // A value is that of the period which begins at its time.
    let since = |series: Series| -> Series {
        series.into_iter().filter(|(start, value)| start + PERIOD > deployed && *value > 0.0).collect()
    };
    let (errors, calls, throttles) = (since(errors?), since(calls?), since(throttles?));
    let sum = |series: &Series| series.iter().fold(0.0, |sum, (_, value)| sum + value);
    let last = |series: &Series| series.last().map(|(start, _)| now.saturating_sub(start + PERIOD));
    let (failed, all) = (sum(&errors), sum(&calls).max(sum(&errors)));
    let logs =
        format!("aws logs tail /aws/lambda/{} --since 1h --region {}", consumer.function, consumer.region);
    if last(&throttles).is_some_and(|ago| ago < RECOVERED) {
        let seen = format!("{} throttled invocations in a day, and still some", sum(&throttles));
        let show = format!("aws lambda get-account-settings --region {}", consumer.region);
        return fail_with(seen, show);
    }
    let seen = format!("{failed} errors in {all} invocations since the deployment, or for a day");
    match last(&errors) {
        None => Ok(seen),
        Some(ago) if ago >= RECOVERED => Ok(format!("{seen}; the last one ended {} min ago", ago / 60)),
        Some(_) if failed <= FEW || failed < RATE * all => Ok(seen),
        Some(_) => fail_with(seen, logs),
    }
}

async fn metric(view: &DeploymentView, consumer: &Consumer, name: &str) -> Result<Series, QueryError> {
    let dimension = ("FunctionName", consumer.function.as_str());
    series(&view.aws, &consumer.region, ("AWS/Lambda", name, "Sum"), &[dimension], LONGEST).await
}

/// Checks if Lambda may run the function as often at once as its mapping asks for.
pub(super) async fn concurrency(
    view: &DeploymentView,
    consumer: &Consumer,
    mapping: &Mapping,
) -> CheckResult {
    consumer.config(FUNCTION)?;
    let Some(mapping) = mapping.as_ref().map_err(Clone::clone)? else { return blocked_by(FUNCTION_SOURCE) };
    let (region, function) = (&consumer.region, &consumer.function);
    let target = format!("/2019-09-30/functions/{}/concurrency", encoded(function));
    let reserved = view.aws.lambda("lambda:GetFunctionConcurrency", region, &target).await?;
    let reserved = reserved.get("ReservedConcurrentExecutions").and_then(Value::as_u64);
    let wanted = limit(mapping);
    let put = format!("aws lambda put-function-concurrency --function-name {function} --region {region}");
    match reserved {
        Some(0) => {
            let delete = put.replace("put-", "delete-");
            return fail_with("its reserved concurrency is 0: Lambda does not run it", delete);
        }
        Some(reserved) => {
            let seen = format!("{reserved} reserved");
            return match wanted {
                Some(wanted) if wanted > reserved => fail_with(
                    format!("{seen}, and its mapping asks for {wanted}"),
                    format!("{put} --reserved-concurrent-executions {wanted}"),
                ),
                _ => Ok(seen),
            };
        }
        None => {}
    }
    let target = "/2016-08-19/account-settings/";
    let settings = match view.aws.lambda("lambda:GetAccountSettings", region, target).await {
        Err(error) if error.class == ErrorClass::NotFound => return Ok("none reserved".to_owned()),
        other => other.map_err(CheckFailure::from)?,
    };
    let free = settings.pointer("/AccountLimit/UnreservedConcurrentExecutions").and_then(Value::as_u64);
    match (free, wanted) {
        (Some(free), Some(wanted)) if free < wanted => fail_with(
            format!(
                "the account runs {free} at once without a reservation, and its mapping asks for {wanted}"
            ),
            format!(
                "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 \
                 --desired-value 1000 --region {region}"
            ),
        ),
        (Some(free), _) => Ok(format!("none reserved, {free} in the account")),
        (None, _) => Ok("none reserved".to_owned()),
    }
}
