//! The arguments of `autotag init`, `policy` and `schema`.

use super::args::TextFormat;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// File to write. A file that exists stays as it is
    #[arg(value_name = "FILE", default_value = crate::setup::POLICY_FILE)]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check whether a policy can be used, and list conditions in AWS's managed policies on the keys that it writes. Exits with 1
    /// if a permission of AWS's services would be lost, or if a setting cannot have an effect
    Check {
        /// Tag policy (TOML) [default: ./autotag.toml if it exists; otherwise the built-in policy]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// The same as FILE
        #[arg(long, value_name = "FILE", conflicts_with = "file")]
        policy: Option<PathBuf>,
        /// Output format [default: text on a terminal, jsonl otherwise]
        #[arg(long, value_enum)]
        format: Option<TextFormat>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Subject of the schema
    #[arg(value_enum, value_name = "NAME")]
    pub(crate) name: SchemaName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaName {
    /// A tag policy: autotag.toml
    Policy,
    /// A rule file
    Rules,
    /// A row of `plan` and `apply`, in JSON lines
    Row,
    /// The summary of `plan` and `apply`: --summary-only --format json
    Summary,
    /// A line of `explain`: --format jsonl
    Explanation,
}
