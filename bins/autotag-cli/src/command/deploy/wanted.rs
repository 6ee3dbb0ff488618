//! The requested deployment: files, parameters, regions, the bucket.

use super::context::{Context, failed, random, shown};
use super::organization;
use crate::cli::{DeployArgs, PlaceArgs, WhatArgs};
use crate::generate;
use crate::generate::inventory::Inventory;
use crate::setup::{self, usage_error};
use crate::suggest::{hint, similar};
use anyhow::{Context as _, Result, anyhow};
use autotag_deploy::bucket::{self, CodeBucket};
use autotag_deploy::deployment::Deployment;
use autotag_deploy::existing::{Existing, hub_elsewhere, regions_with_stacks};
use autotag_deploy::layout::Layout;
use autotag_deploy::packages::Packages;
use autotag_deploy::tables;
use autotag_deploy::template::Template;
use autotag_model::arn::Region;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The templates of all layouts.
const TEMPLATES: [&str; 6] = ["hub", "session", "region", "member", "single", "org"];

/// The parameter that names the processor of the functions.
const ARCHITECTURE: &str = "Architecture";

/// The packages and templates, read from files.
pub(super) struct Files {
    templates: BTreeMap<String, Template>,
    pub(super) packages: Packages,
}

impl Files {
    pub(super) fn read(args: &WhatArgs) -> Result<Self> {
        // `Architecture`, or that of one template: `single.Architecture`.
        let chosen = args.parameters.iter().find(|(name, _)| name.rsplit('.').next() == Some(ARCHITECTURE));
        let architecture = chosen.map(|(_, value)| value.as_str());
        let packages = match &args.packages {
            Some(folder) => Packages::in_folder(folder, architecture),
            None => Packages::in_first_of(&[Path::new("dist"), Path::new("target/lambda")], architecture),
        };
        Ok(Self { packages: packages.map_err(failed)?, templates: templates(args)? })
    }
}

fn templates(args: &WhatArgs) -> Result<BTreeMap<String, Template>> {
    let texts = match &args.templates {
        Some(folder) => in_folder(folder)?,
        None => generated(args)?,
    };
    let template =
        |(name, text): (String, String)| Ok((name.clone(), Template::new(&name, &text).map_err(failed)?));
    texts.into_iter().map(template).collect()
}

fn in_folder(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for name in TEMPLATES {
        let path = folder.join(format!("{name}.yaml"));
        if path.is_file() {
            let text = fs::read_to_string(&path);
            let text =
                text.map_err(|error| usage_error(format!("--templates: `{}`: {error}", path.display())))?;
            texts.push((name.to_owned(), text));
        }
    }
    if texts.is_empty() {
        let folder = folder.display();
        return Err(usage_error(format!(
            "--templates: no template in `{folder}`: write them with `autotag generate`"
        )));
    }
    Ok(texts)
}

fn generated(args: &WhatArgs) -> Result<Vec<(String, String)>> {
    let services = setup::catalog(&args.rules)?.services()?;
    let policy = setup::policy(args.policy.as_deref())?;
    let inventory = Inventory::new(services, policy).only(&args.services)?;
    let files = generate::files(&inventory)?.into_iter();
    let of_stacks = files.filter_map(|file| {
        let name = file.path.strip_suffix(".yaml").filter(|name| TEMPLATES.contains(name))?;
        Some((name.to_owned(), file.text))
    });
    Ok(of_stacks.collect())
}

/// The deployment as it is asked for, and as it exists.
pub(super) struct Wanted {
    pub(super) deployment: Deployment,
    pub(super) existing: Existing,
    /// The bucket. `None` if it is not made yet, and nothing may be made.
    pub(super) bucket: Option<CodeBucket>,
    /// True if this program made the bucket, and so sets it up.
    pub(super) sets_up_bucket: bool,
    /// The table of an earlier deployment that is used again.
    pub(super) kept_table: Option<String>,
}

