//! The conditions on tag keys in AWS's managed policies, and which values of a tag they expect.
//!
//! The list is `aws-tag-conditions.toml`. `tools/aws_tag_conditions.py` makes it.

use super::pattern::Pattern;
use crate::tags::{is_same_key, normalized_key};
use flate2::read::DeflateDecoder;
use serde::Deserialize;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

/// A condition on a tag key in managed policies of AWS. Statements that differ only in their policy are one condition.
///
/// ```
/// use autotag_model::policy::TagCondition;
///
/// let image_builder = TagCondition::on_key("createdby")
///     .find(|condition| condition.values == ["EC2 Image Builder"] && condition.on == TaggedThing::Resource)
///     .ok_or("missing")?;
/// assert!(image_builder.services.iter().any(|service| service == "ec2"));
/// # use autotag_model::policy::TaggedThing;
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TagCondition {
    /// The tag key as the policies write it. IAM ignores its case. Conditions on [`TaggedThing::Keys`] may have wildcards
    /// in it.
    pub key: String,
    /// The thing whose tags the condition tests.
    pub on: TaggedThing,
    /// The operator, for example `StringEquals`.
    pub operator: String,
    /// The values, which may have wildcards and policy variables in them. Empty for [`TaggedThing::Keys`].
    #[serde(default)]
    pub values: Vec<String>,
    /// Allow or deny.
    #[serde(default)]
    pub effect: Effect,
    /// The services whose resources the statements are about, by IAM's names: `ec2`.
    pub services: Vec<String>,
    /// The names of the policies.
    pub policies: Vec<String>,
    /// The actions of the statements.
    pub actions: Vec<String>,
}

/// The thing whose tags a condition tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TaggedThing {
    /// The tags of a resource: `aws:ResourceTag/KEY`.
    Resource,
    /// The tags in a call: `aws:RequestTag/KEY`.
    Request,
    /// The tags of the caller: `aws:PrincipalTag/KEY`.
    Principal,
    /// The keys that a call names: `aws:TagKeys`.
    Keys,
}

/// The effect of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[non_exhaustive]
pub enum Effect {
    /// It allows.
    #[default]
    Allow,
    /// It denies.
    Deny,
}

/// The values of policy variables in expected values.
pub(super) struct Caller<'a> {
    /// `${aws:userid}`.
    pub(super) user_id: Option<&'a str>,
    /// `${aws:PrincipalTag/...}`: the IAM tags of the role or user. The caller does not choose them.
    pub(super) tags: Vec<(&'a str, &'a str)>,
}

#[derive(Deserialize)]
struct File {
    condition: Vec<TagCondition>,
}

/// The list, deflated.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/conditions.deflate"));

/// All conditions, by [`normalized_key`].
static CONDITIONS: LazyLock<HashMap<String, Vec<TagCondition>>> = LazyLock::new(|| {
    let mut text = String::new();
    // A test reads the file; if it could not be read, no value would be expected.
    let read = DeflateDecoder::new(PACKED).read_to_string(&mut text);
    let file = read.ok().and_then(|_| toml::from_str::<File>(&text).ok());
    let mut conditions: HashMap<String, Vec<TagCondition>> = HashMap::new();
    for condition in file.into_iter().flat_map(|file| file.condition) {
        conditions.entry(normalized_key(&condition.key)).or_default().push(condition);
    }
    conditions
});

impl TagCondition {
    /// The conditions on a tag key, ignoring case. Conditions on [`TaggedThing::Keys`] with a wildcard are not among them.
    pub fn on_key(key: &str) -> impl Iterator<Item = &'static TagCondition> {
        CONDITIONS.get(&normalized_key(key)).into_iter().flatten()
    }

    /// The values of this tag with which the statements work: those that an `Allow` asks for, or a `Deny` excepts. Empty if
    /// the condition names no such value.
    pub fn expected(&self) -> &[String] {
        let tagged = matches!(self.on, TaggedThing::Resource | TaggedThing::Request);
        let wanted = match self.effect {
            Effect::Allow => ["StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"]
                .contains(&self.comparison()),
            Effect::Deny => [
                "StringNotEquals",
                "StringNotEqualsIgnoreCase",
                "StringNotLike",
                "ArnNotEquals",
                "ArnNotLike",
            ]
            .contains(&self.comparison()),
        };
        if tagged && wanted { &self.values } else { &[] }
    }

    /// True if the statements stop working if the resource has a tag of this key, whatever its value.
    pub fn wants_no_tag(&self) -> bool {
        let absent = |value: &str| self.comparison() == "Null" && self.values.iter().any(|one| one == value);
        self.on == TaggedThing::Resource
            && match self.effect {
                Effect::Allow => absent("true"),
                Effect::Deny => absent("false"),
            }
    }

    /// The operator without `ForAnyValue:`, `ForAllValues:` and `IfExists`.
    fn comparison(&self) -> &str {
        let operator = self.operator.rsplit(':').next().unwrap_or_default();
        operator.strip_suffix("IfExists").unwrap_or(operator)
    }

    fn expects(&self, value: &str, caller: &Caller<'_>) -> bool {
        let comparison = self.comparison();
        let ignoring_case = comparison.ends_with("IgnoreCase");
        let wildcards = comparison.ends_with("Like") || comparison.starts_with("Arn");
        self.expected().iter().any(|expected| match resolved(expected, caller) {
            None => false,
            Some(Resolved { text, .. }) if ignoring_case => text.to_lowercase() == value.to_lowercase(),
            Some(Resolved { text, open }) if wildcards || open => Pattern::new(&text).matches(value),
            Some(Resolved { text, .. }) => text == value,
        })
    }
}

