//! Finds the resources that a record deletes. This module has no IO.
//!
//! A name can be used again after its resource was deleted, by somebody else. The `[[deletion]]` tables of the catalogue say
//! which event deletes which type; [`Deletions`] finds the resources in a record.

use crate::catalog::{Catalog, CatalogError};
use crate::classify::{Classifier, Envelope, disbelieved, foreign, scope};
use crate::event::EventSummary;
use crate::services::{self, RecordContext};
use autotag_model::identity::Principal;
use autotag_model::record::Record;
use autotag_model::rule::{DeletionRule, Located, Resource};
use std::collections::HashSet;
use std::sync::Arc;

/// The most resources that one record deletes. AWS's calls take at most 1,000 ids.
const MOST: usize = 1_000;

/// A resource that a call deleted. It borrows nothing from the record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Deletion {
    /// The resource. Its key is that of its creation.
    pub resource: Resource,
    /// The deleting event.
    pub event: Arc<EventSummary>,
    /// The caller.
    pub principal: Principal,
    /// True if the call named the resource by a name that can be used again.
    pub is_by_name: bool,
}

impl Deletion {
    /// A deletion, as it is kept in a ledger.
    pub fn new(resource: Resource, event: Arc<EventSummary>, principal: Principal, is_by_name: bool) -> Self {
        Self { resource, event, principal, is_by_name }
    }
}

/// Finds deleted resources in records.
///
/// ```
/// use autotag_handlers::catalog::Catalog;
/// use autotag_handlers::classify::{Classifier, Envelope};
/// use autotag_handlers::deletion::Deletions;
/// use autotag_model::policy::Policy;
///
/// let classifier = Classifier::new(Catalog::embedded(), Policy::default());
/// let record = serde_json::from_str(r#"{"eventSource": "sqs.amazonaws.com", "eventName": "DeleteQueue",
///     "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
///     "userIdentity": {"type": "IAMUser", "userName": "mara", "accountId": "111122223333"},
///     "requestParameters": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"}}"#)?;
/// let gone = Deletions::of_catalog(&classifier).of(&record, Envelope::default());
/// assert_eq!(gone[0].resource.display(), "arn:aws:sqs:eu-west-1:111122223333:orders");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Deletions<'c> {
    classifier: &'c Classifier,
}

impl<'c> Deletions<'c> {
    /// By the catalogue and the policy of a classifier.
    pub fn of_catalog(classifier: &'c Classifier) -> Self {
        Self { classifier }
    }

    /// True if a record of an event may delete something.
    pub fn wants(&self, event_source: &str, event_name: &str) -> bool {
        !self.rules(event_source, event_name).is_empty()
    }

    /// The resources that a record deletes.
    ///
    /// It deletes none if the call failed, was a dry run or only read. The same holds if the event around it
    /// differs from the record, or does not come from CloudTrail. It never deletes a resource of another account.
    pub fn of(&self, record: &Record<'_>, envelope: Envelope<'_>) -> Vec<Deletion> {
        let rules = self.rules(&record.event_source, &record.event_name);
        let changes_nothing = record.failed() || record.is_dry_run() || record.read_only == Some(true);
        if rules.is_empty() || changes_nothing || disbelieved(record, envelope).is_some() {
            return Vec::new();
        }
        let (Ok(parsed), Ok(principal)) = (record.parsed(), Principal::of(record)) else { return Vec::new() };
        let scope = scope(record, &principal, envelope);
        let context = RecordContext::new(record, &parsed, &principal, &scope, self.classifier.catalog());
        let event = Arc::new(EventSummary::of(record, envelope.account));
        let (mut gone, mut known) = (Vec::new(), HashSet::new());
        for rule in rules.iter().filter(|rule| self.classifier.policy().applies(rule.evidence())) {
            let Located::Resources(resources) = rule.locate(&parsed, &scope) else { continue };
            for mut resource in resources.into_iter().take(MOST) {
                services::refine_deleted(&context, &mut resource);
                let is_unclear = (rule.needs_arn() && resource.arn.is_none()) || is_left_out(&resource.id);
                if is_unclear || foreign(&resource, &scope).is_some() || !known.insert(resource.key()) {
                    continue;
                }
                let (event, principal) = (Arc::clone(&event), principal.clone());
                gone.push(Deletion { resource, event, principal, is_by_name: rule.is_by_name() });
            }
        }
        gone
    }

    fn rules(self, event_source: &str, event_name: &str) -> &'c [Arc<DeletionRule>] {
        // A file that cannot be used, which the tests rule out, refuses the creations of its service too.
        self.classifier.catalog().find_deletions(event_source, event_name).unwrap_or_default()
    }
}

/// True if an id is that of a record in a documentation, which leaves ids out: `...`.
fn is_left_out(id: &str) -> bool {
    id.chars().all(|c| c == '.' || c == '…')
}

/// The events that delete something, as (event source, event name), in order.
///
/// # Errors
/// [`CatalogError`] when an embedded file cannot be used.
pub fn deleting_events(catalog: &Catalog) -> Result<Vec<(String, String)>, CatalogError> {
    let mut events = Vec::new();
    for service in catalog.services()? {
        let names = service.deletions.iter().map(|rule| (service.source.clone(), rule.event().to_owned()));
        events.extend(names);
    }
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

#[cfg(test)]
mod tests;
