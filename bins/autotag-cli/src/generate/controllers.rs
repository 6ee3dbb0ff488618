//! `ignore-tags/`: settings for programs that remove tags of others, or that the guards would deny. Terraform's are
//! in `terraform/`.

use super::file::GeneratedFile;
use super::inventory::Inventory;
use anyhow::Result;
use askama::Template;

macro_rules! snippets {
    ($($name:ident = $path:literal;)*) => {
        $(
            #[derive(Template)]
            #[template(path = $path, escape = "none")]
            struct $name<'a> {
                keys: &'a [&'a str],
            }
        )*

        /// One file for each program.
        pub(super) fn files(inventory: &Inventory) -> Result<Vec<GeneratedFile>> {
            let keys = inventory.ignored_keys();
            Ok(vec![$(
                GeneratedFile::new($path.trim_start_matches("deploy/"), &$name { keys: &keys }.render()?),
            )*])
        }
    };
}

snippets! {
    Ack = "deploy/ignore-tags/ack.yaml";
    Cdk = "deploy/ignore-tags/cdk.ts";
    CloudCustodian = "deploy/ignore-tags/cloud-custodian.yaml";
    Crossplane = "deploy/ignore-tags/crossplane.yaml";
    GlueSessions = "deploy/ignore-tags/glue-sessions.sh";
    ImageBuilder = "deploy/ignore-tags/image-builder.yaml";
    Karpenter = "deploy/ignore-tags/karpenter.yaml";
    LoadBalancerController = "deploy/ignore-tags/load-balancer-controller.yaml";
    Pulumi = "deploy/ignore-tags/pulumi.yaml";
}
