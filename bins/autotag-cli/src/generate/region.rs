//! `region.yaml`: rules of every region that forward to the hub.

use super::Artefact;
use super::inventory::Inventory;
use super::patterns::{self, Pattern};
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/region.yaml", escape = "none")]
struct Region {
    version: String,
    patterns: Vec<Pattern>,
    /// How many events the patterns let through.
    events: usize,
    /// Of how many services.
    sources: usize,
    session: Pattern,
}

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let patterns = patterns::creations(inventory)?;
    let (events, sources) = patterns::size(&patterns);
    let version = inventory.version();
    let region = Region { version, patterns, events, sources, session: patterns::sessions() };
    Ok(vec![Artefact::new("region.yaml", &region.render()?)])
}
