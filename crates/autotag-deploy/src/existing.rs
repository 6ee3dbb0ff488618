//! Reads a deployment as it exists in AWS.

use crate::DeployError;
use crate::engine::Engine;
use crate::formation::{Phase, Place, Stack};
use crate::layout::Layout;
use autotag_model::arn::Region;
use futures_util::future::join_all;
use std::collections::BTreeMap;

/// The stacks of a deployment in the region of the hub.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// Its layout, if anything is there.
    pub layout: Option<Layout>,
    /// The stacks, by the names of their templates.
    pub stacks: BTreeMap<&'static str, Stack>,
}

/// True if a stack has resources and parameters. A stack that was never complete is created again.
fn is_made(stack: &Stack) -> bool {
    matches!(stack.status.phase(), Phase::Settled | Phase::HalfUpdated | Phase::Stuck | Phase::Moving)
}

impl Existing {
    /// Looks for the stacks of a deployment. Waits for one at which CloudFormation works.
    ///
    /// # Errors
    /// AWS does not answer.
    pub async fn find(engine: &Engine<'_>, name: &str, hub: &Region) -> Result<Self, DeployError> {
        let whole = engine.at_rest(&Place::new(hub, name)).await?.filter(is_made);
        if let Some(stack) = whole {
            let of_an_organization = stack.parameters.contains_key("MemberTemplateUrl");
            let (layout, template) =
                if of_an_organization { (Layout::Organization, "org") } else { (Layout::Single, "single") };
            return Ok(Self { layout: Some(layout), stacks: [(template, stack)].into() });
        }
        let mut existing = Self::default();
        for (template, suffix) in Layout::Parts.central() {
            let stack = engine.at_rest(&Place::new(hub, format!("{name}{suffix}"))).await?;
            if let Some(stack) = stack.filter(is_made) {
                existing.layout = Some(Layout::Parts);
                existing.stacks.insert(template, stack);
            }
        }
        Ok(existing)
    }

    /// The stack with the function that tags.
    pub fn hub(&self) -> Option<&Stack> {
        ["single", "org", "hub"].iter().find_map(|template| self.stacks.get(template))
    }

    /// A parameter of the stack of the hub, if it is not empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let value = self.hub()?.parameters.get(name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }
}

/// Looks among regions for rules of a deployment that send to a hub elsewhere than in `hub`. Returns a region with such rules, and
/// the region of their hub.
///
/// # Errors
/// AWS does not answer in one of them. A region that the caller may not ask is left out.
pub async fn hub_elsewhere(
    engine: &Engine<'_>,
    name: &str,
    hub: &Region,
    regions: &[Region],
) -> Result<Option<(Region, Region)>, DeployError> {
    for region in regions {
        let stack = match engine.formation.stack(&Place::new(region, format!("{name}-region"))).await {
            Err(error) if error.is_denied() => None,
            stack => stack?,
        };
        let stack = stack.filter(|stack| stack.status.phase() != Phase::Gone);
        let bus = stack.as_ref().and_then(|stack| stack.parameters.get("HubBusArn"));
        // arn:aws:events:REGION:ACCOUNT:event-bus/NAME
        let other = bus.and_then(|arn| Region::new(arn.split(':').nth(3)?)).filter(|other| other != hub);
        if let Some(other) = other {
            return Ok(Some((region.clone(), other)));
        }
    }
    Ok(None)
}

/// The regions of these in which a deployment has a stack of its own. A region that the caller may not ask has none: a policy of
/// the organization closes it.
///
/// # Errors
/// AWS does not answer in one of them: its stack would be left behind.
pub async fn regions_with_stacks(
    engine: &Engine<'_>,
    name: &str,
    regions: &[Region],
) -> Result<Vec<Region>, DeployError> {
    let asked = regions.iter().map(async |region| {
        let stack = match engine.formation.stack(&Place::new(region, format!("{name}-region"))).await {
            Err(error) if error.is_denied() => None,
            stack => stack?,
        };
        Ok(stack.filter(|stack| stack.status.phase() != Phase::Gone).map(|_| region.clone()))
    });
    join_all(asked).await.into_iter().filter_map(Result::transpose).collect()
}
