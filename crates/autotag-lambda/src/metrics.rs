//! Metrics in CloudWatch's embedded metric format: CloudWatch turns a line on stdout into metrics, without a call.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::ResourceOutcome;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::io::Write as _;

/// The most values of one metric in one line, a limit of the format.
const MAX_VALUES: usize = 100;

/// The namespace and the dimensions of a line.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The namespace of the metrics.
    pub namespace: &'a str,
    /// The function's name.
    pub function: &'a str,
    /// The program's version.
    pub version: &'a str,
}

/// The number of rows whose outcome satisfies `is`.
pub fn count(rows: &[ResourceOutcome], is: fn(&Outcome) -> bool) -> u64 {
    u64::try_from(rows.iter().filter(|row| is(&row.status)).count()).unwrap_or(u64::MAX)
}

/// The line of one invocation, with counts and with values in seconds. More than 100 values of a metric are cut. A metric
/// without values is left out.
pub fn line(head: Head<'_>, counts: &[(&str, u64)], seconds: &[(&str, Vec<f64>)], now: Timestamp) -> String {
    let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
    let seconds = || seconds.iter().filter(|(_, values)| !values.is_empty());
    let mut metrics: Vec<Value> = counts.iter().map(|(name, _)| metric(name, "Count")).collect();
    metrics.extend(seconds().map(|(name, _)| metric(name, "Seconds")));
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": head.namespace,
                "Dimensions": [["FunctionName"], ["FunctionName", "Version"]],
                "Metrics": metrics,
            }],
        }),
    );
    line.insert("FunctionName".to_owned(), head.function.into());
    line.insert("Version".to_owned(), head.version.into());
    line.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())));
    line.extend(seconds().map(|(name, values)| {
        ((*name).to_owned(), json!(values.iter().take(MAX_VALUES).collect::<Vec<_>>()))
    }));
    Value::Object(line).to_string()
}

/// Writes a line to stdout. A failure is logged.
pub fn write(line: &str) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::error!(%error, "cannot write metrics");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_declares_each_of_its_metrics() {
        let head = Head { namespace: "autotag", function: "tag-handler", version: "1.2.3" };
        let counts = [("Received", 3), ("Refused", 0)];
        let many = vec![30.0; 250];
        let now = "2026-03-02T09:00:30Z".parse().unwrap();
        let line = line(head, &counts, &[("EventToTag", many), ("Empty", Vec::new())], now);
        assert!(!line.contains('\n'));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["Received"], &line["Refused"]), (&json!(3), &json!(0)));
        assert_eq!(line["EventToTag"].as_array().unwrap().len(), MAX_VALUES);
        assert!(line.get("Empty").is_none());
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert_eq!(declared.len(), 3);
        assert!(
            declared.iter().all(|metric| line.get(metric["Name"].as_str().unwrap()).is_some()),
            "{declared:?}"
        );
    }
}
