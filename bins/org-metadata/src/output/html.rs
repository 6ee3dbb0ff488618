//! The report as a page that people look at: one file that asks nothing of anybody, with all accounts in it.
//!
//! Names and tags are written by whoever owns an account, and are hostile. Templates escape whatever they are given; what
//! they are told to take as it is (`|safe`) is the page's own, or a chart, which has escaped its labels itself. And if all
//! that failed: the page's policy runs no script but the one whose hash it names.

mod charts;
mod overview;
mod problems;
mod rows;
mod tally;
mod text;
mod values;

use crate::report::Report;
use crate::report::record::{AIDE_ID, ENVIRONMENT, Record};
use anyhow::Result;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use charts::{Chart, bars};
use overview::{Figure, Tag, TenantLine};
use problems::{Answer, Line};
use rows::Row;
use sha2::{Digest as _, Sha256};
use tally::{Facet, Facets};
use values::Value;

const STYLE: &str = include_str!("../../templates/page.css");
const SCRIPT: &str = include_str!("../../templates/page.js");

/// So many values have a bar of their own.
const BARS: usize = 9;

/// A list that is longer begins folded.
const LONG: usize = 25;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'r> {
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    run: String,
    /// As programs and as people read it.
    started: (String, String),
    ended: (String, String),
    took: String,
    resumed: bool,
    figures: Vec<Figure>,
    missing: Vec<String>,
    charts: Vec<Chart>,
    tags: Vec<Tag>,
    untagged: Vec<&'r Row>,
    answers: Vec<Answer>,
    problems: Vec<Line>,
    tenants: Vec<TenantLine>,
    unusable: Vec<String>,
    unmapped: Vec<(String, usize)>,
    facets: [&'r Facet; 6],
    rows: &'r [Row],
    /// Whether the report asks for more tags than the two.
    more_tags: bool,
}

/// The whole page. `records` are those of all accounts of the report, in their order.
///
/// # Errors
/// A chart cannot be drawn, or a template not be filled.
pub(super) fn page(report: &Report, records: &[Record]) -> Result<String> {
    let rows = rows::rows(report, records);
    let facets = Facets::new(&rows);
    let tags = vec![
        Tag::new("Environment", "Without Environment", &ENVIRONMENT, &facets.environment, rows.len()),
        Tag::new("Aide_ID", "Without Aide_ID", &AIDE_ID, &facets.aide, rows.len()),
    ];
    let unmapped = overview::unmapped(records);
    let problems = problems::lines(report);
    let times = |time: jiff::Timestamp| (time.to_string(), text::time(time));
    let page = Page {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        version: autotag_model::VERSION,
        run: report.name(),
        started: times(report.started),
        ended: times(report.ended),
        took: text::duration(report.started, report.ended),
        resumed: report.resumed,
        figures: overview::figures(report, &rows, &tags, &unmapped),
        missing: overview::missing(report),
        charts: vec![
            Chart::new("Accounts by region group", bars(&facets.group, BARS))?,
            Chart::new("Accounts by environment", bars(&facets.environment, BARS))?,
            Chart::new("Accounts by state", bars(&facets.state, BARS))?,
            Chart::new("Accounts by status of the scan", bars(&facets.status, BARS))?,
        ],
        tags,
        untagged: rows.iter().filter(|row| row.lacks_tags()).collect(),
        answers: problems::answers(&problems),
        problems,
        tenants: overview::tenants(report),
        unusable: report.unusable_tenants.iter().map(|id| text::visible(id)).collect(),
        unmapped,
        facets: facets.all(),
        rows: &rows,
        more_tags: rows.iter().any(|row| !row.tags.is_empty()),
    };
    Ok(page.render()?)
}

/// What the page may do: nothing but to use its own style and script, and pictures that it brings.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT),
    )
}

#[cfg(test)]
mod tests;
