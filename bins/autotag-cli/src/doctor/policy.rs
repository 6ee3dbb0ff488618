//! Policies of resources and roles, as far as doctor has to read them: whether somebody is let in.
//!
//! It is no simulator: a condition on something that is not known here is taken to hold where it allows, and not to hold
//! where it denies. So a policy that is wrong in such a condition is not found; one that is right is never called wrong.

use serde_json::Value;
use wildmatch::WildMatch;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who<'w> {
    /// A service: `events.amazonaws.com`.
    Service(&'w str),
    /// The role (ARN) of an account.
    Role(&'w str, &'w str),
    /// Whoever is in an account and may.
    Account(&'w str),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'w> {
    pub(crate) who: Who<'w>,
    pub(crate) action: &'w str,
    pub(crate) resource: &'w str,
    /// What is known of the call, by condition keys.
    pub(crate) context: &'w [(&'w str, &'w str)],
}

/// Whether a policy lets somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    AccountScope,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    Silent,
}

/// What a policy says to a wish. `policy` is the document; one that is none says nothing.
pub(crate) fn decide(policy: &Value, wish: &Wish<'_>) -> Decision {
    let mut decision = Decision::Silent;
    for statement in statements(policy) {
        let effect = statement.get("Effect").and_then(Value::as_str).unwrap_or_default();
        if !speaks_of(statement, wish, effect == "Deny") {
            continue;
        }
        match effect {
            "Deny" => return Decision::Denied,
            "Allow" => decision = Decision::AccountScope,
            _ => {}
        }
    }
    decision
}

/// The document in a text, percent-encoded or not; `Null` if it is none.
pub(crate) fn document(text: &str) -> Value {
    let plain = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&plain)).unwrap_or_default()
}

/// The statements of a document.
pub(crate) fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    some(policy.get("Statement"))
}

/// Whether an action stands in the statement's list, or does not stand in its `NotAction`.
pub(crate) fn names_action(statement: &Value, action: &str) -> bool {
    let named = |list: Option<&Value>| texts(list).any(|pattern| matches(pattern, action, true));
    match statement.get("NotAction") {
        Some(others) => !named(Some(others)),
        None => named(statement.get("Action")),
    }
}

/// Whether the conditions hold; `None` where that depends on what is not known here.
pub(crate) fn conditions_hold(statement: &Value, context: &[(&str, &str)]) -> Option<bool> {
    let mut all_known = true;
    let conditions = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    for (operator, keys) in conditions {
        for (key, wanted) in keys.as_object().into_iter().flatten() {
            match condition_holds(operator, key, wanted, context) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => all_known = false,
            }
        }
    }
    all_known.then_some(true)
}

/// Whether a resource stands in the statement's list, or does not stand in its `NotResource`. A trust policy names none: it
/// is about its role.
pub(crate) fn names_resource(statement: &Value, resource: &str) -> bool {
    let named = |list: &Value| texts(Some(list)).any(|pattern| matches(pattern, resource, false));
    match statement.get("NotResource") {
        Some(others) => !named(others),
        None => statement.get("Resource").is_none_or(named),
    }
}

fn speaks_of(statement: &Value, wish: &Wish<'_>, denies: bool) -> bool {
    names_resource(statement, wish.resource)
        && names_action(statement, wish.action)
        && names_principal(statement, wish.who)
        && conditions_hold(statement, wish.context).unwrap_or(!denies)
}

fn names_principal(statement: &Value, who: Who<'_>) -> bool {
    let Some(principal) = statement.get("Principal") else { return false };
    if principal == "*" {
        return true;
    }
    let mut people = texts(principal.get("AWS"));
    match who {
        Who::Service(name) => texts(principal.get("Service")).any(|service| service == name),
        Who::Role(arn, account) => people.any(|one| one == "*" || one == arn || is_account(one, account)),
        Who::Account(account) => people.any(|one| one == "*" || is_account(one, account)),
    }
}

/// `111122223333`, or its root's ARN.
fn is_account(principal: &str, account: &str) -> bool {
    let root = principal.split(':').nth(4) == Some(account) && principal.ends_with(":root");
    principal == account || root
}

