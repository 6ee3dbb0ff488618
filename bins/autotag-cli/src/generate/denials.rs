//! Statements that deny a guarded tag key, except with values that AWS's own policies expect.

use super::inventory::Inventory;
use autotag_model::policy::TagCondition;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The most statements for the expected values of one key. If the services differ more, they share one statement with all
/// values: a service control policy has little space.
const MAX_GROUPS: usize = 4;

/// The condition keys of a call's tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestTags {
    /// The keys that the call names.
    pub(super) keys: &'static str,
    /// The value of one, before its key.
    pub(super) value: &'static str,
}

/// The condition keys of most services.
pub(super) const REQUEST_TAGS: RequestTags = RequestTags { keys: "aws:TagKeys", value: "aws:RequestTag/" };

/// The condition keys of S3 for tags of objects.
pub(super) const OBJECT_TAGS: RequestTags =
    RequestTags { keys: "s3:RequestObjectTagKeys", value: "s3:RequestObjectTag/" };

/// A statement that denies actions which name one of the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) sid: String,
    /// The element of the statement that holds the actions: `Action`, or `NotAction` if it denies all others.
    pub(super) element: &'static str,
    pub(super) actions: Vec<String>,
    /// The condition key of the keys that a call names.
    pub(super) named: &'static str,
    /// The condition key of a tag's value, before the tag's key.
    pub(super) value: &'static str,
    pub(super) keys: Vec<String>,
    /// A condition key, and the values of it that are not denied.
    pub(super) except: Option<(String, Vec<String>)>,
}

impl Denial {
    /// The condition of the statement. A call names the key in any case: most services distinguish `owner` and `Owner`, but the
    /// condition key `aws:ResourceTag/Owner` ignores case.
    pub(super) fn condition(&self) -> Value {
        let mut condition = json!({"ForAnyValue:StringEqualsIgnoreCase": {self.named: self.keys}});
        if let (Some((key, values)), Some(operators)) = (&self.except, condition.as_object_mut()) {
            // A call without a value, as to untag, does not have this key, and is denied too.
            operators.insert("StringNotEquals".to_owned(), json!({key: values}));
        }
        condition
    }
}

