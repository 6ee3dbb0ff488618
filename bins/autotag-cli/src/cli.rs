//! The command line. What stands in the doc comments is what `--help` prints.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use autotag_aws::AccountScope;
use autotag_model::arn::Region;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// Who created what in an AWS estate, and which tags say so.
#[derive(Debug, Parser)]
#[command(name = "autotag", version = autotag_model::VERSION, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows which tags CloudTrail records would lead to, and why. Needs no AWS account and writes nothing to AWS
    Plan(PlanArgs),
    /// Writes the tags that `plan` shows: the same way with AWS behind it. Never replaces an identity tag that is there
    Apply(ApplyArgs),
    /// Shows the messages of a dead-letter queue with why each failed, and sends them through again
    Redrive(RedriveArgs),
    /// Walks each creation of a file step by step: rule, resource, owner with proof, tags
    Explain(ExplainArgs),
    /// Says who stood behind calls, with the proof: the owner part of explain, of any record
    WhoamiWas(WhoamiWasArgs),
    /// Shows the STS sessions that are kept in a file or in the table of a deployment
    Sessions(SessionsArgs),
    /// Lists which events of which services are covered, and how their resources are tagged
    Catalog(CatalogArgs),
    /// Writes the files of a deployment (CloudFormation, permissions, event patterns, guards) from the catalogue and the
    /// policy
    Generate(GenerateArgs),
    /// Looks at every link of a deployment and says which is broken, and what to do. Changes nothing, but for --canary
    Doctor(DoctorArgs),
}

/// Where records come from and what decides about them: the same for every command that reads records.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Files (.json, .json.gz, .jsonl, an EventBridge event), folders in a trail's layout, s3://BUCKET/PREFIX, or `-` for
    /// standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Tag policy (TOML) [default: ./autotag.toml if there; else Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// Keep the STS sessions met in this file, and use those of earlier runs
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// How many files are read at once [default: the number of processors]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Only events at or after this time (2026-03-02, or 2026-03-02T09:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Also show what is not tagged: failed calls, uncovered events, what is skipped or already tagged
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Do not ask before writing
    #[arg(long)]
    pub(crate) yes: bool,
    /// Replace identity tags that are there. Without it the first writer wins
    #[arg(long)]
    pub(crate) replace: bool,
    /// At most so many calls a second to each account and region
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) max_calls_per_second: NonZeroU32,
    /// Accounts to write in: own, organization, or ids with commas between them
    #[arg(long, value_name = "ACCOUNTS", default_value = "own")]
    pub(crate) accounts: AccountScope,
    /// The role to assume in other accounts
    #[arg(long, value_name = "NAME")]
    pub(crate) member_role: Option<String>,
    /// The external id that this role asks for
    #[arg(long, value_name = "ID", requires = "member_role")]
    pub(crate) external_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RedriveArgs {
    /// The URL of the dead-letter queue: of another queue, or of an EventBridge rule's target
    #[arg(value_name = "QUEUE_URL")]
    pub(crate) queue: String,
    /// Where the messages go [default: the one queue whose dead letters these are]
    #[arg(long, value_name = "QUEUE_URL")]
    pub(crate) to: Option<String>,
    /// Send them and take them out of the dead-letter queue; without it they are only shown
    #[arg(long)]
    pub(crate) yes: bool,
    /// At most so many messages
    #[arg(long, value_name = "N")]
    pub(crate) max: Option<NonZeroUsize>,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Only the event with this eventID
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
}

/// Where STS sessions are kept.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// A file that `plan` or `apply` has kept sessions in
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "table")]
    pub(crate) state: Option<PathBuf>,
    /// The DynamoDB table that session-handler keeps them in
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The region of the table [default: that of the environment]
    #[arg(long, global = true, value_name = "REGION", requires = "table", value_parser = region)]
    pub(crate) region: Option<Region>,
}