impl Wanted {
    /// `may_create`: whether a bucket that is not there gets a name now.
    pub(super) async fn new(
        context: &Context,
        args: &DeployArgs,
        files: &Files,
        may_create: bool,
    ) -> Result<Self> {
        let engine = context.engine();
        let existing = Existing::find(&engine, &context.name, &context.hub).await.map_err(failed)?;
        let layout = layout(args, &existing, &files.templates)?;
        let (bucket, sets_up_bucket) =
            code_bucket(context, args.what.bucket.as_deref(), &existing, may_create).await?;
        let regions = regions(context, &args.place, layout).await?;
        hub_is_here(context, &existing, &regions).await?;
        let mut parameters = BTreeMap::new();
        if layout == Layout::Organization {
            organization::add(context, args, &existing, &regions, &mut parameters).await?;
        }
        let has_architecture = files.templates.values().any(|template| template.has_parameter(ARCHITECTURE));
        if let (true, Some(architecture)) = (has_architecture, files.packages.architecture) {
            parameters.insert(ARCHITECTURE.to_owned(), architecture.to_owned());
        }
        parameters.extend(args.what.parameters.iter().cloned());
        let kept_table = kept_tables(context, layout, &existing, &files.templates, &mut parameters).await?;
        let mut deployment = Deployment {
            name: context.name.clone(),
            account: context.identity.account.clone(),
            hub: context.hub.clone(),
            regions,
            layout,
            templates: files.templates.clone(),
            parameters,
            release: String::new(),
            bucket: bucket.as_ref().map_or("to-be-made", CodeBucket::name).to_owned(),
            minutes: args.run.watch,
        };
        deployment.check().map_err(|error| match meant(&args.what, &files.templates) {
            Some(name) => usage_error(format!("{}{}", shown(&error), hint(Some(name)))),
            None => failed(error),
        })?;
        deployment.release = match &args.what.release {
            Some(release) => release.clone(),
            None => deployment.release_name(autotag_model::VERSION, &files.packages, &existing),
        };
        Ok(Self { deployment, existing, bucket, sets_up_bucket, kept_table })
    }
}

/// The parameter that was probably meant by one that no template has.
fn meant<'t>(args: &WhatArgs, templates: &'t BTreeMap<String, Template>) -> Option<&'t str> {
    let known = || templates.values().flat_map(|template| template.parameters.keys().map(String::as_str));
    let names = args.parameters.iter().filter_map(|(key, _)| key.rsplit('.').next());
    let mut unknown = names.filter(|name| !known().any(|other| other == *name));
    unknown.find_map(|name| similar(name, known()))
}

/// The existing layout, otherwise that of the templates.
fn layout(args: &DeployArgs, existing: &Existing, templates: &BTreeMap<String, Template>) -> Result<Layout> {
    let wanted = if args.organization.org {
        Layout::Organization
    } else if let Some(layout) = existing.layout {
        return Ok(layout);
    } else if templates.contains_key("single") {
        Layout::Single
    } else {
        Layout::Parts
    };
    match existing.layout {
        Some(there) if there != wanted => Err(anyhow!(
            "this account has a deployment `{}` of one account: remove it with --destroy, or give that of the organization another --name",
            args.place.name
        )),
        _ => Ok(wanted),
    }
}

/// The bucket of the code, and whether it is set up by this program: one that the deployment has already is left as it is.
pub(super) async fn code_bucket(
    context: &Context,
    named: Option<&str>,
    existing: &Existing,
    may_create: bool,
) -> Result<(Option<CodeBucket>, bool)> {
    let account = &context.identity.account;
    let of_name = |name: &str| CodeBucket::named(context.s3.clone(), account, &context.hub, name);
    if let Some(name) = named.or_else(|| existing.parameter("CodeBucket")) {
        let bucket = of_name(name);
        bucket.check().await.map_err(failed).with_context(|| {
            format!("the bucket `{name}` cannot be used: it must be there and belong to account {account}")
        })?;
        return Ok((Some(bucket), false));
    }
    let found = CodeBucket::find(&context.s3, account, &context.hub, &context.name).await.map_err(failed)?;
    let new = || may_create.then(|| of_name(&bucket::new_name(&context.name, &random())));
    Ok((found.or_else(new), true))
}

