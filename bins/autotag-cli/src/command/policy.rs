//! `autotag policy check`: checks a policy, and lists its keys that AWS's own policies use.

use crate::cli::{PolicyArgs, PolicyCommand, TextFormat};
use crate::collisions::{ConditionView, KeyCollisions, collisions};
use crate::completion::Completion;
use crate::output::printable;
use crate::setup;
use anyhow::Result;
use autotag_model::policy::Policy;
use std::collections::BTreeSet;
use std::io::Write;

pub(crate) fn run(args: &PolicyArgs) -> Result<Completion> {
    let PolicyCommand::Check { file, policy, format } = &args.command;
    let policy = setup::policy(file.as_deref().or(policy.as_deref()))?;
    let keys = collisions(&policy);
    let mut out = anstream::stdout().lock();
    match TextFormat::or_default(*format) {
        TextFormat::Text => write_text(&mut out, &policy, &keys)?,
        TextFormat::Jsonl => {
            for key in &keys {
                serde_json::to_writer(&mut out, key)?;
                writeln!(out)?;
            }
        }
    }
    let broken: BTreeSet<&str> = keys.iter().flat_map(KeyCollisions::broken_policies).collect();
    if broken.is_empty() {
        return Ok(Completion::Complete);
    }
    writeln!(
        anstream::stderr(),
        "AWS policies that lose permissions on what autotag tags: {}; rename the keys marked `breaks`",
        broken.len()
    )?;
    Ok(Completion::Partial)
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
