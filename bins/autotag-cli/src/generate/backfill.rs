//! `backfill.yaml`: runs the functions over the log files of a trail.

use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

/// The template repeats the steps of a day, once for sessions and once for tags. Nothing in it comes from the catalogue.
#[derive(Template)]
#[template(path = "deploy/backfill.yaml", escape = "none")]
struct Backfill;

pub(super) fn files(_inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    Ok(vec![GeneratedFile::new("backfill.yaml", &Backfill.render()?)])
}
