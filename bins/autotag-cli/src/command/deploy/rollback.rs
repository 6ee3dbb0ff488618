//! `autotag deploy --rollback`.

use super::context::{Context, failed};
use super::done::Done;
use super::enquiry::agreed;
use super::wanted::{code_bucket, regions};
use super::{organization, steps};
use crate::cli::{DeployArgs, TextFormat};
use crate::completion::Completion;
use anyhow::{Result, anyhow};
use autotag_deploy::bucket::CodeBucket;
use autotag_deploy::deployment::{Deployment, template_key};
use autotag_deploy::existing::Existing;
use autotag_deploy::layout::Layout;
use autotag_deploy::release::{self, ROLLBACK};
use autotag_deploy::template::Template;
use std::collections::BTreeMap;
use std::io::Write as _;

pub(super) async fn roll_back(context: &Context, args: &DeployArgs, wanted: &str) -> Result<Done> {
    let existing = Existing::find(&context.engine(), &context.name, &context.hub).await.map_err(failed)?;
    let none = || anyhow!("there is no deployment `{}` in {}", context.name, context.hub);
    let layout = existing.layout.ok_or_else(none)?;
    let current = existing.parameter("Release").ok_or_else(none)?.to_owned();
    let (bucket, _) = code_bucket(context, args.what.bucket.as_deref(), &existing, false).await?;
    let bucket =
        bucket.ok_or_else(|| anyhow!("the bucket of the code is not there: name it with --bucket"))?;
    let wanted = Some(wanted).filter(|wanted| !wanted.is_empty());
    let release = release::rollback_target(&bucket, &current, wanted).await.map_err(failed)?;
    let deployment = Deployment {
        name: context.name.clone(),
        account: context.identity.account.clone(),
        hub: context.hub.clone(),
        regions: regions(context, &args.place, layout).await?,
        layout,
        templates: templates(&bucket, layout, &release.name).await?,
        parameters: release.parameters,
        release: release.name,
        bucket: bucket.name().to_owned(),
        minutes: args.run.watch,
    };
    let to = &deployment.release;
    writeln!(
        anstream::stderr(),
        "{} in account {}: from {current} to {to}",
        context.name,
        context.identity.account
    )?;
    if !agreed(args.run.yes, "Roll back?")? {
        writeln!(anstream::stderr(), "nothing was changed")?;
        return Ok(Done::without_regions(Completion::Partial));
    }
    release::begin_rollback(&bucket, &current, to).await.map_err(failed)?;
    let results = deployment.apply(&context.engine(), &existing).await;
    let mut is_complete = steps::print_results(&results, to, TextFormat::or_default(args.run.format))?;
    if layout == Layout::Organization && is_complete {
        is_complete = organization::follow(context, args.organization.call_as).await?;
    }
    if is_complete {
        bucket.remove(ROLLBACK).await.map_err(failed)?;
    }
    Ok(Done::of(&deployment, is_complete))
}

/// The templates of a release, as they were deployed.
async fn templates(bucket: &CodeBucket, layout: Layout, release: &str) -> Result<BTreeMap<String, Template>> {
    let mut templates = BTreeMap::new();
    for name in layout.templates() {
        let key = template_key(release, name);
        let bytes = bucket.read(&key).await.map_err(failed)?;
        let bytes = bytes.ok_or_else(|| anyhow!("s3://{}/{key} is not there", bucket.name()))?;
        let template = Template::new(name, &String::from_utf8_lossy(&bytes)).map_err(failed)?;
        templates.insert((*name).to_owned(), template);
    }
    Ok(templates)
}
