//! Parses and checks rule files. An error names line, column and the expected value.

mod deletion;
mod format;
mod native;
mod source;
mod tag_change;

pub use source::RuleFileError;

use super::call::NativeCall;
use super::path::Path;
use super::{ResourceKind, Rule, ServiceRules, TagCall};
use crate::tags::TagConstraints;
use crate::toml_error::TomlError;
use format::{File, OneOrMore, RegionOf, RuleFile};
use native::NativeCalls;
use source::Source;
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::Spanned;

impl ServiceRules {
    /// Parses a rule file (TOML), which has the rules of one AWS service.
    ///
    /// # Errors
    /// [`RuleFileError`], with line, column and what was expected.
    ///
    /// ```
    /// use autotag_model::rule::ServiceRules;
    ///
    /// let error = ServiceRules::from_toml("source = \"sqs.amazonaws.com\"\nname = 7\n").unwrap_err();
    /// assert_eq!((error.fault().line, error.fault().column), (Some(2), Some(8)));
    /// ```
    pub fn from_toml(text: &str) -> Result<Self, RuleFileError> {
        let file: File = toml::from_str(text)
            .map_err(|error| RuleFileError::Format(TomlError::of_parser(text, &error)))?;
        Checked { source: Source(text), file: &file }.service()
    }
}

fn paths(written: Option<&OneOrMore<Path>>) -> Vec<Path> {
    written.map(|paths| paths.0.clone()).unwrap_or_default()
}

/// The kinds of a rule: those that it names, otherwise that of its template.
fn kinds(rule: &RuleFile) -> Vec<ResourceKind> {
    match (&rule.kind, &rule.arn) {
        (Some(kinds), _) => kinds.0.clone(),
        (None, Some(template)) => ResourceKind::of_template(template).into_iter().collect(),
        (None, None) => Vec::new(),
    }
}

/// A file of the right form, with the checks that its parts fit together.
struct Checked<'f> {
    source: Source<'f>,
    file: &'f File,
}

impl Checked<'_> {
    fn service(&self) -> Result<ServiceRules, RuleFileError> {
        let file = self.file;
        if file.source.as_ref().is_empty() || file.source.as_ref().contains(char::is_whitespace) {
            return Err(self
                .source
                .wrong(&file.source.span(), "expected an event source such as \"sqs.amazonaws.com\""));
        }
        let apis = file.api.iter().map(|(name, api)| (name.as_str(), Arc::new(api.named(name)))).collect();
        let calls = NativeCalls { source: self.source, apis, actions: &file.actions };
        let native = file
            .native
            .iter()
            .map(|(name, call)| Ok((name.as_ref().clone(), Arc::new(calls.read(name, call)?))));
        let native: BTreeMap<String, Arc<NativeCall>> = native.collect::<Result<_, _>>()?;
        let rules = file.rules.iter().map(|rule| self.rule(rule, &native)).collect::<Result<Vec<_>, _>>()?;
        let of_file = deletion::Deletions { source: self.source, rules: &rules };
        let deletions =
            file.deletions.iter().map(|written| of_file.read(written)).collect::<Result<_, _>>()?;
        Ok(ServiceRules {
            source: file.source.as_ref().clone(),
            name: file.name.clone(),
            not_a_resource: file.not_a_resource.clone(),
            native,
            tag_changes: tag_change::read(self.source, &file.tag_changes)?,
            rules,
            deletions,
        })
    }

    fn rule(
        &self,
        rule: &RuleFile,
        native: &BTreeMap<String, Arc<NativeCall>>,
    ) -> Result<Arc<Rule>, RuleFileError> {
        let event = rule.event.as_ref();
        self.source.check_event(&rule.event, "CreateQueue")?;
        if !rule.resource_type.as_ref().contains("::") {
            return Err(self
                .source
                .wrong(&rule.resource_type.span(), "expected a type such as \"AWS::SQS::Queue\""));
        }
        let call = self.call(rule, native)?;
        if call == TagCall::None && rule.note.is_none() {
            return Err(self
                .source
                .wrong(&rule.event.span(), "expected a `note` with the reason why AWS cannot tag it"));
        }
        let read_with = rule.read_with.as_ref();
        if let Some(name) = read_with.filter(|_| call != TagCall::None) {
            return Err(self.source.wrong(&name.span(), "expected `read_with` only beside `tag = \"none\"`"));
        }
        let read_with = read_with.map(|name| self.native_named(name, native, "a [native.*]")).transpose()?;
        let limits = self.file.limits.clone();
        Ok(Arc::new(Rule {
            read_with,
            event: event.clone(),
            resource_type: rule.resource_type.as_ref().clone(),
            id: rule.id.0.clone(),
            arn: rule.arn.clone(),
            kinds: kinds(rule),
            evidence: rule.evidence.or(self.file.evidence).unwrap_or_default(),
            fallback: self.fallback(rule, &call, native)?,
            call,
            actions: rule.actions.clone().unwrap_or_else(|| self.file.actions.clone()),
            existing: rule.existing,
            global: matches!(rule.region, Some(RegionOf::Global)),
            in_any_region: matches!(rule.region, Some(RegionOf::Arn)),
            when: rule.when.as_ref().map(|condition| condition.0.clone()),
            unless: rule.unless.as_ref().map(|condition| condition.0.clone()),
            account: paths(rule.account.as_ref()),
            request_tags: paths(rule.request_tags.as_ref()),
            created: rule.created.clone(),
            new_if: rule.new_if.as_ref().map(|condition| condition.0.clone()),
            also: rule.also.clone(),
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

    /// The call for resources that the first one refuses. The fallback of the file is only for rules with the tagging
    /// API.
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
            self.source
                .wrong(&name.span(), &format!("expected {expected} of this file ({known}), found `{found}`"))
        })
    }
}
