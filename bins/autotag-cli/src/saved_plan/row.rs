//! From a line of a saved plan to the row of a plan.

use super::line::{SavedEvent, SavedName, SavedOwner, SavedResource, SavedRule, SavedTag};
use anyhow::{Result, anyhow, ensure};
use autotag_handlers::backend::TaggableResource;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::event::EventSummary;
use autotag_handlers::owner::{Channel, Owner};
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_model::arn::{Arn, Partition};
use autotag_model::rule::{Resource, Rule, Scope};
use autotag_model::tags::{TagKey, TagSet, TagValue};
use std::sync::Arc;

/// The row of a plan.
///
/// # Errors
/// If it does not fit the catalogue or AWS's limits.
pub(super) fn row(saved: SavedResource, catalog: &Catalog) -> Result<PlannedResource> {
    let rule = rule(&saved, catalog)?;
    let tags = tags(&saved.tags, &rule)?;
    let (evidence, resource) = (rule.evidence, resource(saved.resource)?);
    let action = Action::Tag(Box::new(TaggableResource { resource: resource.clone(), rule }));
    let row = PlannedResource::of_resource(Arc::new(summary(saved.event)), resource, action);
    let mut row = row.by_rule_of(evidence);
    row.owner = Some(Arc::new(owner(saved.owner)));
    row.decided = tags.clone();
    row.tags = tags;
    Ok(row)
}

fn rule(saved: &SavedResource, catalog: &Catalog) -> Result<Arc<Rule>> {
    let SavedRule { event, call } = &saved.rule;
    let resource_type = &saved.resource.resource_type;
    let rules = catalog.find(&saved.event.source, event).map_err(Clone::clone)?;
    let fits = |rule: &&Arc<Rule>| rule.resource_type == *resource_type && rule.call.name() == call;
    rules.iter().find(fits).cloned().ok_or_else(|| {
        let [event, resource_type, call] = [event, resource_type, call].map(|text| text.escape_debug());
        anyhow!("the catalogue has no rule for `{event}` that tags `{resource_type}` by `{call}`")
    })
}

fn tags(saved: &[SavedTag], rule: &Rule) -> Result<TagSet> {
    let mut tags = TagSet::new();
    for SavedTag { key, value } in saved {
        let named = key.escape_debug();
        let (key, key_change) = TagKey::sanitize(key, &rule.limits)
            .map_err(|error| anyhow!("the tag key `{named}` cannot be written: {error}"))?;
        let (value, value_change) = TagValue::sanitize(value, &rule.limits);
        let fits = key_change.is_none() && value_change.is_none();
        ensure!(fits, "the tag `{named}` does not fit the limits of the service");
        ensure!(tags.add(key, value), "the plan lists the tag key `{named}` twice");
    }
    ensure!(!tags.is_empty(), "there is no tag to write");
    Ok(tags)
}

fn summary(saved: SavedEvent) -> EventSummary {
    let SavedEvent { id, time, source, name, account, region } = saved;
    let mut summary = EventSummary::default();
    summary.dedup_id.clone_from(&id);
    (summary.id, summary.time, summary.source, summary.name) = (id, time, source, name);
    (summary.account, summary.region) = (account, region);
    summary
}

fn resource(saved: SavedName) -> Result<Resource> {
    let SavedName { resource_type, id, arn, account, region, version } = saved;
    let arn: Option<Arn> = arn.map(|arn| arn.parse()).transpose()?;
    if let (Some(arn), Some(account)) = (&arn, &account) {
        ensure!(arn.can_belong_to(account), "the ARN is not of the account {account}");
    }
    let partition = arn.as_ref().map_or_else(Partition::default, |arn| arn.partition().clone());
    let mut resource =
        Resource::new(&resource_type, &id, arn, &Scope { partition, region: region.clone(), account });
    // The region in which it is tagged. Some ARNs name another one.
    resource.region = region;
    resource.version = version;
    Ok(resource)
}

fn owner(saved: SavedOwner) -> Owner {
    let SavedOwner { name, source, proof, claimed, channel, arn, account, person } = saved;
    let mut owner = Owner::default();
    (owner.name, owner.source, owner.proof, owner.claimed) = (name, source, proof, claimed);
    (owner.arn, owner.account, owner.person) = (arn, account, person);
    owner.channel = channel.as_deref().map(Channel::from);
    owner
}
