//! An entry in the form for programs: in files of an export, and printed.

use autotag_ledger::{CreatingCall, Entry};
use serde::Serialize;
use std::collections::BTreeMap;

/// One entry. The names and their order are a contract: new ones are added at the end.
#[derive(Debug, Serialize)]
pub(super) struct Line<'e> {
    time: Option<String>,
    action: &'static str,
    account: Option<&'e str>,
    region: Option<&'e str>,
    resource_type: Option<&'e str>,
    resource_id: Option<&'e str>,
    arn: Option<&'e str>,
    version: Option<&'e str>,
    owner: Option<&'e str>,
    proof: Option<&'static str>,
    owner_source: Option<&'static str>,
    claimed: Option<&'e str>,
    owner_account: Option<&'e str>,
    owner_arn: Option<&'e str>,
    person: Option<&'e str>,
    channel: Option<&'e str>,
    tool: Option<&'e str>,
    chain: Vec<&'e str>,
    state: &'static str,
    reason: Option<&'e str>,
    tags: &'e BTreeMap<String, String>,
    changed_keys: &'e [String],
    may_have_existed: Option<bool>,
    event_source: &'e str,
    event_name: &'e str,
    event_id: Option<&'e str>,
    request_id: Option<&'e str>,
    origin: Option<&'e str>,
}

impl<'e> Line<'e> {
    pub(super) fn of(entry: &'e Entry) -> Self {
        let Entry { resource, event, owner, tagging, .. } = entry;
        let resource = resource.as_ref();
        let of_resource = |part: fn(&autotag_ledger::EntryResource) -> &Option<String>| {
            resource.and_then(|resource| part(resource).as_deref())
        };
        Self {
            time: entry.timestamp().map(|time| time.to_string()),
            action: entry.action.as_str(),
            account: of_resource(|resource| &resource.account).or(event.account.as_deref()),
            region: of_resource(|resource| &resource.region).or(event.region.as_deref()),
            resource_type: resource.map(|resource| resource.resource_type.as_str()),
            resource_id: resource.map(|resource| resource.id.as_str()),
            arn: of_resource(|resource| &resource.arn),
            version: of_resource(|resource| &resource.version),
            owner: owner.name.as_deref(),
            proof: owner.proof.map(autotag_handlers::owner::Proof::as_str),
            owner_source: owner.source.map(autotag_handlers::owner::OwnerSource::as_str),
            claimed: owner.claimed.as_deref(),
            owner_account: owner.account.as_deref(),
            owner_arn: owner.arn.as_deref(),
            person: owner.person.as_deref(),
            channel: owner.channel.as_deref(),
            tool: owner.tool.as_deref(),
            chain: owner.chain.iter().map(|link| link.session.as_str()).collect(),
            state: tagging.state.as_str(),
            reason: tagging.reason.as_deref(),
            tags: &tagging.tags,
            changed_keys: &entry.keys,
            may_have_existed: match entry.call {
                CreatingCall::Unknown => None,
                call => Some(call != CreatingCall::New),
            },
            event_source: &event.source,
            event_name: &event.name,
            event_id: event.id.as_deref(),
            request_id: event.request_id.as_deref(),
            origin: entry.origin.as_deref(),
        }
    }
}

/// The names of the columns, in the order of a line.
#[cfg(feature = "aws")]
pub(super) const COLUMNS: [&str; 28] = [
    "time",
    "action",
    "account",
    "region",
    "resource_type",
    "resource_id",
    "arn",
    "version",
    "owner",
    "proof",
    "owner_source",
    "claimed",
    "owner_account",
    "owner_arn",
    "person",
    "channel",
    "tool",
    "chain",
    "state",
    "reason",
    "tags",
    "changed_keys",
    "may_have_existed",
    "event_source",
    "event_name",
    "event_id",
    "request_id",
    "origin",
];

/// The cells of a line as texts, in the order of [`COLUMNS`]. Lists and maps are JSON.
#[cfg(feature = "aws")]
pub(super) fn cells(entry: &Entry) -> Vec<Option<String>> {
    let line = serde_json::to_value(Line::of(entry)).unwrap_or_default();
    COLUMNS
        .iter()
        .map(|name| match line.get(name) {
            None | Some(serde_json::Value::Null) => None,
            Some(serde_json::Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        })
        .collect()
}

#[cfg(test)]
#[cfg(feature = "aws")]
mod tests {
    use super::*;
    use autotag_handlers::event::EventSummary;
    use autotag_ledger::Action;

    #[test]
    fn columns_are_the_members_of_a_line() {
        let entry = Entry::of_event(&EventSummary::default(), Action::Created);
        let line = serde_json::to_string(&Line::of(&entry)).unwrap();
        let places = COLUMNS
            .map(|name| line.find(&format!("\"{name}\":")).unwrap_or_else(|| panic!("{name}: {line}")));
        assert!(places.is_sorted(), "{line}");
        assert_eq!(line.matches("\":").count(), COLUMNS.len(), "{line}");
    }
}
