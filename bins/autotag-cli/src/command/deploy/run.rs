//! Deploys, or shows what would be done.

use super::context::{Context, failed};
use super::done::Done;
use super::enquiry::agreed;
use super::wanted::{Files, Wanted};
use super::{organization, steps};
use crate::cli::{Cli, Command, DeployArgs, TextFormat};
use crate::command::doctor;
use crate::completion::Completion;
use anyhow::{Result, anyhow};
use autotag_deploy::bucket::CodeBucket;
use autotag_deploy::deployment::Deployment;
use autotag_deploy::layout::Layout;
use autotag_deploy::packages::Packages;
use autotag_deploy::plan::PlannedStep;
use autotag_deploy::progress::ends;
use autotag_deploy::release::{ROLLBACK, Release};
use autotag_deploy::trail::{self, Trail};
use clap::Parser as _;
use std::io::Write as _;

pub(super) async fn deploy(context: &Context, args: &DeployArgs, files: &Files) -> Result<Done> {
    let wanted = Wanted::new(context, args, files, true).await?;
    if args.mode.upgrade && wanted.existing.hub().is_none() {
        return Err(anyhow!(
            "there is no deployment `{}` in {}: deploy it without --upgrade",
            context.name,
            context.hub
        ));
    }
    let planned = steps::planned(context, &wanted, false).await.map_err(failed)?;
    let deployment = &wanted.deployment;
    let is_there = planned.iter().all(|stack| stack.step == PlannedStep::Keep);
    announce(context, &wanted, &files.packages)?;
    if !is_there {
        steps::print_steps(&planned)?;
        if !agreed(args.run.yes, "Continue?")? {
            writeln!(anstream::stderr(), "nothing was changed")?;
            return Ok(Done::without_regions(Completion::Partial));
        }
        prepare(context, &wanted, &files.packages).await?;
    } else if let (Some(_), Some(bucket)) = (&args.what.release, &wanted.bucket) {
        // A name that people chose says nothing about the packages: others of the same name are refused.
        put_packages(context, bucket, deployment, &files.packages).await?;
    }
    let results = deployment.apply(&context.engine(), &wanted.existing).await;
    let format = TextFormat::or_default(args.run.format);
    let mut is_complete = steps::print_results(&results, &deployment.release, format)?;
    if deployment.layout == Layout::Organization && is_complete {
        is_complete = organization::follow(context, args.organization.call_as).await?;
    }
    if is_complete {
        advise(context, &wanted).await?;
    }
    if is_complete && !args.run.canary {
        writeln!(anstream::stderr(), "to check every link: the same command with --canary")?;
    }
    Ok(Done::of(deployment, is_complete))
}

/// Says on stderr what is deployed, and where.
fn announce(context: &Context, wanted: &Wanted, packages: &Packages) -> Result<()> {
    let mut err = anstream::stderr().lock();
    let release = &wanted.deployment.release;
    writeln!(
        err,
        "{} {release}, account {}, hub in {}",
        context.name, context.identity.account, context.hub
    )?;
    if !packages.checked {
        writeln!(err, "the folder of the packages has no SHA256SUMS: their hashes are not checked")?;
    }
    if let Some(table) = &wanted.kept_table {
        writeln!(err, "the table `{table}` of an earlier deployment is used again")?;
    }
    Ok(())
}

/// Sets up the bucket, uploads packages and templates, and writes down what the release is.
async fn prepare(context: &Context, wanted: &Wanted, packages: &Packages) -> Result<()> {
    let deployment = &wanted.deployment;
    let Some(bucket) = &wanted.bucket else { return Err(anyhow!("there is no bucket for the code")) };
    if wanted.sets_up_bucket {
        bucket.set_up(&deployment.name).await.map_err(failed)?;
        ends(&context.progress, context.hub.as_str(), bucket.name(), "ready");
    }
    put_packages(context, bucket, deployment, packages).await?;
    put_templates(context, bucket, deployment).await?;
    let before = wanted.existing.parameter("Release");
    // A run of the same release that was ended has written it already, and what was there before it.
    if before != Some(&deployment.release) {
        let release = Release {
            name: deployment.release.clone(),
            previous: before.map(str::to_owned),
            parameters: deployment.chosen(&wanted.existing),
        };
        release.write(bucket).await.map_err(failed)?;
    }
    bucket.remove(ROLLBACK).await.map_err(failed)
}

async fn put(context: &Context, bucket: &CodeBucket, key: &str, bytes: &[u8]) -> Result<bool> {
    let was_put = bucket.put(key, bytes).await.map_err(failed)?;
    if was_put {
        ends(&context.progress, context.hub.as_str(), key, "uploaded");
    }
    Ok(was_put)
}

