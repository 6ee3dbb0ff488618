//! The plan: one row a resource.

use super::table::{CREATES_NOTHING, printable, styled, table};
use crate::cli::Format;
use anyhow::Result;
use autotag_handlers::outcome::Outcome;
use autotag_handlers::row::{Row, Status};
use autotag_model::rule::Evidence;
use autotag_model::spreadsheet::neutralized;
use autotag_model::tags::TagSet;
use std::io::Write;

/// Writes the rows to `out`.
pub(crate) fn write_rows<S: Status>(rows: &[Row<S>], format: Format, out: &mut impl Write) -> Result<()> {
    match format {
        Format::Jsonl => {
            for row in rows {
                serde_json::to_writer(&mut *out, row)?;
                out.write_all(b"\n")?;
            }
        }
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut *out);
            csv.write_record(COLUMNS)?;
            for row in rows {
                csv.write_record(cells(row)?.map(|cell| neutralized(&cell).into_owned()))?;
            }
            csv.flush()?;
        }
        Format::Table => write_table(rows, out)?,
    }
    Ok(out.flush()?)
}

const COLUMNS: [&str; 17] = [
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
    "proof",
    "claimed",
    "channel",
    "evidence",
];

fn cells<S: Status>(row: &Row<S>) -> Result<[String; 17]> {
    let event = &row.event;
    let text = |cell: Option<&str>| cell.unwrap_or_default().to_owned();
    Ok([
        text(event.id.as_deref()),
        text(event.time.as_deref()),
        event.source.clone(),
        event.name.clone(),
        text(row.account()),
        text(row.region()),
        text(row.resource_type.as_deref()),
        row.arn().unwrap_or_default(),
        text(row.owner_name()),
        text(row.owner_source()),
        serde_json::to_string(&row.tags)?,
        row.status.name().to_owned(),
        row.full_reason().unwrap_or_default(),
        text(row.proof()),
        text(row.claimed()),
        text(row.channel()),
        text(row.evidence.map(Evidence::as_str)),
    ])
}

fn write_table<S: Status>(rows: &[Row<S>], out: &mut impl Write) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = table(&["event", "resource", "owner", "tags", "outcome"]);
    table.limit_widths([17, 30, 16, 24, 13]);
    let mut above: Option<&Row<S>> = None;
    for row in rows {
        let service = row.event.source.split('.').next().unwrap_or_default();
        let time = row.event.time.as_deref().unwrap_or(CREATES_NOTHING);
        let event = format!("{service}:{}\n{time}", row.event.name);
        let arn = row.arn();
        let resource = arn.as_deref().or(row.resource_type.as_deref()).unwrap_or(CREATES_NOTHING);
        let owner = row.owner_name().map_or(CREATES_NOTHING.to_owned(), |name| {
            let name = styled::text(styled::NAME, &printable(name));
            format!("{name}\n{}", styled::text(styled::QUIET, &evidence(row)))
        });
        // Resources of one person mostly follow each other, and all have the same tags.
        let same = above.is_some_and(|above| !row.tags.is_empty() && above.tags == row.tags);
        let tags = if same { styled::text(styled::QUIET, "as above") } else { tags(&row.tags) };
        table.add_row([lines(&event), printable(resource), owner, tags, outcome(row)]);
        above = Some(row);
    }
    Ok(writeln!(out, "{table}")?)
}

/// The rule that named the owner, its proof, and a claim that differs: `role-chain, person; claimed boss@example.com`.
fn evidence<S: Status>(row: &Row<S>) -> String {
    let source = row.owner_source().unwrap_or_default();
    let proof = row.proof().map_or(String::new(), |proof| format!(", {proof}"));
    let claimed = row.claimed().map_or(String::new(), |name| format!("; claimed {}", printable(name)));
    format!("{source}{proof}{claimed}")
}

fn tags(tags: &TagSet) -> String {
    let tags: Vec<String> = tags.iter().map(|(key, value)| printable(&format!("{key}={value}"))).collect();
    tags.join("\n")
}

fn lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn outcome<S: Status>(row: &Row<S>) -> String {
    let style = match row.status.outcome() {
        None if row.status.reason().is_none() => styled::GOOD,
        Some(Outcome::Tagged | Outcome::AlreadyTagged(_)) => styled::GOOD,
        Some(Outcome::Refused(_) | Outcome::Malformed(_)) => styled::BAD,
        _ => styled::CAREFUL,
    };
    let name = styled::text(style, row.status.name());
    row.full_reason().map_or(name.clone(), |reason| format!("{name}\n{}", printable(&reason)))
}
