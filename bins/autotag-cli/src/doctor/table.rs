//! The table of sessions.

use super::check::{CheckFailure, CheckResult, Finding, blocked_by, fail};
use super::checks::{TABLE, TABLE_EXPIRY};
use super::deployment::DeploymentView;
use autotag_aws::query::if_there;
use autotag_aws::signed::DYNAMODB;
use serde_json::{Value, json};

pub(super) async fn examine(view: &DeploymentView) -> Vec<Finding> {
    let input = json!({"TableName": view.table});
    let (table, expiry) = tokio::join!(
        view.aws.json(DYNAMODB, "dynamodb:DescribeTable", &view.table_region, &input),
        view.aws.json(DYNAMODB, "dynamodb:DescribeTimeToLive", &view.table_region, &input),
    );
    let (table, expiry) =
        (if_there(table).map_err(CheckFailure::from), if_there(expiry).map_err(CheckFailure::from));
    let place = format!("{} {}", view.table_region, view.table);
    vec![
        TABLE.at(&place, table.and_then(|table| active(view, table.as_ref()))),
        TABLE_EXPIRY.at(&place, expiry.and_then(|expiry| expires(expiry.as_ref()))),
    ]
}

fn active(view: &DeploymentView, table: Option<&Value>) -> CheckResult {
    let Some(table) = table.and_then(|table| table.get("Table")) else {
        return fail(format!("there is no table `{}` in {}", view.table, view.table_region));
    };
    let keys = table.get("KeySchema").and_then(Value::as_array).into_iter().flatten();
    let keys: Vec<&str> = keys.filter_map(|key| key.get("AttributeName")?.as_str()).collect();
    let status = table.get("TableStatus").and_then(Value::as_str).unwrap_or_default();
    if keys != ["role_session", "issued"] {
        return fail(format!("its keys are {}", keys.join(", ")));
    }
    // The table serves requests in both states.
    if ["ACTIVE", "UPDATING"].contains(&status) {
        Ok(status.to_owned())
    } else {
        fail(format!("it is {status}"))
    }
}

fn expires(expiry: Option<&Value>) -> CheckResult {
    let Some(expiry) = expiry else { return blocked_by(TABLE) };
    let text = |name: &str| {
        let path = format!("/TimeToLiveDescription/{name}");
        expiry.pointer(&path).and_then(Value::as_str).unwrap_or_default()
    };
    let (status, attribute) = (text("TimeToLiveStatus"), text("AttributeName"));
    match (status, attribute) {
        ("ENABLED" | "ENABLING", "expires_at") => Ok("by expires_at".to_owned()),
        ("ENABLED" | "ENABLING", other) => fail(format!("sessions expire by `{other}`, not by `expires_at`")),
        _ => fail("time to live is off: the table keeps expired sessions"),
    }
}
