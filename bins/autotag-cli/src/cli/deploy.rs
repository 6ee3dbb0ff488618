//! The arguments of `autotag deploy`.
#![expect(clippy::doc_markdown, reason = "help texts are read in terminals, where backticks are noise")]

use super::args::TextFormat;
use super::region::region;
use autotag_model::arn::{AccountId, Region};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The modes that deploy nothing new.
const NOT_DEPLOYED: [&str; 3] = ["rollback", "status", "destroy"];

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DeployArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DeployCommand>,
    #[command(flatten)]
    pub(crate) mode: Mode,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    #[command(flatten)]
    pub(crate) organization: OrganizationArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The modes; at most one of these.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Mode {
    /// Show what would change, and change nothing. Needs rights to read; what an update would replace is known only with the rights
    /// to make change sets
    #[arg(long, help_heading = "Modes")]
    pub(crate) plan: bool,
    /// Show stacks, releases and queues
    #[arg(long, help_heading = "Modes")]
    pub(crate) status: bool,
    /// Deploy only if there is a deployment already
    #[arg(long, help_heading = "Modes")]
    pub(crate) upgrade: bool,
    /// Go back to the release before, with its packages, templates and parameters, or to a named release
    #[arg(long, help_heading = "Modes", value_name = "RELEASE", num_args = 0..=1, default_missing_value = "")]
    pub(crate) rollback: Option<String>,
    /// Remove the stacks. Tables, the bucket of the code and queues with messages stay, and are named
    #[arg(long, help_heading = "Modes")]
    pub(crate) destroy: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Region of the hub: its bus, queues, functions and tables [default: that of the environment]
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub(crate) region: Option<Region>,
    /// Regions where resources are created, separated by commas. The hub's and that of global services (us-east-1) are added
    /// [default: the regions that have a stack already]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = region)]
    pub(crate) regions: Vec<Region>,
    /// Name of the deployment, and the prefix of all names in it. A second one in the account needs another: autotag-test
    #[arg(long, value_name = "NAME", default_value = "autotag", value_parser = name)]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct WhatArgs {
    /// Folder of a release, with tag-handler-VERSION-ARCH.zip and session-handler-VERSION-ARCH.zip; or with tag-handler.zip and
    /// session-handler.zip; or the folder that `cargo lambda build` fills. If it has SHA256SUMS, both must have the hashes in it
    /// [default: dist if it has packages, else target/lambda]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = NOT_DEPLOYED)]
    pub(crate) packages: Option<PathBuf>,
    /// Parameter of the templates. TEMPLATE.NAME=VALUE is for one template: session.MemorySize=256. Parameters that are not named
    /// keep their values. May be repeated
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parameter, conflicts_with_all = NOT_DEPLOYED)]
    pub(crate) parameters: Vec<(String, String)>,
    /// Folder with templates that `autotag generate` has written [default: they are generated now]
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["policy", "rules", "services", "rollback", "status", "destroy"])]
    pub(crate) templates: Option<PathBuf>,
    /// Tag policy (TOML) for which the templates are generated [default: ./autotag.toml if it exists; otherwise the built-in one]
    #[arg(long, value_name = "FILE", conflicts_with_all = NOT_DEPLOYED)]
    pub(crate) policy: Option<PathBuf>,
    /// Your own rule files (TOML), which add rules to the catalogue or replace its rules. May be repeated
    #[arg(long, value_name = "FILE", conflicts_with_all = NOT_DEPLOYED)]
    pub(crate) rules: Vec<PathBuf>,
    /// Services to deploy for, separated by commas, by event source: s3,ec2,lambda [default: all of the catalogue]
    #[arg(long, value_name = "SERVICES", value_delimiter = ',', conflicts_with_all = NOT_DEPLOYED)]
    pub(crate) services: Vec<String>,
    /// Bucket for packages and templates, in the hub's region and account [default: that of the deployment, else a new one with a
    /// random name]
    #[arg(long, value_name = "BUCKET")]
    pub(crate) bucket: Option<String>,
    /// Name of the release [default: the version of this program and a hash of packages, templates and parameters]
    #[arg(long, value_name = "NAME", value_parser = release, conflicts_with_all = NOT_DEPLOYED)]
    pub(crate) release: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OrganizationArgs {
    /// Deploy to an organization: the hub here, and by StackSets the accounts below --units in all --regions
    #[arg(long, help_heading = "Organization")]
    pub(crate) org: bool,
    /// Id of the organization [default: that of the account]
    #[arg(long, help_heading = "Organization", value_name = "ID", requires = "org")]
    pub(crate) organization_id: Option<String>,
    /// Organizational units, or the root, separated by commas: r-exmp or ou-exmp-11111111
    #[arg(
        long,
        help_heading = "Organization",
        value_name = "UNITS",
        value_delimiter = ',',
        requires = "org"
    )]
    pub(crate) units: Vec<String>,
    /// The account of the StackSets: the management account (self), or a delegated administrator
    #[arg(long, help_heading = "Organization", value_enum, default_value_t = CallAs::DelegatedAdmin)]
    pub(crate) call_as: CallAs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallAs {
    /// The management account
    #[value(name = "self")]
    Management,
    /// A delegated administrator
    DelegatedAdmin,
}