/// The regions of a deployment: the named ones or those with stacks, that of the hub, and that of global services.
pub(super) async fn regions(context: &Context, args: &PlaceArgs, layout: Layout) -> Result<Vec<Region>> {
    let enabled = context.enabled_regions().await?;
    if let Some(region) = args.regions.iter().find(|region| !enabled.is_empty() && !enabled.contains(region))
    {
        return Err(usage_error(format!("--regions: {region} is not enabled in this account")));
    }
    let mut regions = args.regions.clone();
    if regions.is_empty() && layout != Layout::Organization {
        let places: Vec<Region> = enabled.into_iter().filter(|region| *region != context.hub).collect();
        regions = regions_with_stacks(&context.engine(), &context.name, &places).await.map_err(failed)?;
    }
    // Stack sets keep their regions unless others are named.
    if layout != Layout::Organization || !regions.is_empty() {
        regions.push(context.hub.clone());
        regions.extend(context.global_region());
    }
    regions.sort();
    regions.dedup();
    Ok(regions)
}

/// Refuses a region without the hub if the rules of a region send to a hub in another one. Otherwise a second hub would be made, or
/// the rules of the first one removed.
///
/// # Errors
/// A usage error that names the region of the hub.
pub(super) async fn hub_is_here(context: &Context, existing: &Existing, regions: &[Region]) -> Result<()> {
    if existing.hub().is_some() {
        return Ok(());
    }
    let (name, here) = (&context.name, &context.hub);
    let elsewhere = hub_elsewhere(&context.engine(), name, here, regions).await.map_err(failed)?;
    let Some((region, hub)) = elsewhere else { return Ok(()) };
    Err(usage_error(format!(
        "there is no hub `{name}` in {here}, and the rules of {region} send to the hub in {hub}: use `--region {hub}`, or another \
         --name for a second deployment"
    )))
}

/// Uses the table of sessions that an earlier deployment has left, and refuses to make a ledger that already
/// exists.
async fn kept_tables(
    context: &Context,
    layout: Layout,
    existing: &Existing,
    templates: &BTreeMap<String, Template>,
    parameters: &mut BTreeMap<String, String>,
) -> Result<Option<String>> {
    let Some((hub, _)) = layout.central().first().filter(|_| existing.hub().is_none()) else {
        return Ok(None);
    };
    let Some(template) = templates.get(*hub) else { return Ok(None) };
    let value = |key: &str| {
        let given = parameters.get(&format!("{hub}.{key}")).or_else(|| parameters.get(key));
        given.or_else(|| template.parameters.get(key)?.as_ref()).cloned().unwrap_or_default()
    };
    let name = |key: &str, kind: &str| {
        let chosen = value(key);
        if chosen.is_empty() { format!("{}-{kind}", context.name) } else { chosen }
    };
    let (ledger, sessions) = (name("LedgerTableName", "ledger"), name("SessionTableName", "sessions"));
    let there = async |name: &str| tables::is_there(&context.aws, &context.hub, name).await.map_err(failed);
    if value("CreateLedger") == "true" && there(&ledger).await? {
        return Err(anyhow!(
            "the table `{ledger}` of an earlier deployment is there: name another with --parameter LedgerTableName=NAME, or remove it"
        ));
    }
    if value("CreateSessionTable") == "true" && there(&sessions).await? {
        parameters.insert(format!("{hub}.CreateSessionTable"), "false".to_owned());
        return Ok(Some(sessions));
    }
    Ok(None)
}
