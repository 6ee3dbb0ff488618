//! What a catalogue rule cannot say, service by service.
//!
//! Do not write a handler for a new service unless a rule cannot describe it: nearly all of them are one TOML file. A
//! handler refines what the rules have found in a record; it is pure, and asks nothing of the world.

mod dynamodb;
mod ec2;
mod parents;
mod rds;
mod s3;

pub use parents::parent_events;

use crate::catalog::Catalog;
use crate::ports::{Item, Question};
use autotag_model::arn::AccountId;
use autotag_model::identity::Principal;
use autotag_model::record::{ParsedRecord, Record};
use autotag_model::rule::{Resource, Rule, Scope};
use std::fmt::Debug;
use std::sync::Arc;

/// A record of a creation, as handlers see it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Creation<'a> {
    /// The record.
    pub record: &'a Record<'a>,
    /// Its raw parts, parsed.
    pub parsed: &'a ParsedRecord,
    /// Who made the call.
    pub principal: &'a Principal,
    /// Where its resources lie.
    pub scope: &'a Scope,
    /// The rules, for what it hangs together with.
    pub catalog: &'a Catalog,
}

/// A resource that was found in a record, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Target {
    /// The resource.
    pub resource: Resource,
    /// The rule that found it: how to tag it, within which limits.
    pub rule: Arc<Rule>,
    /// The tags that the creating call itself asked for.
    pub requested: Vec<(String, String)>,
    /// Whether the resource may have existed before: then the first writer wins.
    pub may_have_existed: bool,
    /// The resource that this one belongs to: its owner counts when only a service stands behind the call.
    pub parent: Option<Item>,
    /// The ARN of the principal for whom that service says it works.
    pub requester: Option<String>,
    /// What the record cannot say about what came with it.
    pub questions: Vec<Question>,
    /// The tags that the creating call asked for what came with it, by resource type.
    pub requested_for: Vec<(&'static str, Vec<(String, String)>)>,
}

impl Target {
    /// Whether the call replaces the resource with a new one of the same name, as writing an object does: an earlier
    /// creation of that name says nothing of its tags.
    pub fn is_new_each_time(&self) -> bool {
        !self.may_have_existed && self.resource.resource_type == "AWS::S3::Object"
    }

    /// The resource with its rule.
    pub fn item(&self) -> Item {
        Item { resource: self.resource.clone(), rule: Arc::clone(&self.rule) }
    }
}

/// A service that needs behaviour of its own.
pub trait ServiceHandler: Debug + Send + Sync {
    /// `eventSource` of its records.
    fn event_source(&self) -> &'static str;

    /// Refines what the rules have found.
    fn refine(&self, creation: &Creation<'_>, targets: &mut Vec<Target>);
}

/// The services with behaviour of their own, in alphabetical order.
const HANDLERS: &[&dyn ServiceHandler] = &[&dynamodb::DynamoDb, &ec2::Ec2, &rds::Rds, &s3::S3];

/// Refines what the rules have found in a record, by what all services have in common and by what its own has alone.
pub fn refine(creation: &Creation<'_>, targets: &mut Vec<Target>) {
    if let Some(handler) = handler(&creation.record.event_source) {
        handler.refine(creation, targets);
    }
    // What a call creates belongs together, and AWS does not put its tags on every kind of it.
    let parent = targets.iter().find_map(|target| parents::parent(creation, target));
    let requester = targets.iter().find_map(parents::requester);
    for target in targets.iter_mut() {
        target.parent.clone_from(&parent);
        target.requester.clone_from(&requester);
    }
}

/// The handler of a service, if it has one.
pub fn handler(event_source: &str) -> Option<&'static dyn ServiceHandler> {
    HANDLERS.iter().copied().find(|handler| handler.event_source() == event_source)
}

/// A resource of the same account in the scope of the record.
fn resource(resource_type: &str, id: &str, arn: &str, scope: &Scope) -> Resource {
    Resource::new(resource_type, id, arn.parse().ok(), scope)
}

fn account(scope: &Scope) -> &str {
    scope.account.as_ref().map_or("", AccountId::as_str)
}

#[cfg(test)]
mod tests;
