//! The calls that change tags of existing resources.

use super::tag_names::may_change_tags;
use super::{Catalog, CatalogError};
use autotag_model::rule::{Rule, TagChangeCall};
use std::sync::Arc;

/// The event of a call that changes tags of resources that exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct TagChangeEvent {
    /// `eventSource`.
    pub source: String,
    /// `eventName`.
    pub name: String,
    /// True if the call can take tags off. Others only write tags, and can overwrite their values.
    pub takes_off: bool,
}

impl Catalog {
    /// The rules of a service as they count; empty if there are none, or if its embedded file cannot be used.
    pub fn rules_of(&self, event_source: &str) -> Vec<Arc<Rule>> {
        let own =
            self.own.get(event_source).map(|service| service.rules.rules.as_slice()).unwrap_or_default();
        let embedded = self.service(event_source).ok().flatten();
        let embedded = embedded.map(|service| service.rules.rules.as_slice()).unwrap_or_default();
        let is_replaced = |rule: &&Arc<Rule>| own.iter().any(|mine| mine.event == rule.event);
        own.iter().chain(embedded.iter().filter(|rule| !is_replaced(rule))).map(Arc::clone).collect()
    }

    /// The call of an event, if it changes tags of resources that exist.
    ///
    /// ```
    /// use autotag_handlers::catalog::Catalog;
    ///
    /// let catalog = Catalog::embedded();
    /// assert!(catalog.tag_change("s3.amazonaws.com", "PutBucketTagging").is_some_and(|call| call.takes_off()));
    /// assert!(catalog.tag_change("sqs.amazonaws.com", "ListQueueTags").is_none());
    /// ```
    pub fn tag_change(&self, event_source: &str, event_name: &str) -> Option<&TagChangeCall> {
        let services = [self.own.get(event_source), self.service(event_source).ok().flatten()];
        let mut calls = services.into_iter().flatten().flat_map(|service| &service.rules.tag_changes);
        calls.find(|call| call.event == event_name)
    }

    /// True if calls of this name change tags of resources that exist. Of services that are not in the catalogue, the name
    /// of the call counts.
    ///
    /// ```
    /// use autotag_handlers::catalog::Catalog;
    ///
    /// let catalog = Catalog::embedded();
    /// assert!(catalog.changes_tags("iam.amazonaws.com", "UntagRole"));
    /// assert!(!catalog.changes_tags("servicecatalog.amazonaws.com", "DeleteTagOption"));
    /// assert!(catalog.changes_tags("newservice.amazonaws.com", "UntagThing"));
    /// ```
    pub fn changes_tags(&self, event_source: &str, event_name: &str) -> bool {
        match self.service(event_source) {
            Ok(Some(service)) if !service.rules.tag_changes.is_empty() => {
                self.tag_change(event_source, event_name).is_some()
            }
            _ => may_change_tags(event_source, event_name),
        }
    }

    /// The events of all calls that change tags of resources that exist, by source and name: what an `EventBridge` rule has
    /// to match.
    ///
    /// # Errors
    /// [`CatalogError`] when an embedded file cannot be used.
    pub fn tag_change_events(&self) -> Result<Vec<TagChangeEvent>, CatalogError> {
        let mut events: Vec<TagChangeEvent> = Vec::new();
        for service in self.services()? {
            events.extend(service.tag_changes.iter().map(|call| TagChangeEvent {
                source: service.source.clone(),
                name: call.event.clone(),
                takes_off: call.takes_off(),
            }));
        }
        events.sort();
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tag_names::UPDATES;
    use super::*;

    #[test]
    fn every_call_of_the_catalogue_is_known_by_its_name() {
        let events = Catalog::embedded().tag_change_events().unwrap();
        let missed: Vec<_> =
            events.iter().filter(|event| !may_change_tags(&event.source, &event.name)).collect();
        assert!(missed.is_empty(), "{missed:?}");
        assert!(events.len() >= 630, "{}", events.len());
        assert!(UPDATES.iter().all(|name| events.iter().any(|event| event.name == *name)));
    }

    #[test]
    fn events_are_listed_once_and_in_order() {
        let events = Catalog::embedded().tag_change_events().unwrap();
        assert!(events.is_sorted());
        let mut pairs: Vec<_> = events.iter().map(|event| (&event.source, &event.name)).collect();
        pairs.dedup();
        assert_eq!(pairs.len(), events.len());
    }

    #[test]
    fn own_files_add_calls_and_replace_those_of_the_same_name() {
        let mut catalog = Catalog::embedded();
        let file = "source = \"sqs.amazonaws.com\"\nname = \"SQS\"\n[tag_changes]\n\
                    UntagQueue = { clears = true, resource = \"request.queueUrl\" }\n\
                    UntagTopic = { clears = true, resource = \"request.topicArn\" }\n";
        catalog.add("own.toml", file).unwrap();
        assert!(catalog.tag_change("sqs.amazonaws.com", "UntagQueue").unwrap().clears);
        let events = catalog.tag_change_events().unwrap();
        let of_sqs = events.iter().filter(|event| event.source == "sqs.amazonaws.com");
        let names: Vec<&str> = of_sqs.map(|event| event.name.as_str()).collect();
        assert_eq!(names, ["TagQueue", "UntagQueue", "UntagTopic"]);
    }

    #[test]
    fn a_name_decides_only_about_services_that_are_not_in_the_catalogue() {
        let catalog = Catalog::embedded();
        assert!(!catalog.changes_tags("cloudfront.amazonaws.com", "CreateDistributionWithTags"));
        assert!(catalog.changes_tags("newservice.amazonaws.com", "CreateThingWithTags"));
        assert!(catalog.changes_tags("codebuild.amazonaws.com", "UpdateProject"));
        assert!(!catalog.changes_tags("codebuild.amazonaws.com", "UpdateWebhook"));
        assert!(catalog.changes_tags("lambda.amazonaws.com", "UntagResource20170331v2"));
    }
}