/// True if conditions of AWS's policies on the resources of a service expect this tag.
pub(super) fn is_expected(key: &str, value: &str, event_source: &str, caller: &Caller<'_>) -> bool {
    let service = iam_service(event_source);
    TagCondition::on_key(key)
        .filter(|condition| condition.services.iter().any(|one| one == service))
        .any(|condition| condition.expects(value, caller))
}

/// IAM's name of the service that logs its calls with an event source. Nearly always they are the same.
fn iam_service(event_source: &str) -> &str {
    match event_source.split('.').next().unwrap_or_default() {
        "monitoring" => "cloudwatch",
        "email" => "ses",
        name => name,
    }
}

/// An expected value with its variables replaced.
struct Resolved {
    text: String,
    /// True if a variable is one that a record does not tell. `*` replaces it.
    open: bool,
}

/// `None` if the caller has no value for a variable: IAM then matches nothing.
fn resolved(expected: &str, caller: &Caller<'_>) -> Option<Resolved> {
    let (mut text, mut open, mut rest) = (String::new(), false, expected);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        match variable(name, caller) {
            Variable::Value(value) => text.push_str(value),
            Variable::None => return None,
            Variable::Unknown => {
                text.push('*');
                open = true;
            }
        }
        rest = after;
    }
    text.push_str(rest);
    Some(Resolved { text, open })
}

enum Variable<'a> {
    Value(&'a str),
    /// The caller has no value for it.
    None,
    /// A record does not tell its value.
    Unknown,
}

fn variable<'a>(name: &str, caller: &Caller<'a>) -> Variable<'a> {
    let value = if name.eq_ignore_ascii_case("aws:userid") {
        caller.user_id
    } else {
        let tag = name.split_once('/').filter(|(prefix, _)| prefix.eq_ignore_ascii_case("aws:PrincipalTag"));
        let Some((_, key)) = tag else { return Variable::Unknown };
        let is_it = |(known, _): &&(&str, &str)| is_same_key(known, key);
        caller.tags.iter().find(is_it).map(|(_, value)| *value)
    };
    value.map_or(Variable::None, Variable::Value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller() -> Caller<'static> {
        Caller { user_id: Some("AROAX:ana"), tags: vec![("Owner", "ana")] }
    }

    #[test]
    fn the_list_is_complete_and_can_be_read() {
        let file: File = toml::from_str(include_str!("../../aws-tag-conditions.toml")).unwrap();
        assert_eq!(CONDITIONS.values().map(Vec::len).sum::<usize>(), file.condition.len());
        assert!(file.condition.len() > 500, "{}", file.condition.len());
    }

    #[test]
    fn a_value_is_expected_on_the_resources_of_its_service_only() {
        let expected = |key, value, source| is_expected(key, value, source, &caller());
        assert!(expected("CreatedBy", "EC2 Image Builder", "ec2.amazonaws.com"));
        assert!(expected("createdby", "EC2 Image Builder", "ec2.amazonaws.com"));
        assert!(!expected("CreatedBy", "EC2 Image Builder", "sqs.amazonaws.com"));
        assert!(!expected("CreatedBy", "ec2 image builder", "ec2.amazonaws.com"));
        assert!(expected("Owner", "IoTDeviceTester", "ec2.amazonaws.com"));
        assert!(!expected("Owner", "boss@example.com", "ec2.amazonaws.com"));
        assert!(!expected("Name", "EC2 Image Builder", "ec2.amazonaws.com"));
    }

    #[test]
    fn variables_are_those_of_the_caller() {
        let expected = |value| is_expected("owner", value, "glue.amazonaws.com", &caller());
        assert!(expected("AROAX:ana") && expected("ana"));
        assert!(!expected("AROAX:bob") && !expected("bob"));
        let nobody = Caller { user_id: None, tags: vec![] };
        assert!(!is_expected("owner", "AROAX:ana", "glue.amazonaws.com", &nobody));
        assert!(!is_expected("owner", "", "glue.amazonaws.com", &nobody));
    }

    #[test]
    fn a_deny_expects_the_value_that_it_excepts() {
        let condition = |effect, operator: &str, values: &[&str]| TagCondition {
            key: "K".into(),
            on: TaggedThing::Resource,
            operator: operator.into(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            effect,
            services: vec![],
            policies: vec![],
            actions: vec![],
        };
        assert_eq!(condition(Effect::Deny, "StringNotEqualsIfExists", &["x"]).expected(), ["x"]);
        assert!(condition(Effect::Deny, "StringEquals", &["x"]).expected().is_empty());
        assert!(condition(Effect::Allow, "StringNotEquals", &["x"]).expected().is_empty());
        assert!(condition(Effect::Allow, "Null", &["true"]).wants_no_tag());
        assert!(condition(Effect::Deny, "Null", &["false"]).wants_no_tag());
        assert!(!condition(Effect::Allow, "Null", &["false"]).wants_no_tag());
    }
}
