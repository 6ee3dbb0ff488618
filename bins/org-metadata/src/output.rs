//! The report as files. They are made in memory, written to the folder and the bucket atomically, and listed in the manifest.

mod bucket;
mod csv;
mod file;
mod folder;
mod html;
mod jsonl;
mod manifest;
mod parquet;

pub(crate) use bucket::check as check_bucket;
pub(crate) use file::Written;
pub(crate) use folder::Folder;

use crate::aws::{AccountSession, Aws};
use crate::config::{Bucket, Config, Format};
use crate::report::account_row::AccountRow;
use crate::report::{Organization, Report};
use anyhow::{Context as _, Result};
use file::File;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Where files are written.
pub(crate) struct Destinations<'a> {
    pub(crate) aws: &'a Aws,
    /// The session of the program's own credentials.
    pub(crate) caller: &'a AccountSession,
    pub(crate) folder: Option<&'a Folder>,
    pub(crate) bucket: Option<&'a Bucket>,
}

/// Writes the files of the report, then the manifest, so that the files of a manifest always exist. The manifest of a continued
/// run is removed first, because its files will be replaced. Answers also with the calls of the manifest, and how many of them were
/// throttled.
///
/// # Errors
/// A file cannot be made. A file that cannot be written or uploaded is a problem of that file, in the result.
pub(crate) async fn write(
    report: &Report,
    config: &Config,
    destinations: &Destinations<'_>,
) -> Result<(Vec<Written>, (u64, u64))> {
    let mut written = Vec::new();
    if let Some(folder) = destinations.folder {
        folder.remove(&manifest::name(report))?;
    }
    for file in files(report, config)? {
        written.push(destinations.put(file).await);
    }
    let problems = written.iter().any(|file| !file.problems.is_empty());
    let totals = destinations.aws.totals();
    let manifest = manifest::file(report, &destinations.aws.calls(), &config.groups, &written, !problems)?;
    written.push(destinations.put(manifest).await);
    Ok((written, totals))
}

/// The rows of an organization, in the order of its accounts.
fn rows<'r>(
    organization: &'r Organization,
    config: &'r Config,
) -> impl Iterator<Item = AccountRow> + use<'r> {
    organization.accounts.iter().map(|account| AccountRow::new(organization, account, &config.groups))
}

fn files(report: &Report, config: &Config) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let wanted = |format| config.formats.contains(&format);
    if wanted(Format::Csv) {
        for organization in report.organizations() {
            let bytes = csv::table(&config.columns, rows(organization, config), config.raw_csv)?;
            let (management, run) = (&organization.management, report.name());
            let name = format!("aws-{management}-account-metadata-report-{run}.csv");
            files.push(File { name, content_type: "text/csv; charset=utf-8", bytes });
        }
    }
    let name = |ending: &str| format!("aws-org-metadata-{}.{ending}", report.name());
    let all: Vec<AccountRow> = if [Format::Jsonl, Format::Parquet, Format::Html].into_iter().any(wanted) {
        report.organizations().flat_map(|organization| rows(organization, config)).collect()
    } else {
        Vec::new()
    };
    if wanted(Format::Jsonl) {
        let bytes = jsonl::lines(&all)?;
        files.push(File { name: name("jsonl"), content_type: "application/x-ndjson", bytes });
    }
    if wanted(Format::Parquet) {
        let bytes = parquet::table(&all).context("cannot make the Parquet file")?;
        files.push(File { name: name("parquet"), content_type: "application/vnd.apache.parquet", bytes });
    }
    if wanted(Format::Html) {
        let bytes = html::page(report, &all).context("cannot make the page")?.into_bytes();
        files.push(File { name: name("html"), content_type: "text/html; charset=utf-8", bytes });
    }
    Ok(files)
}

impl Destinations<'_> {
    async fn put(&self, file: File) -> Written {
        let digest = Sha256::digest(&file.bytes);
        let mut problems = Vec::new();
        let mut note = |result: Result<String>, what: &str| match result {
            Ok(location) => Some(location),
            Err(error) => {
                problems.push(format!("{what}: {error:#}"));
                None
            }
        };
        let local = self.folder.map(|folder| folder.put(&file.name, &file.bytes));
        let local = local.and_then(|result| note(result, "not saved on this machine"));
        let (name, bytes) = (file.name.clone(), file.bytes.len());
        let uploaded = match self.bucket {
            Some(bucket) => {
                let what = format!("not uploaded to s3://{}/{}", bucket.name, bucket.prefix);
                note(bucket::put(self.aws, self.caller, bucket, file, &digest).await, &what)
            }
            None => None,
        };
        let sha256 = digest.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string never fails.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Written { name, bytes, sha256, local, uploaded, problems }
    }
}
