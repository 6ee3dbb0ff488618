//! `autotag policy check`: checks a policy, and lists its keys that AWS's own policies use.

mod doubts;

use crate::cli::{PolicyArgs, PolicyCommand, TextFormat};
use crate::collisions::{ConditionView, KeyCollisions, collisions};
use crate::completion::Completion;
use crate::console::notes;
use crate::output::printable;
use crate::setup;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_model::policy::Policy;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

pub(crate) fn run(args: &PolicyArgs) -> Result<Completion> {
    let PolicyCommand::Check { file, policy, format } = &args.command;
    let path = file.as_deref().or(policy.as_deref());
    let policy = setup::policy(path)?;
    let keys = collisions(&policy);
    let doubts = doubts::doubts(&policy, &Catalog::embedded())?;
    let verdict = verdict(path, &policy);
    let mut out = anstream::stdout().lock();
    match TextFormat::or_default(*format) {
        TextFormat::Text => {
            writeln!(out, "{verdict}")?;
            write_text(&mut out, &policy, &keys)?;
        }
        TextFormat::Jsonl => {
            writeln!(notes(), "{verdict}")?;
            for key in &keys {
                serde_json::to_writer(&mut out, key)?;
                writeln!(out)?;
            }
        }
    }
    let broken: BTreeSet<&str> = keys.iter().flat_map(KeyCollisions::broken_policies).collect();
    for doubt in &doubts {
        writeln!(anstream::stderr(), "{}", printable(doubt))?;
    }
    if !broken.is_empty() {
        writeln!(
            anstream::stderr(),
            "AWS policies that lose permissions on what autotag tags: {}; rename the keys marked `breaks`",
            broken.len()
        )?;
    }
    Ok(if broken.is_empty() && doubts.is_empty() { Completion::Complete } else { Completion::Partial })
}

/// The first line for people: the policy was read, and writes these keys.
fn verdict(path: Option<&Path>, policy: &Policy) -> String {
    let keys: Vec<&str> = policy.identity.iter().chain(&policy.fixed).map(|(key, _)| key.as_str()).collect();
    let keys = if keys.is_empty() { "it writes no keys of its own".to_owned() } else { keys.join(", ") };
    let name = match setup::policy_name(path) {
        name if name == "built-in" => "the built-in policy".to_owned(),
        name => format!("`{name}`"),
    };
    printable(&format!("{name} can be used: {keys}"))
}

fn write_text(out: &mut impl Write, policy: &Policy, keys: &[KeyCollisions<'_>]) -> Result<()> {
    for key in keys {
        let enforcement = match (key.kind, key.enforced) {
            ("static", _) => "static key, never replaces a tag of somebody else",
            (_, true) => "identity key, enforced: a declared value is replaced",
            (_, false) => "identity key, a declared value is kept",
        };
        let policies = key.policies().len();
        writeln!(
            out,
            "{}: {enforcement}; AWS policies with conditions on it: {policies}",
            printable(key.key)
        )?;
        let kept = key.conditions.iter().filter(|condition| !condition.kept.is_empty());
        let lines: BTreeSet<String> = kept.map(kept_line).collect();
        for line in &lines {
            writeln!(out, "  {line}")?;
        }
        for condition in key.conditions.iter().filter(|condition| condition.breaks) {
            writeln!(out, "  breaks: no tag may be there for {}", condition.policies.join(", "))?;
        }
        let others: BTreeSet<&str> = key
            .conditions
            .iter()
            .filter(|condition| condition.kept.is_empty() && !condition.breaks)
            .flat_map(|condition| condition.policies)
            .map(String::as_str)
            .collect();
        if !others.is_empty() {
            let others: Vec<&str> = others.into_iter().collect();
            writeln!(out, "  also read by {}", others.join(", "))?;
        }
    }
    let copies = match &policy.copy.strict {
        Some(keys) => format!("copied tags: {}", keys.join(", ")),
        None => "copied tags: any key that [copy] does not deny".to_owned(),
    };
    writeln!(out, "{}", printable(&copies))?;
    Ok(())
}

fn kept_line(condition: &ConditionView) -> String {
    let values: Vec<String> = condition.kept.iter().map(|value| format!("`{value}`")).collect();
    format!(
        "kept on {}: {}, for {}",
        condition.services.join(", "),
        values.join(" and "),
        condition.policies.join(", ")
    )
}
