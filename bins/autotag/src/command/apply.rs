//! `autotag apply`: the plan, written. The same way as the plan's, with AWS behind the ports.

use super::plan::Material;
use crate::Done;
use crate::cli::ApplyArgs;
use crate::journal::{Journal, Journaled};
use crate::output::plural;
use crate::setup::wrong_usage;
use anyhow::{Context as _, Result};
use autotag_handlers::assess::Found;
use autotag_handlers::aws::AwsPorts;
use autotag_handlers::batch;
use autotag_handlers::outcome::Row;
use autotag_handlers::ports::Ports;
use autotag_model::policy::Policy;
use aws_accounts::{Accounts, Allowed, MemberRole, Settings};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use session_store::{EmbeddedStore, MemoryStore, SessionStore};
use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many creations are decided at once: what was read of their resources must not be old when it is written.
const AT_ONCE: usize = 500;

pub(crate) fn run(args: &ApplyArgs) -> Result<Done> {
    let settings = settings(args)?;
    let mut material = Material::gather(&args.plan)?;
    material.policy.replace_existing |= args.replace;
    let mut creations = std::mem::take(&mut material.creations);
    for target in creations.iter_mut().flat_map(|found| &mut found.targets) {
        // A trail is old: whatever it says was made may have got an owner since.
        target.may_have_existed = true;
    }
    if !creations.is_empty() && !confirmed(args, &creations)? {
        return Err(wrong_usage("nothing is written without a yes; say `--yes` where nobody can be asked"));
    }
    let state = args.plan.source.state.as_deref();
    let journal = state.map(Journal::beside).transpose()?;
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let accounts = Arc::new(runtime.block_on(Accounts::connect(settings)));
    let rows = if let Some(path) = state {
        let store = EmbeddedStore::open(path).map_err(|error| wrong_usage(error.to_string()))?;
        store.put_all(&material.sessions)?;
        runtime.block_on(write(args, accounts, store, journal, &material.policy, creations))
    } else {
        let store = MemoryStore::new();
        for session in &material.sessions {
            runtime.block_on(store.put(session))?;
        }
        runtime.block_on(write(args, accounts, store, journal, &material.policy, creations))
    };
    // In a plan what is deferred is only looked up later; here it is left undone.
    let undone = rows.iter().any(|row| row.outcome.is_retryable());
    let done = material.show(rows, &args.plan)?;
    Ok(if undone { Done::Partly } else { done })
}

fn settings(args: &ApplyArgs) -> Result<Settings> {
    let role = args.member_role.as_ref().map(|name| MemberRole {
        name: name.clone(),
        external_id: args.external_id.clone(),
        session_policy: None,
    });
    if args.accounts != Allowed::OwnOnly && role.is_none() {
        return Err(wrong_usage(
            "--accounts names other accounts: say with --member-role which role to assume there",
        ));
    }
    Ok(Settings { allowed: args.accounts.clone(), role, ..Settings::default() })
}

/// Asks on a terminal; elsewhere only `--yes` is one.
fn confirmed(args: &ApplyArgs, creations: &[Found]) -> Result<bool> {
    if args.yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    let targets = creations.iter().flat_map(|found| &found.targets);
    let accounts: BTreeSet<_> =
        targets.clone().filter_map(|target| target.resource.account.as_ref()).collect();
    let accounts: Vec<&str> = accounts.into_iter().map(autotag_model::arn::AccountId::as_str).collect();
    let resources = plural(targets.count(), "resource");
    let mut out = anstream::stderr().lock();
    write!(out, "Write tags to up to {resources} in {}? [y/N] ", accounts.join(", "))?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// The clock.
#[expect(clippy::disallowed_methods, reason = "programs read the clock, libraries are given it")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn write<S: SessionStore>(
    args: &ApplyArgs,
    accounts: Arc<Accounts>,
    sessions: S,
    journal: Option<Journal>,
    policy: &Policy,
    creations: Vec<Found>,
) -> Vec<Row> {
    let targets: usize = creations.iter().map(|found| found.targets.len()).sum();
    let progress = progress(targets as u64);
    let inner = AwsPorts::new(accounts, sessions, now).at_most(args.max_calls_per_second);
    let ports = Journaled { inner, journal, progress: progress.clone() };
    let rows = in_parts(policy, &ports, creations).await;
    progress.finish_and_clear();
    rows
}

/// Oldest first, a part at a time; what one part has written the next finds there.
async fn in_parts(policy: &Policy, ports: &impl Ports, mut creations: Vec<Found>) -> Vec<Row> {
    creations.sort_by_cached_key(|found| {
        let time: Option<Timestamp> = found.event.time.as_deref().and_then(|time| time.parse().ok());
        (time, found.event.id.clone())
    });
    let mut rows = Vec::new();
    let mut left = creations.into_iter().peekable();
    while left.peek().is_some() {
        let part: Vec<Found> = left.by_ref().take(AT_ONCE).collect();
        rows.extend(batch::run(policy, ports, batch::CONCURRENCY, part).await);
    }
    rows
}

/// How many resources are written, for people who wait.
fn progress(resources: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(resources);
    let style = "writing {bar:40} {pos}/{len} resources {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
