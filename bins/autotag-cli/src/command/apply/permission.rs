//! Steps before a write: the accounts and roles, the confirmation, the progress bar and the clock.

use crate::cli::ApplyArgs;
use crate::filter::Filter;
use crate::gather::Targets;
use crate::output::{Screen, plural, printable};
use crate::setup::usage_error;
use crate::shown::check_summary;
use anstyle::Style;
use anyhow::{Result, anyhow};
use autotag_aws::{AccountError, AccountScope, Accounts, MemberRole, Settings};
use autotag_model::arn::AccountId;
use autotag_model::policy::Policy;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use tokio::runtime::Runtime;

/// How many accounts the question names.
const MOST_ACCOUNTS: usize = 10;

pub(super) fn settings(args: &ApplyArgs) -> Result<Settings> {
    check_summary(args.plan.format, args.view)?;
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

/// Asks on a terminal; elsewhere only `--yes` counts. Before that STS says who writes: wrong credentials end the command.
///
/// # Errors
/// If the answer is not yes, or if there is no terminal to ask on.
pub(super) fn confirm(
    args: &ApplyArgs,
    policy: &Policy,
    (targets, filter): (&Targets, &Filter),
    runtime: &Runtime,
    accounts: &Accounts,
) -> Result<()> {
    let caller = runtime.block_on(accounts.caller());
    let (own, arn) = caller.map_err(|error| usage_error(no_credentials(&error)))?;
    if args.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(usage_error("confirmation required: pass `--yes` when stdin is not a terminal"));
    }
    let mut out = Screen::stderr(anstream::stderr().lock());
    let lines = question(args, policy, (targets, filter), (&own, &arn));
    lines.iter().try_for_each(|line| out.line("", Style::new(), &printable(line)))?;
    write!(out, "Write the tags? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(anyhow!("nothing was written: the answer was not yes")),
    }
}

fn no_credentials(error: &AccountError) -> String {
    format!(
        "cannot tell whose AWS credentials these are: {error}. Sign in (`aws sso login`), or set AWS_PROFILE and AWS_REGION"
    )
}

/// Says who writes which tags where. Names of accounts and files in it come from records.
fn question(
    args: &ApplyArgs,
    policy: &Policy,
    (targets, filter): (&Targets, &Filter),
    (own, arn): (&AccountId, &str),
) -> Vec<String> {
    let is_allowed = |account: &&AccountId| match &args.calls.accounts {
        AccountScope::OwnOnly => *account == own,
        AccountScope::Listed(listed) => *account == own || listed.contains(*account),
        _ => true,
    };
    let (allowed, others): (Vec<&AccountId>, Vec<&AccountId>) = targets.accounts.iter().partition(is_allowed);
    let names = |accounts: &[&AccountId]| {
        let mut names: Vec<String> = accounts.iter().take(MOST_ACCOUNTS).map(ToString::to_string).collect();
        if accounts.len() > MOST_ACCOUNTS {
            names.push(format!("{} more", accounts.len() - MOST_ACCOUNTS));
        }
        if names.is_empty() { "no account".to_owned() } else { names.join(", ") }
    };
    let keys: Vec<&str> = policy.identity.iter().map(|(key, _)| key.as_str()).collect();
    let resources = plural(targets.count, "resource");
    let mut lines = vec![
        format!("You are {arn}, in account {own}."),
        format!("At most {resources} will get tags; the identity keys are {}.", keys.join(", ")),
        "`autotag plan` with the same arguments shows each resource and its tags.".to_owned(),
        format!("You may write in {}.", names(&allowed)),
    ];
    if !others.is_empty() {
        let others = names(&others);
        lines.push(format!(
            "Resources in {others} are refused: --accounts and --member-role allow other accounts."
        ));
    }
    if !filter.is_empty() {
        lines.push(format!("Only those that match {} are written.", filter.describe()));
    }
    if args.replace {
        lines.push("--replace: other owners on existing resources ARE REPLACED.".to_owned());
    }
    lines
}

/// The clock.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// How many resources are written, for people who wait.
pub(super) fn progress(resources: u64) -> ProgressBar {
    if crate::console::is_quiet() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(resources);
    let style = "writing {bar:40} {pos}/{len} resources {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
