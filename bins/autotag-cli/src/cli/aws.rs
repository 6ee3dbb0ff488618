//! The commands that call AWS, and those that describe what a deployment calls (feature `aws`).
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::args::{Format, PlanArgs, ViewArgs};
use super::number::positive;
use super::region::region;
use autotag_aws::AccountScope;
use autotag_model::arn::Region;
use clap::{Args, ValueEnum, ValueHint};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    /// Write without asking for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Replace existing identity tags. Without it the first writer wins
    #[arg(long)]
    pub(crate) replace: bool,
    /// DynamoDB table of the ledger, in the region of the environment: what it has as done is left out, and what is done becomes an
    /// entry
    #[arg(long, value_name = "NAME")]
    pub(crate) ledger: Option<String>,
    #[command(flatten)]
    pub(crate) calls: CallArgs,
}

/// Where tags are written, and how fast.
#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// Maximum number of calls per second to each account and region
    #[arg(long, value_name = "N", default_value = "10", value_parser = positive::<NonZeroU32>)]
    pub(crate) max_calls_per_second: NonZeroU32,
    /// Accounts to write in: own, organization, or ids separated by commas
    #[arg(long, value_name = "ACCOUNTS", default_value = "own")]
    pub(crate) accounts: AccountScope,
    /// Role to assume in other accounts
    #[arg(long, value_name = "NAME")]
    pub(crate) member_role: Option<String>,
    /// External id of that role
    #[arg(long, value_name = "ID", requires = "member_role")]
    pub(crate) external_id: Option<String>,
}

/// `apply` over the last hours of a trail, with a ledger. It has no `--state`: the ledger knows what is done.
#[derive(Debug, Args)]
pub(crate) struct ReconcileArgs {
    /// Files (.json, .json.gz, .jsonl), folders with the layout of a trail, s3://BUCKET/PREFIX, or `-` for standard input
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A rule file (TOML), which adds rules to the catalogue or replaces its rules. May be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// DynamoDB table of the ledger
    #[arg(long, value_name = "NAME")]
    pub(crate) ledger: String,
    /// How many of the last hours to compare. CloudTrail delivers a log file within 15 minutes as a rule
    #[arg(long, value_name = "N", default_value = "24", value_parser = clap::value_parser!(u32).range(1..=2160))]
    pub(crate) hours: u32,
    #[command(flatten)]
    pub(crate) calls: CallArgs,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Folder for the files. Other files in it are not changed
    #[arg(long, value_name = "FOLDER", default_value = crate::generate::file::FOLDER)]
    pub(crate) out: PathBuf,
    /// Write nothing. Print a diff of the files that are out of date, and exit with 1 if there are any
    #[arg(long)]
    pub(crate) check: bool,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A rule file (TOML), which adds rules to the catalogue or replaces its rules. May be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Services to deploy for, separated by commas, by event source: s3,ec2,lambda. Their events are the only ones that the rules
    /// match, and their resources the only ones that the roles may tag [default: all of the catalogue]
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    pub(crate) services: Vec<String>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct DoctorArgs {
    /// Region of the hub [default: that of the environment]
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub(crate) region: Option<Region>,
    /// Regions where resources are created, separated by commas [default: all enabled regions: those with rules are checked, and
    /// those without rules are named if something was created there]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = region)]
    pub(crate) regions: Vec<Region>,
    /// Accounts in which tag-handler writes tags: own, organization, or ids separated by commas [default: as its environment
    /// says]
    #[arg(long, value_name = "ACCOUNTS")]
    pub(crate) accounts: Option<AccountScope>,
    /// Role that tag-handler assumes in other accounts [default: as its environment says]
    #[arg(long, value_name = "NAME")]
    pub(crate) member_role: Option<String>,
    /// External id of that role [default: as the environment of tag-handler says]
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// Role that doctor itself assumes to inspect other accounts. Without it, checks there are unknown
    #[arg(long, alias = "look-in-role", value_name = "NAME")]
    pub(crate) inspect_role: Option<String>,
    /// CloudFormation stack of the hub, from which doctor reads the names of bus, queue, function and table. Without such a
    /// stack, it uses the names in the templates [default: autotag if it exists, otherwise autotag-hub]
    #[arg(long, value_name = "STACK")]
    pub(crate) stack: Option<String>,
    /// CloudFormation stack of session-handler [default: the hub's stack if it has the function, otherwise autotag-session]
    #[arg(long, value_name = "STACK")]
    pub(crate) session_stack: Option<String>,
    /// Check only N of the other accounts, spread over all of them. With --canary, also create a resource in each region of these
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,
    /// Hours over which messages in dead-letter queues count as new
    #[arg(long, value_name = "HOURS", default_value = "24", value_parser = clap::value_parser!(u64).range(1..=336))]
    pub(crate) since: u64,
    /// Print only what is broken
    #[arg(long)]
    pub(crate) only_broken: bool,
    /// Also show a message of each dead-letter queue: its event and the reason of its failure. This counts as a receive
    #[arg(long, alias = "peek")]
    pub(crate) show_messages: bool,
    /// Create a small resource (an SSM parameter), wait until its tags arrive, and remove it
    #[arg(long)]
    pub(crate) canary: bool,
    /// Maximum time to wait for the canary's tags, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "900", requires = "canary")]
    pub(crate) wait: u64,
    /// Exit with 1 also if a check is unknown
    #[arg(long)]
    pub(crate) strict: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text)]
    pub(crate) format: DoctorFormat,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A rule file (TOML), which adds rules to the catalogue or replaces its rules. May be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Services for which it was deployed, as `autotag generate --services` got them [default: all of the catalogue]
    #[arg(long, value_name = "SERVICES", value_delimiter = ',')]
    pub(crate) services: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// One JSON object, at the end
    Json,
    /// One JSON object a line for each check, as it ends
    Jsonl,
}
