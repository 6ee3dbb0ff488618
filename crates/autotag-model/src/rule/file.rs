//! A rule file as it stands in TOML: read, checked, and refused with line, column and what was expected.

mod native;

use super::{Api, ArnTemplate, Condition, NativeCall, Path, Rule, ServiceRules, TagCall};
use crate::tags::TagConstraints;
use native::NativeFile;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// A rule file that cannot be used. Its text names line, column and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RuleFileError(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Spanned<String>,
    name: String,
    #[serde(default)]
    tag: Option<Spanned<String>>,
    #[serde(alias = "otherwise")]
    fallback: Option<Spanned<String>>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_a_resource: Vec<String>,
    #[serde(default)]
    limits: TagConstraints,
    #[serde(default)]
    api: BTreeMap<String, Api>,
    #[serde(default)]
    native: BTreeMap<Spanned<String>, NativeFile>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    event: Spanned<String>,
    #[serde(rename = "type")]
    resource_type: Spanned<String>,
    id: OneOrMore,
    arn: Option<ArnTemplate>,
    tag: Option<Spanned<String>>,
    #[serde(alias = "otherwise")]
    fallback: Option<Spanned<String>>,
    #[serde(alias = "read_by")]
    read_with: Option<Spanned<String>>,
    actions: Option<Vec<String>>,
    #[serde(default)]
    existing: bool,
    region: Option<RegionOf>,
    when: Option<ConditionFile>,
    unless: Option<ConditionFile>,
    note: Option<String>,
    max_tags: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum RegionOf {
    Global,
}

struct OneOrMore(Vec<Path>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;
        impl<'de> Visitor<'de> for Paths {
            type Value = OneOrMore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path such as \"response.queueUrl\", or a list of them")
            }
            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Self::Value, E> {
                Ok(OneOrMore(vec![path.parse().map_err(E::custom)?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut paths = Vec::new();
                while let Some(path) = list.next_element()? {
                    paths.push(path);
                }
                if paths.is_empty() { Err(A::Error::invalid_length(0, &self)) } else { Ok(OneOrMore(paths)) }
            }
        }
        deserializer.deserialize_any(Paths)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionTable {
    path: Path,
    #[serde(default)]
    is: Vec<String>,
}

struct ConditionFile(Condition);

impl<'de> Deserialize<'de> for ConditionFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PathOrTable;
        impl<'de> Visitor<'de> for PathOrTable {
            type Value = ConditionFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or a table such as { path = \"response.engine\", is = [\"docdb\"] }")
            }
            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Self::Value, E> {
                Ok(ConditionFile(Condition { path: path.parse().map_err(E::custom)?, is: Vec::new() }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let table = ConditionTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ConditionFile(Condition { path: table.path, is: table.is }))
            }
        }
        deserializer.deserialize_any(PathOrTable)
    }
}

impl ServiceRules {
    /// Reads a rule file (TOML): one AWS service.
    ///
    /// # Errors
    /// [`RuleFileError`] with line, column and what was expected.
    pub fn from_toml(text: &str) -> Result<Self, RuleFileError> {
        let file: File = toml::from_str(text).map_err(|error| RuleFileError(error.to_string()))?;
        Checked { text, file: &file }.service()
    }
}

/// A file that is TOML of the right shape, and the checks that go beyond shape.
struct Checked<'f> {
    text: &'f str,
    file: &'f File,
}

