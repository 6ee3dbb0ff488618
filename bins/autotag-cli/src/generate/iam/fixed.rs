//! Policy documents that do not depend on the catalogue, for deployments with other tools: further permissions of the functions,
//! and resource policies. They name resources to which the templates refer; a test compares both.

use serde_json::{Value, json};

/// The account and the region of the hub: placeholders that the user of these files replaces.
const HUB: &str = "111122223333";
const REGION: &str = "eu-west-1";

/// The actions of Lambda itself, which uses the role of the function.
const RECEIVE: [&str; 3] = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
const LOG: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];

/// The bucket of a trail in another account, and what its keys begin with. Placeholders too.
const TRAIL: &str = "arn:aws:s3:::example-trail";
const TRAIL_PREFIX: &str = "AWSLogs/";

const MEMBER_ROLE: &str = "role/autotag-member";

/// All documents, with the names of their files.
pub(super) fn documents() -> [(&'static str, Value); 12] {
    [
        ("tag-handler", tag_handler()),
        ("ledger", ledger()),
        ("ledger-read", ledger_read()),
        ("session-handler", session_handler()),
        ("member-trust", member_trust()),
        ("forward", forward()),
        ("forward-trust", forward_trust()),
        ("bus-policy", bus_policy()),
        (
            "tag-queue-policy",
            queue_policy(
                "autotag-tag",
                &["autotag/autotag-creations-*", "autotag/autotag-deletions-*", "autotag/autotag-tag-*"],
            ),
        ),
        ("session-queue-policy", queue_policy("autotag-session", &["autotag/autotag-sessions"])),
        ("trail-bucket-policy", trail_bucket_policy()),
        ("trail-key-policy", trail_key_policy()),
    ]
}

/// The permissions of tag-handler besides those of the catalogue.
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

/// The further permissions of tag-handler with a ledger.
fn ledger() -> Value {
    own_policy(&[(&["dynamodb:PutItem"], "dynamodb", "table/autotag-ledger")])
}

/// The further permissions of tag-handler with a ledger and the tamper watch.
fn ledger_read() -> Value {
    own_policy(&[
        (&["dynamodb:Query"], "dynamodb", "table/autotag-ledger"),
        (&["dynamodb:Query"], "dynamodb", "table/autotag-ledger/index/by-name"),
    ])
}

/// The permissions of session-handler.
fn session_handler() -> Value {
    own_policy(&[
        (&RECEIVE, "sqs", "autotag-session"),
        (&["sqs:SendMessage"], "sqs", "autotag-session-dead"),
        (&["dynamodb:PutItem"], "dynamodb", "table/autotag-sessions"),
        (&LOG, "logs", "log-group:/aws/lambda/autotag-session-handler:*"),
    ])
}

/// A policy on resources of the own account. A statement has actions, the service and the resource.
fn own_policy(statements: &[(&[&str], &str, &str)]) -> Value {
    let statements = statements.iter().map(|(actions, service, name)| {
        // Roles are global, and those of any account are allowed.
        let place = if *service == "iam" { "iam::*".to_owned() } else { format!("{service}:*:{HUB}") };
        json!({"Effect": "Allow", "Action": actions, "Resource": format!("arn:aws:{place}:{name}")})
    });
    json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
}

/// The trust policy of the role in a member account.
fn member_trust() -> Value {
    single(&json!({
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{HUB}:root")},
        "Action": "sts:AssumeRole",
        // A condition on the name, not a principal: a principal would not match a role that is created again.
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{HUB}:role/autotag-tag-handler")},
            "StringEquals": {"sts:ExternalId": "the-external-id"},
        },
    }))
}

/// The permissions of the rules of a region: they send to the hub's bus.
fn forward() -> Value {
    single(&json!({"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus()}))
}

/// The trust policy of the role of these rules.
fn forward_trust() -> Value {
    single(&json!({
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": HUB},
            "ArnLike": {"aws:SourceArn": format!("arn:aws:events:*:{HUB}:rule/autotag-*")},
        },
    }))
}

/// The policy of the hub's bus. It allows the hub's own account; the user adds others, or an organization by `aws:PrincipalOrgID`.
fn bus_policy() -> Value {
    single(&json!({
        "Sid": "autotag-accounts", "Effect": "Allow", "Principal": {"AWS": [HUB]}, "Action": "events:PutEvents", "Resource": bus(),
    }))
}

/// The policy of a queue of the hub: the hub's rules may send.
fn queue_policy(queue: &str, rules: &[&str]) -> Value {
    let arn = |rule: &&str| format!("arn:aws:events:{REGION}:{HUB}:rule/{rule}");
    let rules: Vec<String> = rules.iter().map(arn).collect();
    single(&json!({
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": format!("arn:aws:sqs:{REGION}:{HUB}:{queue}"),
        "Condition": {"ArnLike": {"aws:SourceArn": rules}},
    }))
}

/// Permissions that the policy of a trail's bucket in another account must give for a backfill: the state machine
/// lists log files, the functions read them.
fn trail_bucket_policy() -> Value {
    let of_prefix = json!({"StringLike": {"s3:prefix": format!("{TRAIL_PREFIX}*")}});
    let list = of_hub("autotag-list", &["autotag-backfill"], "s3:ListBucket", TRAIL, of_prefix);
    let read =
        of_hub("autotag-read", &READERS, "s3:GetObject", &format!("{TRAIL}/{TRAIL_PREFIX}*"), json!({}));
    json!({"Version": "2012-10-17", "Statement": [list, read]})
}

/// The same for the key that the log files are encrypted with, for reading from S3 alone.
fn trail_key_policy() -> Value {
    let by_s3 = json!({"StringEquals": {"kms:ViaService": format!("s3.{REGION}.amazonaws.com")}});
    single(&of_hub("autotag-read", &READERS, "kms:Decrypt", "*", by_s3))
}

/// The functions that read log files.
const READERS: [&str; 2] = ["autotag-session-SessionHandlerRole-*", "autotag-tag-handler"];

/// A statement for roles of the hub. The condition is on their names, as in [`member_trust`]. session-handler may be deployed in
/// several regions, so its role has the name that CloudFormation gives it in the stack `autotag-session`.
fn of_hub(sid: &str, roles: &[&str], action: &str, resource: &str, mut condition: Value) -> Value {
    let roles: Vec<String> = roles.iter().map(|role| format!("arn:aws:iam::{HUB}:role/{role}")).collect();
    if let Some(operators) = condition.as_object_mut() {
        operators.insert("ArnLike".to_owned(), json!({"aws:PrincipalArn": roles}));
    }
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{HUB}:root")},
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    })
}

fn bus() -> String {
    format!("arn:aws:events:{REGION}:{HUB}:event-bus/autotag")
}

fn single(statement: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [statement]})
}
