//! `session.yaml`: session-handler and its rules.

use super::Artefact;
use super::inventory::Inventory;
use super::patterns::{self, Pattern};
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/session.yaml", escape = "none")]
struct Session {
    version: String,
    session: Pattern,
}

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let session = Session { version: inventory.version(), session: patterns::sessions() };
    Ok(vec![Artefact::new("session.yaml", &session.render()?)])
}
