//! The arguments of `autotag guard`.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::args::{Format, time};
use super::number::positive;
use autotag_model::arn::AccountId;
use clap::{Args, ValueEnum, ValueHint};
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A trail, and the guards that are tried on it.
#[derive(Debug, Args)]
#[command(after_help = "\
A trail does not show everything that IAM looks at. iam:PassRole is in no record. The tags that are on an S3 object are in none either, \
and calls on objects are only in trails with data events. Some services record no tags, or hide them: such calls are `unknown`. Calls \
without an entry in the catalogue count by the name of their event. docs/security.md#who-would-be-denied has more.")]
pub(crate) struct GuardArgs {
    /// Required: the command only reads. guard.yaml attaches the guards
    #[arg(long, required = true)]
    pub(crate) dry_run: bool,
    /// The trail: files, folders with its layout, s3://BUCKET/PREFIX, or `-` for standard input
    #[arg(required = true, value_name = "TRAIL", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,
    /// Only events at or after this time: 7d, 12h, yesterday, 2026-03-02 or 2026-03-02T09:00:00Z. Dates and times are
    /// in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Profiles whose guards are tried, separated by commas [default: that of the policy, with the keys that it enforces]
    #[arg(long, value_enum, value_name = "PROFILE", value_delimiter = ',')]
    pub(crate) profile: Vec<ProfileArg>,
    /// Roles that may write identity tags, separated by commas, with * for parts of them: parameter Exempt of guard.yaml
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub(crate) exempt: Vec<String>,
    /// A value of a tag that anybody may set: parameter ExemptValues1 of guard.yaml. May be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) exempt_value: Vec<(String, String)>,
    /// Accounts to which the guards will not be attached, separated by commas. The management account is always one
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',', value_parser = account)]
    pub(crate) exempt_accounts: Vec<AccountId>,
    /// Also show calls of which the records do not say enough
    #[arg(long)]
    pub(crate) all: bool,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise the built-in policy]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ProfileArg {
    /// Owners are proven: only the tagger writes Owner and PrincipalId
    Proof,
    /// Owners are declared: only the tagger writes PrincipalId
    Declared,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| "expected KEY=VALUE".to_owned())
}

fn account(text: &str) -> Result<AccountId, String> {
    AccountId::new(text).ok_or_else(|| "expected twelve digits".to_owned())
}
