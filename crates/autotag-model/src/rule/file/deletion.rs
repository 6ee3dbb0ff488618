//! The deletions of a rule file.

use super::format::DeletionFile;
use super::source::{RuleFileError, Source};
use crate::rule::{ArnTemplate, DeletionRule, Evidence, Path, ResourceKind, Rule, TagCall};
use std::sync::Arc;

/// The rules of the file, of which a deletion takes how the resource is named.
pub(super) struct Deletions<'f> {
    pub(super) source: Source<'f>,
    pub(super) rules: &'f [Arc<Rule>],
}

impl Deletions<'_> {
    /// The deletion as a rule: the first rule that creates its type, with the event, the paths and the conditions of the deletion.
    pub(super) fn read(&self, written: &DeletionFile) -> Result<Arc<DeletionRule>, RuleFileError> {
        self.source.check_event(&written.event, "DeleteQueue")?;
        let creating = self.creating(written)?;
        let Some(first) = creating.first() else { return Err(self.no_rule(written)) };
        let paths = &written.id.as_ref().0;
        let only_arns = paths.iter().all(Path::names_arn);
        let arn = match &written.arn {
            Some(template) => Some(template.clone()),
            None if only_arns => first.arn.clone(),
            None => self.template(written, &creating)?,
        };
        if arn.is_none() && first.call == TagCall::TaggingApi && !(only_arns || written.takes_arns) {
            return Err(self.source.wrong(
                &written.id.span(),
                "expected `arn`, or only paths of ARNs: the rule of this type has no template",
            ));
        }
        let mut finder = Rule::clone(first);
        finder.event.clone_from(written.event.as_ref());
        finder.id.clone_from(paths);
        finder.arn = arn;
        finder.kinds = kinds(&creating);
        finder.evidence = written.evidence.unwrap_or(Evidence::Derived);
        if let Some(account) = &written.account {
            finder.account.clone_from(&account.0);
        }
        finder.when = written.when.as_ref().map(|condition| condition.0.clone());
        finder.unless = written.unless.as_ref().map(|condition| condition.0.clone());
        finder.note.clone_from(&written.note);
        (finder.created, finder.new_if, finder.existing) = (None, None, false);
        Ok(Arc::new(DeletionRule { finder, takes_arns: written.takes_arns }))
    }

    /// The rules that create the type.
    fn creating(&self, written: &DeletionFile) -> Result<Vec<&Rule>, RuleFileError> {
        let of_type = |rule: &&Arc<Rule>| rule.resource_type == *written.resource_type.as_ref();
        let creating: Vec<&Rule> = self.rules.iter().filter(of_type).map(AsRef::as_ref).collect();
        if creating.is_empty() { Err(self.no_rule(written)) } else { Ok(creating) }
    }

    fn no_rule(&self, written: &DeletionFile) -> RuleFileError {
        self.source
            .wrong(&written.resource_type.span(), "expected a type that a [[rule]] of this file creates")
    }

    /// The template of the rules that create the type.
    fn template(
        &self,
        written: &DeletionFile,
        creating: &[&Rule],
    ) -> Result<Option<ArnTemplate>, RuleFileError> {
        let mut templates = creating.iter().filter_map(|rule| rule.arn.as_ref());
        let first = templates.next();
        if templates.any(|other| Some(other) != first) {
            return Err(self.source.wrong(
                &written.resource_type.span(),
                "expected `arn` in this [[deletion]]: the rules of its type have different templates",
            ));
        }
        Ok(first.cloned())
    }
}

/// The kinds of all rules that create the type; none if one of them takes any ARN.
fn kinds(creating: &[&Rule]) -> Vec<ResourceKind> {
    if creating.iter().any(|rule| rule.kinds.is_empty()) {
        return Vec::new();
    }
    let mut kinds: Vec<ResourceKind> = Vec::new();
    for kind in creating.iter().flat_map(|rule| &rule.kinds) {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    kinds
}
