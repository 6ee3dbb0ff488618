//! The gates: each compares one claim of a rule with AWS's own data.

use super::botocore::Facts;
use super::decoys;
use super::naming::{
    copies_its_type, is_called_like_its_type, is_named_after, names_its_kind, names_its_resource,
    operation_names_its_type,
};
use super::subject::Subject;
use super::tables::{IamResource, Tables};
use autotag_model::rule::TagCall;
use std::collections::BTreeSet;

/// A rule that a gate refuses: the name by which `reviewed.toml` lists it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) key: String,
    pub(crate) why: String,
}

/// A gate: its name in `reviewed.toml`, and what it refuses of a rule.
pub(crate) type Gate = (&'static str, fn(&Subject, &Facts, &Tables) -> Vec<Finding>);

/// All gates that look at a single rule.
pub(crate) const GATES: &[Gate] = &[
    ("operation", operation),
    ("paths", paths),
    ("member", member),
    ("kind", kind),
    ("kind-name", kind_name),
    ("decoys", decoys),
    ("type", resource_type),
    ("source", source),
    ("repeats", repeats),
];

fn found(key: String, why: impl Into<String>) -> Vec<Finding> {
    vec![Finding { key, why: why.into() }]
}

/// The operation exists, and IAM says that it changes something.
pub(crate) fn operation(subject: &Subject, facts: &Facts, tables: &Tables) -> Vec<Finding> {
    if let Some(error) = &facts.error {
        return found(subject.call(), error.clone());
    }
    let prefixes = subject.prefixes();
    let names = facts.names.iter().map(String::as_str).chain([subject.source.as_str()]);
    let known = prefixes.iter().copied().chain(names);
    let mut known = known.map(|prefix| format!("{prefix}:{}", subject.operation()));
    if known.any(|call| tables.knows_call(&call)) {
        return Vec::new();
    }
    found(subject.call(), "IAM has no such action that changes something")
}

/// The paths are members of the request and the answer, in CloudTrail's spelling.
pub(crate) fn paths(subject: &Subject, facts: &Facts, _: &Tables) -> Vec<Finding> {
    let unknown = facts.unknown.iter();
    let findings = unknown.map(|path| Finding {
        key: format!("{} {path}", subject.call()),
        why: "botocore's models have no such member".to_owned(),
    });
    findings.collect()
}

/// The name of an exception of `member`: with the template, because that is a part of what was looked at.
pub(crate) fn member_key(subject: &Subject, path: &str) -> String {
    let template = subject.template().map(|form| format!(" in {form}"));
    format!("{} {path}{}", subject.name(), template.unwrap_or_default())
}

/// The member of an ARN is named after the type or the operation.
pub(crate) fn member(subject: &Subject, _: &Facts, _: &Tables) -> Vec<Finding> {
    let paths = subject.rule.id.iter().map(ToString::to_string);
    let others = paths.filter(|path| !names_its_resource(subject, path));
    let findings = others.map(|path| Finding {
        key: member_key(subject, &path),
        why: "the member is named neither after the type nor after the operation".to_owned(),
    });
    findings.collect()
}

/// True if `pattern` describes `text`. A star matches one part of a name, never `/` or `:`; a star of the text is
/// such a part.
pub(crate) fn describes(pattern: &str, text: &str) -> bool {
    let Some((front, pattern)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(front) else { return false };
    let part = text.find(['/', ':']).unwrap_or(text.len());
    (1..=part).any(|end| text.get(end..).is_some_and(|rest| describes(pattern, rest)))
}

/// True if one of the rule's actions tags the resource.
fn tags(subject: &Subject, resource: &IamResource) -> bool {
    subject
        .rule
        .actions
        .iter()
        .filter_map(|action| action.split_once(':'))
        .any(|(prefix, action)| prefix == resource.prefix && resource.tagged_by.contains(action))
}

/// The kinds and the template of a rule, with the resources of IAM that have this form.
fn forms<'t>(subject: &Subject, tables: &'t Tables) -> Vec<(String, Vec<&'t IamResource>)> {
    // The form of a recovery point is that of anything, and one of Lex's is two ARNs in one text.
    let is_one = |form: &str| !form.starts_with('*') && !form.contains(',');
    let known = || tables.resources.iter().filter(|resource| is_one(&resource.form));
    let of_kind = |kind: String| {
        let matching = known().filter(|resource| resource.kind() == kind).collect();
        (kind, matching)
    };
    let of_template = |form: String| {
        let matching = known().filter(|resource| describes(&resource.form, &form)).collect();
        (form, matching)
    };
    subject.kinds().into_iter().map(of_kind).chain(subject.template().map(of_template)).collect()
}

/// True if the rule's actions are those of its service. A resource that is tagged by its name has no kind to compare.
fn is_tagged_by_its_service(subject: &Subject, facts: &Facts) -> bool {
    let names: BTreeSet<&str> =
        facts.names.iter().map(String::as_str).chain([subject.source.as_str()]).collect();
    subject.prefixes().is_subset(&names)
}

/// The kind, or the template, is that of a resource that one of the rule's actions tags.
pub(crate) fn kind(subject: &Subject, facts: &Facts, tables: &Tables) -> Vec<Finding> {
    let forms = forms(subject, tables);
    let can_be_tagged = subject.rule.call != TagCall::None;
    if forms.is_empty() && can_be_tagged && !is_tagged_by_its_service(subject, facts) {
        let key = format!("{} by {}", subject.name(), subject.rule.actions.join(", "));
        return found(key, "the rule's actions are another service's");
    }
    if forms.is_empty() && can_be_tagged && !subject.arn_paths().is_empty() {
        return found(subject.name(), "a rule that takes an ARN from the answer has a `kind`");
    }
    let mut faults = Vec::new();
    for (form, known) in forms {
        let key = format!("{} {form}", subject.name());
        let service = form.split(':').next().unwrap_or_default();
        let of_service =
            subject.prefixes().contains(service) || subject.prefixes().contains(subject.source.as_str());
        let untagged =
            if known.is_empty() { !of_service } else { !known.iter().any(|known| tags(subject, known)) };
        if known.is_empty() {
            faults.push(Finding { key: key.clone(), why: "IAM has no resource of this form".to_owned() });
        }
        if can_be_tagged && untagged {
            let key = format!("{key} by {}", subject.rule.actions.join(", "));
            faults.push(Finding {
                key,
                why: "none of the rule's actions tags a resource of this form".to_owned(),
            });
        }
    }
    faults
}

/// IAM calls the kind like the type or the operation.
pub(crate) fn kind_name(subject: &Subject, _: &Facts, tables: &Tables) -> Vec<Finding> {
    let forms = forms(subject, tables).into_iter().filter(|(_, known)| !known.is_empty());
    let prefixes = subject.prefixes();
    let of_service = tables.resources.iter().filter(|resource| prefixes.contains(resource.prefix.as_str()));
    let of_service: Vec<&IamResource> = of_service.collect();
    let others = forms.filter(|(_, known)| !names_its_kind(subject, known, &of_service));
    let findings = others.map(|(form, known)| Finding {
        key: format!("{} {form}", subject.name()),
        why: format!("IAM calls it {}", known.first().map_or("", |resource| resource.name.as_str())),
    });
    findings.collect()
}

/// A record whose other members hold ARNs of other kinds yields exactly the resource.
pub(crate) fn decoys(subject: &Subject, facts: &Facts, tables: &Tables) -> Vec<Finding> {
    decoys::fault(subject, facts, tables).map_or_else(Vec::new, |why| found(subject.name(), why))
}

/// The type is a taggable one of `CloudFormation`, and a stack creates it by this operation.
pub(crate) fn resource_type(subject: &Subject, facts: &Facts, tables: &Tables) -> Vec<Finding> {
    let Some(known) = tables.types.get(&subject.rule.resource_type) else {
        return found(subject.name(), "CloudFormation has no such type");
    };
    if !known.taggable {
        return found(subject.name(), "CloudFormation does not tag the type");
    }
    let mut prefixes = subject.prefixes();
    prefixes.extend(facts.names.iter().map(String::as_str));
    prefixes.insert(&subject.source);
    let mut calls = prefixes.into_iter().map(|prefix| format!("{prefix}:{}", subject.operation()));
    let by_stacks = calls.any(|call| known.created_by.iter().any(|by| by.eq_ignore_ascii_case(&call)));
    // Schemas of old types have no handlers, and those that there are list what a stack does besides, too.
    let named = if known.created_by.is_empty() {
        is_called_like_its_type(subject)
    } else {
        by_stacks && operation_names_its_type(subject)
    };
    if named || copies_its_type(subject) {
        return Vec::new();
    }
    if by_stacks {
        return found(subject.name(), "a stack needs the operation, and its name is not the type's");
    }
    found(subject.name(), "the operation is no create permission of the type")
}

/// Of a derived rule: the event source is IAM's prefix, the endpoint and the name of the signatures at once.
pub(crate) fn source(subject: &Subject, facts: &Facts, _: &Tables) -> Vec<Finding> {
    if subject.evidence().as_deref() != Some("derived") || facts.error.is_some() {
        return Vec::new();
    }
    // `api.iotwireless` is the endpoint of `iotwireless`.
    let names =
        facts.names.iter().skip(1).filter_map(|name| name.rsplit('.').next()).chain(subject.prefixes());
    let others: Vec<&str> = names.filter(|name| *name != subject.source).collect();
    if others.is_empty() {
        return Vec::new();
    }
    found(subject.call(), format!("the service is also called {}", others.join(", ")))
}

/// Verbs of calls that create something each time.
const CREATING: &[&str] =
    &["Create", "Allocate", "Copy", "Purchase", "Request", "Restore", "Run", "Start", "Submit", "Clone"];

/// A call that may also succeed for a resource that exists says so.
pub(crate) fn repeats(subject: &Subject, facts: &Facts, _: &Tables) -> Vec<Finding> {
    if subject.rule.existing {
        return Vec::new();
    }
    let creating = CREATING.iter().any(|verb| is_named_after(&subject.rule.event, verb));
    let why = match &facts.repeats {
        Some(sentence) => format!("AWS says: {sentence}"),
        None if !creating => "the verb does not say that the resource is new".to_owned(),
        None => return Vec::new(),
    };
    found(subject.name(), why)
}
