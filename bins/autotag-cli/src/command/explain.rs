//! `autotag explain`: one record at a time, step by step, with the facts each step used.

use super::plan_rows;
use crate::cli::ExplainArgs;
use crate::completion::Completion;
use crate::input::{self, Days, Input};
use crate::output::{owner_lines, printable, styled};
use crate::reading::{Origin, Reader, Span};
use crate::setup;
use anyhow::Result;
use autotag_handlers::classify::{Classifier, Found};
use autotag_handlers::outcome::{EventSummary, Outcome, Row, SkipReason};
use autotag_handlers::ports::Question;
use autotag_model::arn::Region;
use autotag_model::rule::TagCall;
use std::io::{self, Write};
use std::sync::Arc;

pub(crate) fn run(args: &ExplainArgs) -> Result<Completion> {
    let source = &args.source;
    let catalog = setup::catalog(&source.rules)?;
    let policy = setup::policy(source.policy.as_deref())?;
    let (inputs, mut unreadable) = input::find(&source.paths, &Days::default())?;
    let reader = Reader {
        classifier: Classifier { catalog: &catalog, policy: &policy },
        span: Span::default(),
        jobs: source.jobs,
        positions: true,
    };
    let reading = reader.read(&inputs);
    unreadable.extend(reading.unreadable);
    let wanted = |event: &EventSummary| args.event.is_none() || args.event == event.id;
    let creations: Vec<Found> = reading.creations.iter().map(|(_, found)| found.clone()).collect();
    let rows = plan_rows(source, &policy, &reading.sessions, creations)?;
    let mut out = anstream::stdout().lock();
    let mut explained = 0_usize;
    let mut creations: Vec<&(Origin, Found)> =
        reading.creations.iter().filter(|(_, found)| wanted(&found.event)).collect();
    creations.sort_by(|(_, a), (_, b)| a.event.time.cmp(&b.event.time));
    for (origin, found) in creations {
        let of_event: Vec<&Row> = rows.iter().filter(|row| Arc::ptr_eq(&row.event, &found.event)).collect();
        creation(&mut out, &inputs, origin, found, &of_event)?;
        explained += 1;
    }
    let without = reading.nothing.iter().chain(&reading.uncovered_rows);
    for (origin, row) in without.filter(|(_, row)| wanted(&row.event)) {
        ended_early(&mut out, &inputs, origin, row)?;
        explained += 1;
    }
    for text in &unreadable {
        writeln!(anstream::stderr(), "unreadable: {}", printable(text))?;
    }
    if explained == 0 {
        let events = args.event.as_ref().map_or(String::new(), |id| format!(" with eventID {id}"));
        writeln!(
            anstream::stderr(),
            "nothing to explain: none of {} records{events} is a creation ({} are STS sessions)",
            reading.records,
            reading.sessions.len()
        )?;
    }
    Ok(if unreadable.is_empty() && explained > 0 { Completion::Complete } else { Completion::Partial })
}

/// Prints one numbered step; further lines stand under its first.
fn step(out: &mut impl Write, number: u8, name: &str, lines: &[String]) -> io::Result<()> {
    let head = styled::text(styled::HEAD, &format!("{number} {name:<8}"));
    for (index, line) in lines.iter().enumerate() {
        let line = printable(line);
        if index == 0 {
            writeln!(out, "  {head}  {line}")?;
        } else {
            writeln!(out, "              {line}")?;
        }
    }
    Ok(())
}

fn head(out: &mut impl Write, inputs: &[Input], origin: &Origin, event: &EventSummary) -> io::Result<()> {
    let title = format!(
        "{} {} {} in {} of {}",
        event.time.as_deref().unwrap_or("(no time)"),
        event.source,
        event.name,
        event.region.as_deref().unwrap_or("(no region)"),
        event.account.as_deref().unwrap_or("(no account)"),
    );
    writeln!(out, "{}", styled::text(styled::NAME, &printable(&title)))?;
    let file = inputs.get(origin.input).map(Input::name).unwrap_or_default();
    let id = event.id.as_deref().unwrap_or("none");
    step(out, 1, "unwrap", &[format!("{file}: {}", origin.position), format!("eventID {id}")])
}