impl Checked<'_> {
    fn service(&self) -> Result<ServiceRules, RuleFileError> {
        let file = self.file;
        if file.source.as_ref().is_empty() || file.source.as_ref().contains(char::is_whitespace) {
            return Err(
                self.wrong(&file.source.span(), "expected an event source such as \"sqs.amazonaws.com\"")
            );
        }
        let apis = file.api.iter().map(|(name, api)| (name.as_str(), Arc::new(api.named(name)))).collect();
        let native = file
            .native
            .iter()
            .map(|(name, call)| Ok((name.as_ref().clone(), Arc::new(self.native_call(name, call, &apis)?))));
        let native: BTreeMap<String, Arc<NativeCall>> = native.collect::<Result<_, _>>()?;
        let rules = file.rules.iter().map(|rule| self.rule(rule, &native)).collect::<Result<Vec<_>, _>>()?;
        Ok(ServiceRules {
            source: file.source.as_ref().clone(),
            name: file.name.clone(),
            not_a_resource: file.not_a_resource.clone(),
            native,
            rules,
        })
    }

    fn rule(
        &self,
        rule: &RuleFile,
        native: &BTreeMap<String, Arc<NativeCall>>,
    ) -> Result<Arc<Rule>, RuleFileError> {
        let event = rule.event.as_ref();
        if event.is_empty() || !event.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(self.wrong(&rule.event.span(), "expected an event name such as \"CreateQueue\""));
        }
        if !rule.resource_type.as_ref().contains("::") {
            return Err(self.wrong(&rule.resource_type.span(), "expected a type such as \"AWS::SQS::Queue\""));
        }
        let call = self.call(rule, native)?;
        if call == TagCall::None && rule.note.is_none() {
            return Err(self.wrong(&rule.event.span(), "expected a `note` that says why AWS cannot tag it"));
        }
        let read_with = rule.read_with.as_ref();
        if let Some(name) = read_with.filter(|_| call != TagCall::None) {
            return Err(self.wrong(&name.span(), "expected `read_with` only beside `tag = \"none\"`"));
        }
        let read_with = read_with.map(|name| self.native_named(name, native, "a [native.*]")).transpose()?;
        let limits = self.file.limits.clone();
        Ok(Arc::new(Rule {
            read_with,
            event: event.clone(),
            resource_type: rule.resource_type.as_ref().clone(),
            id: rule.id.0.clone(),
            arn: rule.arn.clone(),
            fallback: self.fallback(rule, &call, native)?,
            call,
            actions: rule.actions.clone().unwrap_or_else(|| self.file.actions.clone()),
            existing: rule.existing,
            global: matches!(rule.region, Some(RegionOf::Global)),
            when: rule.when.as_ref().map(|condition| condition.0.clone()),
            unless: rule.unless.as_ref().map(|condition| condition.0.clone()),
            note: rule.note.clone(),
            limits: TagConstraints { tags: rule.max_tags.unwrap_or(limits.tags), ..limits },
        }))
    }

    fn call(
        &self,
        rule: &RuleFile,
        native: &BTreeMap<String, Arc<NativeCall>>,
    ) -> Result<TagCall, RuleFileError> {
        let Some(tag) = rule.tag.as_ref().or(self.file.tag.as_ref()) else { return Ok(TagCall::TaggingApi) };
        match tag.as_ref().as_str() {
            "tagging-api" => Ok(TagCall::TaggingApi),
            "none" => Ok(TagCall::None),
            _ => self
                .native_named(tag, native, "\"tagging-api\", \"none\" or a [native.*]")
                .map(TagCall::Native),
        }
    }

    /// The call for what the first one refuses. The one in the head of the file is for rules on the tagging API only.
    fn fallback(
        &self,
        rule: &RuleFile,
        call: &TagCall,
        native: &BTreeMap<String, Arc<NativeCall>>,
    ) -> Result<Option<Arc<NativeCall>>, RuleFileError> {
        let name = match call {
            TagCall::TaggingApi => rule.fallback.as_ref().or(self.file.fallback.as_ref()),
            TagCall::Native(_) => rule.fallback.as_ref(),
            TagCall::None => None,
        };
        name.map(|name| self.native_named(name, native, "a [native.*]")).transpose()
    }

    fn native_named(
        &self,
        name: &Spanned<String>,
        native: &BTreeMap<String, Arc<NativeCall>>,
        expected: &str,
    ) -> Result<Arc<NativeCall>, RuleFileError> {
        let call = native.get(name.as_ref()).map(Arc::clone);
        call.ok_or_else(|| {
            let known: Vec<&str> = native.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
            let found = name.as_ref();
            self.wrong(&name.span(), &format!("expected {expected} of this file ({known}), found `{found}`"))
        })
    }

    /// Line and column as `toml` itself prints them.
    fn wrong(&self, span: &Range<usize>, expected: &str) -> RuleFileError {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let shown = self.text.lines().nth(line - 1).unwrap_or_default();
        RuleFileError(format!(
            "TOML parse error at line {line}, column {column}\n  |\n{line} | {shown}\n  |\n{expected}\n"
        ))
    }
}
