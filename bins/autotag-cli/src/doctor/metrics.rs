//! Metrics of `CloudWatch`, with the times of their values.

use autotag_aws::query::{AwsQuery, QueryError};
use autotag_aws::signed::METRICS;
use autotag_model::arn::Region;
use serde_json::{Value, json};

/// The length of one value, in seconds.
pub(super) const PERIOD: u64 = 300;

/// A metric over the last `seconds`: the start of each period of five minutes with data, and its value, in the order of time.
pub(super) async fn series(
    aws: &AwsQuery,
    region: &Region,
    (namespace, name, statistic): (&str, &str, &str),
    dimensions: &[(&str, &str)],
    seconds: u64,
) -> Result<Vec<(u64, f64)>, QueryError> {
    let now = aws.now();
    let dimensions: Vec<Value> =
        dimensions.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let input = json!({
        "Namespace": namespace, "MetricName": name, "Statistics": [statistic],
        "Dimensions": dimensions,
        "StartTime": now.saturating_sub(seconds), "EndTime": now, "Period": PERIOD,
    });
    let answer = aws.json(METRICS, "cloudwatch:GetMetricStatistics", region, &input).await?;
    let points = answer.get("Datapoints").and_then(Value::as_array).into_iter().flatten();
    let point = |point: &Value| Some((time(point.get("Timestamp")?)?, point.get(statistic)?.as_f64()?));
    let mut points: Vec<(u64, f64)> = points.filter_map(point).collect();
    points.sort_by_key(|(time, _)| *time);
    Ok(points)
}

/// A time in seconds since 1970: a number, or a text such as `2026-03-02T09:00:00Z` or `2026-03-02T09:00:00.000+0000`.
pub(super) fn time(value: &Value) -> Option<u64> {
    if let Some(seconds) = value.as_f64() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time in whole seconds"
        )]
        return Some(seconds.max(0.0) as u64);
    }
    let text = value.as_str()?;
    let parsed = text.parse::<jiff::Timestamp>().ok();
    let parsed = parsed.or_else(|| jiff::Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())?;
    u64::try_from(parsed.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_or_texts() {
        for value in
            [json!(1_772_442_000), json!("2026-03-02T09:00:00Z"), json!("2026-03-02T09:00:00.000+0000")]
        {
            assert_eq!(time(&value), Some(1_772_442_000), "{value}");
        }
        assert_eq!(time(&json!("yesterday")), None);
    }
}
