//! The lines of a saved plan.

use autotag_handlers::backend::TaggableResource;
use autotag_handlers::owner::{OwnerSource, Proof};
use autotag_handlers::plan::PlannedResource;
use autotag_model::arn::{AccountId, Arn, Region};
use serde::{Deserialize, Serialize};

/// A resource to tag.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedResource {
    pub(super) event: SavedEvent,
    pub(super) resource: SavedName,
    pub(super) rule: SavedRule,
    pub(super) owner: SavedOwner,
    pub(super) tags: Vec<SavedTag>,
}

/// The creating event.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedEvent {
    pub(super) id: Option<String>,
    pub(super) time: Option<String>,
    pub(super) source: String,
    pub(super) name: String,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
}

/// The name of the resource.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedName {
    #[serde(rename = "type")]
    pub(super) resource_type: String,
    pub(super) id: String,
    pub(super) arn: Option<String>,
    pub(super) account: Option<AccountId>,
    pub(super) region: Option<Region>,
    /// Of an S3 object.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) version: Option<String>,
}

/// By which rule of the event's service it is tagged, and by which call.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedRule {
    pub(super) event: String,
    pub(super) call: String,
}

/// The owner, for the reviewer of the plan. Only the tags are written.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedOwner {
    pub(super) name: Option<String>,
    pub(super) source: Option<OwnerSource>,
    pub(super) proof: Option<Proof>,
    pub(super) claimed: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) arn: Option<String>,
    pub(super) account: Option<String>,
    pub(super) person: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedTag {
    pub(super) key: String,
    pub(super) value: String,
}

/// The last line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// How many resources are in the plan.
    pub(super) resources: u64,
    /// How many rows were left out because only AWS can name their resources.
    pub(super) not_in_plan: u64,
}

impl SavedResource {
    pub(super) fn of(row: &PlannedResource, taggable: &TaggableResource) -> Self {
        let (event, resource, rule) = (&row.event, &taggable.resource, &taggable.rule);
        let owner = row.owner.as_deref();
        let tag = |(key, value): (&str, &str)| SavedTag { key: key.to_owned(), value: value.to_owned() };
        Self {
            event: SavedEvent {
                id: event.id.clone(),
                time: event.time.clone(),
                source: event.source.clone(),
                name: event.name.clone(),
                account: event.account.clone(),
                region: event.region.clone(),
            },
            resource: SavedName {
                resource_type: resource.resource_type.clone(),
                id: resource.id.clone(),
                arn: resource.arn.as_ref().map(Arn::to_string),
                account: resource.account.clone(),
                region: resource.region.clone(),
                version: resource.version.clone(),
            },
            rule: SavedRule { event: rule.event.clone(), call: rule.call.name().to_owned() },
            owner: SavedOwner {
                name: owner.and_then(|owner| owner.name.clone()),
                source: owner.and_then(|owner| owner.source),
                proof: owner.and_then(|owner| owner.proof),
                claimed: owner.and_then(|owner| owner.claimed.clone()),
                channel: row.channel().map(str::to_owned),
                arn: owner.and_then(|owner| owner.arn.clone()),
                account: owner.and_then(|owner| owner.account.clone()),
                person: owner.and_then(|owner| owner.person.clone()),
            },
            tags: row.tags.pairs().map(tag).collect(),
        }
    }
}
