//! Policies that decide by tags which autotag copies: callers who may pass session tags get these tags onto their
//! resources.

use super::check::{CheckFailure, CheckResult};
use super::checks::POLICY_COPIES;
use super::policy::statements;
use autotag_model::policy::Policy;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Policies that doctor does not read.
const NOT_READ: &str = "policies of roles, users and resources are not read";

/// Checks if policies of the organization decide by a tag key that `policy` copies.
pub(super) fn judge(policy: &Policy, policies: &BTreeMap<String, Value>) -> CheckResult {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, document) in policies {
        for key in statements(document).flat_map(tag_keys).filter(|key| policy.may_copy(key)) {
            found.entry(key).or_default().insert(name);
        }
    }
    if found.is_empty() {
        let seen = format!("none of {} service control policies does; {NOT_READ}", policies.len());
        return Ok(seen);
    }
    let of = |(key, names): (&str, BTreeSet<&str>)| {
        format!("`{key}` (policy {})", names.into_iter().collect::<Vec<_>>().join(", "))
    };
    let keys: Vec<String> = found.into_iter().map(of).collect();
    let seen = format!("copied tags count in {}; {NOT_READ}", keys.join(", "));
    // The risk depends on who may pass session tags.
    Err(CheckFailure::Unknown(seen, POLICY_COPIES.fix.to_owned()))
}

/// The tag keys on which a statement has conditions: those of resources, and of calls.
fn tag_keys(statement: &Value) -> impl Iterator<Item = &str> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    let conditions = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    conditions.filter_map(|(condition, _)| {
        let (name, key) = condition.split_once('/')?;
        let about = name.rsplit(':').next()?.to_lowercase();
        let tags = ["resourcetag", "requesttag", "existingobjecttag", "requestobjecttag"];
        tags.contains(&about.as_str()).then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(policy: &str, condition: &Value) -> CheckResult {
        let document = json!({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}]});
        let policy = Policy::from_toml(policy).unwrap();
        judge(&policy, &BTreeMap::from([("abac".to_owned(), document)]))
    }

    #[test]
    fn a_policy_that_decides_by_a_copied_tag_is_named() {
        let prod = json!({"StringEquals": {"aws:ResourceTag/Environment": "prod"}});
        let Err(CheckFailure::Unknown(seen, _)) = judged("", &prod) else { panic!() };
        assert!(seen.contains("`Environment` (policy abac)"), "{seen}");
        assert!(judged("[copy]\ndeny = [\"environment\"]", &prod).is_ok());
        assert!(judged("[copy]\nsession_tags = false\niam_tags = false", &prod).is_ok());
        assert!(
            judged("", &json!({"StringNotEquals": {"aws:RequestTag/Owner": "x"}})).is_ok(),
            "a key of the policy"
        );
        assert!(judged("", &json!({"StringEquals": {"aws:PrincipalTag/Environment": "prod"}})).is_ok());
    }
}
