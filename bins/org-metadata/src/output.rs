//! The report as files: made in memory, put on disk and into the bucket whole or not at all, and listed in the manifest.

mod bucket;
mod csv;
mod folder;
mod html;
mod jsonl;
mod manifest;
mod parquet;

pub(crate) use folder::Folder;

use crate::aws::{Aws, Place};
use crate::config::{Bucket, Config, Format};
use crate::report::record::Record;
use crate::report::{Organization, Report};
use anyhow::{Context as _, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// A file of the report.
#[derive(Debug)]
struct File {
    name: String,
    content_type: &'static str,
    bytes: Vec<u8>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    /// Where it is on this machine, if it is.
    pub(crate) local: Option<String>,
    /// Where it is in S3, if it is.
    pub(crate) uploaded: Option<String>,
    /// What kept it from being where it should be.
    pub(crate) problems: Vec<String>,
}

/// The places that files go to.
pub(crate) struct Places<'a> {
    pub(crate) aws: &'a Aws,
    pub(crate) here: &'a Place,
    pub(crate) folder: Option<&'a Folder>,
    pub(crate) bucket: Option<&'a Bucket>,
}

/// Writes the report, then the manifest: whoever sees the manifest sees a report that is there. That of the run that is
/// continued goes first, as its files are about to be others.
///
/// # Errors
/// A file cannot be made. That one cannot be written or uploaded is a problem of that file.
pub(crate) async fn write(report: &Report, config: &Config, places: &Places<'_>) -> Result<Vec<Written>> {
    let mut written = Vec::new();
    if let Some(folder) = places.folder {
        folder.remove(&manifest::name(report))?;
    }
    for file in files(report, config)? {
        written.push(places.put(file).await);
    }
    let problems = written.iter().any(|file| !file.problems.is_empty());
    let manifest = manifest::file(report, &places.aws.calls(), &config.groups, &written, !problems)?;
    written.push(places.put(manifest).await);
    Ok(written)
}

/// The records of an organization, in the order of its accounts.
fn records<'r>(organization: &'r Organization, config: &'r Config) -> impl Iterator<Item = Record> + use<'r> {
    organization.accounts.iter().map(|account| Record::new(organization, account, &config.groups))
}

fn files(report: &Report, config: &Config) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let wanted = |format| config.formats.contains(&format);
    if wanted(Format::Csv) {
        for organization in report.organizations() {
            let bytes = csv::table(&config.columns, records(organization, config), config.raw_csv)?;
            let (management, run) = (&organization.management, report.name());
            let name = format!("aws-{management}-account-metadata-report-{run}.csv");
            files.push(File { name, content_type: "text/csv; charset=utf-8", bytes });
        }
    }
    let name = |ending: &str| format!("aws-org-metadata-{}.{ending}", report.name());
    let all: Vec<Record> = if [Format::Jsonl, Format::Parquet, Format::Html].into_iter().any(wanted) {
        report.organizations().flat_map(|organization| records(organization, config)).collect()
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

impl Places<'_> {
    async fn put(&self, file: File) -> Written {
        let digest = Sha256::digest(&file.bytes);
        let mut problems = Vec::new();
        let mut noted = |result: Result<String>, what: &str| match result {
            Ok(place) => Some(place),
            Err(error) => {
                problems.push(format!("{what}: {error:#}"));
                None
            }
        };
        let local = self.folder.map(|folder| folder.put(&file.name, &file.bytes));
        let local = local.and_then(|result| noted(result, "not on this machine"));
        let (name, bytes) = (file.name.clone(), file.bytes.len());
        let uploaded = match self.bucket {
            Some(bucket) => {
                noted(bucket::put(self.aws, self.here, bucket, file, &digest).await, "not uploaded")
            }
            None => None,
        };
        let sha256 = digest.iter().fold(String::new(), |mut text, byte| {
            // A text takes whatever is written to it.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Written { name, bytes, sha256, local, uploaded, problems }
    }
}
