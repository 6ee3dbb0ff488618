//! The command line. `--help` prints the doc comments.

mod args;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod deploy;
mod estimate;
mod files;
mod filter;
mod global;
#[cfg(feature = "aws")]
mod guard;
mod help;
mod ledger;
mod lists;
#[cfg(feature = "manual")]
mod manual;
mod number;
mod pages;
mod parse;
mod policy;
#[cfg(feature = "aws")]
mod redrive;
mod region;
mod report;
mod whois;

pub(crate) use args::{
    CatalogArgs, CatalogFormat, ExplainArgs, Format, IdentifyArgs, PlanArgs, PlanCommand, SessionsArgs,
    SessionsCommand, SourceArgs, StoreArgs, TextFormat, ViewArgs,
};
#[cfg(feature = "aws")]
pub(crate) use aws::{ApplyArgs, CallArgs, DoctorArgs, DoctorFormat, GenerateArgs, ReconcileArgs};
#[cfg(feature = "aws")]
pub(crate) use deploy::{CallAs, DeployArgs, DeployCommand, IamPolicyArgs, PlaceArgs, PolicyFor, WhatArgs};
pub(crate) use estimate::{EstimateArgs, EstimateFormat};
pub(crate) use filter::{
    CheckArgs, FilterArgs, OutcomeArg, PlanCheck, PlanLimit, ProofArg, SharedFilterArgs, did_you_mean,
};
pub(crate) use global::GlobalArgs;
#[cfg(feature = "aws")]
pub(crate) use guard::{GuardArgs, ProfileArg};
#[cfg(feature = "manual")]
pub(crate) use help::{command_line, completed, groups, in_short, page_of};
#[cfg(feature = "aws")]
pub(crate) use ledger::{EndTruceArgs, ExportArgs, LedgerFormat, ListArgs};
pub(crate) use ledger::{ImportArgs, LedgerArgs, LedgerCommand};
#[cfg(feature = "manual")]
pub(crate) use manual::{CompletionsArgs, ManArgs, ReferenceArgs};
pub(crate) use parse::parse;
pub(crate) use policy::{InitArgs, PolicyArgs, PolicyCommand, SchemaArgs, SchemaName};
#[cfg(feature = "aws")]
pub(crate) use redrive::RedriveArgs;
pub(crate) use report::{FailOn, ReportArgs, ReportFormat};
pub(crate) use whois::{AnswerFormat, WhoisArgs};

use clap::{Parser, Subcommand};

/// Find who created each AWS resource, and write it onto the resource as tags.
#[derive(Debug, Parser)]
#[command(name = "autotag", version = autotag_model::VERSION, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// The commands. The top help shows the first sentence of each.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show which tags CloudTrail records lead to, and why. Needs no AWS account and writes nothing to AWS
    Plan(PlanCommand),
    /// Write the tags that `plan` shows, or those of a saved plan. Keeps existing identity tags unless told to replace them
    #[cfg(feature = "aws")]
    Apply(ApplyArgs),
    /// Tag creations whose events were not delivered. Compares the last hours of a trail with the ledger, and writes what is
    /// missing. For a schedule: asks for no confirmation
    #[cfg(feature = "aws")]
    Reconcile(ReconcileArgs),
    /// List dead letters with their reasons, and send them again. Of one queue, or of all regions and accounts
    #[cfg(feature = "aws")]
    Redrive(RedriveArgs),
    /// Show whose resources are, with the evidence. Asks CloudTrail's event history of 90 days, or reads a trail
    Whois(WhoisArgs),
    /// Report who owns what, with the proof and the cost. As a page to look at or as data. Needs no AWS account
    Report(ReportArgs),
    /// Fill, export and query the ledger of who created what
    Ledger(LedgerArgs),
    /// Explain each creation: rule, resource, owner with evidence, tags
    Explain(ExplainArgs),
    /// Show who made a call, through assumed roles, with the evidence
    #[command(visible_alias = "whoami-was")]
    Identify(IdentifyArgs),
    /// Estimate what a deployment costs a month. Also says which limit of AWS it meets first. Needs no AWS account
    Estimate(EstimateArgs),
    /// Show the STS sessions of a state file or of a deployment
    Sessions(SessionsArgs),
    /// List the events that are covered, and how resources are tagged
    Catalog(CatalogArgs),
    /// Write a policy file that has every setting, as a comment
    Init(InitArgs),
    /// Check a tag policy
    Policy(PolicyArgs),
    /// Print the JSON schema of policies, rules, or output
    Schema(SchemaArgs),
    /// Write the files of a deployment, for the catalogue and policy. CloudFormation, permissions, event patterns, guards
    #[cfg(feature = "aws")]
    Generate(GenerateArgs),
    /// Show which calls the guards of identity tags would have denied. Reads a trail, changes nothing
    #[cfg(feature = "aws")]
    Guard(GuardArgs),
    /// Deploy to an account or an organization. Uploads the packages, makes or changes the stacks, and follows them to their end
    #[cfg(feature = "aws")]
    Deploy(Box<DeployArgs>),
    /// Check every link of a deployment, and say how to repair it. Changes nothing without --canary
    #[cfg(feature = "aws")]
    Doctor(DoctorArgs),
    /// Print the completions for a shell
    #[cfg(feature = "manual")]
    Completions(CompletionsArgs),
    /// Write a man page for each command
    #[cfg(feature = "manual")]
    #[command(hide = true)]
    Man(ManArgs),
    /// Write docs/cli.md and docs/output.md
    #[cfg(feature = "manual")]
    #[command(hide = true)]
    Reference(ReferenceArgs),
}

impl Command {
    /// True if its rows say what it has written to AWS.
    pub(crate) fn writes_to_aws(&self) -> bool {
        match self {
            #[cfg(feature = "aws")]
            Self::Apply(_) | Self::Reconcile(_) | Self::Redrive(_) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
#[cfg(feature = "aws")]
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
