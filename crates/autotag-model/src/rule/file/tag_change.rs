//! The calls of a rule file that change tags.

use super::format::{OneOrMore, TagChangeFile};
use super::source::{RuleFileError, Source};
use crate::rule::path::Path;
use crate::rule::tag_change::TagChangeCall;
use std::collections::BTreeMap;
use toml::Spanned;

/// Reads and checks `[tag_changes]`.
pub(super) fn read(
    source: Source<'_>,
    calls: &BTreeMap<Spanned<String>, TagChangeFile>,
) -> Result<Vec<TagChangeCall>, RuleFileError> {
    calls.iter().map(|(event, call)| one(source, event, call)).collect()
}

fn one(
    source: Source<'_>,
    event: &Spanned<String>,
    call: &TagChangeFile,
) -> Result<TagChangeCall, RuleFileError> {
    let wrong = |expected: &str| Err(source.wrong(&event.span(), expected));
    let name = event.as_ref();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return wrong("expected an event name such as \"UntagResource\"");
    }
    let types = call.types.as_ref().map(|types| types.0.clone()).unwrap_or_default();
    if call.arn.is_some() && types.len() != 1 {
        return wrong("expected one of `types` beside `arn`: the type of the resource with this ARN");
    }
    let read = TagChangeCall {
        event: name.clone(),
        writes: paths(call.writes.as_ref()),
        removes: paths(call.removes.as_ref()),
        replaces: paths(call.replaces.as_ref()),
        clears: call.clears,
        resource: paths(Some(&call.resource)),
        types,
        types_by: call.types_by.clone(),
        arn: call.arn.clone(),
        never_arn: call.never_arn,
        failed: call.failed.clone(),
    };
    if read.writes.is_empty() && !read.takes_off() {
        return wrong(
            "expected `writes`, `removes`, `replaces` or `clears = true`: what the call does to tags",
        );
    }
    Ok(read)
}

fn paths(written: Option<&OneOrMore<Path>>) -> Vec<Path> {
    written.map(|paths| paths.0.clone()).unwrap_or_default()
}
