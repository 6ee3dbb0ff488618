//! The events that change identity tags.

use super::asked::Asked;
use crate::catalog::Catalog;
use crate::event::EventSummary;
use autotag_model::arn::AccountId;
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::record::{ParsedRecord, Record};
use serde_json::Value;
use std::sync::Arc;

/// A record of a call that changed identity tags of resources that are asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedTagChange {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The caller.
    pub principal: Principal,
    /// The identity tags that the call names; empty if it replaced or removed all tags.
    pub keys: Vec<String>,
    /// The texts of the call that name resources which are asked for.
    texts: Vec<String>,
}

/// A text of a record that may name a resource is not longer than an ARN.
const LONGEST_NAME: usize = 2_048;

impl RecordedTagChange {
    /// The change that a record tells of, if it is about a resource for which `is_asked`. `account` counts if the record names
    /// none.
    pub(super) fn of(
        record: &Record<'_>,
        account: Option<&AccountId>,
        (catalog, policy): (&Catalog, &Policy),
        is_asked: impl Fn(&EventSummary, &str) -> bool,
    ) -> Option<Self> {
        let is_call = catalog.changes_tags(&record.event_source, &record.event_name);
        if !is_call || record.failed() || record.read_only == Some(true) {
            return None;
        }
        let parsed = record.parsed().ok()?;
        let call = catalog.tag_change(&record.event_source, &record.event_name);
        let replaces_all = call.and_then(|call| call.tags(&parsed)).is_some_and(|tags| tags.any);
        let ParsedRecord { request, resources, .. } = parsed;
        let mut all = Vec::new();
        texts(&request, &mut all);
        let mut keys: Vec<String> =
            all.iter().filter(|text| policy.is_identity_key(text)).map(|key| (*key).to_owned()).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() && !replaces_all && !record.event_name.ends_with("Tagging") {
            return None;
        }
        texts(&resources, &mut all);
        let event = Arc::new(EventSummary::of(record, account));
        let texts: Vec<String> = all
            .into_iter()
            .filter(|text| text.len() <= LONGEST_NAME && is_asked(&event, text))
            .map(str::to_owned)
            .collect();
        let principal = Principal::of(record).ok()?;
        (!texts.is_empty()).then_some(Self { event, principal, keys, texts })
    }

    /// True if the call changed tags of this resource.
    pub fn is_about(&self, asked: &Asked) -> bool {
        names(&self.event, &self.texts, asked)
    }
}

/// True if one of the texts of an event names a resource.
pub(super) fn names(event: &EventSummary, texts: &[impl AsRef<str>], asked: &Asked) -> bool {
    let service = event.source.split('.').next().unwrap_or_default();
    let (account, region) = (event.account.as_deref(), event.region.as_deref());
    texts.iter().any(|text| asked.is_named(text.as_ref(), service, account, region))
}

/// Every text in a value, also the names of members: tags are written as `{"Owner": "mara"}` too.
pub(super) fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            found.push(name);
            texts(value, found);
        }),
        _ => {}
    }
}
