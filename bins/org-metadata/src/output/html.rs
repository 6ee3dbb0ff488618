//! The report as a page: one file with all accounts, which loads nothing.
//!
//! The owners of accounts choose names and tags, so these texts are hostile. Templates escape every value. Values
//! marked `|safe` are HTML of `autotag-page`, which escapes in the same way. If escaping failed, the content
//! security policy of the page still allows only the script with its hash.

mod cell;
mod facets;
mod overview;
mod problems;
mod table;

use crate::report::Report;
use crate::report::account_row::{AIDE_ID, AccountRow, ENVIRONMENT};
use anyhow::Result;
use askama::Template;
use autotag_page::chart::{self, Chart, bars};
use autotag_page::frame::Frame;
use autotag_page::script::Script;
use autotag_page::{figure, form, style, text};
use cell::Value;
use facets::Facets;
use overview::{Tag, TenantLine};
use problems::{ErrorCount, ProblemLine};
use table::Row;

/// The columns of the table.
const STYLE: &str = include_str!("../../templates/page.css");

/// The rows of the table.
const SCRIPT: Script<'_> = Script {
    noun: "accounts",
    few: 500,
    heading: "accounts-title",
    rows: include_str!("../../templates/page.js"),
};

const SECTIONS: [(&str, &str); 7] = [
    ("overview", "Overview"),
    ("accounts", "All accounts"),
    ("charts", "Charts"),
    ("tags", "Missing tags"),
    ("errors", "Errors"),
    ("organizations", "Organizations"),
    ("regions", "Unmapped regions"),
];

/// The number of values that have a bar of their own.
const BARS: usize = 9;

/// Longer lists are folded at first.
const LONG: usize = 25;

/// The line about the run.
#[derive(Template)]
#[template(path = "run.html")]
struct Run {
    name: String,
    /// For programs and for people.
    started: (String, String),
    ended: (String, String),
    took: String,
    resumed: bool,
    version: &'static str,
}

/// The sections.
#[derive(Template)]
#[template(path = "main.html")]
struct Main<'r> {
    missing: Vec<String>,
    /// HTML, as `charts` and `form`.
    figures: String,
    charts: String,
    tags: Vec<Tag>,
    untagged: Vec<&'r Row>,
    answers: Vec<ErrorCount>,
    problems: Vec<ProblemLine>,
    tenants: Vec<TenantLine>,
    unusable: Vec<String>,
    unmapped: Vec<(String, usize)>,
    form: String,
    rows: &'r [Row],
    /// True if the report has other tags than those with a column of their own.
    more_tags: bool,
}

/// The whole page. `account_rows` are the rows of all accounts of the report, in order.
///
/// # Errors
/// A chart cannot be drawn, or a template cannot be rendered.
pub(super) fn page(report: &Report, account_rows: &[AccountRow]) -> Result<String> {
    let times = |time: jiff::Timestamp| (time.to_string(), text::time(time));
    let run = Run {
        name: report.name(),
        started: times(report.began),
        ended: times(report.ended),
        took: text::duration(report.began, report.ended),
        resumed: report.resumed,
        version: autotag_model::VERSION,
    };
    let page = Frame {
        title: &format!("AWS accounts, run {}", report.name()),
        heading: "AWS accounts",
        run: &run.render()?,
        sections: &SECTIONS,
        table: ("accounts", "To the table of accounts"),
        style: &style::style(STYLE),
        script: &SCRIPT.text(),
        main: &main(report, account_rows)?,
    };
    Ok(page.page()?)
}

fn main(report: &Report, account_rows: &[AccountRow]) -> Result<String> {
    let rows = table::rows(report, account_rows);
    let facets = Facets::new(&rows);
    let tags = vec![
        Tag::new("Environment", "Without Environment", &ENVIRONMENT, &facets.environment, rows.len()),
        Tag::new("Aide_ID", "Without Aide_ID", &AIDE_ID, &facets.aide, rows.len()),
    ];
    let unmapped = overview::unmapped(account_rows);
    let problems = problems::lines(report);
    let charts = [
        Chart::new("Accounts by region group", bars(&facets.group, BARS))?,
        Chart::new("Accounts by environment", bars(&facets.environment, BARS))?,
        Chart::new("Accounts by state", bars(&facets.state, BARS))?,
        Chart::new("Accounts by status of the scan", bars(&facets.status, BARS))?,
    ];
    let of_charts = chart::Labels { column: "Accounts", section: "accounts", none: "There is no account." };
    let of_form = form::Labels { form: "Filter the accounts", search: "id, name, owner, tag, region, error" };
    let main = Main {
        missing: overview::missing(report),
        figures: figure::figures(&overview::figures(report, &rows, &tags, &unmapped))?,
        charts: chart::charts(&charts, of_charts)?,
        tags,
        untagged: rows.iter().filter(|row| row.lacks_tags()).collect(),
        answers: problems::error_counts(&problems),
        problems,
        tenants: overview::tenants(report),
        unusable: report.unusable_tenants.iter().map(|id| text::visible(id)).collect(),
        unmapped,
        form: form::form(of_form, &facets.all())?,
        rows: &rows,
        more_tags: rows.iter().any(|row| !row.tags.is_empty()),
    };
    Ok(main.render()?)
}

#[cfg(test)]
mod tests;
