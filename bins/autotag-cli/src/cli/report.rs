//! The arguments of `report`.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::args::time;
use super::number::positive;
#[cfg(feature = "aws")]
use super::region::region;
use crate::report::Class;
#[cfg(feature = "aws")]
use autotag_model::arn::Region;
use clap::{Args, ValueEnum, ValueHint};
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// CloudTrail log files, as `plan` takes them: they tell who made what. Alone they show what was created, not what exists
    #[arg(long, value_name = "PATH", num_args = 1.., value_hint = ValueHint::AnyPath)]
    pub(crate) trail: Vec<String>,
    /// List of what exists: an export of AWS Config, Resource Explorer, Tag Editor, GetResources or your own, as CSV, JSON, JSON lines or
    /// Parquet
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) inventory: Vec<PathBuf>,
    /// DynamoDB table of the ledger: it tells who made what, what is deleted, and who changed identity tags
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME")]
    pub(crate) ledger: Option<String>,
    /// Region of that table [default: that of the environment]
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "REGION", requires = "ledger", value_parser = region)]
    pub(crate) ledger_region: Option<Region>,
    /// Ask AWS what exists in the caller's account: by Resource Explorer in regions with an index, otherwise by GetResources
    #[cfg(feature = "aws")]
    #[arg(long)]
    pub(crate) live: bool,
    /// Regions for --live, separated by commas [default: all that the account has enabled]
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "REGIONS", requires = "live", value_delimiter = ',', value_parser = region)]
    pub(crate) regions: Vec<Region>,
    /// Costs of the resources: FOCUS 1.x or CUR 2.0, as CSV or Parquet
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) cost: Vec<PathBuf>,
    /// The name that a file gives to a column, for example arn=Identifier or cost=EffectiveCost. Columns: arn, id, type, region, account,
    /// tags, created; cost, cost-resource, currency, cost-account, cost-service, cost-provider
    #[arg(long = "column", value_name = "COLUMN=NAME", value_parser = column)]
    pub(crate) columns: Vec<(String, String)>,
    /// Key of a tag in which people declare an owner [default: the policy's owner key]
    #[arg(long = "owner-tag", value_name = "KEY")]
    pub(crate) owner_tags: Vec<String>,
    /// Write to this file. Otherwise the report goes to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Output format [default: the ending of --out, otherwise html; jsonl without --out]
    #[arg(long, value_enum)]
    pub(crate) format: Option<ReportFormat>,
    /// Write a plan to this file, which `autotag apply FILE` takes: for the resources of the inventory of which the trail proves the owner,
    /// the identity tags that they lack. Another owner stays, unless the policy says existing.replace. Needs --trail, and --inventory or --live
    #[arg(long, value_name = "FILE")]
    pub(crate) fix: Option<PathBuf>,
    /// Exit with 3 if more than N resources are of this class [default N: 0]
    #[arg(long = "fail-on", value_name = "CLASS[=N]", value_parser = fail_on)]
    pub(crate) fail_on: Vec<FailOn>,
    /// Only events of the trail at or after this time: 7d, 12h, yesterday, 2026-03-02 or 2026-03-02T09:00:00Z. Dates and times are
    /// in UTC
    #[arg(long, value_name = "TIME", value_parser = time, requires = "trail")]
    pub(crate) since: Option<Timestamp>,
    /// Only events of the trail before this time
    #[arg(long, value_name = "TIME", value_parser = time, requires = "trail")]
    pub(crate) until: Option<Timestamp>,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise the built-in policy]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// Save STS sessions to this file, and use the sessions that earlier runs saved
    #[arg(long, value_name = "FILE", requires = "trail")]
    pub(crate) state: Option<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl ReportArgs {
    /// True if the arguments say what exists.
    pub(crate) fn has_inventory(&self) -> bool {
        #[cfg(feature = "aws")]
        if self.live {
            return true;
        }
        !self.inventory.is_empty()
    }

    /// True if the arguments name a ledger.
    #[cfg_attr(not(feature = "aws"), expect(clippy::unused_self, reason = "a ledger is in AWS"))]
    pub(crate) fn has_ledger(&self) -> bool {
        #[cfg(feature = "aws")]
        if self.ledger.is_some() {
            return true;
        }
        false
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A page for people: one file that loads nothing
    Html,
    /// One JSON object per line
    #[value(alias = "json")]
    Jsonl,
    /// Comma-separated values
    Csv,
    /// Apache Parquet
    #[cfg(feature = "parquet")]
    Parquet,
}

/// How many resources of a class are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailOn {
    pub(crate) class: Class,
    /// More than these.
    pub(crate) most: usize,
}

fn fail_on(text: &str) -> Result<FailOn, String> {
    let (class, most) = match text.split_once('=') {
        Some((class, most)) => {
            (class, most.parse().map_err(|_| format!("`{most}`: expected a number of resources"))?)
        }
        None => (text, 0),
    };
    let expected = || {
        let names: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
        format!("`{class}`: expected one of {}", names.join(", "))
    };
    let class = Class::ALL.into_iter().find(|known| known.as_str() == class).ok_or_else(expected)?;
    Ok(FailOn { class, most })
}

fn column(text: &str) -> Result<(String, String), String> {
    let (role, name) = text.split_once('=').ok_or("expected COLUMN=NAME, for example arn=Identifier")?;
    let columns = || crate::report::INVENTORY_COLUMNS.iter().chain(&crate::report::COST_COLUMNS);
    if !columns().any(|column| column.role == role) {
        let roles: Vec<&str> = columns().map(|column| column.role).collect();
        return Err(format!("`{role}`: expected one of {}", roles.join(", ")));
    }
    Ok((role.to_owned(), name.to_owned()))
}
