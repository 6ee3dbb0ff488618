//! Answers to "whose is it?".

use super::owner::{OwnerLine, owner_lines};
use super::screen::Screen;
use super::text::{printable, styled};
use crate::cli::AnswerFormat;
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::event::EventSummary;
use autotag_handlers::owner::{Owner, OwnerSource, Proof};
use autotag_handlers::whois::{Answer, FoundCreation, FoundDeletion, TagChange};
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::identity::Principal;
use serde::Serialize;
use std::io::Write;

/// Prints answers, one after the other.
pub(crate) struct AnswerPrinter {
    format: AnswerFormat,
    out: Screen<Box<dyn Write>>,
    printed: u64,
}

impl AnswerPrinter {
    /// `out` is the standard output.
    pub(crate) fn new(format: AnswerFormat, out: Box<dyn Write>) -> Self {
        Self { format, out: Screen::stdout(out), printed: 0 }
    }

    pub(crate) fn answer(&mut self, answer: &Answer) -> Result<()> {
        match self.format {
            AnswerFormat::Text => self.text(answer)?,
            AnswerFormat::Json => {
                self.out.write_all(if self.printed == 0 { b"[\n" } else { b",\n" })?;
                write_line(&mut self.out, answer)?;
            }
            AnswerFormat::Jsonl => {
                write_line(&mut self.out, answer)?;
                self.out.write_all(b"\n")?;
            }
        }
        self.printed += 1;
        Ok(self.out.flush()?)
    }

    /// Prints what is left.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.format == AnswerFormat::Json {
            self.out.write_all(if self.printed == 0 { b"[]\n" } else { b"\n]\n" })?;
        }
        Ok(self.out.flush()?)
    }

    fn text(&mut self, answer: &Answer) -> Result<()> {
        if self.printed > 0 {
            writeln!(self.out)?;
        }
        self.out.line("", styled::NAME, &printable(&answer.asked))?;
        for (label, line) in text_lines(answer) {
            let label = styled::text(styled::QUIET, &format!("{label:<9}"));
            self.out.line(&format!("  {label} "), Style::new(), &printable(&line))?;
        }
        Ok(())
    }
}

/// The lines of an answer, each with its label; a further line of the same kind has none.
fn text_lines(answer: &Answer) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    match (&answer.creation, answer.owner()) {
        (Some(creation), Some(owner)) => {
            let mut of_owner = owner_lines(&creation.principal, Some(owner)).into_iter();
            lines.extend(of_owner.next().map(|name| ("owner", name)));
            lines.push(("resource", resource(creation)));
            lines.push(("created", event(&creation.event)));
            lines.extend(labelled("how", of_owner));
        }
        _ => lines.push(("owner", "unknown".to_owned())),
    }
    lines.extend(answer.deletion.iter().map(|found| ("deleted", deletion(found))));
    lines.extend(labelled("could be", answer.candidates.iter().map(candidate)));
    lines.extend(labelled("tags", answer.tag_changes.iter().map(tag_change)));
    let label = if answer.is_known() { "note" } else { "because" };
    lines.extend(labelled(label, answer.reasons.iter().cloned()));
    if !answer.is_known() {
        lines.extend(labelled("asked for", answer.questions.iter().cloned()));
    }
    lines.push(("source", source(answer)));
    lines
}

fn labelled(
    label: &'static str,
    lines: impl Iterator<Item = String>,
) -> impl Iterator<Item = (&'static str, String)> {
    lines.enumerate().map(move |(number, line)| (if number == 0 { label } else { "" }, line))
}

fn source(answer: &Answer) -> String {
    match answer.source {
        "event-history" => {
            let calls = if answer.calls == 1 { "call" } else { "calls" };
            format!("CloudTrail event history, {} {calls}", answer.calls)
        }
        other => other.to_owned(),
    }
}

