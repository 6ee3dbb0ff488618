//! The command line. `--help` prints the doc comments.

mod args;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod deploy;
mod estimate;
#[cfg(feature = "aws")]
mod guard;
mod ledger;
#[cfg(feature = "aws")]
mod redrive;
mod report;
mod whois;

pub(crate) use args::{
    CatalogArgs, CatalogFormat, ExplainArgs, Format, IdentifyArgs, PlanArgs, PlanCommand, PolicyArgs,
    PolicyCommand, SessionsArgs, SessionsCommand, SourceArgs, StoreArgs, TextFormat, ViewArgs,
};
#[cfg(feature = "aws")]
pub(crate) use aws::{ApplyArgs, CallArgs, DoctorArgs, DoctorFormat, GenerateArgs, ReconcileArgs};
#[cfg(feature = "aws")]
pub(crate) use deploy::{CallAs, DeployArgs, DeployCommand, IamPolicyArgs, PlaceArgs, PolicyFor, WhatArgs};
pub(crate) use estimate::{EstimateArgs, EstimateFormat};
#[cfg(feature = "aws")]
pub(crate) use guard::{GuardArgs, ProfileArg};
#[cfg(feature = "aws")]
pub(crate) use ledger::{EndTruceArgs, ExportArgs, LedgerFormat, ListArgs};
pub(crate) use ledger::{ImportArgs, LedgerArgs, LedgerCommand};
#[cfg(feature = "aws")]
pub(crate) use redrive::RedriveArgs;
pub(crate) use report::{FailOn, ReportArgs, ReportFormat};
pub(crate) use whois::{AnswerFormat, WhoisArgs};

use clap::{Parser, Subcommand};

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
    Plan(PlanCommand),
    /// Write the tags that `plan` shows, or those of a saved plan (`plan --out`). Keeps existing identity tags unless told to
    /// replace them
    #[cfg(feature = "aws")]
    Apply(ApplyArgs),
    /// Tag creations whose events were not delivered: compare the last hours of a trail with the ledger, and write what is missing.
    /// For a schedule: asks for no confirmation
    #[cfg(feature = "aws")]
    Reconcile(ReconcileArgs),
    /// List dead letters with their failure reasons, and send them on: of one queue, or of all regions and accounts
    #[cfg(feature = "aws")]
    Redrive(RedriveArgs),
    /// Show whose resources are, with the evidence: from CloudTrail's event history of 90 days, or from a trail
    Whois(WhoisArgs),
    /// Report who owns what, with the proof and the cost, as a page to look at or as data. Needs no AWS account
    Report(ReportArgs),
    /// Fill the ledger of who created what from a trail, export it, and list what an owner created
    Ledger(LedgerArgs),
    /// Explain each creation in files: rule, resource, owner with its evidence, tags
    Explain(ExplainArgs),
    /// Show who made a call, following assumed-role chains, with the evidence
    #[command(visible_alias = "whoami-was")]
    Identify(IdentifyArgs),
    /// Estimate what a deployment costs a month, and which limit of AWS it meets first. Needs no AWS account
    Estimate(EstimateArgs),
    /// Show the STS sessions in a state file or in the table of a deployment
    Sessions(SessionsArgs),
    /// List the events and services that are covered, and how their resources are tagged
    Catalog(CatalogArgs),
    /// Check a tag policy
    Policy(PolicyArgs),
    /// Write the files of a deployment (CloudFormation, permissions, event patterns, guards) from the catalogue and the
    /// policy
    #[cfg(feature = "aws")]
    Generate(GenerateArgs),
    /// Show who would have been denied by the guards of identity tags, from a trail. Changes nothing
    #[cfg(feature = "aws")]
    Guard(GuardArgs),
    /// Deploy to an account or an organization: upload the packages, make or change the stacks, and follow them to their end
    #[cfg(feature = "aws")]
    Deploy(Box<DeployArgs>),
    /// Check every link of a deployment, and say which is broken and how to repair it. Changes nothing without --canary
    #[cfg(feature = "aws")]
    Doctor(DoctorArgs),
}

#[cfg(all(test, feature = "aws"))]
mod page_commands;

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
