//! What comes before a write: the accounts and roles, the confirmation, the progress bar and the clock.

use crate::cli::ApplyArgs;
use crate::gather::Targets;
use crate::output::plural;
use crate::setup::usage_error;
use anyhow::Result;
use autotag_aws::{AccountScope, MemberRole, Settings};
use autotag_model::arn::AccountId;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

pub(super) fn settings(args: &ApplyArgs) -> Result<Settings> {
    let role = args.calls.member_role.as_ref().map(|name| MemberRole {
        name: name.clone(),
        external_id: args.calls.external_id.clone(),
        session_policy: None,
    });
    if args.calls.accounts != AccountScope::OwnOnly && role.is_none() {
        return Err(usage_error(
            "--accounts names other accounts: say with --member-role which role to assume there",
        ));
    }
    Ok(Settings { allowed: args.calls.accounts.clone(), role, ..Settings::default() })
}

/// Asks on a terminal; elsewhere only `--yes` is one.
pub(super) fn confirmed(args: &ApplyArgs, targets: &Targets) -> Result<bool> {
    if args.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let accounts: Vec<&str> = targets.accounts.iter().map(AccountId::as_str).collect();
    let resources = plural(targets.count, "resource");
    let mut out = anstream::stderr().lock();
    write!(out, "Write tags to up to {resources} in {}? [y/N] ", accounts.join(", "))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// The error of a run that may not write.
pub(super) fn unconfirmed() -> anyhow::Error {
    usage_error("confirmation required: pass `--yes` when stdin is not a terminal")
}

/// The clock.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// How many resources are written, for people who wait.
pub(super) fn progress(resources: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(resources);
    let style = "writing {bar:40} {pos}/{len} resources {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
