//! One entry of the ledger: one resource and one event.

use crate::bounded::bounded;
use autotag_handlers::owner::{OwnerSource, Proof, SessionCertainty};
use autotag_handlers::tamper::TamperHistory;
use autotag_handlers::whois::{Asked, without_path};
use autotag_model::arn::Arn;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The history of one resource in one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The action.
    pub action: Action,
    /// The resource; `None` for an event that no rule covers.
    pub resource: Option<EntryResource>,
    /// The event.
    pub event: EntryEvent,
    /// The person or workload behind the event.
    pub owner: EntryOwner,
    /// How the tags ended.
    pub tagging: Tagging,
    /// Tells if the event made the resource.
    pub call: CreatingCall,
    /// True if the caller named the resource by a name that can be used again after its deletion.
    #[serde(default)]
    pub is_by_name: bool,
    /// The identity tags that were changed; empty for other actions, and if all tags were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The part of the entry that belongs to the history of the resource's identity tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<TamperHistory>,
    /// The origin of the record: a queue message, or a file.
    pub origin: Option<String>,
}

/// The action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// It was created, or something was created that no rule covers.
    Created,
    /// It was deleted.
    Deleted,
    /// Somebody else than autotag changed its identity tags. If autotag wrote them again, the state is `tagged`.
    TagsChanged,
}

impl Action {
    /// The name of the action, as programs see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::TagsChanged => "tags-changed",
        }
    }
}

/// The resource of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntryResource {
    /// The resource type, by its name in `CloudFormation`.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The id as the record has it.
    pub id: String,
    /// The ARN, if the record tells it.
    pub arn: Option<String>,
    /// The account that owns it.
    pub account: Option<String>,
    /// The region in which it is tagged.
    pub region: Option<String>,
    /// The version of an S3 object.
    pub version: Option<String>,
}

/// The event of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntryEvent {
    /// `eventID`.
    pub id: Option<String>,
    /// `sharedEventID`, otherwise `eventID`: the same in all copies of one event.
    pub shared_id: Option<String>,
    /// `requestID`.
    pub request_id: Option<String>,
    /// `eventTime`, as written.
    pub time: Option<String>,
    /// `eventSource`.
    pub source: String,
    /// `eventName`.
    pub name: String,
    /// The account of the record.
    pub account: Option<String>,
    /// The region of the call.
    pub region: Option<String>,
}

/// The owner of an entry: of a creation who owns the resource, of another event who caused it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EntryOwner {
    /// The name; `None` if it is not known.
    pub name: Option<String>,
    /// The rule that named the owner.
    pub source: Option<OwnerSource>,
    /// How sure the owner is.
    pub proof: Option<Proof>,
    /// The name that a caller claimed and that nothing proves.
    pub claimed: Option<String>,
    /// The account of the owner.
    pub account: Option<String>,
    /// The ARN of the principal whose name the owner has.
    pub arn: Option<String>,
    /// The one person that the owner is in all accounts.
    pub person: Option<String>,
    /// The instance, function or task of a workload.
    pub workload: Option<String>,
    /// Through what the call was made.
    pub channel: Option<String>,
    /// The program that the caller claims to be.
    pub tool: Option<String>,
    /// The sessions from the call to its origin.
    pub chain: Vec<Link>,
    /// How much was known when the owner was named.
    pub knowledge: Knowledge,
}

/// One session of a chain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Link {
    /// The ARN of the session, otherwise its role session id.
    pub session: String,
    /// The known evidence about it, in words.
    pub evidence: String,
}

/// How much was known when an owner was named. An evaluation that knows more is the greater one.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Knowledge {
    /// True if an owner was looked for.
    pub is_evaluated: bool,
    /// True if no evidence is missing that may still arrive.
    pub is_settled: bool,
    /// How much was known about each session of the chain.
    pub sessions: Vec<SessionCertainty>,
}

/// How the tags of a resource ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tagging {
    /// How they ended.
    pub state: State,
    /// Why, in words.
    pub reason: Option<String>,
    /// The tags that the resource has by autotag.
    pub tags: BTreeMap<String, String>,
    /// The proof of the owner that these tags name. The owner of the entry may be better known since.
    pub proof: Option<Proof>,
    /// The ARN of that owner.
    pub owner_arn: Option<String>,
    /// How much was known about the owner when the tags were decided.
    pub knowledge: Knowledge,
}