/// The statements that deny these actions for the guarded keys.
pub(super) fn denials(
    inventory: &Inventory,
    sid: &str,
    actions: &[String],
    tags: RequestTags,
) -> Vec<Denial> {
    let keys = inventory.enforced_keys();
    let services: BTreeSet<&str> = actions.iter().map(|action| service(action)).collect();
    let expected: Vec<(&str, Vec<Expected<'_>>)> = keys
        .iter()
        .map(|key| (*key, expected(key, &services)))
        .filter(|(_, groups)| !groups.is_empty())
        .collect();
    let special: BTreeSet<&str> = expected
        .iter()
        .flat_map(|(_, groups)| groups)
        .flat_map(|group| group.services.iter().copied())
        .collect();
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<String> {
        actions.iter().filter(|action| wanted(service(action))).cloned().collect()
    };
    let mut all = vec![(of(&|one| !special.contains(one)), owned(&keys), None)];
    let always: Vec<&str> =
        keys.iter().copied().filter(|key| expected.iter().all(|(known, _)| known != key)).collect();
    all.push((of(&|one| special.contains(one)), owned(&always), None));
    for (key, groups) in &expected {
        let elsewhere =
            |one: &str| special.contains(one) && !groups.iter().any(|group| group.services.contains(one));
        all.push((of(&elsewhere), owned(&[key]), None));
        for group in groups {
            let values = group.values.iter().map(|value| with_defaults(value)).collect();
            let except = Some((format!("{}{key}", tags.value), values));
            all.push((of(&|one| group.services.contains(one)), owned(&[key]), except));
        }
    }
    let used = all.into_iter().filter(|(actions, keys, _)| !actions.is_empty() && !keys.is_empty());
    used.zip(1..)
        .map(|((actions, keys, except), number)| {
            let sid = if number == 1 { sid.to_owned() } else { format!("{sid}{number}") };
            Denial { sid, element: "Action", actions, named: tags.keys, value: tags.value, keys, except }
        })
        .collect()
}

/// The same statements, which let everybody set these values of a key. A statement about several keys is split: otherwise a call
/// with such a value could name the other keys too.
pub(super) fn with_values(all: &[Denial], values: &BTreeMap<String, Vec<String>>) -> Vec<Denial> {
    let mut split = Vec::new();
    for denial in all {
        let exempt = |key: &String| values.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
        let (some, none): (Vec<String>, Vec<String>) =
            denial.keys.iter().cloned().partition(|key| exempt(key).is_some());
        if !none.is_empty() {
            split.push(Denial { keys: none, ..denial.clone() });
        }
        for (key, number) in some.into_iter().zip(1..) {
            let let_through = exempt(&key).map(|(_, values)| values.clone()).unwrap_or_default();
            let (condition, mut allowed) = match &denial.except {
                Some((condition, allowed)) => (condition.clone(), allowed.clone()),
                None => (format!("{}{key}", denial.value), Vec::new()),
            };
            allowed.extend(let_through);
            let sid = format!("{}Values{number}", denial.sid);
            split.push(Denial { sid, keys: vec![key], except: Some((condition, allowed)), ..denial.clone() });
        }
    }
    split
}

/// The service that no statement is about: autotag does not copy session tags that are called like an identity tag.
const NEVER_DENIED: &str = "sts:*";

/// The same statements with a shorter first one: it denies the calls of all services but those of the other statements and
/// those whose resources AWS's own policies have conditions about. It also meets services without rules.
pub(super) fn for_all_services(inventory: &Inventory, denials: Vec<Denial>) -> Vec<Denial> {
    let mut all = denials.into_iter();
    let Some(first) = all.next() else { return Vec::new() };
    let others: Vec<Denial> = all.collect();
    let expected = inventory.enforced_keys().into_iter().flat_map(TagCondition::on_key);
    let expected = expected.filter(|condition| !condition.expected().is_empty());
    let services = expected.flat_map(|condition| &condition.services).map(|service| format!("{service}:*"));
    let apart = others.iter().flat_map(|one| one.actions.iter().cloned());
    let left_out: BTreeSet<String> = apart.chain(services).chain([NEVER_DENIED.to_owned()]).collect();
    let first = Denial { element: "NotAction", actions: left_out.into_iter().collect(), ..first };
    std::iter::once(first).chain(others).collect()
}

/// Services, and the values of a key that conditions on their resources expect.
struct Expected<'a> {
    services: BTreeSet<&'a str>,
    values: BTreeSet<&'static str>,
}

/// The expected values of a key, in groups of services with the same values.
fn expected<'a>(key: &str, services: &BTreeSet<&'a str>) -> Vec<Expected<'a>> {
    let mut of_service: BTreeMap<&str, BTreeSet<&'static str>> = BTreeMap::new();
    for condition in TagCondition::on_key(key).filter(|condition| !condition.expected().is_empty()) {
        let known = |one: &&&str| condition.services.iter().any(|service| service == **one);
        for service in services.iter().filter(known) {
            // The caller who assumes a role chooses the tags of the session, so a value that repeats one is denied.
            let fixed = condition.expected().iter().filter(|value| !value.contains("${aws:PrincipalTag/"));
            of_service.entry(service).or_default().extend(fixed.map(String::as_str));
        }
    }
    let mut groups: BTreeMap<BTreeSet<&'static str>, BTreeSet<&str>> = BTreeMap::new();
    for (service, values) in of_service.into_iter().filter(|(_, values)| !values.is_empty()) {
        groups.entry(values).or_default().insert(service);
    }
    if groups.len() > MAX_GROUPS {
        let values = groups.keys().flatten().copied().collect();
        return vec![Expected { services: groups.into_values().flatten().collect(), values }];
    }
    groups.into_iter().map(|(values, services)| Expected { services, values }).collect()
}

/// The value with defaults for its variables. Without one, a statement with a variable that the caller has no value for denies
/// nothing ([IAM policy variables][variables]). Every caller has a user id.
///
/// [variables]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
fn with_defaults(value: &str) -> String {
    let part = |part: &str| match part.split_once('}') {
        Some((name, rest)) if name != "aws:userid" => format!("{name}, 'none'}}{rest}"),
        _ => part.to_owned(),
    };
    let mut parts = value.split("${");
    let begin = parts.next().unwrap_or_default().to_owned();
    std::iter::once(begin).chain(parts.map(part)).collect::<Vec<_>>().join("${")
}

fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_model::policy::Policy;

    fn of(policy: &str, actions: &[&str]) -> Vec<Denial> {
        let inventory = Inventory::new(Vec::new(), Policy::from_toml(policy).unwrap());
        denials(&inventory, "Keys", &owned(actions), REQUEST_TAGS)
    }

    #[test]
    fn a_service_whose_resources_no_condition_is_about_has_no_exception() {
        let denials = of("", &["sqs:*", "sns:*"]);
        assert_eq!(denials.len(), 1, "{denials:?}");
        assert_eq!(denials[0].keys, ["Owner", "PrincipalId"]);
        assert_eq!(denials[0].except, None);
    }

    #[test]
    fn an_expected_value_is_excepted_on_its_services_for_its_key() {
        let denials = of("", &["ec2:*", "glue:*", "sqs:*"]);
        let seen: Vec<(&str, String, String, bool)> = denials
            .iter()
            .map(|one| (one.sid.as_str(), one.actions.join(" "), one.keys.join(" "), one.except.is_some()))
            .collect();
        let row = |sid: &'static str, actions: &str, keys: &str, except| {
            (sid, actions.to_owned(), keys.to_owned(), except)
        };
        assert_eq!(
            seen,
            [
                row("Keys", "sqs:*", "Owner PrincipalId", false),
                row("Keys2", "ec2:* glue:*", "PrincipalId", false),
                row("Keys3", "glue:*", "Owner", true),
                row("Keys4", "ec2:*", "Owner", true),
            ]
        );
        let values = &denials[3].except;
        assert!(values.as_ref().is_some_and(|(key, values)| {
            key == "aws:RequestTag/Owner" && values.contains(&"IoTDeviceTester".to_owned())
        }));
    }

    #[test]
    fn all_services_but_those_with_statements_of_their_own() {
        let inventory = Inventory::new(Vec::new(), Policy::from_toml("").unwrap());
        let named = of("", &["ec2:*", "sqs:*"]);
        let all = for_all_services(&inventory, named.clone());
        assert_eq!(all[1..], named[1..]);
        assert_eq!((all[0].element, &all[0].keys), ("NotAction", &named[0].keys));
        let left_out = |action: &str| all[0].actions.iter().any(|known| known == action);
        assert!(left_out("ec2:*"), "it has a statement of its own");
        assert!(
            left_out("glue:*"),
            "AWS's policies expect values of its tags, and no statement excepts them here"
        );
        assert!(left_out("sts:*") && !left_out("sqs:*"));
    }

    #[test]
    fn values_are_let_through_for_their_key_alone() {
        let values = BTreeMap::from([("owner".to_owned(), vec!["shared".to_owned()])]);
        let denials = with_values(&of("", &["ec2:*", "sqs:*"]), &values);
        let seen: Vec<(String, Option<usize>)> = denials
            .iter()
            .map(|one| (one.keys.join(" "), one.except.as_ref().map(|(_, values)| values.len())))
            .collect();
        let row = |keys: &str, values| (keys.to_owned(), values);
        // `Owner` in EC2 has two values that AWS expects already.
        assert_eq!(
            seen,
            [
                row("PrincipalId", None),
                row("Owner", Some(1)),
                row("PrincipalId", None),
                row("Owner", Some(3))
            ]
        );
    }

    #[test]
    fn a_variable_without_a_value_denies_as_well() {
        assert_eq!(with_defaults("${aws:userid}"), "${aws:userid}");
        assert_eq!(with_defaults("a-${aws:PrincipalTag/owner}-b"), "a-${aws:PrincipalTag/owner, 'none'}-b");
        assert_eq!(with_defaults("EC2 Image Builder"), "EC2 Image Builder");
    }

    #[test]
    fn every_action_is_denied_for_every_key() {
        let all = "[existing]\nenforce = [\"Owner\", \"PrincipalId\", \"CreatedBy\"]";
        let actions = ["ec2:*", "glue:*", "sqs:*", "iam:*", "ecr:*", "rds:*", "acm:*", "lambda:*"];
        let denials = of(all, &actions);
        for action in actions {
            for key in ["Owner", "PrincipalId", "CreatedBy"] {
                let count = denials
                    .iter()
                    .filter(|one| {
                        one.actions.iter().any(|known| known == action)
                            && one.keys.iter().any(|known| known == key)
                    })
                    .count();
                assert_eq!(count, 1, "{action} {key}: {denials:?}");
            }
        }
    }
}
