//! An explanation for programs: one JSON object a record.

use crate::output::OwnerLine;
use autotag_handlers::backend::RelatedQuery;
use autotag_handlers::classify::Creation;
use autotag_handlers::event::EventSummary;
use autotag_handlers::owner::Owner;
use autotag_handlers::plan::PlannedResource;
use autotag_handlers::row::ResourceOutcome;
use autotag_model::identity::Principal;
use autotag_model::rule::{Evidence, TagCall};
use serde::Serialize;
use std::io::{self, Write};

/// A record, each step of its evaluation, and the rows of `plan` that follow. The names are a contract.
#[derive(Serialize)]
struct Line<'e> {
    event_id: Option<&'e str>,
    event_time: Option<&'e str>,
    event_source: &'e str,
    event_name: &'e str,
    account: Option<&'e str>,
    region: Option<&'e str>,
    place: &'e str,
    rules: Vec<RuleLine<'e>>,
    look_ups: Vec<String>,
    #[serde(flatten)]
    owner: OwnerLine<'e>,
    resources: Vec<ResourceLine<'e>>,
    outcome: Option<&'static str>,
    reason: Option<String>,
}

#[derive(Serialize, PartialEq)]
struct RuleLine<'e> {
    event: &'e str,
    resource_type: &'e str,
    ids: Vec<String>,
    evidence: Evidence,
}

#[derive(Serialize)]
struct ResourceLine<'e> {
    #[serde(flatten)]
    row: &'e PlannedResource,
    id: Option<&'e str>,
    notes: Vec<String>,
    call: Option<&'e str>,
    permissions: Vec<&'e str>,
}

/// Writes a record that leads to no resource to tag.
pub(super) fn rejected(out: &mut impl Write, place: &str, row: &ResourceOutcome) -> io::Result<()> {
    let (caller, owner) = (Principal::default(), Owner::default());
    let mut line = line(place, &row.event, &caller, &owner);
    line.outcome = Some(row.status.name());
    line.reason = row.full_reason();
    write(out, &line)
}

/// Writes a creation and its rows of the plan.
pub(super) fn creation(
    out: &mut impl Write,
    place: &str,
    creation: &Creation,
    rows: &[&PlannedResource],
) -> io::Result<()> {
    let unknown = Owner::default();
    let owner = rows.iter().find_map(|row| row.owner.as_deref()).unwrap_or(&unknown);
    let mut line = line(place, &creation.event, &creation.principal, owner);
    for target in &creation.targets {
        let rule = RuleLine {
            event: &target.rule.event,
            resource_type: &target.rule.resource_type,
            ids: target.rule.id.iter().map(ToString::to_string).collect(),
            evidence: target.rule.evidence,
        };
        if !line.rules.contains(&rule) {
            line.rules.push(rule);
        }
        line.look_ups.extend(target.queries.iter().map(RelatedQuery::describe));
    }
    line.resources = rows.iter().map(|row| resource(creation, row)).collect();
    write(out, &line)
}

fn line<'e>(place: &'e str, event: &'e EventSummary, caller: &'e Principal, owner: &'e Owner) -> Line<'e> {
    Line {
        event_id: event.id.as_deref(),
        event_time: event.time.as_deref(),
        event_source: &event.source,
        event_name: &event.name,
        account: event.account.as_deref(),
        region: event.region.as_deref(),
        place,
        rules: Vec::new(),
        look_ups: Vec::new(),
        owner: OwnerLine::of(caller, owner),
        resources: Vec::new(),
        outcome: None,
        reason: None,
    }
}

fn resource<'e>(creation: &'e Creation, row: &'e PlannedResource) -> ResourceLine<'e> {
    let target = creation.targets.iter().find(|target| Some(&target.resource) == row.resource.as_ref());
    let rule = target.map(|target| &target.rule).filter(|_| !row.tags.is_empty());
    ResourceLine {
        row,
        id: row.resource.as_ref().map(|resource| resource.id.as_str()),
        notes: row.notes.iter().map(ToString::to_string).collect(),
        call: rule.and_then(|rule| match &rule.call {
            TagCall::TaggingApi => Some("TagResources"),
            TagCall::Native(call) => Some(call.write.name.as_str()),
            _ => None,
        }),
        permissions: rule.map_or_else(Vec::new, |rule| rule.iam_actions()),
    }
}

fn write(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
