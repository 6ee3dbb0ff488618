//! Tag policies of the organization that make AWS refuse the tags of autotag.

use super::check::{CheckResult, fail_with};
use super::deployment::DeploymentView;
use super::organization::OrganizationPolicy;
use crate::output::plural;
use serde_json::Value;

/// Checks that no tag policy is enforced on a key that autotag writes, in other letters or for some values only.
pub(super) fn judge(view: &DeploymentView, levels: &[Vec<&OrganizationPolicy>]) -> CheckResult {
    for policy in levels.iter().flatten() {
        let tags = policy.document.get("tags").and_then(Value::as_object).into_iter().flatten();
        for (name, tag) in tags {
            let Some(seen) = conflict(&view.expected.identity_keys, name, tag) else { continue };
            let id = &policy.id;
            return fail_with(
                format!("policy `{}` {seen}", policy.name),
                format!(
                    "aws organizations describe-policy --policy-id {id} --query Policy.Content --output text; take enforced_for \
                     of `{name}` out and aws organizations update-policy --policy-id {id}, or rename the key in the policy file"
                ),
            );
        }
    }
    Ok(format!("{} read", plural(levels.iter().flatten().count(), "policy")))
}

/// The rule that a policy enforces for one of the keys.
fn conflict(keys: &[String], name: &str, tag: &Value) -> Option<String> {
    let enforced = assigned(tag.get("enforced_for"));
    let first = enforced.first()?;
    let key = keys.iter().find(|key| key.eq_ignore_ascii_case(name))?;
    let spelled = assigned(tag.get("tag_key"));
    if let Some(other) = spelled.first().filter(|spelled| *spelled != key) {
        return Some(format!("enforces the spelling `{other}` of `{key}` on {first}"));
    }
    let values = assigned(tag.get("tag_value"));
    if values.is_empty() || values.iter().any(|value| value == "*") {
        return None;
    }
    Some(format!("accepts only {} as `{key}` on {first}", values.join(", ")))
}

/// The values that a policy assigns or adds.
fn assigned(value: Option<&Value>) -> Vec<String> {
    let operators = ["@@assign", "@@append"].iter().filter_map(|operator| value?.get(operator));
    let values = operators.flat_map(|values| match values {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    });
    values.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_enforced_keys_conflict() {
        let keys = ["Owner".to_owned()];
        let with = |more: Value| {
            let mut tag =
                json!({"tag_key": {"@@assign": "Owner"}, "enforced_for": {"@@assign": ["ec2:instance"]}});
            for (name, value) in more.as_object().unwrap() {
                tag[name] = value.clone();
            }
            conflict(&keys, "owner", &tag)
        };
        let wanted = "accepts only ops, web as `Owner` on ec2:instance";
        assert_eq!(with(json!({"tag_value": {"@@assign": ["ops", "web"]}})).as_deref(), Some(wanted));
        assert_eq!(with(json!({"tag_value": {"@@assign": ["*"]}})), None);
        assert_eq!(with(json!({"tag_value": {"@@assign": ["ops"]}, "enforced_for": null})), None);
        assert!(with(json!({"tag_key": {"@@assign": "OWNER"}})).unwrap().contains("`OWNER`"));
        assert_eq!(conflict(&keys, "team", &json!({"enforced_for": {"@@assign": ["ec2:instance"]}})), None);
    }
}
