//! `org-metadata.yaml`: what the program `org-metadata` needs, in each of its three places.

use super::Artefact;
use super::inventory::Inventory;
use anyhow::Result;

/// Nothing in it comes from the catalogue: the file is as it is.
const TEMPLATE: &str = include_str!("../../templates/deploy/org-metadata.yaml");

#[expect(clippy::unnecessary_wraps, reason = "artefacts that are made of the catalogue can fail")]
pub(super) fn artefacts(_inventory: &Inventory) -> Result<Vec<Artefact>> {
    Ok(vec![Artefact::new("org-metadata.yaml", TEMPLATE)])
}
