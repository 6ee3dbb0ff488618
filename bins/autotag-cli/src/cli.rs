//! The command line. `--help` prints the doc comments.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use autotag_aws::AccountScope;
use autotag_model::arn::Region;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// Find out who created every resource in an AWS estate, and write it onto the resources as tags.
#[derive(Debug, Parser)]
#[command(name = "autotag", version = autotag_model::VERSION, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show which tags CloudTrail records lead to, and why. Needs no AWS account and writes nothing to AWS
    Plan(PlanArgs),
    /// Write the tags that `plan` shows. Keeps existing identity tags unless told to replace them
    Apply(ApplyArgs),
    /// List the messages of a dead-letter queue with their failure reasons, and send them back to their queue
    Redrive(RedriveArgs),
    /// Explain each creation in files: rule, resource, owner with its evidence, tags
    Explain(ExplainArgs),
    /// Show who made a call, following assumed-role chains, with the evidence
    #[command(visible_alias = "whoami-was")]
    Identify(IdentifyArgs),
    /// Show the STS sessions in a state file or in the table of a deployment
    Sessions(SessionsArgs),
    /// List the events and services that are covered, and how their resources are tagged
    Catalog(CatalogArgs),
    /// Write the files of a deployment (CloudFormation, permissions, event patterns, guards) from the catalogue and the
    /// policy
    Generate(GenerateArgs),
    /// Check every link of a deployment, and say which is broken and how to repair it. Changes nothing without --canary
    Doctor(DoctorArgs),
}

/// The input and the rules, for every command that reads records.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Files (.json, .json.gz, .jsonl, an EventBridge event), folders with the layout of a trail, s3://BUCKET/PREFIX, or `-`
    /// for standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
    /// Save STS sessions to this file, and use the sessions that earlier runs saved
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
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
    /// Only events at or after this time, in UTC (2026-03-02, or 2026-03-02T09:00:00Z)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Also show events without new tags: failed calls, uncovered events, skipped and already tagged resources
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Write without asking for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// Replace existing identity tags. Without it the first writer wins
    #[arg(long)]
    pub(crate) replace: bool,
    /// Maximum number of calls per second to each account and region
    #[arg(long, value_name = "N", default_value = "10")]
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

#[derive(Debug, Args)]
pub(crate) struct RedriveArgs {
    /// URL of the dead-letter queue of a queue, or of an EventBridge rule's target
    #[arg(value_name = "QUEUE_URL")]
    pub(crate) queue: String,
    /// Queue to send the messages to [default: the queue whose dead letters these are, if there is exactly one]
    #[arg(long, value_name = "QUEUE_URL")]
    pub(crate) to: Option<String>,
    /// Send the messages, and delete them from the dead-letter queue. Without it they are only listed
    #[arg(long)]
    pub(crate) yes: bool,
    /// Maximum number of messages
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

/// The store of STS sessions.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// State file of `plan` or `apply`
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "table")]
    pub(crate) state: Option<PathBuf>,
    /// DynamoDB table of session-handler
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Region of the table [default: that of the environment]
    #[arg(long, global = true, value_name = "REGION", requires = "table", value_parser = region)]
    pub(crate) region: Option<Region>,
}

#[derive(Debug, Args)]
pub(crate) struct IdentifyArgs {
    /// Files with the records of the calls, in any form that `plan` reads, or `-`. STS records in them are used too
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
    /// List sessions
    List {
        /// Only sessions whose id, role, caller, subject or source identity contains this text; case counts
        #[arg(long, alias = "having", value_name = "TEXT")]
        contains: Option<String>,
        /// Maximum number of sessions to read, before --contains applies
        #[arg(long, value_name = "N", default_value = "1000")]
        max: NonZeroUsize,
    },
    /// Show all details of the sessions with one role session id
    Get {
        /// Role session id, AROA...:session-name: the principalId of the session's calls
        #[arg(value_name = "ROLE_SESSION")]
        role_session: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CatalogArgs {
    /// Only services whose event source or name contains this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) service: Option<String>,
    /// Output format [default: table]
    #[arg(long, value_enum, default_value_t = CatalogFormat::Table)]
    pub(crate) format: CatalogFormat,
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
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
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Region of the hub [default: that of the environment]
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub(crate) region: Option<Region>,
    /// Regions where resources are created, separated by commas [default: the hub's, and the region where calls to the global
    /// endpoint of STS are recorded]
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
    /// stack, it uses the names in the templates
    #[arg(long, value_name = "STACK", default_value = "autotag-hub")]
    pub(crate) stack: String,
    /// CloudFormation stack of session-handler
    #[arg(long, value_name = "STACK", default_value = "autotag-session")]
    pub(crate) session_stack: String,
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
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules
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
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    /// For people
    Text,
    /// One JSON object per line
    #[value(alias = "json")]
    Jsonl,
}

impl TextFormat {
    /// The chosen format; by default text on a terminal, and JSON lines otherwise.
    pub(crate) fn or_default(chosen: Option<Self>) -> Self {
        let on_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        chosen.unwrap_or(if on_terminal { Self::Text } else { Self::Jsonl })
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

/// A time, or the beginning of a day in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day: Date = text.parse().map_err(|_| "expected 2026-03-02 or 2026-03-02T09:00:00Z".to_owned())?;
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn earlier_spellings_of_options_are_hidden_aliases() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["autotag"], args].concat()).unwrap().command;
        let Command::Sessions(list) = parse(&["sessions", "list", "--having", "anna"]) else { panic!() };
        let SessionsCommand::List { contains, .. } = list.command else { panic!() };
        assert_eq!(contains.as_deref(), Some("anna"));
        let Command::Doctor(doctor) = parse(&["doctor", "--look-in-role", "r", "--peek"]) else { panic!() };
        assert_eq!((doctor.inspect_role.as_deref(), doctor.show_messages), (Some("r"), true));
        let mut cli = Cli::command();
        for command in cli.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            for option in ["--having", "--look-in-role", "--peek"] {
                assert!(!help.contains(option), "{option} is not hidden: {help}");
            }
        }
    }

    #[test]
    fn whoami_was_is_a_visible_alias_of_identify() {
        let parsed = Cli::try_parse_from(["autotag", "whoami-was", "event.json"]).unwrap();
        assert!(matches!(parsed.command, Command::Identify(_)));
        let cli = Cli::command();
        let identify = cli.find_subcommand("identify").unwrap();
        assert_eq!(identify.get_visible_aliases().collect::<Vec<_>>(), ["whoami-was"]);
    }
}