fn condition_holds(operator: &str, key: &str, wanted: &Value, context: &[(&str, &str)]) -> Option<bool> {
    let (_, known) = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    let operator = operator.rsplit(':').next().unwrap_or(operator);
    let operator = operator.strip_suffix("IfExists").unwrap_or(operator);
    let any = |fits: &dyn Fn(&str) -> bool| texts(Some(wanted)).any(fits);
    let like = |pattern: &str| matches(pattern, known, false);
    Some(match operator {
        "StringEquals" => any(&|text| text == *known),
        "StringNotEquals" => !any(&|text| text == *known),
        "StringEqualsIgnoreCase" => any(&|text| text.eq_ignore_ascii_case(known)),
        // ArnEquals takes wildcards, too.
        "StringLike" | "ArnLike" | "ArnEquals" => any(&like),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => !any(&like),
        _ => return None,
    })
}

fn matches(pattern: &str, text: &str, ignoring_case: bool) -> bool {
    if ignoring_case {
        return WildMatch::new(&pattern.to_lowercase()).matches(&text.to_lowercase());
    }
    WildMatch::new(pattern).matches(text)
}

/// One or several of something: IAM writes either.
fn some(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Some(Value::Array(list)) => (list.as_slice(), None),
        other => (&[] as &[Value], other),
    };
    list.iter().chain(one)
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    some(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:autotag-tag";

    fn sends(policy: &Value, rule: &str) -> Decision {
        let wish = Wish {
            who: Who::Service("events.amazonaws.com"),
            action: "sqs:SendMessage",
            resource: QUEUE,
            context: &[("aws:SourceArn", rule)],
        };
        decide(policy, &wish)
    }

    #[test]
    fn a_rule_is_let_into_a_queue() {
        let rule = "arn:aws:events:eu-west-1:111122223333:rule/autotag/autotag-creations-1";
        let policy = |effect: &str, action: &str, like: &str| {
            json!({"Statement": {"Effect": effect, "Principal": {"Service": "events.amazonaws.com"},
                "Action": [action], "Resource": QUEUE, "Condition": {"ArnLike": {"aws:SourceArn": like}}}})
        };
        let ours = "arn:aws:events:eu-west-1:111122223333:rule/autotag/*";
        let theirs = "arn:aws:events:eu-west-1:111122223333:rule/other/*";
        assert_eq!(sends(&policy("Allow", "sqs:SendMessage", ours), rule), Decision::AccountScope);
        assert_eq!(sends(&policy("Allow", "SQS:*", ours), rule), Decision::AccountScope);
        assert_eq!(sends(&policy("Allow", "sqs:SendMessage", theirs), rule), Decision::Silent);
        assert_eq!(sends(&policy("Allow", "sqs:ReceiveMessage", ours), rule), Decision::Silent);
        assert_eq!(sends(&policy("Deny", "sqs:SendMessage", ours), rule), Decision::Denied);
        assert_eq!(sends(&Value::Null, rule), Decision::Silent);
    }

    #[test]
    fn transport_that_is_not_encrypted_is_nobody_of_ours() {
        let policy = json!({"Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]});
        assert_eq!(sends(&policy, "arn:aws:events:eu-west-1:111122223333:rule/x"), Decision::AccountScope);
    }

    #[test]
    fn a_trust_policy_asks_for_the_external_id() {
        let trust = |principal: &str| {
            json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "e-1"}}}]})
        };
        let role = "arn:aws:iam::111122223333:role/tagger";
        let assumes = |policy: &Value, id: &str| {
            let context = [("sts:ExternalId", id), ("aws:PrincipalArn", role)];
            let who = Who::Role(role, "111122223333");
            decide(policy, &Wish { who, action: "sts:AssumeRole", resource: "", context: &context })
        };
        assert_eq!(assumes(&trust(role), "e-1"), Decision::AccountScope);
        assert_eq!(assumes(&trust("arn:aws:iam::111122223333:root"), "e-1"), Decision::AccountScope);
        assert_eq!(assumes(&trust(role), "e-2"), Decision::Silent);
        assert_eq!(assumes(&trust("arn:aws:iam::444455556666:root"), "e-1"), Decision::Silent);
    }

    #[test]
    fn documents_are_read_as_iam_writes_them() {
        assert_eq!(document("%7B%22Statement%22%3A%5B%5D%7D"), json!({"Statement": []}));
        assert_eq!(document("{\"Statement\":[]}"), json!({"Statement": []}));
        assert_eq!(document("<html>"), Value::Null);
    }
}
