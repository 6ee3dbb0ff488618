//! One run: what is there to continue, who is to be reported, the scan, the files.

use crate::answers::{self, Answers, Run};
use crate::aws::{Aws, Place};
use crate::config::{Config, Detect, Source};
use crate::output::{self, Folder, Places, Written};
use crate::progress::Progress;
use crate::regions::ActiveRegions;
use crate::regions::explorer::ByExplorer;
use crate::regions::tagging::ByTags;
use crate::report::Report;
use crate::scan::Scan;
use crate::summary;
use crate::tenants::{self, Tenants};
use anyhow::{Context as _, Result, bail};
use autotag_aws::{Accounts, Settings};
use autotag_model::arn::Region;
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use jiff::Timestamp;
use std::collections::BTreeSet;
use tokio::sync::Semaphore;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// The report is whole.
    Whole,
    /// The report is there, and something is missing in it; it was said what.
    Partly,
}

/// What is known before AWS is asked.
struct Begun {
    started: Timestamp,
    resumed: bool,
    answers: Answers,
    folder: Option<Folder>,
}

/// The whole run. `now` reads the clock.
pub(crate) async fn run(config: &Config, now: fn() -> Timestamp) -> Result<Done> {
    let begun = begin(config, now)?;
    let (ambient, home) = ambient(config).await?;
    let aws = Aws::new(config.concurrency, config.rates.clone(), home);
    let here = Place::new(ambient.clone());
    let Tenants { ids, unusable } = tenants(config, &aws, &here, &begun.answers).await?;
    if ids.is_empty() && unusable.is_empty() {
        bail!("there is no tenant to report: look at the table and its filters (--tenant-filter)");
    }
    let ids: Vec<_> = ids.into_iter().collect();
    if config.dry_run {
        return crate::dry_run::run(config, &aws, here, &ids, &unusable).await;
    }
    let progress = Progress::new(config.quiet);
    let ways = ways(&config.detect);
    let scan = Scan {
        aws: &aws,
        answers: &begun.answers,
        progress: &progress,
        role: &config.role,
        member_role: &config.member_role,
        tags: &config.tags(),
        ways: ways.as_ref(),
        visits: Semaphore::new(config.concurrency),
        concurrency: config.concurrency,
    };
    let tenants = scan.tenants(here, &ids).await;
    progress.end();
    let report = Report {
        started: begun.started,
        ended: now(),
        resumed: begun.resumed,
        tenants,
        unusable_tenants: unusable.into_iter().collect(),
    };
    finish(config, &begun, &report, &aws, &Place::new(ambient)).await
}

async fn finish(config: &Config, begun: &Begun, report: &Report, aws: &Aws, here: &Place) -> Result<Done> {
    let (folder, bucket) = (begun.folder.as_ref(), config.bucket.as_ref());
    let written = output::write(report, config, &Places { aws, here, folder, bucket }).await?;
    let is_written = |file: &Written| file.problems.is_empty();
    let done = report.is_whole() && written.iter().all(is_written);
    if let (true, Some(folder)) = (done, &begun.folder) {
        folder.remove(answers::FILE)?;
    }
    summary::write(report, &written, aws, begun.answers.lost().as_deref(), done, begun.folder.is_some());
    Ok(if done { Done::Whole } else { Done::Partly })
}

/// Holds the folder, and takes up the run that is to be continued, or begins one.
fn begin(config: &Config, now: fn() -> Timestamp) -> Result<Begun> {
    if !config.unused.is_empty() {
        crate::say(&format!(
            "the .env file has variables that mean nothing here: {}",
            config.unused.join(", ")
        ));
    }
    let Some(out) = &config.out else {
        return Ok(Begun { started: now(), resumed: false, answers: Answers::unkept(), folder: None });
    };
    let folder = Folder::hold(out)?;
    let path = folder.path(answers::FILE);
    let settings = config.settings();
    if config.resume {
        if let Some((run, answers)) = Answers::resume(&path, &settings)? {
            let name = crate::report::run_name(run.started);
            crate::say(&format!("continues the run {name}"));
            return Ok(Begun { started: run.started, resumed: true, answers, folder: Some(folder) });
        }
        crate::say(&format!("there is no run to continue in {}: a new one begins", out.display()));
    } else if path.exists() {
        crate::say(
            "an earlier run here was not whole; this one begins anew (--resume would have continued it)",
        );
    }
    let run = Run { started: now(), settings };
    let answers = Answers::begin(&path, &run)?;
    Ok(Begun { started: run.started, resumed: false, answers, folder: Some(folder) })
}

/// As AWS's own tools would be configured, and one's own region; retries are made here, as each takes a turn and is counted.
async fn ambient(config: &Config) -> Result<(SdkConfig, Region)> {
    let settings = Settings { attempts: 1, ..Settings::default() };
    let accounts = Accounts::connect(settings).await;
    let credentials =
        accounts.ambient().credentials_provider().context("no AWS credentials are configured")?;
    // Without them every call would fail, eight times over.
    credentials.provide_credentials().await.context("no AWS credentials are to be had")?;
    let home =
        config.region.clone().or_else(|| accounts.home_region()).context("no region: set AWS_REGION")?;
    let ambient = accounts.ambient().to_builder().region(autotag_aws::sdk_region(&home)).build();
    Ok((ambient, home))
}

/// Whom to report. A table without tenants, or with entries that are of no use, is not kept as an answer: it is to be mended,
/// and read again.
async fn tenants(config: &Config, aws: &Aws, here: &Place, answers: &Answers) -> Result<Tenants> {
    const QUESTION: &str = "tenants";
    let table = match &config.tenants {
        Source::Listed(ids) => return Ok(Tenants { ids: ids.clone(), unusable: BTreeSet::new() }),
        Source::Table(table) => table,
    };
    if let Some(known) = answers.known(QUESTION) {
        return Ok(known);
    }
    let (name, region) = (&table.name, &table.region);
    let scanned = tenants::scan(aws, here, table).await;
    let scanned = scanned.with_context(|| format!("the tenant table {name} in {region} cannot be read"))?;
    if scanned.unusable.is_empty() && !scanned.ids.is_empty() {
        answers.keep(QUESTION, &scanned);
    }
    Ok(scanned)
}

fn ways(detect: &Detect) -> Box<dyn ActiveRegions> {
    match detect {
        Detect::Tagging => Box::new(ByTags),
        Detect::Explorer(region) => Box::new(ByExplorer { region: region.clone() }),
    }
}
