//! One run: the run to continue, the tenants, the scan, the files.

use crate::aws::{AccountSession, Aws};
use crate::completion::{Completion, UsageError};
use crate::config::{Config, Source};
use crate::console::say;
use crate::output::{self, Destinations, Folder, Written};
use crate::progress::Progress;
use crate::report::Report;
use crate::resume_cache::{self, ResumeCache, Run};
use crate::scan::Scan;
use crate::tenants::{self, Tenants};
use crate::{dry_run, report, summary};
use anyhow::{Context as _, Result, bail};
use autotag_aws::{Accounts, Settings};
use autotag_model::arn::Region;
use aws_config::SdkConfig;
use jiff::Timestamp;
use std::collections::BTreeSet;
use tokio::sync::Semaphore;

/// A run before its first call.
struct Started {
    /// When the first of the runs started that make one report.
    at: Timestamp,
    /// When this run itself started.
    began: Timestamp,
    resumed: bool,
    cache: ResumeCache,
    folder: Option<Folder>,
}

/// Runs the program. `now` reads the clock.
pub(crate) async fn run(config: &Config, now: fn() -> Timestamp) -> Result<Completion> {
    let began = now();
    let folder = config.out.as_deref().map(Folder::lock).transpose()?;
    let (ambient, home) = ambient(config).await?;
    let aws = Aws::new(config.concurrency, config.rates.clone(), home);
    let caller = AccountSession::new(ambient.clone());
    if let Some(bucket) = &config.bucket {
        output::check_bucket(&aws, &caller, bucket).await?;
    }
    // Not before: a wrong bucket must not end the run that can be continued.
    let started = start(config, folder, began)?;
    let Tenants { ids, unusable } = tenants(config, &aws, &caller, &started.cache).await?;
    if ids.is_empty() && unusable.is_empty() {
        bail!("no tenant to report: check the table and its filters (--tenant-filter)");
    }
    let ids: Vec<_> = ids.into_iter().collect();
    if config.dry_run {
        return dry_run::run(config, &aws, caller, &ids, &unusable).await;
    }
    let progress = Progress::new(config.quiet);
    let scan = Scan {
        aws: &aws,
        cache: &started.cache,
        progress: &progress,
        role: &config.role,
        member_role: &config.member_role,
        tags: &config.tags(),
        region_detector: &config.region_detector,
        account_permits: Semaphore::new(config.concurrency),
        concurrency: config.concurrency,
    };
    let tenants = scan.tenants(caller, &ids).await;
    progress.end();
    let report = Report {
        started: started.at,
        began: started.began,
        ended: now(),
        resumed: started.resumed,
        tenants,
        unusable_tenants: unusable.into_iter().collect(),
    };
    finish(config, &started, &report, &aws, &AccountSession::new(ambient)).await
}

/// Writes the files, and removes the cache if the report is complete.
async fn finish(
    config: &Config,
    started: &Started,
    report: &Report,
    aws: &Aws,
    caller: &AccountSession,
) -> Result<Completion> {
    let (folder, bucket) = (started.folder.as_ref(), config.bucket.as_ref());
    let (written, totals) =
        output::write(report, config, &Destinations { aws, caller, folder, bucket }).await?;
    let is_written = |file: &Written| file.problems.is_empty();
    let is_complete = report.is_whole() && written.iter().all(is_written);
    if let (true, Some(folder)) = (is_complete, folder) {
        folder.remove(resume_cache::FILE)?;
    }
    let completion = if is_complete { Completion::Complete } else { Completion::Partial };
    summary::write(report, &written, totals, &started.cache, completion, folder.is_some());
    Ok(completion)
}

/// Continues the run in the folder, or starts a new one.
fn start(config: &Config, folder: Option<Folder>, began: Timestamp) -> Result<Started> {
    if !config.unused.is_empty() {
        say(&format!("the .env file has variables without a meaning here: {}", config.unused.join(", ")));
    }
    let Some(folder) = folder else {
        return Ok(Started {
            at: began,
            began,
            resumed: false,
            cache: ResumeCache::in_memory(),
            folder: None,
        });
    };
    let path = folder.path(resume_cache::FILE);
    let settings = config.settings();
    if config.resume {
        if let Some((run, cache)) = ResumeCache::resume(&path, &settings)? {
            say(&format!("continues the run {}", report::run_name(run.started)));
            return Ok(Started { at: run.started, began, resumed: true, cache, folder: Some(folder) });
        }
        say("the folder has no run to continue: a new one starts");
    } else if path.exists() {
        say(
            "an earlier run in this folder was not complete: a new one starts (--resume continues the earlier one)",
        );
    }
    let run = Run { started: began, settings };
    let cache = ResumeCache::create(&path, &run)?;
    Ok(Started { at: run.started, began, resumed: false, cache, folder: Some(folder) })
}

/// The configuration of AWS's own tools, and the home region. The SDK makes one attempt per call: `aws` retries.
async fn ambient(config: &Config) -> Result<(SdkConfig, Region)> {
    let settings = Settings { attempts: 1, ..Settings::default() };
    let accounts = Accounts::connect(settings).await;
    accounts.check_certificates().map_err(|error| UsageError(error.to_string()))?;
    accounts
        .check_credentials(config.profile.as_deref())
        .await
        .map_err(|error| UsageError(error.to_string()))?;
    let no_region = || UsageError("no region: set AWS_REGION".to_owned());
    let home = config.region.clone().or_else(|| accounts.home_region()).ok_or_else(no_region)?;
    let ambient = accounts.ambient().to_builder().region(autotag_aws::sdk_region(&home)).build();
    Ok((ambient, home))
}

/// The tenants to report. A table without tenants or with unusable entries is not cached, so that a resumed run reads the
/// corrected table.
async fn tenants(
    config: &Config,
    aws: &Aws,
    caller: &AccountSession,
    cache: &ResumeCache,
) -> Result<Tenants> {
    const QUESTION: &str = "tenants";
    let table = match &config.tenants {
        Source::Listed(ids) => return Ok(Tenants { ids: ids.clone(), unusable: BTreeSet::new() }),
        Source::Table(table) => table,
    };
    if let Some(cached) = cache.get(QUESTION) {
        return Ok(cached);
    }
    let (name, region) = (&table.name, &table.region);
    let scanned = tenants::scan(aws, caller, table).await;
    let scanned = scanned.with_context(|| format!("cannot read the tenant table {name} in {region}"))?;
    if scanned.unusable.is_empty() && !scanned.ids.is_empty() {
        cache.insert(QUESTION, &scanned);
    }
    Ok(scanned)
}
