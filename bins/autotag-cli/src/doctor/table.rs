//! The table of sessions.

use super::ask::if_there;
use super::{Check, Finding, Trouble, Verdict, World, broken, hangs_on};
use autotag_aws::signed::DYNAMODB;
use serde_json::{Value, json};

const TABLE: Check = Check {
    name: "table",
    question: "is the table of sessions active, with the keys role_session and issued?",
    fix: "deploy the stack again; a table with other keys has to be made anew (docs/operations.md, the table)",
};

const EXPIRES: Check = Check {
    name: "table.expiry",
    question: "do old sessions leave the table?",
    fix: "aws dynamodb update-time-to-live --table-name T --time-to-live-specification Enabled=true,AttributeName=expires_at",
};

pub(super) async fn examine(world: &World) -> Vec<Finding> {
    let input = json!({"TableName": world.table});
    let (table, expiry) = tokio::join!(
        world.ask.json(DYNAMODB, "dynamodb:DescribeTable", &world.table_region, &input),
        world.ask.json(DYNAMODB, "dynamodb:DescribeTimeToLive", &world.table_region, &input),
    );
    let (table, expiry) = (if_there(table).map_err(Trouble::from), if_there(expiry).map_err(Trouble::from));
    let place = format!("{} {}", world.table_region, world.table);
    vec![
        TABLE.at(&place, table.and_then(|table| active(world, table.as_ref()))),
        EXPIRES.at(&place, expiry.and_then(|expiry| expires(expiry.as_ref()))),
    ]
}

fn active(world: &World, table: Option<&Value>) -> Verdict {
    let Some(table) = table.and_then(|table| table.get("Table")) else {
        return broken(format!("there is no table `{}` in {}", world.table, world.table_region));
    };
    let keys = table.get("KeySchema").and_then(Value::as_array).into_iter().flatten();
    let keys: Vec<&str> = keys.filter_map(|key| key.get("AttributeName")?.as_str()).collect();
    let status = table.get("TableStatus").and_then(Value::as_str).unwrap_or_default();
    if keys != ["role_session", "issued"] {
        return broken(format!("its keys are {}", keys.join(", ")));
    }
    // Both answer requests.
    if ["ACTIVE", "UPDATING"].contains(&status) {
        Ok(status.to_owned())
    } else {
        broken(format!("it is {status}"))
    }
}

fn expires(expiry: Option<&Value>) -> Verdict {
    let Some(expiry) = expiry else { return hangs_on(TABLE) };
    let said = |name: &str| {
        let path = format!("/TimeToLiveDescription/{name}");
        expiry.pointer(&path).and_then(Value::as_str).unwrap_or_default()
    };
    let (status, attribute) = (said("TimeToLiveStatus"), said("AttributeName"));
    match (status, attribute) {
        ("ENABLED" | "ENABLING", "expires_at") => Ok("by expires_at".to_owned()),
        ("ENABLED" | "ENABLING", other) => broken(format!("they leave by `{other}`, not by `expires_at`")),
        _ => broken("time to live is off: the table only grows"),
    }
}
