//! The arguments of `autotag whois`.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::number::positive;
#[cfg(feature = "history")]
use super::region::region;
#[cfg(feature = "history")]
use autotag_aws::AccountScope;
#[cfg(feature = "history")]
use autotag_model::arn::Region;
use clap::{Args, ValueEnum, ValueHint};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct WhoisArgs {
    /// ARNs, ids or names of resources, or `-` to read them from standard input, one a line
    #[arg(value_name = "RESOURCE", required_unless_present = "file")]
    pub(crate) resources: Vec<String>,
    /// File with ARNs, ids or names of resources, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Trail to read instead of asking CloudTrail: a file, a folder or s3://BUCKET/PREFIX. May be repeated
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) trail: Vec<String>,
    /// DynamoDB table of the ledger to ask instead of CloudTrail
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME", conflicts_with = "trail")]
    pub(crate) ledger: Option<String>,
    /// Save the STS sessions of the trail to this file, and use the sessions that earlier runs saved
    #[arg(long, value_name = "FILE", requires = "trail")]
    pub(crate) state: Option<PathBuf>,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule file (TOML), which adds rules to the catalogue or replaces its rules. May be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
    #[arg(long, value_name = "N", requires = "trail", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Regions to ask in, separated by commas: for ids and names, for buckets, and for sessions. An ARN with a region is asked
    /// for there [default: that of the environment]
    #[cfg(feature = "history")]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = region, conflicts_with = "trail")]
    pub(crate) regions: Vec<Region>,
    /// Other accounts in which to ask: own, organization, or ids separated by commas
    #[cfg(feature = "history")]
    #[arg(long, value_name = "ACCOUNTS", default_value = "own", conflicts_with = "trail")]
    pub(crate) accounts: AccountScope,
    /// Role to assume in other accounts. It needs cloudtrail:LookupEvents
    #[cfg(feature = "history")]
    #[arg(long, value_name = "NAME", conflicts_with = "trail")]
    pub(crate) member_role: Option<String>,
    /// External id of that role
    #[cfg(feature = "history")]
    #[arg(long, value_name = "ID", requires = "member_role")]
    pub(crate) external_id: Option<String>,
    /// Output format [default: text on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<AnswerFormat>,
    /// For tests: how many bytes of the trail are kept in memory before temporary files are used
    #[arg(long = "memory-bytes", value_name = "N", hide = true)]
    pub(crate) memory: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// One JSON array
    Json,
    /// One JSON object per line
    Jsonl,
}

impl AnswerFormat {
    /// The chosen format; by default text on a terminal, and JSON lines otherwise.
    pub(crate) fn or_default(chosen: Option<Self>) -> Self {
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        chosen.unwrap_or(if on_terminal { Self::Text } else { Self::Jsonl })
    }
}
