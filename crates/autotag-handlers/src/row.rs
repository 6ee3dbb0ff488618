//! A row: one resource of one event. In a plan it has the planned action, after execution its outcome.

use crate::backend::Tags;
use crate::event::EventSummary;
use crate::outcome::{Outcome, SkipReason};
use crate::owner::{Channel, Owner, OwnerSource, Proof};
use crate::services::Made;
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::policy::Note;
use autotag_model::rule::{Evidence, Resource};
use autotag_model::tags::TagSet;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The origin of a record. Only the program that read the record knows what the number means: a queue message, a
/// file. The engine carries it from the record to the outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(pub usize);

/// The state of a [`Row`], as programs and people see it.
pub trait Status {
    /// The name of the state. Scripts rely on it.
    fn name(&self) -> &'static str;

    /// Why, in words. `None` if the name is enough.
    fn reason(&self) -> Option<String>;

    /// The outcome, as soon as it is known.
    fn outcome(&self) -> Option<&Outcome>;
}

impl Status for Outcome {
    fn name(&self) -> &'static str {
        Outcome::name(self)
    }

    fn reason(&self) -> Option<String> {
        Outcome::reason(self)
    }

    fn outcome(&self) -> Option<&Outcome> {
        Some(self)
    }
}

/// One resource of one event, and its state `S`.
///
/// It serializes to one line of `autotag plan --format jsonl`. The names of the fields and their order are a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row<S> {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The origin of the event's record.
    pub origin: OriginId,
    /// The resource; `None` if the record leads to none.
    pub resource: Option<Resource>,
    /// The type of the resource, also if its id is not known.
    pub resource_type: Option<String>,
    /// The evidence of the rule that found it; `None` if no rule applied.
    pub evidence: Option<Evidence>,
    /// The owner; `None` if the row was settled before anybody asked for the owner.
    pub owner: Option<Arc<Owner>>,
    /// The tags to write.
    pub tags: TagSet,
    /// All tags that the policy has for the resource, including those that it already has.
    pub decided: TagSet,
    /// Remarks about how the tags came to be.
    pub notes: Vec<Note>,
    /// The tags that the creating call itself asked for; `None` if they were not looked at.
    pub requested: Option<Tags>,
    /// The keys required by the policy that neither the call asked for nor the resource has; `None` if nothing was decided.
    /// [`missing_tags`](Self::missing_tags) are those of them that the row does not write.
    pub lacking: Option<Vec<String>>,
    /// How the event made the resource; `None` if no rule found it in the record.
    pub made: Option<Made>,
    /// The planned action, or the outcome.
    pub status: S,
}

/// How one resource ended.
pub type ResourceOutcome = Row<Outcome>;

impl<S> Row<S> {
    /// A row about an event as a whole.
    pub fn of_event(event: Arc<EventSummary>, status: S) -> Self {
        Self {
            event,
            origin: OriginId::default(),
            resource: None,
            resource_type: None,
            evidence: None,
            owner: None,
            tags: TagSet::new(),
            decided: TagSet::new(),
            notes: Vec::new(),
            requested: None,
            lacking: None,
            made: None,
            status,
        }
    }

    /// A row about a resource of an event.
    pub fn of_resource(event: Arc<EventSummary>, resource: Resource, status: S) -> Self {
        Self {
            resource_type: Some(resource.resource_type.clone()),
            resource: Some(resource),
            ..Self::of_event(event, status)
        }
    }

    /// The same row, found by a rule of this evidence.
    #[must_use]
    pub fn by_rule_of(self, evidence: Evidence) -> Self {
        Self { evidence: Some(evidence), ..self }
    }

    /// The same row in another state.
    #[must_use]
    pub fn with_status<T>(self, status: T) -> Row<T> {
        self.map_status(|_| status)
    }

    /// The same row, its state turned into another.
    #[must_use]
    pub fn map_status<T>(self, turn: impl FnOnce(S) -> T) -> Row<T> {
        Row {
            event: self.event,
            origin: self.origin,
            resource: self.resource,
            resource_type: self.resource_type,
            evidence: self.evidence,
            owner: self.owner,
            tags: self.tags,
            decided: self.decided,
            notes: self.notes,
            requested: self.requested,
            lacking: self.lacking,
            made: self.made,
            status: turn(self.status),
        }
    }

    /// The account in which the resource lies, otherwise that of the event.
    pub fn account(&self) -> Option<&str> {
        let of_resource = self.resource.as_ref().and_then(|resource| resource.account.as_ref());
        of_resource.map(AccountId::as_str).or(self.event.account.as_deref())
    }

    /// The region in which the resource is tagged, otherwise that of the call.
    pub fn region(&self) -> Option<&str> {
        let of_resource = self.resource.as_ref().and_then(|resource| resource.region.as_ref());
        of_resource.map(Region::as_str).or(self.event.region.as_deref())
    }

    /// The ARN of the resource, if it is known.
    pub fn arn(&self) -> Option<String> {
        self.resource.as_ref()?.arn.as_ref().map(Arn::to_string)
    }

