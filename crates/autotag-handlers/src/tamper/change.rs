//! Finds the changes of identity tags in a record.

use super::own::OwnRoles;
use crate::catalog::Catalog;
use crate::classify::{Classifier, Envelope};
use crate::event::EventSummary;
use autotag_model::arn::{AccountId, Arn};
use autotag_model::identity::Principal;
use autotag_model::policy::Policy;
use autotag_model::record::Record;
use autotag_model::rule::{ChangedResource, ChangedTags, Scope};
use std::sync::Arc;

/// A change of identity tags of one resource.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TagChange {
    /// The event.
    pub event: Arc<EventSummary>,
    /// The caller; `None` for an event of `aws.tag`, which has no caller.
    pub principal: Option<Principal>,
    /// The resource.
    pub resource: ChangedResource,
    /// The identity keys that may have changed.
    pub keys: TouchedKeys,
}

/// The identity keys that a call may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TouchedKeys {
    /// These, as the policy spells them.
    Keys(Vec<String>),
    /// Any: the call replaced all tags, or its record does not show the keys.
    Any,
}

/// Why a record tells of no change of identity tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoTagChange {
    /// The call changes no tags.
    OtherCall,
    /// The call failed, was a dry run, or only reads.
    NothingDone,
    /// autotag itself called.
    Own,
    /// The policy ignores the principal, the event, its service or its account.
    Ignored(&'static str),
    /// It changes other tags.
    OtherTags,
    /// The record names no resource of its account.
    NoResource,
    /// CloudTrail, or AWS's tagging, did not send the event.
    NotFromAws,
    /// A part of it cannot be read.
    Malformed,
}

/// The changes of identity tags in a record or an event.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TagChanges {
    /// The changes, one for each resource.
    Changes(Vec<TagChange>),
    /// None, and why.
    None(NoTagChange),
}

impl From<NoTagChange> for TagChanges {
    fn from(why: NoTagChange) -> Self {
        Self::None(why)
    }
}

/// Finds changes of identity tags in records.
#[derive(Debug, Clone)]
pub struct TamperWatch<'a> {
    classifier: &'a Classifier,
    own: &'a OwnRoles,
}

impl<'a> TamperWatch<'a> {
    /// By the catalogue and the policy of a classifier. `own` are the roles with which autotag writes.
    pub fn new(classifier: &'a Classifier, own: &'a OwnRoles) -> Self {
        Self { classifier, own }
    }

    /// The catalogue.
    pub(super) fn catalog(&self) -> &Catalog {
        self.classifier.catalog()
    }

    /// The policy.
    pub(super) fn policy(&self) -> &Policy {
        self.classifier.policy()
    }

    /// True if a record of this event can tell of a change, by its name alone.
    pub fn wants(&self, event_source: &str, event_name: &str) -> bool {
        self.catalog().tag_change(event_source, event_name).is_some()
    }

    /// The changes that a record tells of.
    pub fn read(&self, record: &Record<'_>, envelope: Envelope<'_>) -> TagChanges {
        let (source, name) = (&*record.event_source, &*record.event_name);
        let Some(call) = self.catalog().tag_change(source, name) else {
            return NoTagChange::OtherCall.into();
        };
        if !Classifier::is_from_cloudtrail(record, envelope) {
            return NoTagChange::NotFromAws.into();
        }
        if record.failed() || record.is_dry_run() || record.read_only == Some(true) {
            return NoTagChange::NothingDone.into();
        }
        let (Ok(parsed), Ok(principal)) = (record.parsed(), Principal::of(record)) else {
            return NoTagChange::Malformed.into();
        };
        let scope = Classifier::scope_of(record, &principal, envelope);
        let account = scope.account.as_ref();
        if self.own.is_own(&principal, account.map(AccountId::as_str)) {
            return NoTagChange::Own.into();
        }
        let role = principal.role_arn();
        let names = [principal.arn.as_deref(), role.as_deref(), principal.principal_id.as_deref()];
        let ignore = &self.policy().ignore;
        let by_principal = ignore.principal(names).then_some("the policy ignores the principal");
        if let Some(why) = by_principal.or_else(|| ignore.event(source, name, account)) {
            return NoTagChange::Ignored(why).into();
        }
        let Some(keys) = call.tags(&parsed).and_then(|tags| touched(self.policy(), &tags)) else {
            return NoTagChange::OtherTags.into();
        };
        let found = call.resources(&self.catalog().rules_of(source), &parsed, &scope);
        let resources: Vec<_> = found.into_iter().map(|one| self.with_type(one, &scope)).collect();
        if resources.is_empty() {
            return NoTagChange::NoResource.into();
        }
        let event = Arc::new(EventSummary::of(record, account));
        let change = |resource| TagChange {
            event: Arc::clone(&event),
            principal: Some(principal.clone()),
            resource,
            keys: keys.clone(),
        };
        TagChanges::Changes(resources.into_iter().map(change).collect())
    }

    /// The resource with its type, if the call is one of another service than the resource's.
    fn with_type(&self, found: ChangedResource, scope: &Scope) -> ChangedResource {
        let untyped = found.candidates.iter().find(|resource| resource.resource_type.is_empty());
        match untyped.and_then(|resource| resource.arn.clone()) {
            Some(arn) => self.resource_of(arn, scope),
            None => found,
        }
    }

    /// The resource of an ARN, by the rules of its service.
    pub(super) fn resource_of(&self, arn: Arn, scope: &Scope) -> ChangedResource {
        let rules = self.catalog().rules_of(&format!("{}.amazonaws.com", arn.service()));
        ChangedResource::of_arn(arn, &rules, scope)
    }
}

/// The identity keys of the policy that a call may have changed; `None` if it is none.
fn touched(policy: &Policy, tags: &ChangedTags) -> Option<TouchedKeys> {
    if tags.any {
        return Some(TouchedKeys::Any);
    }
    let keys = policy.identity.iter().map(|(key, _)| key).filter(|key| tags.may_touch(key));
    let keys: Vec<String> = keys.cloned().collect();
    (!keys.is_empty()).then_some(TouchedKeys::Keys(keys))
}
