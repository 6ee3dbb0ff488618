//! Services with behaviour that a catalogue rule cannot describe, one file a service.
//!
//! | module | contents |
//! |---|---|
//! | `handler` | the trait, what a handler is given and what it changes |
//! | `ec2`, `s3`, `rds`, `dynamodb` | the built-in handlers |
//! | `parents` | the resource to which a new one belongs |
//! | `repeats` | whether an earlier call may have made the resource |

mod dynamodb;
mod ec2;
mod handler;
mod parents;
mod rds;
mod repeats;
mod s3;

pub use handler::{Made, Newness, RecordContext, Repeat, ServiceHandler, TagTarget};
pub use parents::parent_events;
pub use repeats::CREATION_SKEW;

use autotag_model::rule::Resource;
use std::sync::Arc;

/// The built-in handlers, in alphabetical order of their event sources.
pub fn built_in() -> Vec<Arc<dyn ServiceHandler>> {
    vec![Arc::new(dynamodb::DynamoDb), Arc::new(ec2::Ec2), Arc::new(rds::Rds), Arc::new(s3::S3)]
}

/// Refines what the rules found in a record: first by the `handlers` of its service, then by what all services have in
/// common.
pub fn refine(
    handlers: &[Arc<dyn ServiceHandler>],
    context: &RecordContext<'_>,
    targets: &mut Vec<TagTarget>,
) {
    for handler in handlers {
        if handler.event_source() == context.record.event_source {
            handler.refine(context, targets);
        }
    }
    repeats::note(context, targets);
    // All resources of one call have the same parent, but AWS puts its tags on some of them only.
    let parent = targets.iter().find_map(|target| parents::parent(context, target));
    let requester = targets.iter().find_map(parents::requester);
    for target in targets.iter_mut() {
        target.parent.clone_from(&parent);
        target.requester.clone_from(&requester);
    }
}

/// Completes a resource that a record deletes by what a rule cannot say.
pub(crate) fn refine_deleted(context: &RecordContext<'_>, resource: &mut Resource) {
    if context.record.event_source == "s3.amazonaws.com" {
        s3::refine_deleted(context, resource);
    }
}

#[cfg(test)]
mod tests;
