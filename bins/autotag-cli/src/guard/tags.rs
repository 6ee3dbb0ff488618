//! The tags that a call names.

use autotag_handlers::catalog::Catalog;
use autotag_model::record::{ParsedRecord, Record};
use autotag_model::rule::ChangedTags;
use serde_json::Value;

/// By what CloudTrail hides tags.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// The calls that make objects of S3 or change their tags. Their tags have condition keys of their own.
const OBJECT_CALLS: [&str; 8] = [
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObjectTagging",
    "PostObject",
    "PutObject",
    "PutObjectTagging",
    "UploadPart",
];

/// The tags that a call names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedTags {
    /// Those that it sets.
    pub(super) written: Vec<(String, String)>,
    /// The keys that it removes.
    pub(super) removed: Vec<String>,
    /// True if these are all. Otherwise the record hides or lacks some.
    pub(super) complete: bool,
    /// True if they are tags of S3 objects.
    pub(super) of_objects: bool,
}

impl Default for NamedTags {
    fn default() -> Self {
        Self { written: Vec::new(), removed: Vec::new(), complete: true, of_objects: false }
    }
}

impl NamedTags {
    /// The tags of a record.
    pub(super) fn of(record: &Record<'_>, parsed: &ParsedRecord, catalog: &Catalog) -> Self {
        let (source, name) = (&*record.event_source, &*record.event_name);
        let of_objects = source == "s3.amazonaws.com" && OBJECT_CALLS.contains(&name);
        if record.read_only == Some(true) {
            return Self { of_objects, ..Self::default() };
        }
        if parsed.request.get("omitted").and_then(Value::as_bool) == Some(true) {
            return Self { complete: false, of_objects, ..Self::default() };
        }
        let mut named = match catalog.tag_change(source, name) {
            Some(call) => {
                let changed = call.tags(parsed).unwrap_or_default();
                let complete = is_complete(&changed, call.clears, !call.replaces.is_empty());
                // EC2 writes the tags of such a call always: one without them names none.
                let names_none = (source, name) == ("ec2.amazonaws.com", "DeleteTags") && is_empty(&changed);
                Self {
                    written: changed.written,
                    removed: changed.removed,
                    complete: complete || names_none,
                    of_objects,
                }
            }
            None => Self::of_creation(record, parsed, catalog, of_objects),
        };
        named.complete &= !hides_tags(&parsed.request);
        named
    }

    /// The tags of a call that the catalogue does not list among those that change tags.
    fn of_creation(record: &Record<'_>, parsed: &ParsedRecord, catalog: &Catalog, of_objects: bool) -> Self {
        let (source, name) = (&*record.event_source, &*record.event_name);
        let rules = catalog.find(source, name).unwrap_or_default();
        let mut written = parsed.requested_tags(None);
        written.extend(rules.iter().flat_map(|rule| rule.requested_tags(parsed, None)));
        written.sort();
        written.dedup();
        let removed = tag_keys(&parsed.request);
        // Some services write no request at all.
        let may_tag =
            !rules.is_empty() || catalog.is_creation(source, name) || catalog.changes_tags(source, name);
        let complete = !(parsed.request.is_null() && may_tag);
        Self { written, removed, complete, of_objects }
    }

    /// Every key.
    pub(super) fn keys(&self) -> Vec<String> {
        self.written.iter().map(|(key, _)| key).chain(&self.removed).cloned().collect()
    }

    /// True if a key is named, in any case.
    pub(super) fn names(&self, key: &str) -> bool {
        self.written.iter().map(|(known, _)| known).chain(&self.removed).any(|known| is_equal(known, key))
    }

    /// The values of a key in any case, each once.
    pub(super) fn values(&self, key: &str) -> Vec<String> {
        let of_key = self.written.iter().filter(|(known, _)| is_equal(known, key));
        let mut values: Vec<String> = of_key.map(|(_, value)| value.clone()).collect();
        values.sort();
        values.dedup();
        values
    }
}

fn is_empty(changed: &ChangedTags) -> bool {
    changed.written.is_empty() && changed.removed.is_empty()
}

/// True if the record of a tag call shows all keys that the call names.
fn is_complete(changed: &ChangedTags, clears: bool, replaces: bool) -> bool {
    // A call that replaces all tags names only those that it sets.
    !changed.any || clears || (replaces && !is_empty(changed))
}

/// True if the record hides the tags of the call.
fn hides_tags(request: &Value) -> bool {
    let members = request.as_object().into_iter().flatten();
    let of_tags =
        members.filter(|(name, _)| name.get(..3).is_some_and(|front| front.eq_ignore_ascii_case("tag")));
    of_tags.map(|(_, value)| value.to_string()).any(|text| text.contains(HIDDEN))
}

/// The keys that a call without an entry in the catalogue removes.
fn tag_keys(request: &Value) -> Vec<String> {
    let members = request.as_object().into_iter().flatten();
    let of_keys = members
        .filter(|(name, _)| name.eq_ignore_ascii_case("tagKeys") || name.eq_ignore_ascii_case("tagKeyList"));
    let lists = of_keys.filter_map(|(_, value)| value.as_array());
    lists.flatten().filter_map(|key| key.as_str().map(str::to_owned)).collect()
}

/// True if two keys are one to IAM where it ignores case. It compares blanks and look-alikes as they are.
pub(super) fn is_equal(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}
