//! `SimulatePrincipalPolicy`, which moto lacks, over the inline policies of the roles.
//!
//! It supports identity policies with `Allow` and `Deny`, actions and resources with `*`, and the one condition of the generated
//! policies; no boundaries and no organization. Moto does not get the policies, because it refuses some valid ARNs
//! (`arn:aws:s3:*:*:job/*`). It shares no code with doctor.

use autotag_testkit::{Call, Reply};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

/// The policies of roles, by the role's name, from the calls that set them.
#[derive(Debug, Default)]
pub struct Simulator {
    policies: Mutex<BTreeMap<String, Value>>,
}

impl Simulator {
    pub fn answer(&self, call: &Call) -> Option<Reply> {
        if call.service != "iam" {
            return None;
        }
        let done = || Some(Reply::xml(200, format!("<{0}Response></{0}Response>", call.operation)));
        match call.operation.as_str() {
            "PutRolePolicy" => {
                let policy = serde_json::from_str(&call.field("PolicyDocument")?).ok()?;
                self.policies.lock().unwrap().insert(call.field("RoleName")?, policy);
                done()
            }
            "DeleteRolePolicy" => {
                self.policies.lock().unwrap().remove(&call.field("RoleName")?);
                done()
            }
            "SimulatePrincipalPolicy" => self.simulate(call),
            _ => None,
        }
    }

    fn simulate(&self, call: &Call) -> Option<Reply> {
        let source = call.field("PolicySourceArn")?;
        let policies = self.policies.lock().unwrap();
        let Some(policy) = policies.get(source.rsplit('/').next()?) else {
            let error = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>";
            return Some(Reply::xml(404, error));
        };
        let resource = call.field("ResourceArns.member.1").unwrap_or_else(|| "*".to_owned());
        // `aws:ResourceAccount`, if the request has it and it is the account of the role.
        let own = call.field("ContextEntries.member.1.ContextKeyValues.member.1").filter(|account| {
            let key = call.field("ContextEntries.member.1.ContextKeyName");
            key.as_deref() == Some("aws:ResourceAccount") && source.split(':').nth(4) == Some(account)
        });
        let mut results = String::new();
        for number in 1.. {
            let Some(action) = call.field(&format!("ActionNames.member.{number}")) else { break };
            let decision = decide(policy, &action, &resource, own.as_deref());
            write!(
                results,
                "<member><MatchedStatements><member><SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>\
                 <MissingContextValues/><EvalDecision>{decision}</EvalDecision>\
                 <EvalResourceName>{resource}</EvalResourceName><EvalActionName>{action}</EvalActionName></member>"
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

fn decide(policy: &Value, action: &str, resource: &str, own: Option<&str>) -> &'static str {
    let mut decision = "implicitDeny";
    for statement in policy["Statement"].as_array().unwrap() {
        let has = |name: &str, text: &str| match &statement[name] {
            Value::Array(list) => list.iter().any(|one| like(one.as_str().unwrap(), text)),
            one => like(one.as_str().unwrap(), text),
        };
        let condition = &statement["Condition"];
        let ours = json!({"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}});
        assert!(condition.is_null() || *condition == ours, "a condition that is not simulated: {condition}");
        let holds = condition.is_null() || own.is_some();
        if holds && has("Action", action) && has("Resource", resource) {
            match statement["Effect"].as_str().unwrap() {
                "Deny" => return "explicitDeny",
                _ => decision = "allowed",
            }
        }
    }
    decision
}

/// Whether a text matches a pattern, in which `*` is any text.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => {
            let Some(text) = text.strip_prefix(head) else { return false };
            (0..=text.len()).any(|at| like(rest, &text[at..]))
        }
    }
}