#[derive(Debug, Args)]
pub(crate) struct WhoamiWasArgs {
    /// Files with the calls' records, in any form that `plan` reads, or `-`; STS records in them count as well
    #[arg(required = true, value_name = "EVENT")]
    pub(crate) paths: Vec<String>,
    /// Only the event with this eventID
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format [default: text on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<TextFormat>,
}

#[derive(Debug, Args)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    pub(crate) command: SessionsCommand,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format [default: text on a terminal, jsonl otherwise]
    #[arg(long, global = true, value_enum)]
    pub(crate) format: Option<TextFormat>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// The sessions that are there
    List {
        /// Only those in whose id, role, caller, subject or source identity this text stands
        #[arg(long, value_name = "TEXT")]
        having: Option<String>,
        /// Read at most so many
        #[arg(long, value_name = "N", default_value = "1000")]
        max: NonZeroUsize,
    },
    /// All that is known of the sessions of one role session
    Get {
        /// AROA...:session-name: principalId of the calls made in it
        #[arg(value_name = "ROLE_SESSION")]
        role_session: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    /// Only services whose event source or name holds this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) service: Option<String>,
    /// Output format [default: table]
    #[arg(long, value_enum, default_value_t = CatalogFormat::Table)]
    pub(crate) format: CatalogFormat,
    /// Your own rule files (TOML), which add to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// The folder of the files. What is in it and was not generated stays as it is
    #[arg(long, value_name = "FOLDER", default_value = crate::generate::file::FOLDER)]
    pub(crate) out: PathBuf,
    /// Write nothing; print what is not up to date, and exit with 1 if anything is
    #[arg(long)]
    pub(crate) check: bool,
    /// Tag policy (TOML) [default: ./autotag.toml if there; else Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The central region, where the hub is [default: that of the environment]
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub(crate) region: Option<Region>,
    /// The regions where resources are made, with commas between them [default: the hub's, and the one where calls to the
    /// global endpoint of STS are recorded]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = region)]
    pub(crate) regions: Vec<Region>,
    /// The accounts that tag-handler enters: own, organization, or ids with commas between them [default: as it is told
    /// by its environment]
    #[arg(long, value_name = "ACCOUNTS")]
    pub(crate) accounts: Option<AccountScope>,
    /// The role that tag-handler assumes in other accounts [default: as it is told]
    #[arg(long, value_name = "NAME")]
    pub(crate) member_role: Option<String>,
    /// The external id that this role asks for [default: as tag-handler is told]
    #[arg(long, value_name = "ID")]
    pub(crate) external_id: Option<String>,
    /// A role that doctor itself assumes in other accounts to look into them; without it, what is there stays unknown
    #[arg(long, value_name = "NAME")]
    pub(crate) look_in_role: Option<String>,
    /// The CloudFormation stack of the hub, which knows the names of bus, queue, function and table [default: names as in
    /// the templates]
    #[arg(long, value_name = "STACK", default_value = "autotag-hub")]
    pub(crate) stack: String,
    /// The CloudFormation stack of session-handler
    #[arg(long, value_name = "STACK", default_value = "autotag-session")]
    pub(crate) session_stack: String,
    /// Also look at messages of dead-letter queues: the event of the oldest and why it is there. Each counts as received
    #[arg(long)]
    pub(crate) peek: bool,
    /// Make a tiny resource (an SSM parameter), wait until its tags arrive, and remove it
    #[arg(long)]
    pub(crate) canary: bool,
    /// How long the canary's tags are waited for, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "900", requires = "canary")]
    pub(crate) wait: u64,
    /// Exit with 1 also if anything is unknown
    #[arg(long)]
    pub(crate) strict: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = DoctorFormat::Text)]
    pub(crate) format: DoctorFormat,
    /// Tag policy (TOML) [default: ./autotag.toml if there; else Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    /// For people
    Text,
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
}

impl TextFormat {
    /// What was asked for; else text where people look, and JSON lines where programs do.
    pub(crate) fn or_fitting(asked: Option<Self>) -> Self {
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        asked.unwrap_or(if on_terminal { Self::Text } else { Self::Jsonl })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatalogFormat {
    /// For people
    Table,
    /// One JSON array
    Json,
    /// The page docs/services.md
    Markdown,
}

fn region(text: &str) -> Result<Region, String> {
    Region::new(text).ok_or_else(|| "expected a region, for example eu-west-1".to_owned())
}

/// A time, or the beginning of a day, UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day: Date = text.parse().map_err(|_| "expected 2026-03-02 or 2026-03-02T09:00:00Z".to_owned())?;
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(midnight.timestamp())
}
