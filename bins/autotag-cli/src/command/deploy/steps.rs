//! The steps for each stack, planned and done, as text or JSON lines.

use super::context::{Context, shown};
use super::wanted::Wanted;
use crate::cli::TextFormat;
use crate::output::{plural, printable, styled};
use anyhow::Result;
use autotag_deploy::DeployError;
use autotag_deploy::engine::Applied;
use autotag_deploy::formation::{Change, ChangeAction, Place};
use autotag_deploy::plan::{PlannedStack, PlannedStep, plan};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::io::Write;

/// Plans all stacks. `with_change_sets`: whether the templates are in the bucket, so that change sets can be made.
pub(super) async fn planned(
    context: &Context,
    wanted: &Wanted,
    with_change_sets: bool,
) -> Result<Vec<PlannedStack>, DeployError> {
    let engine = context.engine();
    let mut targets = wanted.deployment.central(&wanted.existing)?;
    targets.extend(wanted.deployment.regional(&wanted.existing, &wanted.existing)?);
    let all = targets
        .iter()
        .map(async |(target, template)| plan(&engine, target, template, with_change_sets).await);
    join_all(all).await.into_iter().collect()
}

fn mark(action: ChangeAction) -> &'static str {
    match action {
        ChangeAction::Add => "+",
        ChangeAction::Modify => "~",
        ChangeAction::Replace => "-/+",
        ChangeAction::MayReplace => "~?",
        ChangeAction::Remove => "-",
    }
}

fn word(action: ChangeAction) -> &'static str {
    match action {
        ChangeAction::Add => "add",
        ChangeAction::Modify => "change",
        ChangeAction::Replace => "replace",
        ChangeAction::MayReplace => "may-replace",
        ChangeAction::Remove => "remove",
    }
}

/// Prints a plan, one stack after the other.
pub(super) fn print_plan(stacks: &[PlannedStack], format: TextFormat) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    for stack in stacks {
        match format {
            TextFormat::Jsonl => writeln!(out, "{}", json_of(stack))?,
            TextFormat::Text => write_stack(&mut out, stack)?,
        }
    }
    Ok(())
}

fn json_of(stack: &PlannedStack) -> Value {
    let change = |change: &Change| {
        json!({"action": word(change.action), "type": change.kind, "logical_id": change.logical_id,
            "properties": change.properties})
    };
    let changes: Vec<Value> = stack.changes.iter().map(change).collect();
    json!({"region": stack.place.region.as_str(), "stack": stack.place.stack, "step": stack.step.as_str(),
        "note": stack.note, "changes": changes})
}

fn write_stack(out: &mut dyn Write, stack: &PlannedStack) -> std::io::Result<()> {
    let Place { region, stack: name } = &stack.place;
    let title = format!("{} in {region}: {}", printable(name), stack.step.as_str());
    writeln!(out, "{}", styled::text(styled::HEAD, &title))?;
    if !stack.note.is_empty() {
        writeln!(out, "  ({})", printable(&stack.note))?;
    }
    for change in &stack.changes {
        let properties = match change.properties.as_slice() {
            [] => String::new(),
            some => format!("  {}", some.join(", ")),
        };
        let style = match change.action {
            ChangeAction::Add => styled::GOOD,
            ChangeAction::Modify => styled::CAREFUL,
            _ => styled::BAD,
        };
        let sign = styled::text(style, &format!("{:>3}", mark(change.action)));
        writeln!(
            out,
            "{sign} {} {}{}",
            printable(&change.kind),
            printable(&change.logical_id),
            printable(&properties)
        )?;
    }
    Ok(())
}

/// How many resources a plan changes, in a line.
pub(super) fn summary(stacks: &[PlannedStack]) -> String {
    let count = |wanted: &[ChangeAction]| {
        stacks
            .iter()
            .flat_map(|stack| &stack.changes)
            .filter(|change| wanted.contains(&change.action))
            .count()
    };
    let added =
        stacks.iter().flat_map(|stack| &stack.changes).filter(|change| change.action == ChangeAction::Add);
    // A new stack has all resources of its template, also those that its parameters leave out.
    let conditional =
        added.filter(|change| change.properties.iter().any(|text| text.starts_with("if "))).count();
    let certain = count(&[ChangeAction::Add]) - conditional;
    let optional = match conditional {
        0 => String::new(),
        some => format!(" and {some} more if parameters ask for them"),
    };
    format!(
        "{}: {certain} to add{optional}, {} to change, {} to replace, {} to remove",
        plural(stacks.len(), "stack"),
        count(&[ChangeAction::Modify]),
        count(&[ChangeAction::Replace, ChangeAction::MayReplace]),
        count(&[ChangeAction::Remove]),
    )
}

/// Prints on stderr what is to be done to each stack.
pub(super) fn print_steps(stacks: &[PlannedStack]) -> std::io::Result<()> {
    let mut err = anstream::stderr().lock();
    for stack in stacks.iter().filter(|stack| stack.step != PlannedStep::Keep) {
        let (step, Place { region, stack: name }) = (stack.step.as_str(), &stack.place);
        writeln!(err, "  {step:<9}  {:<14}  {name}", region.as_str())?;
    }
    Ok(())
}

/// Prints how each stack ended, on stdout, and the errors on stderr. Returns whether all are as they shall be.
pub(super) fn print_results(
    results: &[(Place, Result<Applied, DeployError>)],
    release: &str,
    format: TextFormat,
) -> std::io::Result<bool> {
    let mut out = anstream::stdout().lock();
    for (Place { region, stack }, result) in results {
        let word = result.as_ref().map_or("failed", Applied::as_str);
        match format {
            TextFormat::Jsonl => {
                let line =
                    json!({"region": region.as_str(), "stack": stack, "result": word, "release": release});
                writeln!(out, "{line}")?;
            }
            TextFormat::Text => writeln!(out, "{word:<9}  {:<14}  {stack}", region.as_str())?,
        }
    }
    let failures = results.iter().filter_map(|(_, result)| result.as_ref().err());
    let mut err = anstream::stderr().lock();
    for failure in failures.clone() {
        writeln!(err, "autotag: {}", shown(failure))?;
    }
    Ok(failures.count() == 0)
}