fn resource(creation: &FoundCreation) -> String {
    let resource = &creation.resource;
    let account = resource.account.as_ref().map(AccountId::as_str).or(creation.event.account.as_deref());
    let region = resource.region.as_ref().map(Region::as_str).or(creation.event.region.as_deref());
    let (account, region) = (account.unwrap_or("an unknown account"), region.unwrap_or("an unknown region"));
    format!("{} {} of {account} in {region}", resource.resource_type, resource.display())
}

/// `2026-03-02T09:00:00Z by sqs CreateQueue, event 1b6c...`
fn event(event: &EventSummary) -> String {
    let service = event.source.split('.').next().unwrap_or_default();
    let time = event.time.as_deref().unwrap_or("at an unknown time");
    let id = event.id.as_deref().map_or(String::new(), |id| format!(", event {id}"));
    format!("{time} by {service} {}{id}", event.name)
}

fn candidate(creation: &FoundCreation) -> String {
    let (owner, resource) = (in_brackets(creation.owner.as_deref()), creation.resource.display());
    format!("{owner}: {resource}, {}", event(&creation.event))
}

/// `mara (iam-user, person)`
fn in_brackets(owner: Option<&Owner>) -> String {
    let name = owner.and_then(|owner| owner.name.as_deref()).unwrap_or("unknown");
    let source = owner.and_then(|owner| owner.source).map(OwnerSource::as_str);
    let proof = owner.and_then(|owner| owner.proof).map(Proof::as_str);
    let evidence: Vec<&str> = source.into_iter().chain(proof).collect();
    if evidence.is_empty() { name.to_owned() } else { format!("{name} ({})", evidence.join(", ")) }
}

fn deletion(found: &FoundDeletion) -> String {
    let (event, caller) = (event(&found.deletion.event), in_brackets(found.by.as_deref()));
    format!("{event}, by {caller}")
}

fn tag_change(change: &TagChange) -> String {
    let what = if change.keys.is_empty() { "all tags".to_owned() } else { change.keys.join(", ") };
    let caller = in_brackets(change.by.as_deref());
    format!("{what} changed {}, by {caller}", event(&change.event))
}

/// An answer, as programs see it. The names are a contract.
#[derive(Serialize)]
struct AnswerLine<'a> {
    asked: &'a str,
    answer: &'static str,
    source: &'a str,
    calls: u64,
    resource_type: Option<&'a str>,
    arn: Option<String>,
    id: Option<&'a str>,
    account: Option<&'a str>,
    region: Option<&'a str>,
    event_id: Option<&'a str>,
    event_time: Option<&'a str>,
    event_source: Option<&'a str>,
    event_name: Option<&'a str>,
    #[serde(flatten)]
    owner: OwnerLine<'a>,
    creations: usize,
    candidates: Vec<CandidateLine<'a>>,
    tag_changes: Vec<TagChangeLine<'a>>,
    reasons: &'a [String],
    asked_for: &'a [String],
    deletion: Option<DeletionLine<'a>>,
}

#[derive(Serialize)]
struct DeletionLine<'a> {
    event_id: Option<&'a str>,
    event_time: Option<&'a str>,
    event_source: &'a str,
    event_name: &'a str,
    by: Option<&'a str>,
    by_source: Option<&'a str>,
    by_proof: Option<&'a str>,
    by_arn: Option<&'a str>,
}

#[derive(Serialize)]
struct CandidateLine<'a> {
    owner: Option<&'a str>,
    owner_source: Option<&'a str>,
    proof: Option<&'a str>,
    owner_account: Option<&'a str>,
    resource_type: &'a str,
    arn: Option<String>,
    id: &'a str,
    event_id: Option<&'a str>,
    event_time: Option<&'a str>,
    event_name: &'a str,
}

#[derive(Serialize)]
struct TagChangeLine<'a> {
    event_id: Option<&'a str>,
    event_time: Option<&'a str>,
    event_source: &'a str,
    event_name: &'a str,
    keys: &'a [String],
    by: Option<&'a str>,
    by_source: Option<&'a str>,
    by_proof: Option<&'a str>,
    by_arn: Option<&'a str>,
}

