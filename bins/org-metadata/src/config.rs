//! The configuration of a run. Options come before the environment, and the environment before the file `.env`. All errors are
//! reported at once.

mod layers;

use crate::aws::Rates;
use crate::cli::Cli;
use crate::regions::RegionDetector;
use crate::report::account_row::{AIDE_ID, ENVIRONMENT, OWNER};
use crate::report::columns::{self, Column};
use crate::report::groups::RegionGroups;
use crate::tenants::{Filters, Table, known_filters};
use autotag_aws::MemberRole;
use autotag_model::arn::{AccountId, Region};
use layers::Layers;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// The default number of calls in flight.
const DEFAULT_CONCURRENCY: usize = 128;

/// The largest number of calls in flight. Each needs a connection, and the open files of a process are limited.
const MAX_CONCURRENCY: usize = 900;

/// The default region of the tenant table, and of the view of Resource Explorer.
const DEFAULT_REGION: &str = "us-east-1";

/// The default folder, in the home folder: that of the known report.
const DEFAULT_FOLDER: &str = "aws-org-scripts-outputs";

/// The configuration of one run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Config {
    pub(crate) tenants: Source,
    pub(crate) role: MemberRole,
    pub(crate) member_role: MemberRole,
    /// Where the report is uploaded; `None` if it is not.
    pub(crate) bucket: Option<Bucket>,
    /// The folder of the report and of the resume cache; `None` if nothing is written to this machine.
    pub(crate) out: Option<PathBuf>,
    pub(crate) formats: BTreeSet<Format>,
    pub(crate) columns: Vec<Column>,
    pub(crate) raw_csv: bool,
    pub(crate) groups: RegionGroups,
    pub(crate) region_detector: RegionDetector,
    pub(crate) concurrency: usize,
    pub(crate) rates: Rates,
    pub(crate) resume: bool,
    pub(crate) dry_run: bool,
    pub(crate) quiet: bool,
    /// A region that `.env` names and the environment does not.
    pub(crate) region: Option<Region>,
    /// The profile of AWS's own tools, for an error.
    pub(crate) profile: Option<String>,
    /// Variables of `.env` without a meaning here.
    pub(crate) unused: Vec<String>,
}

/// Where the tenants come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Listed(BTreeSet<AccountId>),
    Table(Table),
}

/// A bucket in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    /// Empty, or ends with a slash.
    pub(crate) prefix: String,
    pub(crate) region: Option<Region>,
}

/// A file format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    Csv,
    Jsonl,
    Parquet,
    Html,
}

/// All errors of the configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigErrors(pub(crate) Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrong configuration:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Reads the options and the environment of the program.
    ///
    /// # Errors
    /// [`ConfigErrors`], with all errors.
    pub(crate) fn read(cli: &Cli, environment: &HashMap<String, String>) -> Result<Self, ConfigErrors> {
        let mut layers = Layers::new(environment, cli.env_file.as_deref());
        let external_id = layers.text("--external-id", cli.external_id.as_ref(), "EXTERNAL_ID");
        let role = layers.role("--role", cli.role.as_ref(), "CROSS_ACCOUNT_ROLE_NAME");
        if role.is_none() {
            layers.problem("--role: expected the role of management accounts (or CROSS_ACCOUNT_ROLE_NAME)");
        }
        let member_role = layers.role("--member-role", cli.member_role.as_ref(), "MEMBER_ROLE_NAME");
        let member_role = member_role.or_else(|| role.clone());
        let of_name = |name: Option<String>| MemberRole {
            name: name.unwrap_or_default(),
            external_id: external_id.clone(),
            session_policy: None,
        };
        let config = Self {
            tenants: source(cli, &mut layers),
            role: of_name(role),
            member_role: of_name(member_role),
            bucket: bucket(cli, &mut layers),
            out: folder(cli, &mut layers),
            formats: formats(cli, &mut layers),
            columns: wanted_columns(cli, &mut layers),
            raw_csv: cli.raw_csv,
            groups: groups(cli, &mut layers),
            region_detector: region_detector(cli, &mut layers),
            concurrency: concurrency(cli, &mut layers),
            rates: rates(cli, &mut layers),
            resume: cli.resume,
            dry_run: cli.dry_run,
            quiet: cli.quiet,
            region: layers.region_of_file(),
            profile: environment.get("AWS_PROFILE").cloned(),
            unused: layers.unused(),
        };
        layers.finish(config).map_err(ConfigErrors)
    }

    /// The keys of the account tags that the report needs.
    pub(crate) fn tags(&self) -> BTreeSet<String> {
        let asked = self.columns.iter().filter_map(|column| match column {
            Column::Tag(key) => Some(key.as_str()),
            _ => None,
        });
        ENVIRONMENT.into_iter().chain(AIDE_ID).chain(OWNER).chain(asked).map(str::to_owned).collect()
    }

    /// The settings that the answers of a run depend on. A run can only be continued with the same.
    pub(crate) fn settings(&self) -> Map<String, Value> {
        let tenants = match &self.tenants {
            Source::Listed(ids) => json!(ids),
            Source::Table(table) => json!([table.name, table.region, table.filters]),
        };
        let detector = match &self.region_detector {
            RegionDetector::Tagging => json!("tagging"),
            RegionDetector::Explorer(region) => json!(["explorer", region]),
        };
        Map::from_iter([
            ("tenants".to_owned(), tenants),
            ("role".to_owned(), json!(self.role.name)),
            ("member role".to_owned(), json!(self.member_role.name)),
            ("way to find regions".to_owned(), detector),
            ("account tags".to_owned(), json!(self.tags())),
        ])
    }
}

