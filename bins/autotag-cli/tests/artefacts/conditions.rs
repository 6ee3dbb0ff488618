//! The conditions on tag keys in AWS's managed policies: the list is up to date, and no service of AWS loses a permission on a
//! resource that autotag has tagged.

use crate::{FOLDER, installed, node, node_json, text};
use autotag_model::identity::Principal;
use autotag_model::policy::{DecisionInput, Policy, TagCondition, TemplateContext};
use autotag_model::tags::TagConstraints;
use autotag_testkit::PolicySimulators;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const ACCOUNT: &str = "111122223333";
const SESSION_ARN: &str = "arn:aws:sts::111122223333:assumed-role/service/work";
const USER_ID: &str = "AROAEXAMPLESERVICE001:work";

/// The output of a script of Python with moto, which carries the managed policies.
fn with_policies(script: &Path, args: &[&str]) -> String {
    let python = installed(PolicySimulators::states(FOLDER));
    text(&Command::new(python).arg(script).args(args).output().unwrap())
}

fn model(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/autotag-model").join(path)
}

#[test]
fn the_list_of_conditions_is_up_to_date() {
    let made = with_policies(&model("tools/aws_tag_conditions.py"), &[]);
    let list = std::fs::read_to_string(model("aws-tag-conditions.toml")).unwrap();
    assert!(
        list == made,
        "crates/autotag-model/aws-tag-conditions.toml is stale; tools/aws_tag_conditions.py says how to make it"
    );
}

fn several(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn texts(value: &Value) -> Vec<String> {
    several(value).iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
}

/// The condition key's tag key, if it is about tags of the resource or of the call.
fn tag_key(condition: &str) -> Option<(&str, bool)> {
    let (prefix, key) = condition.split_once('/')?;
    let prefix = prefix.to_lowercase();
    let resource = ["resourcetag", "existingobjecttag"].iter().any(|name| prefix.ends_with(name));
    let request = ["requesttag", "requestobjecttag"].iter().any(|name| prefix.ends_with(name));
    (resource || request).then_some((key, resource))
}

/// The names of the variables of policies in a text.
fn variables(text: &str) -> Vec<&str> {
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// The value of a variable of policies for the principal.
fn variable(name: &str) -> &str {
    match name {
        "aws:userid" => USER_ID,
        "aws:PrincipalAccount" => ACCOUNT,
        "aws:PrincipalTag/owner" => "ana",
        "aws:PrincipalTag/TargetRegion" => "eu-west-1",
        _ => "value",
    }
}

/// A text that a pattern matches, with the variables of policies replaced.
fn example(pattern: &str) -> String {
    let filled = variables(pattern)
        .into_iter()
        .fold(pattern.to_owned(), |text, name| text.replace(&format!("${{{name}}}"), variable(name)));
    filled.replace(['*', '?'], "x")
}

/// A value that satisfies a condition, or `None` if the key must be missing.
fn satisfying(operator: &str, values: &Value) -> Option<Value> {
    let several_keys = operator.starts_with("For");
    let comparison = operator.rsplit(':').next().unwrap().trim_end_matches("IfExists");
    let first = texts(values).first().cloned().unwrap_or_default();
    let value = match comparison {
        "Null" if first == "true" => return None,
        "Null" => "x".to_owned(),
        "StringNotEquals" | "StringNotLike" | "StringNotEqualsIgnoreCase" => "other".to_owned(),
        "ArnNotLike" | "ArnNotEquals" => "arn:aws:iam::999988887777:role/other".to_owned(),
        _ => example(&first),
    };
    Some(if several_keys { json!([value]) } else { json!(value) })
}

/// A statement of a managed policy with a condition on one of the keys.
struct Case<'a> {
    policy: &'a str,
    statement: &'a Value,
}

impl Case<'_> {
    fn conditions(&self) -> Vec<(&str, &str, &Value)> {
        let operators = self.statement["Condition"].as_object().into_iter().flatten();
        operators
            .flat_map(|(operator, keys)| {
                keys.as_object().unwrap().iter().map(move |(key, value)| (operator, key, value))
            })
            .map(|(operator, key, value)| (operator.as_str(), key.as_str(), value))
            .collect()
    }

    /// The tags that the service puts on the resource, or names in its call, so that its statement allows the call.
    fn tags_of_the_service(&self) -> Vec<(String, String)> {
        let mut tags: BTreeMap<String, String> = BTreeMap::new();
        for (operator, key, values) in self.conditions() {
            let Some((tag, _)) = tag_key(key) else { continue };
            if let Some(value) = satisfying(operator, values) {
                let value = value.as_array().map_or(value.clone(), |list| list[0].clone());
                // `Null` and a value may be asked for the same key.
                let exact = operator.contains("Equals") || operator.contains("Like");
                if exact || !tags.contains_key(tag) {
                    tags.insert(tag.to_owned(), value.as_str().unwrap().to_owned());
                }
            }
        }
        tags.into_iter().collect()
    }

    /// The request of the service on a resource with these tags.
    fn simulation(&self, action: &str, resource: &str, on_resource: &[(String, String)]) -> Value {
        let mut context = Map::new();
        let service = self.tags_of_the_service();
        for (operator, key, values) in self.conditions() {
            let tags = match tag_key(key) {
                None => {
                    if let Some(value) = satisfying(operator, values) {
                        context.insert(key.to_owned(), value);
                    }
                    continue;
                }
                Some((_, true)) => on_resource,
                Some((_, false)) => service.as_slice(),
            };
            let (tag, _) = tag_key(key).unwrap();
            // IAM ignores the case of the key, and of two keys AWS does not say which one counts.
            let there: Vec<&str> = tags
                .iter()
                .filter(|(known, _)| known.eq_ignore_ascii_case(tag))
                .map(|(_, value)| value.as_str())
                .collect();
            assert!(there.len() < 2, "{}: {tag} is there twice: {tags:?}", self.policy);
            if let Some(value) = there.first() {
                context.insert(key.to_owned(), json!(value));
            }
        }
        for name in variables(&self.statement.to_string()) {
            context.insert(name.to_owned(), json!(variable(name)));
        }
        json!({
            "request": {
                "principal": SESSION_ARN, "action": action,
                "resource": {"resource": resource, "accountId": ACCOUNT}, "contextVariables": context,
            },
            "policy": self.policy,
        })
    }
}

