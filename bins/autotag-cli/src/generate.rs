//! The files of a deployment, generated from the catalogue and the policy: CloudFormation, rules, permissions,
//! guards. This module has no IO; `command/generate.rs` writes the files.
//!
//! Templates (`templates/deploy/*`) are ordinary CloudFormation; only lists from the [`Inventory`] are filled in. Each family of
//! files is a module.

mod athena;
mod backfill;
mod compose;
mod controllers;
pub(crate) mod controls;
mod denials;
pub(crate) mod file;
pub(crate) mod fingerprint;
mod guard;
mod hub;
pub(crate) mod iam;
pub(crate) mod inventory;
mod member;
mod org;
mod org_metadata;
pub(crate) mod own_parts;
pub(crate) mod patterns;
mod region;
mod session;
mod single;
pub(crate) mod source_identity;
mod terraform;

use anyhow::Result;
use file::{GeneratedFile, LIST, LIST_HEAD};
use inventory::Inventory;

/// All files of a deployment, in the order of their paths. The last is the [`LIST`] of the others.
///
/// # Errors
/// The files would break a limit of AWS, or the policy leaves nothing to deploy.
pub(crate) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let families = [
        hub::files,
        region::files,
        session::files,
        member::files,
        single::files,
        org::files,
        guard::files,
        source_identity::files,
        org_metadata::files,
        athena::files,
        backfill::files,
        terraform::files,
        controllers::files,
        iam::files,
        patterns::files,
    ];
    let mut all = Vec::new();
    for family in families {
        all.extend(family(inventory)?);
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<&str> = all.iter().map(|file| file.path.as_str()).collect();
    let list = format!("{LIST_HEAD}{}", paths.join("\n"));
    all.push(GeneratedFile::new(LIST, &list));
    Ok(all)
}