    /// The name of the owner, if one is known.
    pub fn owner_name(&self) -> Option<&str> {
        self.owner.as_ref()?.name.as_deref()
    }

    /// The name of the rule that named the owner.
    pub fn owner_source(&self) -> Option<&'static str> {
        self.owner.as_ref()?.source.map(OwnerSource::as_str)
    }

    /// How sure the owner is.
    pub fn proof(&self) -> Option<&'static str> {
        self.owner.as_ref()?.proof.map(Proof::as_str)
    }

    /// The name that a caller claimed and that nothing proves.
    pub fn claimed(&self) -> Option<&str> {
        self.owner.as_ref()?.claimed.as_deref()
    }

    /// Through what the call was made.
    pub fn channel(&self) -> Option<&str> {
        self.owner.as_ref()?.channel.as_ref().map(Channel::as_str)
    }

    /// The ARN of the principal whose name the owner has.
    pub fn owner_arn(&self) -> Option<&str> {
        self.owner.as_ref()?.arn.as_deref()
    }

    /// The account of the principal at the origin of the chain.
    pub fn owner_account(&self) -> Option<&str> {
        self.owner.as_ref()?.account.as_deref()
    }

    /// The one person that the owner is in all accounts.
    pub fn person(&self) -> Option<&str> {
        self.owner.as_ref()?.person.as_deref()
    }

    /// The program that the caller claims to be.
    pub fn tool(&self) -> Option<&'static str> {
        self.owner.as_ref()?.tool
    }

    /// The tags that the creating call asked for, by key. Of a key that it has twice, the first one.
    pub fn requested_tags(&self) -> Option<BTreeMap<&str, &str>> {
        let requested = self.requested.as_ref()?.iter();
        Some(requested.rev().map(|(key, value)| (key.as_str(), value.as_str())).collect())
    }
}

impl ResourceOutcome {
    /// True if the row is about a resource that was created, and that AWS cannot tag.
    pub fn cannot_be_tagged(&self) -> bool {
        self.resource.is_some() && matches!(self.status, Outcome::Skipped(SkipReason::CannotTag(_)))
    }
}

impl<S: Status> Row<S> {
    /// The keys required by the policy that the resource does not have in the end: neither by the call, nor before, nor by
    /// what is written. `None` if nothing was decided about it.
    pub fn missing_tags(&self) -> Option<Vec<&str>> {
        let is_written = self.status.outcome().is_none_or(|outcome| *outcome == Outcome::Tagged);
        let written = |key: &str| is_written && self.tags.pairs().any(|(known, _)| known == key);
        Some(self.lacking.as_ref()?.iter().map(String::as_str).filter(|key| !written(key)).collect())
    }

    /// Why the row is in its state, and the remarks about its tags.
    pub fn reason(&self) -> Option<String> {
        let notes = self.notes.iter().map(ToString::to_string);
        let parts: Vec<String> = self.status.reason().into_iter().chain(notes).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The reason, with the id of a resource that has no ARN: no other column names it.
    pub fn full_reason(&self) -> Option<String> {
        let without_arn = self.resource.as_ref().filter(|resource| resource.arn.is_none());
        let named = without_arn.map(|resource| format!("no ARN is known, the id is `{}`", resource.id));
        let parts: Vec<String> = self.reason().into_iter().chain(named).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

#[derive(Serialize)]
struct Line<'r> {
    event_id: Option<&'r str>,
    event_time: Option<&'r str>,
    event_source: &'r str,
    event_name: &'r str,
    account: Option<&'r str>,
    region: Option<&'r str>,
    resource_type: Option<&'r str>,
    arn: Option<String>,
    owner: Option<&'r str>,
    owner_source: Option<&'r str>,
    tags: &'r TagSet,
    outcome: &'r str,
    reason: Option<String>,
    proof: Option<&'static str>,
    claimed: Option<&'r str>,
    channel: Option<&'r str>,
    evidence: Option<Evidence>,
    owner_arn: Option<&'r str>,
    owner_account: Option<&'r str>,
    person: Option<&'r str>,
    tool: Option<&'static str>,
    requested_tags: Option<BTreeMap<&'r str, &'r str>>,
    missing_tags: Option<Vec<&'r str>>,
}

impl<S: Status> Serialize for Row<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let line = Line {
            event_id: self.event.id.as_deref(),
            event_time: self.event.time.as_deref(),
            event_source: &self.event.source,
            event_name: &self.event.name,
            account: self.account(),
            region: self.region(),
            resource_type: self.resource_type.as_deref(),
            arn: self.arn(),
            owner: self.owner_name(),
            owner_source: self.owner_source(),
            tags: &self.tags,
            outcome: self.status.name(),
            reason: self.full_reason(),
            proof: self.proof(),
            claimed: self.claimed(),
            channel: self.channel(),
            evidence: self.evidence,
            owner_arn: self.owner_arn(),
            owner_account: self.owner_account(),
            person: self.person(),
            tool: self.tool(),
            requested_tags: self.requested_tags(),
            missing_tags: self.missing_tags(),
        };
        line.serialize(serializer)
    }
}
