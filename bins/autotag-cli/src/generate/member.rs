//! `member.yaml`: the role that tag-handler assumes in a member account.

use super::file::GeneratedFile;
use super::fingerprint::fingerprint;
use super::iam;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

#[derive(Template)]
#[template(path = "deploy/member.yaml", escape = "none")]
struct Member {
    version: String,
    /// The documents of managed policies in YAML, indented for the template.
    policies: Vec<String>,
    /// The resources from which the names of Identity Center users are read.
    people: Vec<String>,
}

pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
    let policies = iam::policies(inventory)?;
    let member = Member {
        version: fingerprint(inventory),
        policies: policies.iter().map(|policy| policy.yaml(iam::INDENT)).collect::<Result<_>>()?,
        people: iam::people().into_iter().map(|resource| iam::substituted(&resource)).collect(),
    };
    Ok(vec![GeneratedFile::new("member.yaml", &member.render()?)])
}