fn write_line(out: &mut impl Write, answer: &Answer) -> Result<()> {
    let (no_caller, unknown) = (Principal::default(), Owner::default());
    let creation = answer.creation.as_ref();
    let resource = creation.map(|creation| &creation.resource);
    let event = creation.map(|creation| &creation.event);
    let principal = creation.map_or(&no_caller, |creation| &creation.principal);
    let account = resource.and_then(|resource| resource.account.as_ref()).map(AccountId::as_str);
    let region = resource.and_then(|resource| resource.region.as_ref()).map(Region::as_str);
    let line = AnswerLine {
        asked: &answer.asked,
        answer: if answer.is_known() { "known" } else { "unknown" },
        source: answer.source,
        calls: answer.calls,
        resource_type: resource.map(|resource| resource.resource_type.as_str()),
        arn: resource.and_then(|resource| resource.arn.as_ref()).map(Arn::to_string),
        id: resource.map(|resource| resource.id.as_str()),
        account: account.or_else(|| event?.account.as_deref()),
        region: region.or_else(|| event?.region.as_deref()),
        event_id: event.and_then(|event| event.id.as_deref()),
        event_time: event.and_then(|event| event.time.as_deref()),
        event_source: event.map(|event| event.source.as_str()),
        event_name: event.map(|event| event.name.as_str()),
        owner: OwnerLine::of(principal, answer.owner().unwrap_or(&unknown)),
        creations: answer.creations,
        candidates: answer.candidates.iter().map(candidate_line).collect(),
        tag_changes: answer.tag_changes.iter().map(tag_change_line).collect(),
        reasons: &answer.reasons,
        asked_for: &answer.questions,
        deletion: answer.deletion.as_ref().map(deletion_line),
    };
    Ok(serde_json::to_writer(out, &line)?)
}

fn candidate_line(creation: &FoundCreation) -> CandidateLine<'_> {
    let FoundCreation { resource, event, owner, .. } = creation;
    CandidateLine {
        owner: creation.owner_name(),
        owner_source: owner.as_ref().and_then(|owner| owner.source).map(OwnerSource::as_str),
        proof: owner.as_ref().and_then(|owner| owner.proof).map(Proof::as_str),
        owner_account: owner.as_ref().and_then(|owner| owner.account.as_deref()),
        resource_type: &resource.resource_type,
        arn: resource.arn.as_ref().map(Arn::to_string),
        id: &resource.id,
        event_id: event.id.as_deref(),
        event_time: event.time.as_deref(),
        event_name: &event.name,
    }
}

fn deletion_line(found: &FoundDeletion) -> DeletionLine<'_> {
    let FoundDeletion { deletion, by, .. } = found;
    DeletionLine {
        event_id: deletion.event.id.as_deref(),
        event_time: deletion.event.time.as_deref(),
        event_source: &deletion.event.source,
        event_name: &deletion.event.name,
        by: by.as_ref().and_then(|owner| owner.name.as_deref()),
        by_source: by.as_ref().and_then(|owner| owner.source).map(OwnerSource::as_str),
        by_proof: by.as_ref().and_then(|owner| owner.proof).map(Proof::as_str),
        by_arn: deletion.principal.arn.as_deref(),
    }
}

fn tag_change_line(change: &TagChange) -> TagChangeLine<'_> {
    let TagChange { event, keys, principal, by, .. } = change;
    TagChangeLine {
        event_id: event.id.as_deref(),
        event_time: event.time.as_deref(),
        event_source: &event.source,
        event_name: &event.name,
        keys,
        by: by.as_ref().and_then(|owner| owner.name.as_deref()),
        by_source: by.as_ref().and_then(|owner| owner.source).map(OwnerSource::as_str),
        by_proof: by.as_ref().and_then(|owner| owner.proof).map(Proof::as_str),
        by_arn: principal.arn.as_deref(),
    }
}
