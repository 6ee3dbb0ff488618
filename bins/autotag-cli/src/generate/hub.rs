//! `hub.yaml`: bus, queues, tag-handler, table, alarms and dashboard of the central region.

use super::Artefact;
use super::iam;
use super::inventory::Inventory;
use super::patterns::{self, Pattern};
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/hub.yaml", escape = "none")]
struct Hub {
    version: String,
    patterns: Vec<Pattern>,
    /// How many events the patterns let through.
    events: usize,
    /// Of how many services.
    sources: usize,
    /// Documents of managed policies, as texts that stand where the template has them.
    policies: Vec<String>,
}

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let patterns = patterns::creations(inventory)?;
    let policies = iam::policies(inventory)?;
    let (events, sources) = patterns::size(&patterns);
    let hub = Hub {
        version: inventory.version(),
        patterns,
        events,
        sources,
        policies: policies.iter().map(|policy| policy.yaml(iam::INDENT)).collect::<Result<_>>()?,
    };
    Ok(vec![Artefact::new("hub.yaml", &hub.render()?)])
}
