//! Events of `aws.tag`: "Tag Change on Resource".
//!
//! AWS sends one for each change of tags of [many resource types][page], with the tags after it and no caller. It therefore only
//! says that it is time to read the tags. A record of CloudTrail says who called, if there is one.
//!
//! [page]: https://docs.aws.amazon.com/tag-editor/latest/userguide/monitor-changes-in-tags.html

use super::change::{NoTagChange, TagChange, TagChanges, TamperWatch, TouchedKeys};
use crate::event::EventSummary;
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::rule::{ChangedResource, Scope};
use autotag_model::tags::is_same_key;
use serde::Deserialize;
use std::sync::Arc;

/// The parts of an event that count. Its tags do not: they may be older than those on the resource.
#[derive(Deserialize)]
struct Event {
    id: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
    account: String,
    region: String,
    time: String,
    resources: Vec<String>,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    changed_tag_keys: Vec<String>,
}

/// How many resources of one event are read. AWS names one.
const MOST_RESOURCES: usize = 100;

impl TamperWatch<'_> {
    /// The changes that an event of `aws.tag` tells of, from the JSON of the whole event.
    pub fn read_tag_event(&self, text: &str) -> TagChanges {
        let Ok(event) = serde_json::from_str::<Event>(text) else { return NoTagChange::Malformed.into() };
        // Only AWS can send events whose source begins with `aws.`.
        if event.source != "aws.tag" || event.detail_type != "Tag Change on Resource" {
            return NoTagChange::NotFromAws.into();
        }
        let policy = self.policy();
        let is_changed =
            |key: &str| event.detail.changed_tag_keys.iter().any(|changed| is_same_key(changed, key));
        let keys = policy.identity.iter().map(|(key, _)| key).filter(|key| is_changed(key));
        let keys: Vec<String> = keys.cloned().collect();
        if keys.is_empty() {
            return NoTagChange::OtherTags.into();
        }
        let Some(account) = AccountId::new(&event.account) else { return NoTagChange::NotFromAws.into() };
        if policy.ignore.accounts.contains(&account) {
            return NoTagChange::Ignored("the policy ignores the account").into();
        }
        let summary = Arc::new(summary(&event));
        let arns = event.resources.iter().take(MOST_RESOURCES).filter_map(|text| text.parse::<Arn>().ok());
        let ours = arns.filter(|arn| arn.account().is_none_or(|of_arn| of_arn == account));
        let change = |arn: Arn| TagChange {
            event: Arc::clone(&summary),
            principal: None,
            resource: self.tagged(arn, &event.region, &account),
            keys: TouchedKeys::Keys(keys.clone()),
        };
        let changes: Vec<TagChange> = ours.map(change).collect();
        if changes.is_empty() { NoTagChange::NoResource.into() } else { TagChanges::Changes(changes) }
    }

    fn tagged(&self, arn: Arn, region: &str, account: &AccountId) -> ChangedResource {
        let partition = arn.partition().clone();
        let scope = Scope { partition, region: Region::new(region), account: Some(account.clone()) };
        self.resource_of(arn, &scope)
    }
}

fn summary(event: &Event) -> EventSummary {
    EventSummary {
        id: Some(event.id.clone()),
        dedup_id: Some(event.id.clone()),
        time: Some(event.time.clone()),
        source: event.source.clone(),
        name: event.detail_type.clone(),
        account: Some(event.account.clone()),
        region: Some(event.region.clone()),
        ..EventSummary::default()
    }
}
