//! A rule file as it stands in TOML: read, checked, and refused with line, column and what was expected.

use super::{
    Api, ArnTemplate, Condition, Http, NativeCall, Next, Operation, Param, Path, Protocol, ReadCall, Rule,
    ServiceRules, TagCall, TagShape,
};
use crate::tags::TagRules;
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
    otherwise: Option<Spanned<String>>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_a_resource: Vec<String>,
    #[serde(default)]
    limits: TagRules,
    #[serde(default)]
    api: BTreeMap<String, Api>,
    #[serde(default)]
    native: BTreeMap<Spanned<String>, NativeFile>,
    #[serde(default, rename = "rule")]
    rules: Vec<RuleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NativeFile {
    api: Option<Spanned<String>>,
    operation: Option<String>,
    http: Option<Http>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    params: BTreeMap<String, Param>,
    #[serde(default)]
    each: BTreeMap<String, Param>,
    tags: String,
    shape: TagShape,
    list: Option<String>,
    root: Option<String>,
    max_per_call: Option<usize>,
    #[serde(default)]
    replaces: bool,
    read: Option<ReadFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFile {
    operation: String,
    http: Option<Http>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    params: Option<BTreeMap<String, Param>>,
    tags: String,
    shape: Option<TagShape>,
    list: Option<String>,
    next: Option<Next>,
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
    otherwise: Option<Spanned<String>>,
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
        let limits = self.file.limits.clone();
        Ok(Arc::new(Rule {
            event: event.clone(),
            resource_type: rule.resource_type.as_ref().clone(),
            id: rule.id.0.clone(),
            arn: rule.arn.clone(),
            otherwise: self.otherwise(rule, &call, native)?,
            call,
            actions: rule.actions.clone().unwrap_or_else(|| self.file.actions.clone()),
            existing: rule.existing,
            global: matches!(rule.region, Some(RegionOf::Global)),
            when: rule.when.as_ref().map(|condition| condition.0.clone()),
            unless: rule.unless.as_ref().map(|condition| condition.0.clone()),
            note: rule.note.clone(),
            limits: TagRules { tags: rule.max_tags.unwrap_or(limits.tags), ..limits },
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

    /// The call in place of the tagging API; for rules on the tagging API only.
    fn otherwise(
        &self,
        rule: &RuleFile,
        call: &TagCall,
        native: &BTreeMap<String, Arc<NativeCall>>,
    ) -> Result<Option<Arc<NativeCall>>, RuleFileError> {
        let Some(name) = rule.otherwise.as_ref().or(self.file.otherwise.as_ref()) else { return Ok(None) };
        let call = (*call == TagCall::TaggingApi).then(|| self.native_named(name, native, "a [native.*]"));
        call.transpose()
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

    fn native_call(
        &self,
        name: &Spanned<String>,
        call: &NativeFile,
        apis: &BTreeMap<&str, Arc<Api>>,
    ) -> Result<NativeCall, RuleFileError> {
        let api = self.api(name, call, apis)?;
        let read_params = call.read.iter().filter_map(|read| read.params.as_ref()).flat_map(BTreeMap::values);
        let params = call.params.values().chain(call.each.values()).chain(read_params);
        if let Some(template) = params.flat_map(Param::strangers).next() {
            let what = format!(
                "expected params of {{id}}, {{arn}}, {{partition}}, {{region}} and {{account}} only, found `{}`",
                template.as_str()
            );
            return Err(self.wrong(&name.span(), &what));
        }
        let rest = |api: &Arc<Api>| matches!(api.protocol, Protocol::RestJson | Protocol::RestXml);
        let without_path = call.http.is_none() || call.read.as_ref().is_some_and(|read| read.http.is_none());
        if without_path && api.as_ref().is_some_and(rest) {
            return Err(self.wrong(&name.span(), "expected `http`: calls of a REST protocol have a path"));
        }
        if call.replaces && api.is_some() {
            let what = "expected no `replaces`: only calls of an SDK client are read, merged and written";
            return Err(self.wrong(&name.span(), what));
        }
        let xml = |api: &Arc<Api>| matches!(api.protocol, Protocol::Query | Protocol::RestXml);
        let shape = call.read.as_ref().and_then(|read| read.shape).unwrap_or(call.shape);
        if shape == TagShape::Map && api.as_ref().is_some_and(xml) {
            return Err(self.wrong(&name.span(), "expected a list of tags: XML has no maps"));
        }
        let list = call.list.clone().unwrap_or_else(|| "member".to_owned());
        let read = call.read.as_ref().map(|read| ReadCall {
            operation: Operation {
                name: read.operation.clone(),
                params: read.params.clone().unwrap_or_else(|| call.params.clone()),
                http: read.http.clone(),
                headers: read.headers.clone(),
            },
            tags: read.tags.clone(),
            shape: read.shape.unwrap_or(call.shape),
            list: read.list.clone().unwrap_or_else(|| list.clone()),
            next: read.next.clone(),
        });
        Ok(NativeCall {
            name: name.as_ref().clone(),
            api,
            write: Operation {
                name: call.operation.clone().unwrap_or_else(|| name.as_ref().clone()),
                params: call.params.clone(),
                http: call.http.clone(),
                headers: call.headers.clone(),
            },
            each: call.each.clone(),
            tags: call.tags.clone(),
            shape: call.shape,
            list,
            root: call.root.clone(),
            replaces: call.replaces,
            max_per_call: call.max_per_call,
            read,
        })
    }

    /// The API of a call: the one it names, or the only one; `None` for calls of an SDK client.
    fn api(
        &self,
        name: &Spanned<String>,
        call: &NativeFile,
        apis: &BTreeMap<&str, Arc<Api>>,
    ) -> Result<Option<Arc<Api>>, RuleFileError> {
        let expected = "expected `api`: the name of an [api.*] of this file, or \"sdk\"";
        match (&call.api, apis.values().next()) {
            (Some(api), _) if api.as_ref() == SDK => Ok(None),
            (Some(api), _) => {
                let known = apis.get(api.as_ref().as_str()).map(Arc::clone);
                known.map(Some).ok_or_else(|| self.wrong(&api.span(), expected))
            }
            (None, Some(only)) if apis.len() == 1 => Ok(Some(Arc::clone(only))),
            (None, _) => Err(self.wrong(&name.span(), expected)),
        }
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

/// `api` of calls that an SDK client sends.
const SDK: &str = "sdk";
