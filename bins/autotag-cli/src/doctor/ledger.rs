//! The table of the ledger.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail, fail_with};
use super::checks::{LEDGER, LEDGER_RECOVERY};
use super::deployment::DeploymentView;
use autotag_aws::query::if_there;
use autotag_aws::signed::DYNAMODB;
use serde_json::{Value, json};

/// The findings about the ledger; none if the deployment has no ledger.
pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let Some(name) = view.ledger() else { return Vec::new() };
    let input = json!({"TableName": name});
    let (table, backups) = tokio::join!(
        view.aws.json(DYNAMODB, "dynamodb:DescribeTable", &view.hub, &input),
        view.aws.json(DYNAMODB, "dynamodb:DescribeContinuousBackups", &view.hub, &input),
    );
    let table = if_there(table).map_err(CheckFailure::from);
    let backups = if_there(backups).map_err(CheckFailure::from);
    let place = format!("{} {name}", view.hub);
    vec![
        LEDGER.at(&place, table.and_then(|table| active(view, name, table.as_ref()))),
        LEDGER_RECOVERY.at(&place, backups.and_then(|backups| recovers(view, name, backups.as_ref()))),
    ]
}

fn active(view: &DeploymentView, name: &str, table: Option<&Value>) -> CheckResult {
    let Some(table) = table.and_then(|table| table.get("Table")) else {
        return fail(format!("there is no table `{name}` in {}", view.hub));
    };
    let keys = |schema: &Value| -> Vec<String> {
        let keys = schema.get("KeySchema").and_then(Value::as_array).into_iter().flatten();
        keys.filter_map(|key| key.get("AttributeName")?.as_str().map(str::to_owned)).collect()
    };
    let found = keys(table);
    if found != ["resource", "event"] {
        return fail(format!("its keys are {}", found.join(", ")));
    }
    let indexes = table.get("GlobalSecondaryIndexes").and_then(Value::as_array).into_iter().flatten();
    let indexes: Vec<&str> = indexes.filter_map(|index| index.get("IndexName")?.as_str()).collect();
    if let Some(missing) = ["by-name", "by-owner"].into_iter().find(|index| !indexes.contains(index)) {
        return fail(format!("it has no index `{missing}`"));
    }
    let status = table.get("TableStatus").and_then(Value::as_str).unwrap_or_default();
    // The table serves requests in both states.
    if !["ACTIVE", "UPDATING"].contains(&status) {
        return fail(format!("it is {status}"));
    }
    if table.get("DeletionProtectionEnabled").and_then(Value::as_bool) == Some(false) {
        return fail_with(
            "it is not protected from deletion",
            format!(
                "aws dynamodb update-table --table-name {name} --deletion-protection-enabled --region {}",
                view.hub
            ),
        );
    }
    Ok(status.to_owned())
}

fn recovers(view: &DeploymentView, name: &str, backups: Option<&Value>) -> CheckResult {
    let Some(backups) = backups else { return blocked_by(LEDGER) };
    let path = "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus";
    match backups.pointer(path).and_then(Value::as_str) {
        Some("ENABLED") => Ok("point-in-time recovery".to_owned()),
        _ => fail_with(
            "point-in-time recovery is off",
            format!(
                "aws dynamodb update-continuous-backups --table-name {name} --region {} \
                 --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true",
                view.hub
            ),
        ),
    }
}
