//! `backfill.yaml`: the functions over the log files of a trail.

use super::Artefact;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

/// Nothing in it comes from the catalogue; what is made is the way through a day, once for sessions and once for tags.
#[derive(Template)]
#[template(path = "deploy/backfill.yaml", escape = "none")]
struct Backfill;

pub(super) fn artefacts(_inventory: &Inventory) -> Result<Vec<Artefact>> {
    Ok(vec![Artefact::new("backfill.yaml", &Backfill.render()?)])
}