/// How the tags of a resource ended. Of two states of the same event the greater one is the later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum State {
    /// The event was read from a trail. No tag was written.
    #[default]
    Recorded,
    /// No rule covers the event.
    Uncovered,
    /// AWS cannot tag the resource.
    Untaggable,
    /// The resource is not to be tagged.
    Skipped,
    /// The resource has an owner of its own already.
    HasOwner,
    /// The tags could not be written yet.
    Deferred,
    /// The tags could not be written, until an operator changes something.
    Refused,
    /// The resource was deleted before it was tagged.
    Gone,
    /// The resource has the tags.
    Tagged,
}

impl State {
    /// The name of the state, as programs see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Uncovered => "uncovered",
            Self::Untaggable => "untaggable",
            Self::Skipped => "skipped",
            Self::HasOwner => "has-owner",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Gone => "gone",
            Self::Tagged => "tagged",
        }
    }
}

/// Tells if an event made its resource, or may have found it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CreatingCall {
    /// Nothing is known about that.
    #[default]
    Unknown,
    /// The record proves that the resource was there before.
    Older,
    /// The event also occurs for resources that exist.
    MayHaveExisted,
    /// The call may repeat an earlier one, whose resource AWS answers with.
    MayRepeat {
        /// When the resource was created, if the answer says so.
        created: Option<Timestamp>,
    },
    /// It made the resource.
    New,
}

/// The key of an entry in a ledger. The texts fit the keys of `DynamoDB`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct EntryKey {
    /// The resource: its ARN, otherwise account, region, type and id. Of an event that no rule covers, the event.
    pub resource: String,
    /// The event: its time, id and name, and the version of an object. Sorted by it, entries are in the order of time.
    pub event: String,
}

/// `DynamoDB`'s limits, in bytes.
const LONGEST_PARTITION_KEY: usize = 2_048;
pub(crate) const LONGEST_SORT_KEY: usize = 1_024;

impl Entry {
    /// The key. All entries of a resource have the same `resource`, and all copies of one event the same key.
    pub fn key(&self) -> EntryKey {
        let version = self.resource.as_ref().and_then(|resource| resource.version.as_deref());
        let event = self.event.key();
        let resource = match &self.resource {
            Some(resource) => resource.key(),
            None => bounded(&format!("event {event}"), LONGEST_PARTITION_KEY),
        };
        let event = format!("{event}#{}#{}", self.action.as_str(), version.unwrap_or("-"));
        EntryKey { resource, event: bounded(&event, LONGEST_SORT_KEY) }
    }

    /// The name by which people know the resource: the last part of its ARN, otherwise its id.
    pub fn name(&self) -> Option<String> {
        let resource = self.resource.as_ref()?;
        let arn = resource.arn.as_deref().and_then(|arn| arn.parse::<Arn>().ok());
        let name = arn.and_then(|arn| name_of(&arn));
        Some(name.unwrap_or_else(|| resource.id.clone()))
    }

    /// When it happened.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.event.timestamp()
    }
}

/// The last part of an ARN, without the path that a resource of IAM may have.
pub(crate) fn name_of(arn: &Arn) -> Option<String> {
    let pathless: Arn = without_path(arn).parse().ok()?;
    Asked::of_arn(pathless).names().first().cloned()
}

impl EntryEvent {
    /// `eventTime`; `None` if it cannot be read.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.time.as_deref()?.parse().ok()
    }

    /// Time first, so that entries are sorted by it.
    fn key(&self) -> String {
        let time = self.timestamp().map(time_key);
        let (time, id) = (time.as_deref().unwrap_or("-"), self.shared_id.as_deref().unwrap_or("-"));
        format!("{time}#{}#{}:{}", bounded(id, LONGEST_ID), self.source, bounded(&self.name, LONGEST_ID))
    }
}

/// A time as keys begin with it.
pub(crate) fn time_key(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// AWS's event ids have 36 characters.
const LONGEST_ID: usize = 128;

impl EntryResource {
    /// [`EntryKey::resource`] of the entries of this resource. It has no path of a role, user or instance profile: the calls that
    /// delete or tag one do not name the path, and the name alone is unique in an account.
    pub fn key(&self) -> String {
        let Self { resource_type, id, arn, account, region, .. } = self;
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
        let pathless =
            |arn: &String| arn.parse::<Arn>().map_or_else(|_| arn.clone(), |arn| without_path(&arn));
        let key = arn.as_ref().map(pathless);
        let key = key.unwrap_or_else(|| format!("{} {} {resource_type} {id}", part(account), part(region)));
        bounded(&key, LONGEST_PARTITION_KEY)
    }
}
