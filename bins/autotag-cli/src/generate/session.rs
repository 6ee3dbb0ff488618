//! `session.yaml`: session-handler and its rules.

use super::file::GeneratedFile;
use super::fingerprint::fingerprint;
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

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let session = Session { version: fingerprint(inventory), session: patterns::sessions() };
    Ok(vec![GeneratedFile::new("session.yaml", &session.render()?)])
}