fn source(cli: &Cli, layers: &mut Layers<'_>) -> Source {
    let table = layers.text("--table", cli.table.as_ref(), "DYNAMO_TABLE_NAME");
    let region = layers.region("--table-region", cli.table_region.as_ref(), "DYNAMO_TABLE_REGION");
    let filters = filters(&cli.tenant_filters, layers);
    if !cli.tenants.is_empty() {
        let mut ids = BTreeSet::new();
        for id in &cli.tenants {
            match AccountId::new(id.trim()) {
                Some(id) => drop(ids.insert(id)),
                None => layers.problem(format!("--tenant `{id}`: expected an account id of 12 digits")),
            }
        }
        return Source::Listed(ids);
    }
    if table.is_none() {
        layers.problem(
            "--table: expected the tenant table (or DYNAMO_TABLE_NAME), or --tenant with account ids",
        );
    }
    let region = region.or_else(|| Region::new(DEFAULT_REGION));
    match (table, region) {
        (Some(name), Some(region)) => Source::Table(Table { name, region, filters }),
        _ => Source::Listed(BTreeSet::new()),
    }
}

fn filters(asked: &[String], layers: &mut Layers<'_>) -> Filters {
    let mut filters = known_filters();
    for filter in asked {
        let Some((attribute, values)) = filter.split_once('=').filter(|(name, _)| !name.trim().is_empty())
        else {
            layers.problem(format!("--tenant-filter `{filter}`: expected ATTRIBUTE=VALUE,..."));
            continue;
        };
        let values: Vec<String> =
            values.split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
        if values.is_empty() {
            filters.remove(attribute.trim());
        } else {
            filters.insert(attribute.trim().to_owned(), values);
        }
    }
    filters
}

fn bucket(cli: &Cli, layers: &mut Layers<'_>) -> Option<Bucket> {
    let named = layers.text("--bucket", cli.bucket.as_ref(), "OUTPUT_BUCKET");
    let region = layers.region("--bucket-region", cli.bucket_region.as_ref(), "OUTPUT_BUCKET_REGION");
    if cli.no_upload || cli.dry_run {
        return None;
    }
    let Some(named) = named else {
        layers.problem("--bucket: expected a bucket (or OUTPUT_BUCKET), or --no-upload");
        return None;
    };
    let path = named.strip_prefix("s3://").unwrap_or(&named);
    let (name, prefix) = path.split_once('/').unwrap_or((path, ""));
    let plausible = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    if !(3..=63).contains(&name.len()) || !name.chars().all(plausible) {
        layers.problem(format!(
            "--bucket `{name}`: expected 3 to 63 lower-case letters, digits, dots and hyphens"
        ));
    }
    let prefix = prefix.trim_matches('/');
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    Some(Bucket { name: name.to_owned(), prefix, region })
}

