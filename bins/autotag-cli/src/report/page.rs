//! The report as a page: one file that loads nothing.
//!
//! Names, tags and ids are chosen by others, so all texts are hostile. Templates escape every value; the rows of the table are data in
//! JSON, which the script shows as texts. Values marked `|safe` are HTML of `autotag-page`, which escapes in the same way.

mod charts;
mod data;
mod lists;
mod overview;
mod owners;
mod required;
mod run;
mod tamper;

pub(crate) use run::Run;
#[cfg(feature = "aws")]
pub(crate) use tamper::TamperWeeks;

use super::class::Class;
use super::estate::Estate;
use anyhow::Result;
use askama::Template;
use autotag_page::facet::{CellKind, Choice, Facet, filter};
use autotag_page::figure::figures;
use autotag_page::frame::Frame;
use autotag_page::script::Script;
use autotag_page::{chart, form, style, text};
use data::{Cell, Data, FEW};
use lists::{Group, Lists};
use required::missing_tags;
use std::collections::BTreeMap;

/// The columns of the table, and the colours of the classes.
const STYLE: &str = include_str!("../../templates/report/page.css");

/// The rows of the table.
const SCRIPT: Script<'_> = Script {
    noun: "resources",
    few: FEW,
    heading: "resources-title",
    rows: include_str!("../../templates/report/page.js"),
};

const SECTIONS: [(&str, &str); 7] = [
    ("overview", "Overview"),
    ("questions", "Questions"),
    ("todo", "What to do next"),
    ("names", "Names only"),
    ("uncovered", "Not covered"),
    ("costs", "Costs"),
    ("resources", "All resources"),
];

/// The line about the run.
#[derive(Template)]
#[template(path = "report/run.html")]
struct RunLine<'r> {
    run: &'r Run,
    version: &'static str,
}

/// A question, and how the page answers it.
struct Question {
    text: &'static str,
    /// A filter of the table that answers it.
    filter: Option<String>,
    /// Otherwise the section that does.
    section: &'static str,
    answer: &'static str,
    command: &'static str,
}

/// The sections.
#[derive(Template)]
#[template(path = "report/main.html")]
struct Main<'r> {
    run: &'r Run,
    notices: Vec<String>,
    figures: String,
    charts: String,
    legend: Vec<(&'static str, &'static str, String)>,
    questions: Vec<Question>,
    lists: Lists,
    has_cost: bool,
    money: Vec<overview::MoneyLine>,
    /// The keys that the policy requires, and the number of resources that lack each.
    required: Option<Vec<Group>>,
    form: String,
    heads: Vec<(&'static str, &'static str)>,
    first: Vec<Vec<Cell>>,
    shown: String,
    json: String,
}

/// The whole page.
///
/// # Errors
/// A chart cannot be drawn, or a template cannot be rendered.
pub(crate) fn page(estate: &Estate, run: &Run) -> Result<String> {
    let line = RunLine { run, version: autotag_model::VERSION }.render()?;
    let page = Frame {
        title: "Who owns what",
        heading: "Who owns what",
        run: &line,
        sections: &SECTIONS,
        table: ("resources", "To the table of resources"),
        style: &style::style(STYLE),
        script: &SCRIPT.text(),
        main: &main(estate, run)?,
    };
    Ok(page.page()?)
}

fn main(estate: &Estate, run: &Run) -> Result<String> {
    let data = Data::of(estate);
    let labels =
        chart::Labels { column: "Resources", section: "resources", none: "There is nothing to show." };
    let of_form = form::Labels {
        form: "Filter the resources",
        search: "owner:bob type:bucket since:2026-10-01 until:2026-11-01",
    };
    let facets = facets(estate);
    let main = Main {
        run,
        notices: overview::notices(estate, run, &data),
        figures: figures(&overview::figures(estate))?,
        charts: chart::charts(&charts::charts(estate, run)?, labels)?,
        legend: legend(estate),
        questions: questions(run),
        lists: Lists::of(estate),
        has_cost: overview::has_cost(estate),
        money: overview::money(estate),
        required: missing_tags(estate, &run.required),
        form: form::form(of_form, &facets.iter().collect::<Vec<_>>())?,
        heads: data.heads(),
        first: data.first_rows(),
        shown: text::counted(estate.entries.len(), "resource", "resources"),
        json: data.json()?,
    };
    Ok(main.render()?)
}