/// The tags on a resource after autotag has tagged it. The service made it with its own tags, by a role of
/// the customer: so nothing but the value of a tag says that a service needs it.
fn tagged_by_autotag(
    policy: &Policy,
    service: &[(String, String)],
    event_source: &str,
) -> Vec<(String, String)> {
    let principal =
        Principal::from_value(&json!({"type": "AssumedRole", "principalId": USER_ID, "arn": SESSION_ARN}));
    let context = TemplateContext {
        owner: Some("ana@example.com"),
        owner_proof: None,
        owner_account: None,
        channel: None,
        subject: None,
        actor: None,
        owner_source: Some("role-chain"),
        principal: &principal,
        workload: None,
        event_time: None,
        event_name: "Create",
        event_source,
        event_id: None,
        account: Some(ACCOUNT),
        region: Some("eu-west-1"),
        source_ip: None,
        user_agent: None,
    };
    let decision = policy.decide(&DecisionInput {
        context: &context,
        // A tag of the role itself: those of a session prove nothing.
        iam_tags: &[("owner".to_owned(), "ana".to_owned())],
        session_tags: &[],
        requested: service,
        present: service,
        constraints: &TagConstraints::default(),
        previous_tags: None,
        may_have_existed: false,
        by_service: None,
    });
    with(service, decision.tags.pairs())
}

/// The tags with others written over them, as AWS writes them.
fn with<'t>(
    tags: &[(String, String)],
    written: impl Iterator<Item = (&'t str, &'t str)>,
) -> Vec<(String, String)> {
    let mut all: BTreeMap<String, String> = tags.iter().cloned().collect();
    all.extend(written.map(|(key, value)| (key.to_owned(), value.to_owned())));
    all.into_iter().collect()
}

/// The tags that autotag wrote when it enforced every identity key.
fn all_keys_replaced(service: &[(String, String)]) -> Vec<(String, String)> {
    let tags = service.iter().map(|(key, value)| {
        let identity = Policy::default().is_identity_key(key);
        (key.clone(), if identity { "ana@example.com".to_owned() } else { value.clone() })
    });
    tags.collect()
}

/// An action with a resource that it may be about.
type Target = (String, String);

