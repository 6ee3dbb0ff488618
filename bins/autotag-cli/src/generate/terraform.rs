//! `terraform/` and `README.md`: a Terraform module that deploys the same templates, and a guide to the files.

use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/terraform/main.tf", escape = "none")]
struct Main {
    /// True if there is a `guard.yaml`.
    guard: bool,
}

/// The tag keys that Terraform must ignore.
#[derive(Template)]
#[template(path = "deploy/terraform/ignore-tags.hcl", escape = "none")]
struct IgnoreTags<'a> {
    keys: &'a [&'a str],
}

// Nothing in these files comes from the catalogue.
const VERSIONS: &str = include_str!("../../templates/deploy/terraform/versions.tf");
const VARIABLES: &str = include_str!("../../templates/deploy/terraform/variables.tf");
const OUTPUTS: &str = include_str!("../../templates/deploy/terraform/outputs.tf");
const README: &str = include_str!("../../templates/deploy/README.md");

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let keys = inventory.ignored_keys();
    let guard = !inventory.enforced_keys().is_empty();
    Ok(vec![
        GeneratedFile::new("README.md", README),
        GeneratedFile::new("terraform/ignore-tags.hcl", &IgnoreTags { keys: &keys }.render()?),
        GeneratedFile::new("terraform/main.tf", &Main { guard }.render()?),
        GeneratedFile::new("terraform/outputs.tf", OUTPUTS),
        GeneratedFile::new("terraform/variables.tf", VARIABLES),
        GeneratedFile::new("terraform/versions.tf", VERSIONS),
    ])
}
