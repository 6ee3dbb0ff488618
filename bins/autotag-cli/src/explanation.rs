//! The explanation of one record: its steps, with the facts that each step used.

mod line;

use crate::cli::TextFormat;
use crate::output::{Screen, owner_lines, printable, styled};
use anstyle::Style;
use autotag_handlers::backend::RelatedQuery;
use autotag_handlers::classify::Creation;
use autotag_handlers::event::EventSummary;
use autotag_handlers::outcome::{Outcome, SkipReason};
use autotag_handlers::plan::PlannedResource;
use autotag_handlers::row::{ResourceOutcome, Status as _};
use autotag_model::arn::Region;
use autotag_model::rule::{Evidence, TagCall};
use std::io::{self, Write};

/// Where the lines of a step begin, behind its name.
const INDENT: usize = 14;

/// Prints one numbered step; further lines stand under its first.
fn step(out: &mut Screen<impl Write>, number: u8, name: &str, lines: &[String]) -> io::Result<()> {
    let head = styled::text(styled::HEAD, &format!("{number} {name:<8}"));
    for (index, line) in lines.iter().enumerate() {
        let head = if index == 0 { format!("  {head}  ") } else { " ".repeat(INDENT) };
        out.line(&head, Style::new(), &printable(line))?;
    }
    Ok(())
}

/// Explains records, in the order of their steps.
#[derive(Debug)]
pub(crate) struct Explainer<W> {
    pub(crate) out: Screen<W>,
    pub(crate) format: TextFormat,
}

impl<W: Write> Explainer<W> {
    fn step(&mut self, number: u8, name: &str, lines: &[String]) -> io::Result<()> {
        step(&mut self.out, number, name, lines)
    }

    fn head(&mut self, place: &str, event: &EventSummary) -> io::Result<()> {
        let title = format!(
            "{} {} {} in {} of {}",
            event.time.as_deref().unwrap_or("(no time)"),
            event.source,
            event.name,
            event.region.as_deref().unwrap_or("(no region)"),
            event.account.as_deref().unwrap_or("(no account)"),
        );
        self.out.line("", styled::NAME, &printable(&title))?;
        let id = event.id.as_deref().unwrap_or("none");
        self.step(1, "unwrap", &[place.to_owned(), format!("eventID {id}")])
    }

    /// A record that leads to no resource to tag; `place` is its file and the position in it.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(crate) fn rejected(&mut self, place: &str, row: &ResourceOutcome) -> io::Result<()> {
        if self.format == TextFormat::Jsonl {
            return line::rejected(&mut self.out, place, row);
        }
        self.head(place, &row.event)?;
        let no_rule = || "looks like a creation; the catalogue has no rule for it".to_owned();
        let reason = row.reason().unwrap_or_else(no_rule);
        let (number, name) = match row.status {
            Outcome::Uncovered => (3, "rule"),
            _ if row.resource_type.is_some() => (4, "locate"),
            _ => (2, "screen"),
        };
        let reason = match row.status {
            Outcome::CallFailed(_) => format!("the API call itself failed: {reason}"),
            _ => reason,
        };
        let kind = row.resource_type.as_deref().map_or(String::new(), |kind| format!("{kind}: "));
        self.step(number, name, &[format!("{kind}{reason}")])?;
        self.step(9, "answer", &[row.status.name().to_owned()])?;
        writeln!(self.out)
    }

    /// A creation and its rows of the plan; `place` is its file and the position in it.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub(crate) fn creation(
        &mut self,
        place: &str,
        creation: &Creation,
        rows: &[&PlannedResource],
    ) -> io::Result<()> {
        if self.format == TextFormat::Jsonl {
            return line::creation(&mut self.out, place, creation, rows);
        }
        self.head(place, &creation.event)?;
        self.step(2, "screen", &["a creation that succeeded".to_owned()])?;
        self.step(3, "rule", &or_else(rules(creation), "none that finds a resource in the record"))?;
        let located: Vec<String> = creation.targets.iter().map(|target| target.resource.display()).collect();
        self.step(4, "locate", &or_else(located, "nothing"))?;
        let queries = creation.targets.iter().flat_map(|target| &target.queries);
        let mut asked: Vec<String> = queries.map(RelatedQuery::describe).collect();
        if asked.is_empty() {
            asked.push("nothing: the record says it all".to_owned());
        }
        self.step(5, "look up", &asked)?;
        // Of the copies of an event, only one is asked for its owner.
        let duplicate = Some(&Outcome::Skipped(SkipReason::Duplicate));
        if rows.iter().any(|row| row.status.outcome() != duplicate) {
            let owner = rows.iter().find_map(|row| row.owner.as_deref());
            self.step(6, "owner", &owner_lines(&creation.principal, owner))?;
        } else if !rows.is_empty() {
            self.step(6, "owner", &["that of the first copy of this event".to_owned()])?;
        }
        for row in rows {
            self.resource(creation, row)?;
        }
        writeln!(self.out)
    }

    fn resource(&mut self, creation: &Creation, row: &PlannedResource) -> io::Result<()> {
        let name = row.resource.as_ref().map_or_else(
            || row.resource_type.clone().unwrap_or_default(),
            autotag_model::rule::Resource::display,
        );
        let mut lines = vec![name];
        lines.extend(row.tags.iter().map(|(key, value)| format!("{key} = {value}")));
        lines.extend(row.notes.iter().map(|note| format!("note: {note}")));
        self.step(7, "tags", &lines)?;
        let target = creation.targets.iter().find(|target| Some(&target.resource) == row.resource.as_ref());
        if let (Some(target), false) = (target, row.tags.is_empty()) {
            let call = match &target.rule.call {
                TagCall::TaggingApi => "TagResources of the Resource Groups Tagging API".to_owned(),
                TagCall::Native(call) => call.write.name.clone(),
                _ => "none".to_owned(),
            };
            let region = target.resource.region.as_ref().map_or("an unknown region", Region::as_str);
            let actions = target.rule.iam_actions().join(", ");
            self.step(8, "write", &[format!("{call} in {region}; needs {actions}")])?;
        } else {
            self.step(8, "write", &["nothing".to_owned()])?;
        }
        let reason = row.status.reason().map_or(String::new(), |reason| format!(": {reason}"));
        self.step(9, "answer", &[format!("{}{reason}", row.status.name())])
    }
}

/// No step is left out: its number would seem to be missing.
fn or_else(lines: Vec<String>, otherwise: &str) -> Vec<String> {
    if lines.is_empty() { vec![otherwise.to_owned()] } else { lines }
}

/// The rules that found the resources of a creation.
fn rules(creation: &Creation) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    for target in &creation.targets {
        let rule = &target.rule;
        let ids: Vec<String> = rule.id.iter().map(ToString::to_string).collect();
        let ids = ids.join(" or ");
        let evidence = match rule.evidence {
            Evidence::Derived => " (derived from AWS's models; not yet seen in a record)",
            _ => "",
        };
        let text = format!("{} -> {}, id at {ids}{evidence}", rule.event, rule.resource_type);
        if !rules.contains(&text) {
            rules.push(text);
        }
    }
    rules
}
