//! The facts of a source about a resource.

use super::asked::Asked;
use crate::deletion::Deletion;
use crate::event::EventSummary;
use crate::owner::Owner;
pub use crate::services::Newness;
use async_trait::async_trait;
use autotag_model::identity::Principal;
use autotag_model::rule::Resource;
use jiff::Timestamp;
use std::sync::Arc;

/// A creation of a resource, with its owner.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoundCreation {
    /// The resource.
    pub resource: Resource,
    /// The creating event.
    pub event: Arc<EventSummary>,
    /// The caller.
    pub principal: Principal,
    /// The owner; `None` if it could not be found out.
    pub owner: Option<Arc<Owner>>,
    /// Why the owner could not be found out.
    pub why_not: Option<String>,
    /// Tells if the call made the resource.
    pub newness: Newness,
    /// True if the caller chose the name of the resource. Then a deleted one can be made again under its name.
    pub is_named_by_caller: bool,
}

impl FoundCreation {
    /// A creation whose call made the resource.
    pub fn new(
        resource: Resource,
        event: Arc<EventSummary>,
        principal: Principal,
        owner: Option<Arc<Owner>>,
    ) -> Self {
        Self {
            resource,
            event,
            principal,
            owner,
            why_not: None,
            newness: Newness::New,
            is_named_by_caller: false,
        }
    }

    /// The order in which a plan decides.
    pub(super) fn order(&self) -> (Option<Timestamp>, Option<&str>) {
        (self.event.timestamp(), self.event.id.as_deref())
    }

    /// The name of the owner, if one is known.
    pub fn owner_name(&self) -> Option<&str> {
        self.owner.as_ref()?.name.as_deref()
    }
}

/// A deletion of a resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoundDeletion {
    /// The resource, the event and who called.
    pub deletion: Deletion,
    /// The person or workload behind the call, as far as it is known.
    pub by: Option<Arc<Owner>>,
}

impl FoundDeletion {
    /// A deletion and who is behind it.
    pub fn new(deletion: Deletion, by: Option<Arc<Owner>>) -> Self {
        Self { deletion, by }
    }
}

/// An event that changed identity tags of a resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TagChange {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The identity tags that the call names. Empty if it replaced or removed all tags.
    pub keys: Vec<String>,
    /// The caller.
    pub principal: Principal,
    /// The person or workload behind the call, as far as it is known.
    pub by: Option<Arc<Owner>>,
}

impl TagChange {
    /// A change of these identity tags.
    pub fn new(
        event: Arc<EventSummary>,
        keys: Vec<String>,
        principal: Principal,
        by: Option<Arc<Owner>>,
    ) -> Self {
        Self { event, keys, principal, by }
    }
}

/// A question that a source could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The failure, in words.
    pub what: String,
    /// True if only sessions were asked for. An owner that needs none of them stays certain.
    pub is_about_sessions: bool,
}

impl Failure {
    /// A failed question about creations, or about sessions alone.
    pub fn new(what: impl Into<String>, is_about_sessions: bool) -> Self {
        Self { what: what.into(), is_about_sessions }
    }
}

/// The facts of a source about one resource.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Findings {
    /// Its creations, in any order.
    pub creations: Vec<FoundCreation>,
    /// Its deletions, in any order.
    pub deletions: Vec<FoundDeletion>,
    /// Events that changed its identity tags, in any order.
    pub tag_changes: Vec<TagChange>,
    /// Why further events that name it do not tell its owner, in words.
    pub remarks: Vec<String>,
    /// Questions without an answer.
    pub failures: Vec<Failure>,
    /// The questions, and where they were asked, in words.
    pub questions: Vec<String>,
    /// How many calls to AWS it took.
    pub calls: u64,
}

/// A source of what is known about resources: a trail, an event history, a list of creations.
///
/// A source evaluates creations by a plan, whose future stays on its thread. So do the futures of this trait.
#[async_trait(?Send)]
pub trait OwnershipSource: Send + Sync {
    /// The name of the source, as programs see it: `trail`, `event-history`.
    fn name(&self) -> &'static str;

    /// The records that the source covers, as a part of a sentence: "no record of *the last 90 days* names it".
    fn scope(&self) -> &'static str;

    /// Everything that the source knows about a resource. A question that failed is a [`Failure`], never an empty list.
    async fn findings(&self, asked: &Asked) -> Findings;
}