/// The classes that resources have: the name of the style, the words and the filter.
fn legend(estate: &Estate) -> Vec<(&'static str, &'static str, String)> {
    let there =
        Class::ALL.into_iter().filter(|class| estate.entries.iter().any(|entry| entry.class() == *class));
    there.map(|class| (class.as_str(), class.words(), filter("class", class.words()))).collect()
}

fn facets(estate: &Estate) -> Vec<Facet> {
    let count = |name, title, value: &dyn Fn(&super::entry::Entry) -> String| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for entry in &estate.entries {
            *counts.entry(value(entry)).or_default() += 1;
        }
        let choice = |(key, count): (String, usize)| {
            let is_none = key == data::NONE;
            let kind = if is_none { CellKind::Absent } else { CellKind::Known };
            let label = if is_none { "none".to_owned() } else { text::plain(&key) };
            Choice { key: text::visible(&key), label, kind, count }
        };
        Facet::of(name, title, counts.into_iter().map(choice).collect())
    };
    let mut facets = vec![
        count("class", "Class", &|entry| entry.class().words().to_owned()),
        count("service", "Service", &data::service),
        count("account", "Account", &data::account),
        count("region", "Region", &data::region),
        count("month", "Created in", &data::month),
    ];
    if estate.has_inventory || estate.entries.iter().any(|entry| entry.deleted.is_some()) {
        facets.push(count("exists", "Inventory", &data::exists));
    }
    facets
}

/// The questions that people ask most, each with where its answer is.
fn questions(run: &Run) -> Vec<Question> {
    let month = run.period.as_ref().map(|(_, last)| last.chars().take(7).collect::<String>());
    let of_month = month.map(|month| format!("{}&{}", filter("q", "owner:bob"), filter("month", &month)));
    let question =
        |text, filter, section, answer, command| Question { text, filter, section, answer, command };
    vec![
        question(
            "What did Bob create last month?",
            of_month,
            "resources",
            "Search owner:bob and choose the month, or search owner:bob since:2026-10-01 until:2026-11-01.",
            "duckdb -c \"select arn, created from 'report.parquet' where owner = 'bob' and created >= '2026-10-01' and created < '2026-11-01'\"",
        ),
        question(
            "Who are the top owners?",
            None,
            "overview",
            "The first chart; its numbers lead to the resources of each owner.",
            "duckdb -c \"select owner, if(person is null, owner_account, null) as account, proof, count(*) from 'report.parquet' where kind = 'resource' group by all order by 4 desc\"",
        ),
        question(
            "What has no owner tag, and what does it cost?",
            Some(filter("q", "declared:=\"\"")),
            "resources",
            "The link shows resources without an owner tag, with their cost. It needs an inventory with tags, and --cost.",
            "duckdb -c \"select count(*), sum(cost_USD) from 'report.parquet' where declared is null and listed = 'true'\"",
        ),
        question(
            "Who creates without CostCenter?",
            Some(filter("q", "without:CostCenter")),
            "resources",
            "The link shows resources without the tag; their owners stand above the table. It needs an inventory with tags.",
            "duckdb -c \"select owner, if(person is null, owner_account, null) as account, count(*) from 'report.parquet' where tags is not null and tags ->> 'CostCenter' is null group by all order by 3 desc\"",
        ),
        question(
            "What is not covered?",
            None,
            "uncovered",
            "Creating events without a rule, and resources of types without one.",
            "autotag catalog --uncovered-by TRAIL",
        ),
        question(
            "Which owners are only names?",
            Some(filter("class", Class::NameOnly.words())),
            "names",
            "The list of names, with what would prove them.",
            "duckdb -c \"select owner, account, count(*) from 'report.parquet' where class = 'name-only' group by all order by 3 desc\"",
        ),
    ]
}

#[cfg(test)]
mod tests;
