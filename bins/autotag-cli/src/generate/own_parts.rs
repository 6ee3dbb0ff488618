//! Statements that protect autotag's own parts: rules, queues, functions, alarms, policies and stacks.

use serde_json::{Value, json};

/// Actions that switch off, replace or remove a part.
pub(crate) const ACTIONS: [&str; 31] = [
    "cloudformation:CreateChangeSet",
    "cloudformation:DeleteStack",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:UpdateStack",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:SetAlarmState",
    "events:DeleteEventBus",
    "events:DeleteRule",
    "events:DisableRule",
    "events:PutPermission",
    "events:PutRule",
    "events:PutTargets",
    "events:RemovePermission",
    "events:RemoveTargets",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "lambda:DeleteAlias",
    "lambda:DeleteFunction",
    "lambda:PutFunctionConcurrency",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "sqs:AddPermission",
    "sqs:DeleteQueue",
    "sqs:PurgeQueue",
    "sqs:RemovePermission",
    "sqs:SetQueueAttributes",
];

/// The parts, as ARNs without `arn:PARTITION:`. `CloudFormation` begins the names of stacks with `StackSet-`, and those of policies
/// with the name of their stack.
pub(super) const RESOURCES: [&str; 9] = [
    "cloudformation:*:*:stack/StackSet-autotag-*",
    "cloudformation:*:*:stack/autotag*",
    "cloudwatch:*:*:alarm:autotag-*",
    "events:*:*:event-bus/autotag*",
    "events:*:*:rule/autotag*",
    "iam::*:policy/StackSet-autotag-*",
    "iam::*:policy/autotag*",
    "lambda:*:*:function:autotag-*",
    "sqs:*:*:autotag-*",
];

/// Actions on what brings the messages of a queue to a function. Its ARN does not say which function.
pub(crate) const MAPPING_ACTIONS: [&str; 2] =
    ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"];

/// The functions of [`MAPPING_ACTIONS`], as [`RESOURCES`].
pub(super) const FUNCTIONS: &str = "lambda:*:*:function:autotag-*";

/// The statements, with the condition that leaves out who deploys the parts.
pub(super) fn statements(except_deployers: &Value) -> [Value; 2] {
    let mut of_functions = except_deployers.clone();
    if let Some(operators) = of_functions.as_object_mut() {
        operators.insert("ArnLike".to_owned(), json!({"lambda:FunctionArn": format!("arn:aws:{FUNCTIONS}")}));
    }
    let resources = RESOURCES.map(|resource| format!("arn:aws:{resource}"));
    [
        json!({"Sid": "OwnParts", "Effect": "Deny", "Action": ACTIONS, "Resource": resources,
            "Condition": except_deployers}),
        json!({"Sid": "OwnMappings", "Effect": "Deny", "Action": MAPPING_ACTIONS, "Resource": "*",
            "Condition": of_functions}),
    ]
}
