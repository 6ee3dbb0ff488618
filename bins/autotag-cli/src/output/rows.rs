//! The plan: one row a resource.

use super::table::{CREATES_NOTHING, printable, styled, table};
use crate::cli::Format;
use anyhow::Result;
use autotag_handlers::outcome::{Outcome, Row};
use autotag_handlers::owner::OwnerSource;
use autotag_model::arn::{AccountId, Arn, Region};
use autotag_model::tags::TagSet;
use comfy_table::{ColumnConstraint, Width};
use serde::Serialize;
use std::io::Write;

/// One line of the plan, as programs see it. The names and their order are a contract.
#[derive(Serialize)]
struct Line<'r> {
    event_id: Option<&'r str>,
    event_time: Option<&'r str>,
    event_source: &'r str,
    event_name: &'r str,
    account: Option<&'r str>,
    region: Option<&'r str>,
    resource_type: Option<&'r str>,
    arn: Option<String>,
    owner: Option<&'r str>,
    owner_source: Option<&'r str>,
    tags: &'r TagSet,
    outcome: &'r str,
    reason: Option<String>,
}

impl<'r> Line<'r> {
    fn of(row: &'r Row) -> Self {
        let (event, resource) = (&row.event, row.resource.as_ref());
        let owner = row.owner.as_ref();
        let mut reason = row.reason();
        if let Some(resource) = resource.filter(|resource| resource.arn.is_none()) {
            let named = format!("no ARN is known, the id is `{}`", resource.id);
            reason = Some(reason.map_or(named.clone(), |reason| format!("{reason}; {named}")));
        }
        Self {
            event_id: event.id.as_deref(),
            event_time: event.time.as_deref(),
            event_source: &event.source,
            event_name: &event.name,
            account: resource
                .and_then(|r| r.account.as_ref())
                .map(AccountId::as_str)
                .or(event.account.as_deref()),
            region: resource.and_then(|r| r.region.as_ref()).map(Region::as_str).or(event.region.as_deref()),
            resource_type: row.resource_type.as_deref(),
            arn: resource.and_then(|resource| resource.arn.as_ref()).map(Arn::to_string),
            owner: owner.and_then(|owner| owner.name.as_deref()),
            owner_source: owner.and_then(|owner| owner.source).map(OwnerSource::as_str),
            tags: &row.tags,
            outcome: row.outcome.name(),
            reason,
        }
    }
}

/// Writes the rows to `out`.
pub(crate) fn write_rows(rows: &[Row], format: Format, out: &mut impl Write) -> Result<()> {
    match format {
        Format::Jsonl => {
            for row in rows {
                serde_json::to_writer(&mut *out, &Line::of(row))?;
                out.write_all(b"\n")?;
            }
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut *out);
            csv.write_record(COLUMNS)?;
            for row in rows {
                csv.write_record(cells(&Line::of(row))?)?;
            }
            csv.flush()?;
        }
        Format::Table => write_table(rows, out)?,
    }
    Ok(out.flush()?)
}

const COLUMNS: [&str; 13] = [
    "event_id",
    "event_time",
    "event_source",
    "event_name",
    "account",
    "region",
    "resource_type",
    "arn",
    "owner",
    "owner_source",
    "tags",
    "outcome",
    "reason",
];

fn cells(line: &Line<'_>) -> Result<[String; 13]> {
    let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
    Ok([
        text(line.event_id),
        text(line.event_time),
        line.event_source.to_owned(),
        line.event_name.to_owned(),
        text(line.account),
        text(line.region),
        text(line.resource_type),
        text(line.arn.as_deref()),
        text(line.owner),
        text(line.owner_source),
        serde_json::to_string(line.tags)?,
        line.outcome.to_owned(),
        text(line.reason.as_deref()),
    ])
}

fn write_table(rows: &[Row], out: &mut impl Write) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = table(&["event", "resource", "owner", "tags", "outcome"]);
    let share = |percent| ColumnConstraint::UpperBoundary(Width::Percentage(percent));
    table.set_constraints([17, 30, 16, 24, 13].map(share));
    let mut above: Option<&Row> = None;
    for row in rows {
        let line = Line::of(row);
        let service = line.event_source.split('.').next().unwrap_or_default();
        let event = format!("{service}:{}\n{}", line.event_name, line.event_time.unwrap_or(CREATES_NOTHING));
        let resource = line.arn.as_deref().or(line.resource_type).unwrap_or(CREATES_NOTHING);
        let owner = line.owner.map_or(CREATES_NOTHING.to_owned(), |name| {
            let name = styled::text(styled::NAME, &printable(name));
            format!("{name}\n{}", styled::text(styled::QUIET, line.owner_source.unwrap_or_default()))
        });
        // One person's resources mostly come in a row, and all have the same tags.
        let same = above.is_some_and(|above| !row.tags.is_empty() && above.tags == row.tags);
        let tags = if same { styled::text(styled::QUIET, "as above") } else { tags(&row.tags) };
        table.add_row([lines(&event), printable(resource), owner, tags, outcome(row, &line)]);
        above = Some(row);
    }
    Ok(writeln!(out, "{table}")?)
}

fn tags(tags: &TagSet) -> String {
    let tags: Vec<String> = tags.iter().map(|(key, value)| printable(&format!("{key}={value}"))).collect();
    tags.join("\n")
}

fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn outcome(row: &Row, line: &Line<'_>) -> String {
    let style = match row.outcome {
        Outcome::Tagged | Outcome::AlreadyTagged(_) => styled::GOOD,
        Outcome::Refused(_) | Outcome::Malformed(_) => styled::BAD,
        _ => styled::CAREFUL,
    };
    let name = styled::text(style, line.outcome);
    line.reason.as_deref().map_or(name.clone(), |reason| format!("{name}\n{}", printable(reason)))
}
