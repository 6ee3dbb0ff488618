//! The resources that the removal of a deployment deletes, and those that it keeps.

use crate::DeployError;
use crate::engine::Engine;
use crate::formation::{Phase, Place};
use crate::queues;
use crate::template::Template;
use autotag_aws::query::AwsQuery;

/// A resource that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The stack that made it.
    pub place: Place,
    /// Its type.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A queue whose messages would be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullQueue {
    /// The stack that made it.
    pub place: Place,
    /// Its URL.
    pub url: String,
    /// How many messages it has, about.
    pub messages: u64,
}

/// The consequences of removing stacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removal {
    /// The existing stacks, in the order of their removal.
    pub stacks: Vec<Place>,
    /// The resources that stay in AWS.
    pub kept: Vec<Kept>,
    /// Queues with messages.
    pub full: Vec<FullQueue>,
}

impl Removal {
    /// Looks at stacks that are to be removed in this order. Those that are not there are left out.
    ///
    /// # Errors
    /// AWS does not answer.
    pub async fn of(engine: &Engine<'_>, aws: &AwsQuery, places: Vec<Place>) -> Result<Self, DeployError> {
        let mut all = Self::default();
        for place in places {
            let stack = engine.formation.stack(&place).await?;
            let Some(stack) = stack.filter(|stack| stack.status.phase() != Phase::Gone) else { continue };
            all.stacks.push(place.clone());
            if stack.status.phase() != Phase::Announced {
                all.add(engine, aws, &place).await?;
            }
        }
        Ok(all)
    }

    async fn add(&mut self, engine: &Engine<'_>, aws: &AwsQuery, place: &Place) -> Result<(), DeployError> {
        let text = engine.formation.template(place).await?;
        let template = Template::new(&place.stack, &text).ok();
        for resource in engine.formation.resources(place).await? {
            let is_kept = template
                .as_ref()
                .and_then(|template| template.resources.get(&resource.logical_id))
                .is_some_and(|resource| resource.retained);
            // Versions go with their function.
            if is_kept && resource.kind != "AWS::Lambda::Version" {
                let (kind, name) = (resource.kind.clone(), resource.physical_id.clone());
                self.kept.push(Kept { place: place.clone(), kind, name });
            } else if resource.kind == "AWS::SQS::Queue" && resource.physical_id.starts_with("http") {
                let messages =
                    queues::messages(aws, &place.region, &resource.physical_id).await?.unwrap_or_default();
                if messages > 0 {
                    self.full.push(FullQueue { place: place.clone(), url: resource.physical_id, messages });
                }
            }
        }
        Ok(())
    }
}
