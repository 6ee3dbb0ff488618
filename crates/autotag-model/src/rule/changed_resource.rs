//! The resources whose tags a call changes.

use super::resource::{Resource, ResourceKey, Scope};
use super::tag_change::TagChangeCall;
use super::template::{ArnTemplate, Values};
use super::{Rule, expected_arn, readable_arn};
use crate::arn::Arn;
use crate::record::ParsedRecord;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many resources of one call are found. The longest list that a call takes is that of EC2, with 1,000 ids.
const MOST_RESOURCES: usize = 1_000;

/// A resource that a call names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedResource {
    /// The text by which the call names it.
    pub text: String,
    /// The resources that the text can mean: one if it is an ARN, or if ids of its service show their type. Others cannot be
    /// told apart by the record alone; each id is that of one resource at most. Empty if the text is not the id by which
    /// AWS makes the ARN.
    ///
    /// The type is empty if the text is an ARN of a kind that no rule of the service has.
    pub candidates: Vec<Resource>,
}

impl ChangedResource {
    /// The resource of an ARN, found by these rules.
    pub fn of_arn(arn: Arn, rules: &[Arc<Rule>], scope: &Scope) -> Self {
        let text = arn.to_string();
        let of_kind = rules.iter().find(|rule| rule.kinds.iter().any(|kind| kind.matches(&arn)));
        let resource_type = of_kind.map_or("", |rule| rule.resource_type.as_str());
        let resource = Resource::new(resource_type, &text, Some(arn), scope);
        Self { text, candidates: vec![resource] }
    }

    /// The keys of the candidates.
    pub fn keys(&self) -> impl Iterator<Item = ResourceKey> {
        self.candidates.iter().map(Resource::key)
    }
}

impl TagChangeCall {
    /// The resources that the call names, by the rules of its service. Those of other accounts, and those for which the call
    /// failed, are left out. A pure function.
    pub fn resources(
        &self,
        rules: &[Arc<Rule>],
        parsed: &ParsedRecord,
        scope: &Scope,
    ) -> Vec<ChangedResource> {
        let found = self.resource.iter().map(|path| path.texts(&self.event, parsed));
        let texts = found.into_iter().find(|texts| !texts.is_empty()).unwrap_or_default();
        let failed = self.failed_texts(parsed);
        let mut seen = BTreeSet::new();
        let new = |text: &String| !failed.contains(text.as_str()) && seen.insert(text.clone());
        let texts = texts.into_iter().filter(new).take(MOST_RESOURCES);
        texts.filter_map(|text| self.resource_of(text, rules, parsed, scope)).collect()
    }

    fn failed_texts<'p>(&self, parsed: &'p ParsedRecord) -> BTreeSet<&'p str> {
        let maps = self.failed.iter().flat_map(|path| path.values(&self.event, parsed));
        maps.filter_map(Value::as_object).flat_map(|map| map.keys().map(String::as_str)).collect()
    }

    fn resource_of(
        &self,
        text: String,
        rules: &[Arc<Rule>],
        parsed: &ParsedRecord,
        scope: &Scope,
    ) -> Option<ChangedResource> {
        if text.starts_with("arn:") && !self.never_arn {
            let arn = readable_arn(&text).ok()?;
            let ours = scope.account.as_ref();
            let foreign = arn.account().is_some_and(|theirs| ours.is_some_and(|ours| *ours != theirs));
            return (!foreign).then(|| ChangedResource::of_arn(arn, rules, scope));
        }
        let mut candidates = Vec::new();
        let mut add = |found: Option<Resource>| {
            let is_new = |one: &Resource| candidates.iter().all(|known: &Resource| known.key() != one.key());
            candidates.extend(found.filter(is_new));
        };
        let types = self.types_of(parsed);
        if let (Some(template), Some(resource_type)) = (&self.arn, types.first()) {
            let arn = filled(template, &text, parsed, scope);
            add(arn.map(|arn| Resource::new(resource_type, &text, Some(arn), scope)));
        } else {
            let wanted = |rule: &&Arc<Rule>| types.is_empty() || types.contains(&rule.resource_type.as_str());
            rules.iter().filter(wanted).for_each(|rule| add(rule.resource_named(&text, parsed, scope)));
        }
        Some(ChangedResource { text, candidates })
    }

    fn types_of(&self, parsed: &ParsedRecord) -> Vec<&str> {
        let by_value = self.types_by.as_ref().and_then(|by| {
            let value = by.path.texts(&self.event, parsed).into_iter().next()?;
            let known = by.types.iter().find(|(known, _)| known.eq_ignore_ascii_case(&value));
            known.map(|(_, resource_type)| resource_type.as_str())
        });
        by_value.into_iter().chain(self.types.iter().map(String::as_str)).collect()
    }
}

fn filled(template: &ArnTemplate, id: &str, parsed: &ParsedRecord, scope: &Scope) -> Option<Arn> {
    let text = template.fill(&Values { event: "", id, arn: None, parsed, scope }).ok()?;
    readable_arn(&text).ok()
}

impl Rule {
    /// The resource of the rule's kind with this id, as far as the parameters of another call suffice to name it.
    fn resource_named(&self, id: &str, parsed: &ParsedRecord, scope: &Scope) -> Option<Resource> {
        let scope = self.scope(scope);
        let arn = match &self.arn {
            Some(template) => {
                Some(expected_arn(filled(template, id, parsed, &scope)?, &self.kinds, None).ok()?)
            }
            // Only the answer of the creating call has its ARN.
            None if !self.kinds.is_empty() => return None,
            None => None,
        };
        let version = parsed.request.get("versionId").and_then(Value::as_str);
        // A bucket without versions names its objects so.
        let version = version.filter(|id| self.has_versions() && !["", "null"].contains(id));
        Some(Resource {
            version: version.map(str::to_owned),
            ..Resource::new(&self.resource_type, id, arn, &scope)
        })
    }

    fn has_versions(&self) -> bool {
        self.resource_type == "AWS::S3::Object"
    }
}

#[cfg(test)]
mod tests;
