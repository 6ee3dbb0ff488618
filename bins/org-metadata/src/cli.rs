//! The command line. `--help` prints the doc comments.
//!
//! Values are strings here. `config.rs` parses them, and reports their errors together with all other errors.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]
#![allow(rustdoc::broken_intra_doc_links, reason = "variables and defaults are in brackets")]

use clap::builder::PossibleValue;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

/// Reports every account of many AWS organizations: its tags, and the regions it is active in.
///
/// An option that is not given is taken from the environment variable in brackets [env: NAME], otherwise from the file `.env`.
///
/// Exit codes: 0 the report is complete; 1 something is missing in it, or there is none: if there is a manifest, it says what, and
/// --resume reads only that; 2 wrong usage or configuration, and nothing was read.
#[derive(Debug, Default, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(
    name = "org-metadata",
    version = autotag_model::VERSION,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    /// Prints or writes documents instead of a report.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Management accounts to report, instead of those in the tenant table
    #[arg(long = "tenant", value_name = "ID", num_args = 1.., value_delimiter = ',')]
    pub(crate) tenants: Vec<String>,
    /// The DynamoDB table of tenants [env: DYNAMO_TABLE_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The region of this table [env: DYNAMO_TABLE_REGION, otherwise us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) table_region: Option<String>,
    /// Report only tenants whose attribute has one of these values. Replaces the default for this attribute; without values it
    /// removes the default [defaults: tenant_type=Cloud Usage, tenant_status=Active, cloud_service_provider=AWS,
    /// mgmt_category=Known Managed,Known Partially Managed]
    #[arg(long = "tenant-filter", value_name = "ATTRIBUTE=VALUE,...")]
    pub(crate) tenant_filters: Vec<String>,
    /// The role to assume in management accounts [env: CROSS_ACCOUNT_ROLE_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
    /// The role to assume in member accounts, with the credentials of the management account's role [env: MEMBER_ROLE_NAME, otherwise
    /// the same name as --role]
    #[arg(long, value_name = "NAME")]
    pub(crate) member_role: Option<String>,
    /// The external id that these roles require [env: EXTERNAL_ID]
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// The bucket of the report, with an optional prefix [env: OUTPUT_BUCKET]
    #[arg(long, value_name = "BUCKET[/PREFIX]")]
    pub(crate) bucket: Option<String>,
    /// The region of this bucket [env: OUTPUT_BUCKET_REGION, otherwise that of the environment]
    #[arg(long, value_name = "REGION")]
    pub(crate) bucket_region: Option<String>,
    /// The folder of the report [env: OUTPUT_DIR, otherwise ~/aws-org-scripts-outputs/]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Do not upload the report
    #[arg(long)]
    pub(crate) no_upload: bool,
    /// Write neither the report nor the file for --resume to this machine
    #[arg(long)]
    pub(crate) no_local: bool,
    /// The formats to write: csv (a file for each organization), jsonl, parquet, html (a file for all) [default: csv,html]. A
    /// manifest is always written
    #[arg(
        long,
        value_name = "FORMATS",
        value_delimiter = ',',
        value_parser = [
            PossibleValue::new("csv"),
            PossibleValue::new("jsonl").alias("json"),
            PossibleValue::new("parquet"),
            PossibleValue::new("html"),
        ]
    )]
    pub(crate) format: Vec<String>,
    /// The columns of the CSV: names with commas between them. With a plus before the first name, they follow the usual ones
    /// (+Scan_Status,+OU_Path,+Tag:CostCenter)
    #[arg(long, value_name = "NAMES")]
    pub(crate) columns: Option<String>,
    /// Write texts into the CSV unchanged, also those that a spreadsheet would evaluate as a formula
    #[arg(long)]
    pub(crate) raw_csv: bool,
    /// The region groups (TOML) [default: US, UK, EU and BR of the known report]
    #[arg(long, value_name = "FILE")]
    pub(crate) region_groups: Option<PathBuf>,
    /// How active regions are found: tagging (tagged resources, by the Resource Groups Tagging API) or explorer (all
    /// resources, by Resource Explorer, where the management account has a multi-account default view)
    #[arg(long, value_name = "WAY", value_parser = ["tagging", "explorer"])]
    pub(crate) detect: Option<String>,
    /// The region of the view, with --detect explorer [env: EXPLORER_REGION, otherwise us-east-1]
    #[arg(long, value_name = "REGION")]
    pub(crate) explorer_region: Option<String>,
    /// The largest number of calls in flight [default: 128]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<String>,
    /// The largest number of calls a second of an operation, at least 1, in each account (and region of a regional API) [defaults:
    /// ListTagsForResource=10, ListAccounts=10, ListRegions=5, GetResources=15, ...]
    #[arg(long = "rate", value_name = "OPERATION=N")]
    pub(crate) rates: Vec<String>,
    /// Continue the last run in --out that was killed, or whose report is not complete, with only the missing calls
    #[arg(long)]
    pub(crate) resume: bool,
    /// Only print which accounts would be reported with how many calls. Enters no member account and writes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The file of variables that the environment does not have [default: .env, if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// The commands that report nothing.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the completions for a shell
    Completions {
        /// Your shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: Shell,
    },
    /// Write the man pages
    #[command(hide = true)]
    Man {
        /// Folder for the man pages
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}
