//! The arguments of `autotag estimate`.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::number::positive;
use clap::{Args, ValueEnum, ValueHint};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A sample of a trail, or numbers.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct EstimateArgs {
    /// A sample of a trail: files, folders or s3://BUCKET/PREFIX, as `plan` takes them. Its rates are taken for those of a month
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath, required_unless_present = "creations", conflicts_with = "creations")]
    pub(crate) paths: Vec<String>,
    /// Creations a month, instead of a sample
    #[arg(long, value_name = "N")]
    pub(crate) creations: Option<u64>,
    /// With --creations: STS records a month
    #[arg(long, value_name = "N", default_value = "0", requires = "creations")]
    pub(crate) sessions: u64,
    /// With --creations: deletions a month
    #[arg(long, value_name = "N", default_value = "0", requires = "creations")]
    pub(crate) deletions: u64,
    /// With --creations: how many of them are objects of S3
    #[arg(long, value_name = "N", default_value = "0", requires = "creations")]
    pub(crate) objects: u64,
    /// Accounts [default: those of the sample, otherwise 1]
    #[arg(long, value_name = "N")]
    pub(crate) accounts: Option<u32>,
    /// Regions of each account [default: those of the sample, otherwise 1]
    #[arg(long, value_name = "N")]
    pub(crate) regions: Option<u32>,
    /// With a ledger (parameter CreateLedger)
    #[arg(long)]
    pub(crate) ledger: bool,
    /// With the tamper watch (parameter WatchTags)
    #[arg(long)]
    pub(crate) watch_tags: bool,
    /// Every region of every account has alarms (parameter AlarmTopicArn of region.yaml)
    #[arg(long)]
    pub(crate) region_alarms: bool,
    /// AWS Config records the resource types that are tagged: each new tag is a configuration item
    #[arg(long)]
    pub(crate) config: bool,
    /// Paid copies of the trail beside the free one
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) trail_copies: u32,
    /// How much busier the busiest second is than the mean one
    #[arg(long, value_name = "FACTOR", default_value = "10")]
    pub(crate) peak: u32,
    /// Output format
    #[arg(long, value_enum, default_value_t = EstimateFormat::Table)]
    pub(crate) format: EstimateFormat,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EstimateFormat {
    /// For people, in Markdown
    #[value(aliases = ["text", "markdown"])]
    Table,
    /// One JSON object
    #[value(alias = "jsonl")]
    Json,
}
