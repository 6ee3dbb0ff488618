//! `autotag apply`: the plan, written. The same way as the plan's, with AWS behind the ports.

use crate::cli::ApplyArgs;
use crate::completion::Completion;
use crate::journal::{Journal, Journaled};
use crate::material::Material;
use crate::output::plural;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_aws::backend::AwsPorts;
use autotag_aws::{AccountScope, Accounts, MemberRole, Settings};
use autotag_handlers::batch;
use autotag_handlers::classify::Found;
use autotag_handlers::outcome::Row;
use autotag_handlers::ports::Ports;
use autotag_model::policy::Policy;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use session_store::{EmbeddedStore, MemoryStore, SessionStore, SessionWriter as _};
use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// How many creations are decided at once: what was read of their resources must not be old when it is written.
const AT_ONCE: usize = 500;

pub(crate) fn run(args: &ApplyArgs) -> Result<Completion> {
    let settings = settings(args)?;
    let mut material = Material::gather(&args.plan)?;
    material.policy.replace_existing |= args.replace;
    let mut creations = std::mem::take(&mut material.creations);
    for target in creations.iter_mut().flat_map(|found| &mut found.targets) {
        // A trail is old: whatever it says was made may have got an owner since.
        target.may_have_existed = true;
    }
    if !creations.is_empty() && !confirmed(args, &creations)? {
        return Err(usage_error("nothing is written without a yes; say `--yes` where nobody can be asked"));
    }
    let state = args.plan.source.state.as_deref();
    let journal = state.map(Journal::beside).transpose()?;
    let runtime = Runtime::new().context("cannot start the threads that call AWS")?;
    let accounts = Arc::new(runtime.block_on(Accounts::connect(settings)));
    let rows = if let Some(path) = state {
        let store = EmbeddedStore::open(path).map_err(|error| usage_error(error.to_string()))?;
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
    Ok(if undone { Completion::Partial } else { done })
}

fn settings(args: &ApplyArgs) -> Result<Settings> {
    let role = args.member_role.as_ref().map(|name| MemberRole {
        name: name.clone(),
        external_id: args.external_id.clone(),
        session_policy: None,
    });
    if args.accounts != AccountScope::OwnOnly && role.is_none() {
        return Err(usage_error(
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

/// A part at a time, oldest first; what one part has written the next finds there.
async fn in_parts(policy: &Policy, ports: &impl Ports, creations: Vec<Found>) -> Vec<Row> {
    let mut rows = Vec::new();
    for part in parts(creations, AT_ONCE) {
        rows.extend(batch::run(policy, ports, batch::CONCURRENCY, part).await);
    }
    rows
}

/// Parts of so many creations, oldest first. A part goes on to the end of its second: copies of one event have one time,
/// and are known as copies only if they are decided together.
fn parts(mut creations: Vec<Found>, at_once: usize) -> Vec<Vec<Found>> {
    batch::oldest_first(&mut creations);
    let second = |found: &Found| found.event.timestamp().map(Timestamp::as_second);
    let mut parts: Vec<Vec<Found>> = Vec::new();
    for found in creations {
        let last = parts.last_mut().filter(|part| {
            part.len() < at_once || part.last().is_some_and(|last| second(last) == second(&found))
        });
        match last {
            Some(part) => part.push(found),
            None => parts.push(vec![found]),
        }
    }
    parts
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

#[cfg(test)]
mod tests {
    use super::*;
    use autotag_handlers::catalog::Catalog;
    use autotag_handlers::classify::{Classification, Classifier, Hints};
    use autotag_handlers::memory::MemoryPorts;
    use autotag_handlers::outcome::{Outcome, SkipReason};
    use autotag_model::envelope::{Limits, read_records};
    use futures_executor::block_on;
    use serde_json::json;

    /// The creation of a queue.
    fn queue(time: &str, event_id: &str, name: &str) -> Found {
        let record = json!({"eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "eventTime": time,
            "eventID": event_id, "awsRegion": "eu-west-1", "recipientAccountId": "111122223333",
            "userIdentity": {"type": "IAMUser", "userName": "mara", "principalId": "AIDAMARA",
                "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/mara"},
            "requestParameters": {"queueName": name},
            "responseElements": {"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/111122223333/{name}")}});
        let (catalog, policy) = (Catalog::embedded(), Policy::default());
        let classifier = Classifier { catalog: &catalog, policy: &policy };
        let mut found = None;
        read_records(record.to_string().as_bytes(), &Limits::default(), &mut |read| {
            found = Some(classifier.classify(&read.unwrap(), &Hints::default()));
        });
        match found {
            Some(Classification::Creation(found)) => *found,
            other => panic!("{other:?}"),
        }
    }

    fn ids(parts: &[Vec<Found>]) -> Vec<Vec<String>> {
        let of_part = |part: &Vec<Found>| part.iter().map(|found| found.event.id.clone().unwrap()).collect();
        parts.iter().map(of_part).collect()
    }

    #[test]
    fn a_part_goes_on_to_the_end_of_its_second() {
        let at = |time: &str, id: &str| queue(&format!("2026-03-02T09:00:{time}Z"), id, id);
        let creations = vec![
            at("02", "f"),
            at("01", "b"),
            at("01.5", "e"),
            at("00", "a"),
            at("01", "d"),
            at("01.000", "c"),
        ];
        let by_two = parts(creations.clone(), 2);
        assert_eq!(ids(&by_two), [vec!["a", "b", "c", "d", "e"], vec!["f"]]);
        assert_eq!(ids(&parts(creations, 1)), [vec!["a"], vec!["b", "c", "d", "e"], vec!["f"]]);
        assert_eq!(ids(&parts(Vec::new(), 1)), Vec::<Vec<String>>::new());
    }

    /// The two records of one call would else be two creations of the same queue.
    #[test]
    fn copies_of_one_event_are_decided_together() {
        let time = "2026-03-02T09:00:01Z";
        let mut creations: Vec<Found> = (1..AT_ONCE)
            .map(|number| queue("2026-03-02T09:00:00Z", &format!("{number:04}"), "other"))
            .collect();
        creations.extend([queue(time, "copied", "orders"), queue(time, "copied", "orders")]);
        let ports = MemoryPorts::new(MemoryStore::new(), Timestamp::UNIX_EPOCH);
        let rows = block_on(in_parts(&Policy::default(), &ports, creations));
        let copied = rows.iter().filter(|row| row.event.id.as_deref() == Some("copied"));
        let outcomes: Vec<_> = copied.map(|row| row.outcome.clone()).collect();
        assert_eq!(outcomes, [Outcome::Tagged, Outcome::Skipped(SkipReason::Duplicate)]);
    }
}