/// The targets of a statement: its actions and resources, with examples for their wildcards.
fn targets(statement: &Value, known: &[Value]) -> Vec<Target> {
    let mut all = Vec::new();
    for pattern in texts(&statement["Action"]) {
        let matching = known.iter().filter(|one| matches(&pattern, one["action"].as_str().unwrap()));
        for action in matching {
            let name = action["action"].as_str().unwrap();
            let (wanted, mut kinds) = (texts(&statement["Resource"]), texts(&action["resources"]));
            // A few actions also take resources of another service, which the statement does not mean.
            let service = name.split(':').next().unwrap();
            kinds.sort_by_key(|arn| arn.split(':').nth(2) != Some(service));
            let of_kinds = wanted.iter().flat_map(|arn| kinds.iter().map(move |kind| merged(arn, kind)));
            let mut resources: Vec<String> = wanted.iter().map(|arn| concrete(arn)).collect();
            resources.extend(of_kinds);
            resources.push(action["resource"].as_str().unwrap().to_owned());
            let mut seen = BTreeSet::new();
            resources.retain(|resource| seen.insert(resource.clone()));
            all.extend(resources.into_iter().map(|resource| (name.to_owned(), resource)));
        }
    }
    all
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((begin, _)) => name.to_lowercase().starts_with(&begin.to_lowercase()),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

/// An ARN that a pattern matches, in the account.
fn concrete(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts.as_slice() else {
        return pattern.to_owned();
    };
    let filled = |part: &str, value: &str| if part == "*" { value.to_owned() } else { example(part) };
    let (partition, region) = (filled(partition, "aws"), filled(region, "eu-west-1"));
    format!("{arn}:{partition}:{service}:{region}:{}:{}", filled(account, ACCOUNT), example(resource))
}

/// The ARN of a resource type with the beginning of its name as in a pattern.
fn merged(pattern: &str, kind: &str) -> String {
    let name = |arn: &str| arn.splitn(6, ':').nth(5).map(str::to_owned);
    let (Some(wanted), Some(known)) = (name(pattern), name(kind)) else { return kind.to_owned() };
    let parts: Vec<String> = known
        .split('/')
        .zip(wanted.split('/').map(Some).chain(std::iter::repeat(None)))
        .map(|(known, wanted)| match wanted {
            Some(wanted) if wanted != "*" => example(wanted),
            _ => known.to_owned(),
        })
        .collect();
    let head: Vec<&str> = kind.splitn(6, ':').take(5).collect();
    format!("{}:{}", head.join(":"), parts.join("/"))
}

fn event_source(resource: &str, action: &str) -> String {
    let by_arn = resource.split(':').nth(2).filter(|service| !service.is_empty());
    format!("{}.amazonaws.com", by_arn.unwrap_or_else(|| action.split(':').next().unwrap()))
}

/// The names of a condition in the list: on which key, of what, with which operator and values.
fn conditions_of(statement: &Value) -> BTreeSet<(String, String, Vec<String>)> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| {
            keys.as_object().unwrap().iter().map(move |(key, value)| (operator, key, value))
        })
        .filter_map(|(operator, key, value)| {
            let mut values = texts(value);
            values.sort();
            tag_key(key).map(|(tag, resource)| (format!("{resource} {tag}"), operator.clone(), values))
        })
        .collect()
}

/// The tags of a resource.
type Tags = [(String, String)];

/// The tags of a resource in the end, by the service's own tags and the event source.
type Tagged<'a> = dyn Fn(&Tags, &str) -> Vec<(String, String)> + 'a;

/// A request of a service, by its statement.
type Asked<'a> = (&'a Case<'a>, Target);

/// The first request of each group that the simulator allows, on resources with these tags, which depend on the service's own
/// tags and the event source.
fn first_allowed(documents: &Value, groups: &[Vec<Asked<'_>>], tags: &Tagged<'_>) -> Vec<Option<usize>> {
    let request = |(case, (action, resource)): &Asked<'_>| {
        let service = case.tags_of_the_service();
        case.simulation(action, resource, &tags(&service, &event_source(resource, action)))
    };
    let groups: Vec<Vec<Value>> = groups.iter().map(|group| group.iter().map(request).collect()).collect();
    let input = json!({"policies": documents, "groups": groups});
    serde_json::from_str(&node("simulate_managed.cjs", &input)).unwrap()
}