/// A record that ended at step 2, 3 or 4.
fn ended_early(out: &mut impl Write, inputs: &[Input], origin: &Origin, row: &Row) -> io::Result<()> {
    head(out, inputs, origin, &row.event)?;
    let reason =
        row.reason().unwrap_or_else(|| "looks like a creation; the catalogue has no rule for it".to_owned());
    let (number, name) = match row.outcome {
        Outcome::NoRule => (3, "rule"),
        _ if row.resource_type.is_some() => (4, "locate"),
        _ => (2, "screen"),
    };
    let reason = match row.outcome {
        Outcome::CallFailed(_) => format!("the API call itself failed: {reason}"),
        _ => reason,
    };
    let kind = row.resource_type.as_deref().map_or(String::new(), |kind| format!("{kind}: "));
    step(out, number, name, &[format!("{kind}{reason}")])?;
    step(out, 9, "answer", &[row.outcome.name().to_owned()])?;
    writeln!(out)
}

fn creation(
    out: &mut impl Write,
    inputs: &[Input],
    origin: &Origin,
    found: &Found,
    rows: &[&Row],
) -> io::Result<()> {
    head(out, inputs, origin, &found.event)?;
    step(out, 2, "screen", &["a creation that succeeded".to_owned()])?;
    let mut rules: Vec<String> = Vec::new();
    for target in &found.targets {
        let rule = &target.rule;
        let ids: Vec<String> = rule.id.iter().map(ToString::to_string).collect();
        let text = format!("{} -> {}, id at {}", rule.event, rule.resource_type, ids.join(" or "));
        if !rules.contains(&text) {
            rules.push(text);
        }
    }
    step(out, 3, "rule", &rules)?;
    let located: Vec<String> = found.targets.iter().map(|target| target.resource.display()).collect();
    step(out, 4, "locate", &located)?;
    let mut asked: Vec<String> =
        found.targets.iter().flat_map(|target| &target.questions).map(Question::describe).collect();
    if asked.is_empty() {
        asked.push("nothing: the record says it all".to_owned());
    }
    step(out, 5, "look up", &asked)?;
    // Of a copy of an event only the one that counts is asked for its owner.
    if rows.iter().any(|row| row.outcome != Outcome::Skipped(SkipReason::Duplicate)) {
        let owner = rows.iter().find_map(|row| row.owner.as_deref());
        step(out, 6, "owner", &owner_lines(&found.principal, owner))?;
    }
    for row in rows {
        resource(out, found, row)?;
    }
    writeln!(out)
}

fn resource(out: &mut impl Write, found: &Found, row: &Row) -> io::Result<()> {
    let name = row.resource.as_ref().map_or_else(
        || row.resource_type.clone().unwrap_or_default(),
        autotag_model::rule::Resource::display,
    );
    let mut lines = vec![name];
    lines.extend(row.tags.iter().map(|(key, value)| format!("{key} = {value}")));
    lines.extend(row.notes.iter().map(|note| format!("note: {note}")));
    step(out, 7, "tags", &lines)?;
    let target = found.targets.iter().find(|target| Some(&target.resource) == row.resource.as_ref());
    if let (Some(target), false) = (target, row.tags.is_empty()) {
        let call = match &target.rule.call {
            TagCall::TaggingApi => "TagResources of the Resource Groups Tagging API".to_owned(),
            TagCall::Native(call) => call.write.name.clone(),
            _ => "none".to_owned(),
        };
        let region = target.resource.region.as_ref().map_or("an unknown region", Region::as_str);
        step(
            out,
            8,
            "write",
            &[format!("{call} in {region}; needs {}", target.rule.iam_actions().join(", "))],
        )?;
    }
    let reason = row.outcome.reason().map_or(String::new(), |reason| format!(": {reason}"));
    step(out, 9, "answer", &[format!("{}{reason}", row.outcome.name())])
}
