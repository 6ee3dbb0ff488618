//! `org-metadata.yaml`: what the program `org-metadata` needs, in each of its three places.

use super::Artefact;
use super::inventory::Inventory;
use anyhow::Result;

#[expect(clippy::unnecessary_wraps, reason = "there is nothing in it yet")]
pub(super) fn artefacts(_inventory: &Inventory) -> Result<Vec<Artefact>> {
    Ok(Vec::new())
}
