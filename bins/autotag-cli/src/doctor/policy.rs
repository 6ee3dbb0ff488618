//! Policies of resources, roles and organizations, as far as doctor reads them.
//!
//! This is not a simulator. A condition on a key that is not in the context counts as true in an `Allow` and as false in a `Deny`.
//! So doctor overlooks a policy that is wrong in such a condition, and never reports a correct policy as wrong. A key with an empty
//! value in the context is one that the request does not have.

use serde_json::Value;
use wildmatch::WildMatch;

/// The caller of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller<'c> {
    /// A service: `events.amazonaws.com`.
    Service(&'c str),
    /// A role, by ARN, of an account.
    Role(&'c str, &'c str),
    /// Any principal of an account that has the permission there.
    Account(&'c str),
}

/// A request that a policy allows or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccessRequest<'r> {
    pub(crate) caller: Caller<'r>,
    pub(crate) action: &'r str,
    pub(crate) resource: &'r str,
    /// The known values of condition keys. Empty: the request does not have the key.
    pub(crate) context: &'r [(&'r str, &'r str)],
}

/// The decision of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// A statement denies the request.
    Denied,
    /// No statement matches the request.
    NoMatch,
}

/// The decision of a policy document about a request. A value that is not a document matches nothing.
pub(crate) fn decide(policy: &Value, request: &AccessRequest<'_>) -> Decision {
    let mut decision = Decision::NoMatch;
    for statement in statements(policy) {
        let effect = statement.get("Effect").and_then(Value::as_str).unwrap_or_default();
        if !applies(statement, request, effect == "Deny") {
            continue;
        }
        match effect {
            "Deny" => return Decision::Denied,
            "Allow" => decision = Decision::Allowed,
            _ => {}
        }
    }
    decision
}

/// Parses a policy document, percent-encoded or not. Returns `Null` if the text is not JSON.
pub(crate) fn document(text: &str) -> Value {
    let plain = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&plain)).unwrap_or_default()
}

/// The statements of a document.
pub(crate) fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    one_or_more(policy.get("Statement"))
}

/// True if the statement's `Action` lists an action, or its `NotAction` does not.
pub(crate) fn names_action(statement: &Value, action: &str) -> bool {
    let named = |list: Option<&Value>| texts(list).any(|pattern| matches(pattern, action, true));
    match statement.get("NotAction") {
        Some(others) => !named(Some(others)),
        None => named(statement.get("Action")),
    }
}

/// True if the conditions hold; `None` if that depends on a condition key without a known value.
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

/// True if the statement's `Resource` lists a resource, or its `NotResource` does not. A statement without either,
/// as in a trust policy, is about the resource of the policy.
pub(crate) fn names_resource(statement: &Value, resource: &str) -> bool {
    let named = |list: &Value| texts(Some(list)).any(|pattern| matches(pattern, resource, false));
    match statement.get("NotResource") {
        Some(others) => !named(others),
        None => statement.get("Resource").is_none_or(named),
    }
}

fn applies(statement: &Value, request: &AccessRequest<'_>, denies: bool) -> bool {
    names_resource(statement, request.resource)
        && names_action(statement, request.action)
        && names_principal(statement, request.caller)
        && conditions_hold(statement, request.context).unwrap_or(!denies)
}

fn names_principal(statement: &Value, caller: Caller<'_>) -> bool {
    let Some(principal) = statement.get("Principal") else { return false };
    if principal == "*" {
        return true;
    }
    let mut accounts = texts(principal.get("AWS"));
    match caller {
        Caller::Service(name) => texts(principal.get("Service")).any(|service| service == name),
        Caller::Role(arn, account) => {
            accounts.any(|one| one == "*" || one == arn || is_account(one, account))
        }
        Caller::Account(account) => accounts.any(|one| one == "*" || is_account(one, account)),
    }
}

/// True if a principal is an account: its id, or the ARN of its root user.
fn is_account(principal: &str, account: &str) -> bool {
    let root = principal.split(':').nth(4) == Some(account) && principal.ends_with(":root");
    principal == account || root
}