impl CallAs {
    /// The word of the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Management => "SELF",
            Self::DelegatedAdmin => "DELEGATED_ADMIN",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Do it without asking for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// With --destroy, lose the messages that are still in queues
    #[arg(long, requires = "destroy")]
    pub(crate) discard_messages: bool,
    /// Minutes after an update in which an alarm of the functions rolls it back; 0: alarms roll nothing back. The first deployment
    /// has no alarms yet
    #[arg(long, value_name = "MINUTES", default_value = "5", value_parser = clap::value_parser!(u32).range(0..=180))]
    pub(crate) watch: u32,
    /// Role with which CloudFormation works, by its ARN [default: your own rights]
    #[arg(long, value_name = "ARN")]
    pub(crate) service_role: Option<String>,
    /// Then check every link with `autotag doctor --canary`, in all regions
    #[arg(long, conflicts_with_all = ["plan", "status", "destroy"])]
    pub(crate) canary: bool,
    /// Maximum time to wait for the canary's tags, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "900", requires = "canary")]
    pub(crate) wait: u64,
    /// Output format of --plan and --status [default: text on a terminal, jsonl otherwise]
    #[arg(long, value_enum)]
    pub(crate) format: Option<TextFormat>,
    /// Pause between two looks at a stack, in milliseconds. For tests
    #[arg(long, hide = true, value_name = "MS", default_value = "3000")]
    pub(crate) pause: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    /// Print the IAM policy that a deployment needs
    IamPolicy(IamPolicyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct IamPolicyArgs {
    /// For what: status and comparison, plans by change sets, a deployment, or one of an organization. Each has the rights of those
    /// before it
    #[arg(long = "for", value_name = "MODE", value_enum, default_value_t = PolicyFor::Deploy)]
    pub(crate) wanted: PolicyFor,
    /// Account of the hub [default: any]
    #[arg(long, value_name = "ID", value_parser = account)]
    pub(crate) account: Option<AccountId>,
    /// A region of the partition
    #[arg(long, value_name = "REGION", value_parser = region, default_value = "us-east-1")]
    pub(crate) region: Region,
    /// Name of the deployment
    #[arg(long, value_name = "NAME", default_value = "autotag", value_parser = name)]
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyFor {
    /// `--status`, and `--plan` by comparison
    Read,
    /// `--plan` with change sets
    Plan,
    /// Everything in one account
    Deploy,
    /// Also `--org`
    Organization,
}

fn account(text: &str) -> Result<AccountId, String> {
    AccountId::new(text).ok_or_else(|| "expected an account id of 12 digits".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("autotag").filter(|rest| rest.is_empty() || rest.starts_with('-'));
    let of_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_name = rest.is_some_and(|rest| {
        let suffix = rest.strip_prefix('-').unwrap_or("a");
        (1..=12).contains(&suffix.len()) && suffix.bytes().all(of_allowed)
    });
    if is_name {
        return Ok(text.to_owned());
    }
    Err("expected `autotag`, or `autotag-` and up to 12 lower-case letters and digits".to_owned())
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let split = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = split.ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn release(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed) && !text.starts_with('.') {
        return Ok(text.to_owned());
    }
    Err("expected up to 64 letters, digits, full stops, hyphens and underscores".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_the_templates_take() {
        for right in ["autotag", "autotag-test", "autotag-0123456789ab"] {
            assert_eq!(name(right).as_deref(), Ok(right));
        }
        for wrong in
            ["", "auto", "autotag-", "autotag-Test", "autotag-0123456789abc", "autotagx", "autotag-a b"]
        {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn releases_are_parts_of_keys() {
        assert!(release("0.1.0-1").is_ok());
        for wrong in ["", "a/b", "..", "a b", &"a".repeat(65)] {
            assert!(release(wrong).is_err(), "{wrong}");
        }
    }
}
