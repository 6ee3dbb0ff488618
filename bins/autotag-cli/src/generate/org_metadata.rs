//! `org-metadata.yaml`: the permissions of the program `org-metadata`, in each of the three accounts that it uses.

use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::Result;

/// Nothing in it comes from the catalogue.
const TEMPLATE: &str = include_str!("../../templates/deploy/org-metadata.yaml");

#[expect(clippy::unnecessary_wraps, reason = "all families have this signature")]
pub(super) fn files(_inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    Ok(vec![GeneratedFile::new("org-metadata.yaml", TEMPLATE)])
}
