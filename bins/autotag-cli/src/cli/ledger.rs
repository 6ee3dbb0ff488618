//! The arguments of `autotag ledger`.
#![cfg_attr(
    feature = "aws",
    expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")
)]

#[cfg(feature = "aws")]
use super::args::Format;
use super::args::{SourceArgs, time};
#[cfg(feature = "aws")]
use super::filter::SharedFilterArgs;
#[cfg(feature = "aws")]
use super::region::region;
#[cfg(feature = "aws")]
use autotag_model::arn::Region;
#[cfg(feature = "aws")]
use clap::ValueEnum;
use clap::{Args, Subcommand};
use jiff::Timestamp;
#[cfg(feature = "aws")]
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    pub(crate) command: LedgerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Add what a trail tells to the ledger of a deployment. It can be run again, and beside tag-handler
    Import(ImportArgs),
    /// Write the ledger as files that Athena and DuckDB read, one folder an account and month
    #[cfg(feature = "aws")]
    Export(ExportArgs),
    /// List what an owner has created
    #[cfg(feature = "aws")]
    List(ListArgs),
    /// Repair the identity tags of a resource again, after repairs were undone and autotag has stopped
    #[cfg(feature = "aws")]
    EndTruce(EndTruceArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Only events at or after this time: 7d, 12h, yesterday, 2026-03-02 or 2026-03-02T09:00:00Z. Dates and times are
    /// in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Print the entries as JSON lines instead of writing them. Needs no AWS account
    #[cfg_attr(feature = "aws", arg(conflicts_with = "table"))]
    #[arg(long)]
    pub(crate) print: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(crate) table: OptionalTableArgs,
    /// For tests: how many bytes of the input are kept in memory before temporary files are used
    #[arg(long = "memory-bytes", value_name = "N", hide = true)]
    pub(crate) memory: Option<usize>,
}

/// The table of a ledger, where it may be left out.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct OptionalTableArgs {
    /// DynamoDB table of the ledger
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Region of the table [default: that of the environment]
    #[arg(long, value_name = "REGION", requires = "table", value_parser = region)]
    pub(crate) region: Option<Region>,
}

/// The table of a ledger.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct TableArgs {
    /// DynamoDB table of the ledger
    #[arg(long, value_name = "NAME")]
    pub(crate) table: String,
    /// Region of the table [default: that of the environment]
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub(crate) region: Option<Region>,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Folder for the files. It must be empty, or not exist
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,
    /// Format of the files [default: parquet, jsonl in a build without it]
    #[arg(long, value_enum)]
    pub(crate) format: Option<LedgerFormat>,
    /// Where the files will be in S3 (s3://BUCKET/PREFIX), for the statement that makes the table of Athena
    #[arg(long, value_name = "S3_URL")]
    pub(crate) location: Option<String>,
}

/// A table and its entries. `--region` is that of the table, so it is not a filter here.
#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Name of the owner, as the tag has it
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: String,
    #[command(flatten)]
    pub(crate) filter: SharedFilterArgs,
    /// Only events at or after this time: 7d, 12h, yesterday, 2026-03-02 or 2026-03-02T09:00:00Z. Dates and times are
    /// in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
}

#[cfg(feature = "aws")]
#[derive(Debug, Args)]
pub(crate) struct EndTruceArgs {
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// ARN of the resource
    #[arg(value_name = "ARN")]
    pub(crate) resource: String,
}

#[cfg(feature = "aws")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LedgerFormat {
    /// Apache Parquet
    #[cfg(feature = "parquet")]
    Parquet,
    /// One JSON object per line
    #[value(alias = "json")]
    Jsonl,
}
