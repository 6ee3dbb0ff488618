//! `SimulatePrincipalPolicy`, which moto lacks, over the inline policies of the roles.
//!
//! It supports identity policies with `Allow` and `Deny`, actions and resources with `*`, and the condition `StringEquals`; no
//! boundaries and no organization. Moto does not get the policies, because it refuses some valid ARNs
//! (`arn:aws:s3:*:*:job/*`). It shares no code with doctor.

use autotag_testkit::{Call, Reply};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

/// The policies of roles, by the role's name, from the calls that set them.
#[derive(Debug, Default)]
pub struct Simulator {
    policies: Mutex<BTreeMap<String, Policy>>,
}

/// A policy. Doctor asks for it many times, so all that needs its whole text is made once.
#[derive(Debug)]
struct Policy {
    document: Value,
    /// The text as IAM answers with it.
    encoded: String,
    /// The keys that occur in it.
    keys: Vec<&'static str>,
}

impl Policy {
    fn new(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let encoded =
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let keys = KEYS.into_iter().filter(|key| text.contains(key)).collect();
        Some(Self { document, encoded, keys })
    }
}

const KEYS: [&str; 5] =
    ["aws:ResourceAccount", "aws:PrincipalAccount", "aws:ResourceOrgID", "aws:PrincipalOrgID", "aws:TagKeys"];

impl Simulator {
    pub fn answer(&self, call: &Call) -> Option<Reply> {
        if call.service != "iam" {
            return None;
        }
        let done = || Some(Reply::xml(200, format!("<{0}Response></{0}Response>", call.operation)));
        match call.operation.as_str() {
            "PutRolePolicy" => {
                let policy = Policy::new(&call.field("PolicyDocument")?)?;
                self.policies.lock().unwrap().insert(call.field("RoleName")?, policy);
                done()
            }
            "DeleteRolePolicy" => {
                self.policies.lock().unwrap().remove(&call.field("RoleName")?);
                done()
            }
            "ListAttachedRolePolicies" => {
                let empty =
                    "<ListAttachedRolePoliciesResult><AttachedPolicies/></ListAttachedRolePoliciesResult>";
                Some(Reply::xml(200, format!("<R>{empty}</R>")))
            }
            "ListRolePolicies" => {
                let name = "<PolicyNames><member>needed</member></PolicyNames>";
                Some(Reply::xml(
                    200,
                    format!("<R><ListRolePoliciesResult>{name}</ListRolePoliciesResult></R>"),
                ))
            }
            "GetRolePolicy" => {
                let policies = self.policies.lock().unwrap();
                let document = &policies.get(&call.field("RoleName")?)?.encoded;
                Some(Reply::xml(
                    200,
                    format!(
                        "<R><GetRolePolicyResult><PolicyDocument>{document}</PolicyDocument></GetRolePolicyResult></R>"
                    ),
                ))
            }
            "SimulatePrincipalPolicy" => self.simulate(call),
            _ => None,
        }
    }

    fn simulate(&self, call: &Call) -> Option<Reply> {
        // A call names hundreds of actions, so its form is read once.
        let mut form: BTreeMap<String, String> = call.form().collect();
        let source = form.remove("PolicySourceArn")?;
        let policies = self.policies.lock().unwrap();
        let Some(policy) = policies.get(source.rsplit('/').next()?) else {
            let error = "<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>";
            return Some(Reply::xml(404, error));
        };
        let resource = form.remove("ResourceArns.member.1").unwrap_or_else(|| "*".to_owned());
        let context: BTreeMap<String, String> = (1..)
            .map_while(|number| {
                let entry = format!("ContextEntries.member.{number}");
                let value = form.remove(&format!("{entry}.ContextKeyValues.member.1"))?;
                Some((form.remove(&format!("{entry}.ContextKeyName"))?, value))
            })
            .collect();
        // AWS names every key of the policies without a value, whatever statement it is in.
        let missing = policy.keys.iter().filter(|key| !context.contains_key(**key));
        let missing: Vec<String> = missing.map(|key| format!("<member>{key}</member>")).collect();
        let missing = missing.concat();
        let mut results = String::new();
        for number in 1.. {
            let Some(action) = form.remove(&format!("ActionNames.member.{number}")) else { break };
            let decision = decide(&policy.document, &action, &resource, &context);
            write!(
                results,
                "<member><MatchedStatements><member><SourcePolicyId>p</SourcePolicyId></member></MatchedStatements>\
                 <MissingContextValues>{missing}</MissingContextValues><EvalDecision>{decision}</EvalDecision>\
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

fn decide(policy: &Value, action: &str, resource: &str, context: &BTreeMap<String, String>) -> &'static str {
    let mut decision = "implicitDeny";
    for statement in policy["Statement"].as_array().unwrap() {
        let has = |name: &str, text: &str| match &statement[name] {
            Value::Array(list) => list.iter().any(|one| like(one.as_str().unwrap(), text)),
            one => like(one.as_str().unwrap(), text),
        };
        let holds = holds(&statement["Condition"], context);
        if holds && has("Action", action) && has("Resource", resource) {
            match statement["Effect"].as_str().unwrap() {
                "Deny" => return "explicitDeny",
                _ => decision = "allowed",
            }
        }
    }
    decision
}

/// `StringEquals` with a value or a variable. A missing key holds for no value.
fn holds(condition: &Value, context: &BTreeMap<String, String>) -> bool {
    let Some(operators) = condition.as_object() else { return true };
    operators.iter().all(|(operator, keys)| {
        assert_eq!(operator, "StringEquals", "a condition that is not simulated: {condition}");
        keys.as_object().unwrap().iter().all(|(key, wanted)| {
            let wanted = wanted.as_str().unwrap();
            let variable = wanted.strip_prefix("${").and_then(|name| name.strip_suffix('}'));
            let wanted = variable.map_or(Some(wanted), |name| context.get(name).map(String::as_str));
            wanted.is_some() && context.get(key).map(String::as_str) == wanted
        })
    })
}

/// True if a text matches a pattern, in which `*` is any text.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => {
            let Some(text) = text.strip_prefix(head) else { return false };
            (0..=text.len()).any(|at| like(rest, &text[at..]))
        }
    }
}