fn condition_holds(operator: &str, key: &str, wanted: &Value, context: &[(&str, &str)]) -> Option<bool> {
    let (_, known) = context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
    let plain = operator.strip_suffix("IfExists");
    let operator = plain.unwrap_or(operator);
    let wanted: Vec<String> =
        operands(wanted).iter().map(|text| filled(text, context)).collect::<Option<_>>()?;
    let any = |fits: &dyn Fn(&str) -> bool| wanted.iter().any(|text| fits(text));
    if operator == "Null" {
        return Some(any(&|text| text.eq_ignore_ascii_case("true") == known.is_empty()));
    }
    if known.is_empty() {
        let negated = operator.starts_with("StringNot") || operator.starts_with("ArnNot");
        return Some(plain.is_some() || negated || set == "ForAllValues");
    }
    let like = |pattern: &str| matches(pattern, known, false);
    Some(match operator {
        "StringEquals" => any(&|text| text == *known),
        "StringNotEquals" => !any(&|text| text == *known),
        "StringEqualsIgnoreCase" | "Bool" => any(&|text| text.eq_ignore_ascii_case(known)),
        "StringNotEqualsIgnoreCase" => !any(&|text| text.eq_ignore_ascii_case(known)),
        // ArnEquals accepts wildcards, as ArnLike does.
        "StringLike" | "ArnLike" | "ArnEquals" => any(&like),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => !any(&like),
        "NumericLessThan" => compare(&wanted, known, |known, wanted| known < wanted)?,
        "NumericLessThanEquals" => compare(&wanted, known, |known, wanted| known <= wanted)?,
        _ => return None,
    })
}

/// True if a number compares with one of the operands; `None` if the operands are not numbers.
fn compare(wanted: &[String], known: &str, holds: fn(f64, f64) -> bool) -> Option<bool> {
    let known: f64 = known.parse().ok()?;
    let wanted: Vec<f64> = wanted.iter().map(|text| text.parse().ok()).collect::<Option<_>>()?;
    Some(wanted.into_iter().any(|wanted| holds(known, wanted)))
}

/// The operands of a condition. Booleans and numbers may be written with or without quotes.
fn operands(wanted: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        value => value.as_str().map(str::to_owned),
    };
    one_or_more(Some(wanted)).filter_map(text).collect()
}

/// A text with its policy variables replaced; `None` if the value of one is not known.
fn filled(text: &str, context: &[(&str, &str)]) -> Option<String> {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}')?;
        let (_, value) = context.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        filled.push_str(value);
        filled.push_str(rest);
    }
    Some(filled)
}

fn matches(pattern: &str, text: &str, ignoring_case: bool) -> bool {
    if ignoring_case {
        return WildMatch::new(&pattern.to_lowercase()).matches(&text.to_lowercase());
    }
    WildMatch::new(pattern).matches(text)
}

