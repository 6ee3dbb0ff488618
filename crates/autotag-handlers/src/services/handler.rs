//! The interface of services with behaviour of their own: the input and the output of a handler.

use crate::backend::{RelatedQuery, TaggableResource};
use crate::catalog::Catalog;
use autotag_model::arn::AccountId;
use autotag_model::identity::Principal;
use autotag_model::record::{ParsedRecord, Record};
use autotag_model::rule::{Resource, Rule, Scope};
use jiff::Timestamp;
use std::fmt::Debug;
use std::sync::Arc;

/// The record of a creation, as service handlers see it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RecordContext<'a> {
    /// The record.
    pub record: &'a Record<'a>,
    /// Its request and response, parsed.
    pub parsed: &'a ParsedRecord,
    /// The principal that made the call.
    pub principal: &'a Principal,
    /// The partition, region and account of its resources.
    pub scope: &'a Scope,
    /// The catalogue, for the rules of related resources.
    pub catalog: &'a Catalog,
}

impl<'a> RecordContext<'a> {
    /// The context of a record.
    pub fn new(
        record: &'a Record<'a>,
        parsed: &'a ParsedRecord,
        principal: &'a Principal,
        scope: &'a Scope,
        catalog: &'a Catalog,
    ) -> Self {
        Self { record, parsed, principal, scope, catalog }
    }

    /// The account of the resources; empty if it is not known.
    pub(super) fn account(&self) -> &str {
        self.scope.account.as_ref().map_or("", AccountId::as_str)
    }
}

/// Tells if a call may repeat an earlier one. AWS then answers with the resource that the earlier call made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// It carries no token by which AWS knows a call again.
    No,
    /// It carries one, and the answer says that the resource was created at this time, about the time of the call. Only
    /// a call shortly before can have made it.
    IfCreatedEarlier(Timestamp),
    /// It carries one, and the answer does not say that the resource is new.
    Possible,
}

/// Tells if a creation made its resource, or may have found it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Newness {
    /// It made the resource.
    #[default]
    New,
    /// The event also occurs for resources that exist. Then the first call counts.
    MayHaveExisted,
    /// The call may repeat an earlier one, whose resource AWS answers with. It was created at this time, if the answer says so.
    MayRepeat(Option<Timestamp>),
    /// The record proves that the resource was there before.
    Older,
}

/// How an event made a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Made {
    /// Tells if the call made the resource, or may have found it.
    pub newness: Newness,
    /// True if the caller chose the name of the resource. Then a deleted one can be made again under its name.
    pub is_named_by_caller: bool,
}

/// A resource to tag, and what is known about it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TagTarget {
    /// The resource.
    pub resource: Resource,
    /// The rule that found it: how it is tagged, and within which limits.
    pub rule: Arc<Rule>,
    /// The tags that the creating call itself asked for.
    pub requested: Vec<(String, String)>,
    /// True if the resource may have existed before. Then the first writer wins.
    pub may_have_existed: bool,
    /// True if the record is old, so that the resource may have got an owner since. Then the first writer wins, too.
    pub is_backfill: bool,
    /// True if the record proves that the resource was there before the call. Then the call gives it no owner.
    pub is_older: bool,
    /// True if each such call makes a new resource under the same name, as writing an object does. Then an earlier
    /// creation of that name says nothing about its tags.
    pub new_each_time: bool,
    /// Tells if the call may repeat an earlier one.
    pub repeat: Repeat,
    /// The resource to which this one belongs. If only a service called, the owner of the parent counts.
    pub parent: Option<TaggableResource>,
    /// The ARN of the principal that the calling service names as its requester.
    pub requester: Option<String>,
    /// Questions about resources that the call made as well and that the record does not name.
    pub queries: Vec<RelatedQuery>,
    /// The tags that the call asked for on those resources, by resource type.
    pub requested_for: Vec<(&'static str, Vec<(String, String)>)>,
}

impl TagTarget {
    /// A resource that a rule found; `requested` are the tags that the call itself asked for.
    pub fn new(resource: Resource, rule: Arc<Rule>, requested: Vec<(String, String)>) -> Self {
        let may_have_existed = rule.existing;
        Self {
            resource,
            rule,
            requested,
            may_have_existed,
            is_backfill: false,
            is_older: false,
            new_each_time: false,
            repeat: Repeat::No,
            parent: None,
            requester: None,
            queries: Vec::new(),
            requested_for: Vec::new(),
        }
    }

    /// True if an earlier creation of the same name in the same plan is a different resource.
    pub(crate) fn replaces_its_namesake(&self) -> bool {
        self.new_each_time && !self.may_have_owner()
    }

    /// True if the resource may have an owner already.
    pub(crate) fn may_have_owner(&self) -> bool {
        self.may_have_existed || self.is_backfill
    }

    /// How the event made the resource, by the record alone.
    pub fn made(&self) -> Made {
        let newness = match self.repeat {
            _ if self.is_older => Newness::Older,
            _ if self.may_have_existed => Newness::MayHaveExisted,
            Repeat::Possible => Newness::MayRepeat(None),
            Repeat::IfCreatedEarlier(created) => Newness::MayRepeat(Some(created)),
            Repeat::No => Newness::New,
        };
        Made { newness, is_named_by_caller: self.rule.is_named_by_caller() }
    }

    /// The resource with its rule.
    pub fn taggable(&self) -> TaggableResource {
        TaggableResource { resource: self.resource.clone(), rule: Arc::clone(&self.rule) }
    }
}

/// A service with behaviour that a catalogue rule cannot describe. It refines what the rules found in a record. It is
/// pure: it asks neither AWS nor a store.
///
/// Nearly every service needs only a rule: one TOML file. Implement this for the exceptions, and add the handler with
/// [`Classifier::with_service`](crate::classify::Classifier::with_service).
pub trait ServiceHandler: Debug + Send + Sync {
    /// `eventSource` of the records of the service.
    fn event_source(&self) -> &str;

    /// Changes, adds or removes targets.
    fn refine(&self, context: &RecordContext<'_>, targets: &mut Vec<TagTarget>);
}
