//! Metrics in `CloudWatch`'s embedded format: a line on stdout, which becomes metrics without a call.

use autotag_handlers::outcome::{Outcome, Row};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// How many values one line may give a metric.
const VALUES: usize = 100;

/// The line of one invocation.
pub(crate) fn line(namespace: &str, function: &str, records: u64, rows: &[Row], now: Timestamp) -> String {
    let count = |is: fn(&Outcome) -> bool| rows.iter().filter(|row| is(&row.outcome)).count();
    let counts = [
        ("Tagged", count(|outcome| *outcome == Outcome::Tagged)),
        ("AlreadyTagged", count(|outcome| matches!(outcome, Outcome::AlreadyTagged(_)))),
        ("Skipped", count(|outcome| matches!(outcome, Outcome::Skipped(_) | Outcome::CallFailed(_)))),
        ("Gone", count(|outcome| *outcome == Outcome::Gone)),
        ("Deferred", count(|outcome| matches!(outcome, Outcome::Deferred(_)))),
        ("Refused", count(|outcome| matches!(outcome, Outcome::Refused(_)))),
        ("Uncovered", count(|outcome| *outcome == Outcome::NoRule)),
        ("Malformed", count(|outcome| matches!(outcome, Outcome::Malformed(_)))),
    ];
    let ages: Vec<f64> = rows.iter().filter_map(|row| age(row, now)).take(VALUES).collect();
    let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
    let mut metrics = vec![metric("Received", "Count")];
    metrics.extend(counts.iter().map(|(name, _)| metric(name, "Count")));
    let mut line = Map::new();
    if !ages.is_empty() {
        metrics.push(metric("EventToTag", "Seconds"));
        line.insert("EventToTag".to_owned(), json!(ages));
    }
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [["FunctionName"], ["FunctionName", "Version"]],
                "Metrics": metrics,
            }],
        }),
    );
    line.insert("FunctionName".to_owned(), function.into());
    line.insert("Version".to_owned(), env!("CARGO_PKG_VERSION").into());
    line.insert("Received".to_owned(), records.into());
    line.extend(counts.into_iter().map(|(name, count)| (name.to_owned(), count.into())));
    Value::Object(line).to_string()
}

/// Seconds from the event to its tags.
fn age(row: &Row, now: Timestamp) -> Option<f64> {
    let time: Timestamp = row.event.time.as_deref()?.parse().ok()?;
    (row.outcome == Outcome::Tagged).then(|| now.duration_since(time).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::outcome::EventHead;
    use std::sync::Arc;

    #[test]
    fn one_line_with_every_count_and_the_age() {
        let mut head = EventHead::default();
        head.time = Some("2026-03-02T09:00:00Z".to_owned());
        let head = Arc::new(head);
        let rows = [
            Row::of_event(Arc::clone(&head), Outcome::Tagged),
            Row::of_event(Arc::clone(&head), Outcome::Refused("x".to_owned())),
            Row::of_event(head, Outcome::NoRule),
        ];
        let line = line("autotag", "tag-handler", 3, &rows, "2026-03-02T09:00:30Z".parse().unwrap());
        assert!(!line.contains('\n'));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["EventToTag"], json!([30.0]));
        for (name, count) in
            [("Received", 3), ("Tagged", 1), ("Refused", 1), ("Uncovered", 1), ("Deferred", 0)]
        {
            assert_eq!(line[name], json!(count), "{name}");
        }
        let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
        assert!(
            declared.iter().all(|metric| line.get(metric["Name"].as_str().unwrap()).is_some()),
            "{declared:?}"
        );
    }
}
