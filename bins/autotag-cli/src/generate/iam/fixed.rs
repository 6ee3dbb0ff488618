//! Documents that do not depend on the catalogue, for those who bring tools of their own: what the functions need besides, and
//! who may come in. They say with names what the templates say with references; a test compares them.

use serde_json::{Value, json};

/// The account and the region of the hub where none is known: to be replaced by whoever takes these files.
const HUB: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// What Lambda does for a function in the name of its role.
const RECEIVE: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
const LOG: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

const MEMBER_ROLE: &str = "role/autotag-member";

/// All of them, with the names of their files.
pub(super) fn documents() -> [(&'static str, Value); 8] {
    [
        ("tag-handler", tag_handler()),
        ("session-handler", session_handler()),
        ("member-trust", member_trust()),
        ("forward", forward()),
        ("forward-trust", forward_trust()),
        ("bus-policy", bus_policy()),
        ("tag-queue-policy", queue_policy("autotag-tag", "autotag/autotag-creations-*")),
        ("session-queue-policy", queue_policy("autotag-session", "autotag/autotag-sessions")),
    ]
}

/// What tag-handler needs besides, with the names that the templates give.
fn tag_handler() -> Value {
    own_policy(&[
        (&RECEIVE, "sqs", "autotag-tag"),
        (&["sqs:SendMessage"], "sqs", "autotag-tag"),
        (&["sqs:SendMessage"], "sqs", "autotag-tag-dead"),
        (&["dynamodb:Query"], "dynamodb", "table/autotag-sessions"),
        (&LOG, "logs", "log-group:/aws/lambda/autotag-tag-handler:*"),
        (&["sts:AssumeRole"], "iam", MEMBER_ROLE),
    ])
}

/// What session-handler needs: nothing of what it keeps belongs to anybody else.
fn session_handler() -> Value {
    own_policy(&[
        (&RECEIVE, "sqs", "autotag-session"),
        (&["sqs:SendMessage"], "sqs", "autotag-session-dead"),
        (&["dynamodb:PutItem"], "dynamodb", "table/autotag-sessions"),
        (&LOG, "logs", "log-group:/aws/lambda/autotag-session-handler:*"),
    ])
}

/// Statements of actions, service and name.
fn own_policy(statements: &[(&[&str], &str, &str)]) -> Value {
    let statements = statements.iter().map(|(actions, service, name)| {
        // Roles of other accounts, everywhere.
        let place = if *service == "iam" { "iam::*".to_owned() } else { format!("{service}:*:{HUB}") };
        json!({"Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:{place}:{name}")})
    });
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
}

/// Who may assume the role of a member account.
fn member_trust() -> Value {
    one(&json!({
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{HUB}:root")},
        "Action": "sts:AssumeRole",
        // By name: as the principal, a role that is made anew would be another one.
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{HUB}:role/autotag-tag-handler")},
            "StringEquals": {"sts:ExternalId": "the-external-id"},
        },
    }))
}

/// What the rules of a region may do: send to the hub's bus.
fn forward() -> Value {
    one(&json!({"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus()}))
}

/// Who may assume the role of these rules: the rules.
fn forward_trust() -> Value {
    one(&json!({
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": HUB},
            "ArnLike": {"aws:SourceArn": format!("arn:aws:events:*:{HUB}:rule/autotag-*")},
        },
    }))
}

/// Who may send to the hub's bus: the hub's own account; others beside it, or an organization by `aws:PrincipalOrgID`.
fn bus_policy() -> Value {
    one(&json!({
        "Sid": "autotag-accounts", "Effect": "Allow", "Principal": {"AWS": [HUB]}, "Action": "events:PutEvents", "Resource": bus(),
    }))
}

/// Who may send to a queue of the hub: its rules.
fn queue_policy(queue: &str, rules: &str) -> Value {
    one(&json!({
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": format!("arn:aws:sqs:{REGION}:{HUB}:{queue}"),
        "Condition": {"ArnLike": {"aws:SourceArn": format!("arn:aws:events:{REGION}:{HUB}:rule/{rules}")}},
    }))
}

fn bus() -> String {
    format!("arn:aws:events:{REGION}:{HUB}:event-bus/autotag")
}

fn one(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}
