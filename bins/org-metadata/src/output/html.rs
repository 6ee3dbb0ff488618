//! The report as a page: one file with all accounts, which loads nothing.
//!
//! The owners of accounts choose names and tags, so these texts are hostile. Templates escape every value. Values marked `|safe` are
//! the page's own, or charts, which escape their labels themselves. If escaping failed, the content security policy of the page still
//! allows no script but the one whose hash it has.

mod cell;
mod charts;
mod facets;
mod overview;
mod problems;
mod table;
mod text;

use crate::report::Report;
use crate::report::account_row::{AIDE_ID, AccountRow, ENVIRONMENT};
use anyhow::Result;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cell::Value;
use charts::{Chart, bars};
use facets::{Facet, Facets};
use overview::{Figure, Tag, TenantLine};
use problems::{ErrorCount, ProblemLine};
use sha2::{Digest as _, Sha256};
use table::Row;

const STYLE: &str = include_str!("../../templates/page.css");
const SCRIPT: &str = include_str!("../../templates/page.js");

/// The number of values that have a bar of their own.
const BARS: usize = 9;

/// Longer lists are folded at first.
const LONG: usize = 25;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'r> {
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    run: String,
    /// For programs and for people.
    started: (String, String),
    ended: (String, String),
    took: String,
    resumed: bool,
    figures: Vec<Figure>,
    missing: Vec<String>,
    charts: Vec<Chart>,
    tags: Vec<Tag>,
    untagged: Vec<&'r Row>,
    answers: Vec<ErrorCount>,
    problems: Vec<ProblemLine>,
    tenants: Vec<TenantLine>,
    unusable: Vec<String>,
    unmapped: Vec<(String, usize)>,
    facets: [&'r Facet; 6],
    rows: &'r [Row],
    /// Whether the report has other tags than `Environment` and `Aide_ID`.
    more_tags: bool,
}

/// The whole page. `account_rows` are the rows of all accounts of the report, in order.
///
/// # Errors
/// A chart cannot be drawn, or a template cannot be rendered.
pub(super) fn page(report: &Report, account_rows: &[AccountRow]) -> Result<String> {
    let rows = table::rows(report, account_rows);
    let facets = Facets::new(&rows);
    let tags = vec![
        Tag::new("Environment", "Without Environment", &ENVIRONMENT, &facets.environment, rows.len()),
        Tag::new("Aide_ID", "Without Aide_ID", &AIDE_ID, &facets.aide, rows.len()),
    ];
    let unmapped = overview::unmapped(account_rows);
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
        answers: problems::error_counts(&problems),
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

/// The content security policy of the page. It allows the page's own style and script, and embedded pictures.
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
