//! `region.yaml`: the rules of each region, which forward to the hub.

use super::file::GeneratedFile;
use super::fingerprint::fingerprint;
use super::inventory::Inventory;
use super::patterns::{self, Pattern};
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/region.yaml", escape = "none")]
struct Region {
    version: String,
    patterns: Vec<Pattern>,
    deletions: Vec<Pattern>,
    tag_changes: Vec<Pattern>,
    /// The keys of identity tags, in YAML.
    identity_keys: String,
    /// The number of events that the patterns match.
    events: usize,
    /// The number of services of these events.
    sources: usize,
    session: Pattern,
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let patterns = patterns::creations(inventory)?;
    let (events, sources) = patterns::size(&patterns);
    let version = fingerprint(inventory);
    let (deletions, session) = (patterns::deletions(inventory), patterns::sessions());
    let region = Region {
        version,
        patterns,
        deletions,
        tag_changes: patterns::tag_changes(inventory),
        identity_keys: patterns::yaml_list(&inventory.identity_keys()),
        events,
        sources,
        session,
    };
    Ok(vec![GeneratedFile::new("region.yaml", &region.render()?)])
}