async fn put_packages(
    context: &Context,
    bucket: &CodeBucket,
    deployment: &Deployment,
    packages: &Packages,
) -> Result<()> {
    for package in &packages.all {
        put(context, bucket, &deployment.package_key(package.function), &package.bytes).await?;
    }
    Ok(())
}

/// Returns the keys that were not there before.
async fn put_templates(
    context: &Context,
    bucket: &CodeBucket,
    deployment: &Deployment,
) -> Result<Vec<String>> {
    let mut new = Vec::new();
    for (template, key) in deployment.stored_templates() {
        if put(context, bucket, &key, template.text.as_bytes()).await? {
            new.push(key);
        }
    }
    Ok(new)
}

/// Says what the deployment lacks that CloudFormation does not know of.
async fn advise(context: &Context, wanted: &Wanted) -> Result<()> {
    let chosen = wanted.deployment.chosen(&wanted.existing);
    let is_set = |key: &str| {
        chosen.iter().any(|(name, value)| name.ends_with(&format!(".{key}")) && !value.is_empty())
    };
    let trail = trail::find(&context.aws, &context.hub).await.map_err(failed)?;
    let mut err = anstream::stderr().lock();
    match trail {
        Trail::Missing => writeln!(
            err,
            "no trail of all regions logs management events, so nothing arrives: {}",
            if wanted.deployment.templates.values().any(|template| template.has_parameter("CreateTrail")) {
                "add --parameter CreateTrail=true to make one"
            } else {
                "make one in the management account or in each account"
            }
        )?,
        Trail::NotLogging(name) => {
            writeln!(err, "the trail `{name}` is switched off: aws cloudtrail start-logging --name {name}")?;
        }
        Trail::Found(_) | Trail::Unknown => {}
    }
    if !is_set("AlarmTopicArn") {
        writeln!(
            err,
            "alarms go nowhere: name an SNS topic of {} with --parameter AlarmTopicArn=ARN",
            context.hub
        )?;
    }
    Ok(())
}

pub(super) async fn plan(context: &Context, args: &DeployArgs, files: &Files) -> Result<Completion> {
    let wanted = Wanted::new(context, args, files, false).await?;
    announce(context, &wanted, &files.packages)?;
    let stored = match &wanted.bucket {
        Some(bucket) if wanted.existing.hub().is_some() => store(context, bucket, &wanted.deployment).await?,
        _ => None,
    };
    let planned = steps::planned(context, &wanted, stored.is_some()).await;
    if let Some(bucket) = &wanted.bucket {
        for key in stored.into_iter().flatten() {
            bucket.remove(&key).await.map_err(failed)?;
        }
    }
    let planned = planned.map_err(failed)?;
    steps::print_plan(&planned, TextFormat::or_default(args.run.format))?;
    writeln!(anstream::stderr(), "{}", steps::summary(&planned))?;
    Ok(Completion::Complete)
}

/// Puts the templates where change sets read them. `None` if that is denied: with rights to read only, templates are compared.
async fn store(
    context: &Context,
    bucket: &CodeBucket,
    deployment: &Deployment,
) -> Result<Option<Vec<String>>> {
    let mut new = Vec::new();
    for (template, key) in deployment.stored_templates() {
        match bucket.put(&key, template.text.as_bytes()).await {
            Ok(true) => new.push(key),
            Ok(false) => {}
            Err(error) if error.is_denied() => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
    }
    ends(&context.progress, context.hub.as_str(), bucket.name(), "has the templates for change sets");
    Ok(Some(new))
}

/// `autotag doctor --canary` in all regions, with the policy and the rules of the deployment.
pub(super) fn canary(args: &DeployArgs, done: &Done) -> Result<Completion> {
    let (wait, regions) = (args.run.wait.to_string(), done.regions.join(","));
    let mut doctor =
        vec!["autotag", "doctor", "--canary", "--wait", &wait, "--regions", &regions, "--stack", &done.hub];
    if let Some(hub) = done.regions.first() {
        doctor.extend(["--region", hub]);
    }
    let doctor = Cli::try_parse_from(doctor)?.command;
    let Command::Doctor(mut doctor) = doctor else { return Ok(Completion::Partial) };
    doctor.policy.clone_from(&args.what.policy);
    doctor.rules.clone_from(&args.what.rules);
    doctor.services.clone_from(&args.what.services);
    doctor::run(&doctor)
}
