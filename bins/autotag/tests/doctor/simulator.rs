//! `SimulatePrincipalPolicy`, which moto lacks: over the inline policies that the roles were given.
//!
//! Identity policies with `Allow` and `Deny`, actions and resources with `*`; no conditions, no boundaries, no
//! organization. It has nothing in common with what doctor reads policies with.

use emulator::{Call, Reply};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

/// The policies of roles, by the role's name, as they go by.
#[derive(Debug, Default)]
pub struct Simulator {
    policies: Mutex<BTreeMap<String, Value>>,
}

impl Simulator {
    pub fn answer(&self, call: &Call) -> Option<Reply> {
        if call.service != "iam" {
            return None;
        }
        if call.operation == "PutRolePolicy" {
            let policy = serde_json::from_str(&call.field("PolicyDocument")?).ok()?;
            self.policies.lock().unwrap().insert(call.field("RoleName")?, policy);
            return None;
        }
        (call.operation == "SimulatePrincipalPolicy").then(|| self.simulate(call)).flatten()
    }

    fn simulate(&self, call: &Call) -> Option<Reply> {
        let source = call.field("PolicySourceArn")?;
        let policies = self.policies.lock().unwrap();
        let Some(policy) = policies.get(source.rsplit('/').next()?) else {
            let error = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>";
            return Some(Reply::xml(404, error));
        };
        let resource = call.field("ResourceArns.member.1").unwrap_or_else(|| "*".to_owned());
        let mut results = String::new();
        for number in 1.. {
            let Some(action) = call.field(&format!("ActionNames.member.{number}")) else { break };
            let decision = decide(policy, &action, &resource);
            write!(
                results,
                "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>\
                 <EvalDecision>{decision}</EvalDecision></member>"
            )
            .unwrap();
        }
        Some(Reply::xml(
            200,
            format!(
                "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>\
                 <EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>\
                 </SimulatePrincipalPolicyResponse>"
            ),
        ))
    }
}

fn decide(policy: &Value, action: &str, resource: &str) -> &'static str {
    let mut decision = "implicitDeny";
    for statement in policy["Statement"].as_array().unwrap() {
        let has = |name: &str, text: &str| match &statement[name] {
            Value::Array(list) => list.iter().any(|one| like(one.as_str().unwrap(), text)),
            one => like(one.as_str().unwrap(), text),
        };
        if has("Action", action) && has("Resource", resource) {
            match statement["Effect"].as_str().unwrap() {
                "Deny" => return "explicitDeny",
                _ => decision = "allowed",
            }
        }
    }
    decision
}

/// `*` is any text.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => {
            let Some(text) = text.strip_prefix(head) else { return false };
            (0..=text.len()).any(|at| like(rest, &text[at..]))
        }
    }
}
