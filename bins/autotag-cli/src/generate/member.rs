//! `member.yaml`: the role that tag-handler assumes in a member account.

use super::Artefact;
use super::iam;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/member.yaml", escape = "none")]
struct Member {
    version: String,
    policies: Vec<String>,
    /// On what the names of Identity Center users are read.
    people: Vec<String>,
}

pub(super) fn artefacts(inventory: &Inventory) -> Result<Vec<Artefact>> {
    let policies = iam::policies(inventory)?;
    let member = Member {
        version: inventory.version(),
        policies: policies.iter().map(|policy| policy.yaml(iam::INDENT)).collect::<Result<_>>()?,
        people: iam::people().into_iter().map(|resource| iam::substituted(&resource)).collect(),
    };
    Ok(vec![Artefact::new("member.yaml", &member.render()?)])
}
