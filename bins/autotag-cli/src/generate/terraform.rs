//! `terraform/` and `README.md`: the same templates for those who use Terraform, and what is what.

use super::Artefact;
use super::guard::MEMBER;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/terraform/main.tf", escape = "none")]
struct Main {
    member: &'static str,
}

/// Keys that Terraform has to leave alone: all that the policy names.
#[derive(Template)]
#[template(path = "deploy/terraform/ignore-tags.hcl", escape = "none")]
struct IgnoreTags<'a> {
    keys: &'a [&'a str],
}

/// Nothing in these comes from the catalogue.
const VERSIONS: &str = include_str!("../../templates/deploy/terraform/versions.tf");
const VARIABLES: &str = include_str!("../../templates/deploy/terraform/variables.tf");
const OUTPUTS: &str = include_str!("../../templates/deploy/terraform/outputs.tf");
const README: &str = include_str!("../../templates/deploy/README.md");

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let fixed = inventory.policy.fixed.iter().map(|(key, _)| key.as_str());
    let keys: Vec<&str> = inventory.identity_keys().into_iter().chain(fixed).collect();
    Ok(vec![
        Artefact::new("README.md", README),
        Artefact::new("terraform/ignore-tags.hcl", &IgnoreTags { keys: &keys }.render()?),
        Artefact::new("terraform/main.tf", &Main { member: MEMBER }.render()?),
        Artefact::new("terraform/outputs.tf", OUTPUTS),
        Artefact::new("terraform/variables.tf", VARIABLES),
        Artefact::new("terraform/versions.tf", VERSIONS),
    ])
}
