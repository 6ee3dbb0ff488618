//! The arguments of the commands that work on files, and what they share with the others.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

pub(super) use super::filter::time;
use super::filter::{CheckArgs, FilterArgs};
use super::number::positive;
#[cfg(feature = "aws")]
use super::region::region;
#[cfg(feature = "aws")]
use autotag_model::arn::Region;
use autotag_model::rule::Evidence;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use jiff::Timestamp;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The input and the rules, for every command that reads records.
#[derive(Debug, Clone, Args)]
pub(crate) struct SourceArgs {
    /// Files (.json, .json.gz, .jsonl, an EventBridge event), folders with the layout of a trail, s3://BUCKET/PREFIX, or `-`
    /// for standard input
    #[arg(required = true, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,
    /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise Owner, PrincipalId and CreatedBy are written]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A rule file (TOML), which adds rules to the catalogue or replaces its rules. May be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
    /// Save STS sessions to this file, and use the sessions that earlier runs saved
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Number of files to read in parallel [default: the number of processors]
    #[arg(long, value_name = "N", value_parser = positive::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Output format [default: table on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Only events at or after this time: 7d, 12h, yesterday, 2026-03-02 or 2026-03-02T09:00:00Z. Dates and times are in UTC
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only events before this time, in the same forms
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// Also show events without new tags: failed calls, uncovered events, skipped and already tagged resources
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// For tests: how many bytes of the input are kept in memory before temporary files are used
    #[arg(long = "memory-bytes", value_name = "N", hide = true)]
    pub(crate) memory: Option<usize>,
}

/// How rows and the summary are shown.
#[derive(Debug, Clone, Copy, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct ViewArgs {
    /// Show all rows of the table. On a terminal it has as many as fit on the screen
    #[arg(long)]
    pub(crate) all_rows: bool,
    /// Show tags, whole ARNs and reasons in the table, in lines of any length
    #[arg(long)]
    pub(crate) wide: bool,
    /// Print the summary on stdout, and no rows: one JSON object in the format jsonl, a text in the format table
    #[arg(long)]
    pub(crate) summary_only: bool,
    /// List everything that the summary shortens
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// `plan`: what `apply` has too, and where to save the plan.
#[derive(Debug, Args)]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) view: ViewArgs,
    #[command(flatten)]
    pub(crate) checks: CheckArgs,
    /// Also save the plan to this file. `autotag apply FILE` writes exactly its tags
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Only the event with this eventID
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
    /// For tests: how many bytes of the input are kept in memory before temporary files are used
    #[arg(long = "memory-bytes", value_name = "N", hide = true)]
    pub(crate) memory: Option<usize>,
}

/// The store of STS sessions.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// State file of `plan` or `apply`
    #[cfg_attr(feature = "aws", arg(conflicts_with = "table"))]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// DynamoDB table of session-handler
    #[cfg(feature = "aws")]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// Region of the table [default: that of the environment]
    #[cfg(feature = "aws")]
    #[arg(long, global = true, value_name = "REGION", requires = "table", value_parser = region)]
    pub(crate) region: Option<Region>,
}

impl StoreArgs {
    /// True if the options name a file or a table.
    pub(crate) fn names_a_store(&self) -> bool {
        #[cfg(feature = "aws")]
        if self.table.is_some() {
            return true;
        }
        self.state.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct IdentifyArgs {
    /// Files with the records of the calls, in any form that `plan` reads, or `-`. STS records in them are used too
    #[arg(required = true, value_name = "EVENT", value_hint = ValueHint::AnyPath)]
    pub(crate) paths: Vec<String>,
    /// Only the event with this eventID
    #[arg(long, value_name = "ID")]
    pub(crate) event: Option<String>,
    /// Tag policy (TOML), for its `[trust]` [default: ./autotag.toml if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    /// Output format [default: text on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<TextFormat>,
    /// For tests: how many bytes of the input are kept in memory before temporary files are used
    #[arg(long = "memory-bytes", value_name = "N", hide = true)]
    pub(crate) memory: Option<usize>,
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
        #[arg(long, value_name = "N", default_value = "1000", value_parser = positive::<NonZeroUsize>)]
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
    /// Only rules whose resource type contains this text
    #[arg(long = "type", value_name = "TEXT")]
    pub(crate) resource_type: Option<String>,
    /// Only rules of this evidence
    #[arg(long, value_enum)]
    pub(crate) evidence: Option<EvidenceArg>,
    /// Instead of rules, list the creating events in these files that no rule covers, and how often they occur
    #[arg(long, value_name = "TRAIL", num_args = 1.., value_hint = ValueHint::AnyPath, conflicts_with_all = ["resource_type", "evidence"])]
    pub(crate) uncovered_by: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = CatalogFormat::Table)]
    pub(crate) format: CatalogFormat,
    /// A rule file (TOML), which adds rules to the catalogue or replaces its rules. May be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[value(alias = "text")]
    Table,
    /// One JSON object per line
    #[value(alias = "json")]
    Jsonl,
    /// Comma-separated values
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    /// For people
    #[value(alias = "table")]
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
    #[value(alias = "text")]
    Table,
    /// One JSON array
    Json,
    /// One JSON object per line
    Jsonl,
    /// Comma-separated values
    Csv,
    /// The page docs/services.md; of uncovered events a table
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EvidenceArg {
    /// A record of the event has gone through the rule
    Seen,
    /// AWS documents the record or the answer
    Documented,
    /// The rule follows from AWS's models; no record of the event has gone through it yet
    Derived,
}

impl From<EvidenceArg> for Evidence {
    fn from(evidence: EvidenceArg) -> Self {
        match evidence {
            EvidenceArg::Seen => Self::Seen,
            EvidenceArg::Documented => Self::Documented,
            EvidenceArg::Derived => Self::Derived,
        }
    }
}