/// The elements of a list, or the single value in its place: IAM accepts both.
fn one_or_more(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, one) = match value {
        Some(Value::Array(list)) => (list.as_slice(), None),
        other => (&[] as &[Value], other),
    };
    list.iter().chain(one)
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    one_or_more(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:autotag-tag";

    fn sends(policy: &Value, rule: &str) -> Decision {
        let request = AccessRequest {
            caller: Caller::Service("events.amazonaws.com"),
            action: "sqs:SendMessage",
            resource: QUEUE,
            context: &[("aws:SourceArn", rule)],
        };
        decide(policy, &request)
    }

    #[test]
    fn a_queue_policy_allows_rules_by_source_arn() {
        let rule = "arn:aws:events:eu-west-1:111122223333:rule/autotag/autotag-creations-1";
        let policy = |effect: &str, action: &str, like: &str| {
            json!({"Statement": {"Effect": effect, "Principal": {"Service": "events.amazonaws.com"},
                "Action": [action], "Resource": QUEUE, "Condition": {"ArnLike": {"aws:SourceArn": like}}}})
        };
        let ours = "arn:aws:events:eu-west-1:111122223333:rule/autotag/*";
        let theirs = "arn:aws:events:eu-west-1:111122223333:rule/other/*";
        assert_eq!(sends(&policy("Allow", "sqs:SendMessage", ours), rule), Decision::Allowed);
        assert_eq!(sends(&policy("Allow", "SQS:*", ours), rule), Decision::Allowed);
        assert_eq!(sends(&policy("Allow", "sqs:SendMessage", theirs), rule), Decision::NoMatch);
        assert_eq!(sends(&policy("Allow", "sqs:ReceiveMessage", ours), rule), Decision::NoMatch);
        assert_eq!(sends(&policy("Deny", "sqs:SendMessage", ours), rule), Decision::Denied);
        assert_eq!(sends(&Value::Null, rule), Decision::NoMatch);
    }

    #[test]
    fn a_denial_with_an_unknown_condition_key_does_not_apply() {
        let policy = json!({"Statement": [
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]});
        assert_eq!(sends(&policy, "arn:aws:events:eu-west-1:111122223333:rule/x"), Decision::Allowed);
    }

    #[test]
    fn a_trust_policy_needs_the_external_id() {
        let trust = |principal: &str| {
            json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": "e-1"}}}]})
        };
        let role = "arn:aws:iam::111122223333:role/tagger";
        let assumes = |policy: &Value, id: &str| {
            let context = [("sts:ExternalId", id), ("aws:PrincipalArn", role)];
            let caller = Caller::Role(role, "111122223333");
            decide(
                policy,
                &AccessRequest { caller, action: "sts:AssumeRole", resource: "", context: &context },
            )
        };
        assert_eq!(assumes(&trust(role), "e-1"), Decision::Allowed);
        assert_eq!(assumes(&trust("arn:aws:iam::111122223333:root"), "e-1"), Decision::Allowed);
        assert_eq!(assumes(&trust(role), "e-2"), Decision::NoMatch);
        assert_eq!(assumes(&trust("arn:aws:iam::444455556666:root"), "e-1"), Decision::NoMatch);
    }

    #[test]
    fn conditions_know_absent_keys_variables_and_booleans() {
        let holds = |condition: Value, context: &[(&str, &str)]| {
            conditions_hold(&json!({"Condition": condition}), context)
        };
        let org = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}});
        assert_eq!(holds(org.clone(), &[("aws:PrincipalOrgID", "o-1")]), Some(true));
        assert_eq!(holds(org.clone(), &[("aws:PrincipalOrgID", "o-2")]), Some(false));
        assert_eq!(holds(org.clone(), &[("aws:PrincipalOrgID", "")]), Some(false), "in no organization");
        assert_eq!(holds(org, &[]), None, "not known");
        let perimeter = json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-1"},
            "BoolIfExists": {"aws:PrincipalIsAWSService": false}});
        let by = |org, service| {
            holds(perimeter.clone(), &[("aws:PrincipalOrgID", org), ("aws:PrincipalIsAWSService", service)])
        };
        assert_eq!(by("o-1", "false"), Some(false));
        assert_eq!(by("o-2", "false"), Some(true));
        assert_eq!(by("", "true"), Some(false));
        let own = json!({"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}});
        assert_eq!(
            holds(own.clone(), &[("aws:ResourceOrgID", "o-1"), ("aws:PrincipalOrgID", "o-1")]),
            Some(true)
        );
        assert_eq!(holds(own, &[("aws:ResourceOrgID", "o-1")]), None);
        assert_eq!(holds(json!({"Null": {"aws:TagKeys": "true"}}), &[("aws:TagKeys", "")]), Some(true));
    }

    #[test]
    fn documents_are_parsed_percent_encoded_or_not() {
        assert_eq!(document("%7B%22Statement%22%3A%5B%5D%7D"), json!({"Statement": []}));
        assert_eq!(document("{\"Statement\":[]}"), json!({"Statement": []}));
        assert_eq!(document("<html>"), Value::Null);
    }
}