fn folder(cli: &Cli, layers: &mut Layers<'_>) -> Option<PathBuf> {
    let asked = cli.out.clone().or_else(|| layers.variable("OUTPUT_DIR").map(PathBuf::from));
    if cli.no_local && cli.resume {
        layers.problem("--resume cannot be combined with --no-local");
    }
    if cli.no_local && cli.no_upload {
        layers.problem("--no-local cannot be combined with --no-upload: the report would be written nowhere");
    }
    if cli.no_local || cli.dry_run {
        return None;
    }
    let home = || layers.home().map(|home| home.join(DEFAULT_FOLDER));
    let folder = asked.or_else(home);
    if folder.is_none() {
        layers.problem("--out: expected a folder, because there is no home folder (or --no-local)");
    }
    folder
}

fn formats(cli: &Cli, layers: &mut Layers<'_>) -> BTreeSet<Format> {
    let mut formats = BTreeSet::new();
    for name in &cli.format {
        let format = match name.trim() {
            "csv" => Format::Csv,
            "jsonl" | "json" => Format::Jsonl,
            "parquet" => Format::Parquet,
            "html" => Format::Html,
            _ => {
                layers.problem(format!("--format `{name}`: expected csv, jsonl, parquet or html"));
                continue;
            }
        };
        formats.insert(format);
    }
    if cli.format.is_empty() { BTreeSet::from([Format::Csv, Format::Html]) } else { formats }
}

fn wanted_columns(cli: &Cli, layers: &mut Layers<'_>) -> Vec<Column> {
    let Some(list) = &cli.columns else { return columns::KNOWN.to_vec() };
    columns::parse(list).unwrap_or_else(|wrong| {
        for why in wrong {
            layers.problem(format!("--columns: {why}"));
        }
        Vec::new()
    })
}

fn groups(cli: &Cli, layers: &mut Layers<'_>) -> RegionGroups {
    let Some(path) = &cli.region_groups else { return RegionGroups::default() };
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    text.and_then(|text| RegionGroups::parse(&text)).unwrap_or_else(|why| {
        layers.problem(format!("--region-groups {}: {why}", path.display()));
        RegionGroups::default()
    })
}

fn region_detector(cli: &Cli, layers: &mut Layers<'_>) -> RegionDetector {
    let region = layers.region("--explorer-region", cli.explorer_region.as_ref(), "EXPLORER_REGION");
    let region = region.or_else(|| Region::new(DEFAULT_REGION));
    match (cli.detect.as_deref(), region) {
        (None | Some("tagging"), _) => {
            if cli.explorer_region.is_some() {
                layers.problem("--explorer-region needs --detect explorer");
            }
            RegionDetector::Tagging
        }
        (Some("explorer"), Some(region)) => RegionDetector::Explorer(region),
        (Some(other), _) => {
            layers.problem(format!("--detect `{other}`: expected tagging or explorer"));
            RegionDetector::Tagging
        }
    }
}

fn concurrency(cli: &Cli, layers: &mut Layers<'_>) -> usize {
    let Some(text) = &cli.concurrency else { return DEFAULT_CONCURRENCY };
    text.parse().ok().filter(|count| (1..=MAX_CONCURRENCY).contains(count)).unwrap_or_else(|| {
        layers.problem(format!("--concurrency `{text}`: expected a number from 1 to {MAX_CONCURRENCY}"));
        DEFAULT_CONCURRENCY
    })
}

fn rates(cli: &Cli, layers: &mut Layers<'_>) -> Rates {
    let mut rates = BTreeMap::new();
    for asked in &cli.rates {
        let (operation, rate) = asked.split_once('=').unwrap_or((asked, ""));
        let known = Rates::operations().any(|known| known == operation);
        match rate.parse::<NonZeroU32>() {
            Ok(rate) if known => drop(rates.insert(operation.to_owned(), rate)),
            _ if !known => {
                let known: Vec<&str> = Rates::operations().collect();
                layers.problem(format!("--rate `{asked}`: expected one of {}", known.join(", ")));
            }
            _ => layers
                .problem(format!("--rate `{asked}`: expected {operation}=N, calls a second, at least 1")),
        }
    }
    Rates::new(&rates)
}

#[cfg(test)]
mod tests;
