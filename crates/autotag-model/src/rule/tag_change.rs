//! Calls that change the tags of existing resources: they write, remove or replace tags.

use super::path::Path;
use super::template::ArnTemplate;
use crate::json::{elements, is_mask, tag_pairs, text};
use crate::record::{ParsedRecord, tags_in};
use crate::tags::is_same_key;
use serde_json::Value;
use std::collections::BTreeMap;

/// A call that changes the tags of resources that exist, and where its request names them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TagChangeCall {
    /// `eventName`; the case counts.
    pub event: String,
    /// The paths of tags that the call adds, or whose values it overwrites.
    pub writes: Vec<Path>,
    /// The paths of keys, or of tags, that the call removes.
    pub removes: Vec<Path>,
    /// The paths of tags that replace all tags of the resource.
    pub replaces: Vec<Path>,
    /// True if the call removes all tags.
    pub clears: bool,
    /// The paths of the resource; the first that has a value counts.
    pub resource: Vec<Path>,
    /// The types of the resource, by their names in `CloudFormation`, if the call is for these only.
    pub types: Vec<String>,
    /// The type of the resource by a parameter of the call.
    pub types_by: Option<TypesBy>,
    /// The ARN of a resource that the call does not name by its ARN, where no rule has its template.
    pub arn: Option<ArnTemplate>,
    /// True if the text is never an ARN, because callers choose it freely: the key of an S3 object.
    pub never_arn: bool,
    /// The path of a map whose keys are the resources for which the call failed.
    pub failed: Option<Path>,
}

/// A parameter that tells the type of a resource.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TypesBy {
    /// Its path.
    pub path: Path,
    /// Its values, with the types that they mean.
    pub types: BTreeMap<String, String>,
}

/// The tags that one call changed, as far as its record says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangedTags {
    /// The tags that were added or overwritten.
    pub written: Vec<(String, String)>,
    /// The keys that were removed.
    pub removed: Vec<String>,
    /// True if any other tag may be gone: the call replaces all tags, or its record does not show the keys.
    pub any: bool,
}

impl ChangedTags {
    /// True if the tag of this key may be another one since the call, ignoring the case of the key.
    pub fn may_touch(&self, key: &str) -> bool {
        let written = self.written.iter().map(|(known, _)| known);
        self.any || written.chain(&self.removed).any(|known| is_same_key(known, key))
    }
}

impl TagChangeCall {
    /// True if the call can take tags off.
    pub fn takes_off(&self) -> bool {
        self.clears || !self.removes.is_empty() || !self.replaces.is_empty()
    }

    /// The tags that the call changed; `None` if it changed none. A pure function.
    pub fn tags(&self, parsed: &ParsedRecord) -> Option<ChangedTags> {
        if parsed.omitted().is_some() {
            return Some(ChangedTags { any: true, ..ChangedTags::default() });
        }
        let values = |paths: &[Path]| -> Vec<_> {
            paths.iter().flat_map(|path| path.values(&self.event, parsed)).collect()
        };
        let replaced = self.replaces.iter().any(|path| path.is_there(&self.event, parsed));
        // Of a call that does nothing else, a record without the member hides it.
        let hidden = !self.replaces.is_empty() && !replaced && self.is_for_tags_alone();
        let (added, new_set) = (values(&self.writes), values(&self.replaces));
        let written: Vec<_> = added.iter().chain(&new_set).flat_map(|value| tags_in(value, None)).collect();
        let taken_off = values(&self.removes);
        let removed: Vec<String> = taken_off.iter().flat_map(|value| keys_in(value)).collect();
        let unread =
            (!added.is_empty() && written.is_empty()) || (!taken_off.is_empty() && removed.is_empty());
        let silent =
            self.is_for_tags_alone() && !self.takes_no_keys() && written.is_empty() && removed.is_empty();
        let any = self.clears || replaced || hidden || unread || silent;
        let changed = ChangedTags { written, removed, any };
        (any || !changed.written.is_empty() || !changed.removed.is_empty()).then_some(changed)
    }

    fn is_for_tags_alone(&self) -> bool {
        self.event.contains("Tag") || self.event.starts_with("Untag")
    }

    fn takes_no_keys(&self) -> bool {
        self.writes.is_empty() && self.removes.is_empty()
    }
}

/// The keys in a value in which a call names the tags to remove: keys, or tags with their keys.
fn keys_in(value: &Value) -> Vec<String> {
    let of = |element: &Value| match element {
        Value::Object(_) | Value::Array(_) => {
            tag_pairs(&Value::Array(vec![element.clone()])).into_iter().map(|(key, _)| key).collect()
        }
        _ => text(element).filter(|key| !is_mask(key)).map(|key| vec![key.into_owned()]).unwrap_or_default(),
    };
    elements(value).into_iter().flat_map(of).collect()
}
