//! `hub.yaml`: bus, queues, tag-handler, table, alarms and dashboard, in the central region.

use super::file::GeneratedFile;
use super::fingerprint::fingerprint;
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
    deletions: Vec<Pattern>,
    tag_changes: Vec<Pattern>,
    /// The keys of identity tags, in YAML.
    identity_keys: String,
    /// The number of events that the patterns match.
    events: usize,
    /// The number of services of these events.
    sources: usize,
    /// The documents of managed policies in YAML, indented for the template.
    policies: Vec<String>,
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let patterns = patterns::creations(inventory)?;
    let policies = iam::policies(inventory)?;
    let (events, sources) = patterns::size(&patterns);
    let hub = Hub {
        version: fingerprint(inventory),
        patterns,
        deletions: patterns::deletions(inventory),
        tag_changes: patterns::tag_changes(inventory),
        identity_keys: patterns::yaml_list(&inventory.identity_keys()),
        events,
        sources,
        policies: policies.iter().map(|policy| policy.yaml(iam::INDENT)).collect::<Result<_>>()?,
    };
    Ok(vec![GeneratedFile::new("hub.yaml", &hub.render()?)])
}