#[test]
fn no_service_of_aws_loses_a_permission_on_what_autotag_tags() {
    let default = Policy::default();
    let listed: Vec<&TagCondition> =
        default.identity.iter().flat_map(|(key, _)| TagCondition::on_key(key)).collect();
    let names: BTreeSet<&str> = listed.iter().flat_map(|one| &one.policies).map(String::as_str).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let script = crate::script("managed_policies.py");
    let documents: Value = serde_json::from_str(&with_policies(&script, &names)).unwrap();
    let is_ours = |statement: &Value| {
        let operators = statement["Condition"].as_object().into_iter().flatten();
        let mut keys = operators.flat_map(|(_, keys)| keys.as_object().unwrap().iter());
        statement["Effect"] == "Allow"
            && keys.any(|(key, _)| tag_key(key).is_some_and(|(tag, _)| default.is_identity_key(tag)))
    };
    let statements: Vec<Case<'_>> = documents
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(policy, document)| {
            let statements = document["Statement"].as_array().unwrap().iter().filter(|one| is_ours(one));
            statements.map(move |statement| Case { policy, statement })
        })
        .collect();
    let services: BTreeSet<String> = statements
        .iter()
        .flat_map(|case| texts(&case.statement["Action"]))
        .map(|action| action.split(':').next().unwrap().to_owned())
        .collect();
    let known = node_json("actions.cjs", &json!(services));
    let known = known.as_array().unwrap();

    // Requests that the service may make because of its own tags alone: one request for each action of a statement.
    let mut candidates: BTreeMap<(&str, String, String), Vec<Asked<'_>>> = BTreeMap::new();
    for case in &statements {
        for (action, resource) in targets(case.statement, known) {
            let name = (case.policy, case.statement.to_string(), action.clone());
            candidates.entry(name).or_default().push((case, (action, resource)));
        }
    }
    let candidates: Vec<Vec<Asked<'_>>> = candidates.into_values().collect();
    let allowed = first_allowed(&documents, &candidates, &|service, _| service.to_vec());
    let cases: Vec<Vec<Asked<'_>>> = candidates
        .into_iter()
        .zip(allowed)
        .filter_map(|(mut group, first)| Some(vec![group.swap_remove(first?)]))
        .collect();
    let mut all_enforced = Policy::default();
    all_enforced.enforced = default.identity.iter().map(|(key, _)| key.clone()).collect();
    let after = |policy: &Policy| {
        first_allowed(&documents, &cases, &|service, source| tagged_by_autotag(policy, service, source))
    };
    let answers = [after(&default), after(&all_enforced)];
    let formerly = first_allowed(&documents, &cases, &|service, _| all_keys_replaced(service));

    let mut proven = BTreeSet::new();
    for (number, (case, (action, resource))) in cases.iter().flatten().enumerate() {
        let sid = &case.statement["Sid"];
        for after in &answers {
            let allowed = after[number].is_some();
            assert!(allowed, "{} {sid}: {action} on {resource} is denied after autotag", case.policy);
        }
        proven.extend(conditions_of(case.statement));
    }
    let lost_formerly = formerly.iter().filter(|allowed| allowed.is_none()).count();
    let of_tags = |one: &&&TagCondition| !one.values.is_empty();
    let mut unproven = Vec::new();
    let mut tested = 0;
    for condition in listed.iter().filter(of_tags) {
        let resource = condition.on == autotag_model::policy::TaggedThing::Resource;
        let mut values = condition.values.clone();
        values.sort();
        let name = (format!("{resource} {}", condition.key), condition.operator.clone(), values);
        if proven.contains(&name) { tested += 1 } else { unproven.push(name) }
    }
    println!(
        "{tested} conditions on the values of Owner, PrincipalId and CreatedBy in {} managed policies of AWS, tested by {} requests: \
         all are allowed on what autotag has tagged, by the default policy and with every key enforced; {lost_formerly} would be \
         denied if every value was replaced",
        names.len(),
        cases.len()
    );
    assert!(unproven.is_empty(), "no request shows these conditions: {unproven:?}");
    assert!(
        lost_formerly > 50,
        "only {lost_formerly} requests need the tags, so this test would notice nothing"
    );
}
