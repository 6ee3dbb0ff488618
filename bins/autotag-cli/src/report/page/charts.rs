//! Bar charts of the classes by owner, week, service and account.

use super::run::Run;
use super::tamper::monday;
use crate::report::class::Class;
use crate::report::entry::Entry;
use crate::report::estate::Estate;
use autotag_page::PageError;
use autotag_page::chart::{Bar, Chart, Part};
use autotag_page::facet::{CellKind, filter};
use autotag_page::text::{plain, share};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most bars of a chart.
const MOST: usize = 12;

/// The most weeks: the last ones.
const WEEKS: usize = 14;

/// The colours of the classes. The style sheet has others for the dark.
fn parts() -> [Part; 8] {
    Class::ALL.map(|class| {
        let color = match class {
            Class::ProvenPerson => (0x2f, 0x6f, 0xb7),
            Class::ProvenWorkload => (0x3a, 0x8f, 0x57),
            Class::DeclaredOnly => (0x7a, 0x5b, 0xb5),
            Class::Disagree => (0xc2, 0x3b, 0x2e),
            Class::NameOnly => (0xd9, 0x7c, 0x06),
            Class::ServiceMade => (0x8a, 0x94, 0xa0),
            Class::Tampered => (0x96, 0x1f, 0x58),
            Class::Unknown => (0x4a, 0x55, 0x61),
        };
        Part { label: class.words(), color }
    })
}

/// The counts of a bar, by class.
type Counts = BTreeMap<Class, usize>;

fn counted<K: Ord>(estate: &Estate, key: impl Fn(&Entry) -> Option<K>) -> Vec<(K, Counts)> {
    let mut counts: BTreeMap<K, Counts> = BTreeMap::new();
    for entry in estate.counted() {
        if let Some(key) = key(entry) {
            *counts.entry(key).or_default().entry(entry.class()).or_default() += 1;
        }
    }
    counts.into_iter().collect()
}

fn sum(counts: &Counts) -> usize {
    counts.values().sum()
}

fn bar(label: &str, filter: Option<String>, counts: &Counts, all: usize) -> (Bar, Vec<usize>) {
    let count = sum(counts);
    let bar = Bar { label: plain(label), count, share: share(count, all), kind: CellKind::Known, filter };
    (bar, Class::ALL.iter().map(|class| counts.get(class).copied().unwrap_or_default()).collect())
}

/// A chart of the most frequent values.
fn most(
    title: &'static str,
    mut values: Vec<(String, Counts)>,
    all: usize,
    link: impl Fn(&str) -> String,
) -> Result<Chart, PageError> {
    values.sort_by_key(|(value, counts)| (Reverse(sum(counts)), value.clone()));
    let bars = values.iter().take(MOST).map(|(value, counts)| bar(value, Some(link(value)), counts, all));
    Chart::stacked(title, &parts(), bars.collect())
}

/// The search that finds a value exactly.
pub(super) fn search(column: &str, value: &str) -> String {
    filter("q", &format!("{column}:=\"{}\"", autotag_page::text::visible(value).replace('"', "\"\"")))
}

/// All charts.
///
/// # Errors
/// One cannot be drawn.
pub(super) fn charts(estate: &Estate, run: &Run) -> Result<Vec<Chart>, PageError> {
    let all = estate.counted().count();
    let owners = counted(estate, |entry| entry.owner().map(str::to_owned));
    let services = counted(estate, |entry| Some(entry.service()).filter(|service| !service.is_empty()));
    let accounts = counted(estate, |entry| entry.account().map(str::to_owned));
    let mut charts = vec![
        most("Top owners, by proof", owners, all, |value| search("owner", value))?,
        weeks(estate, all)?,
        most("By service", services, all, |value| filter("service", value))?,
        most("By account", accounts, all, |value| filter("account", value))?,
    ];
    if let Some(weeks) = &run.tamper_weeks {
        charts.push(weeks.chart()?);
    }
    Ok(charts)
}

fn weeks(estate: &Estate, all: usize) -> Result<Chart, PageError> {
    let mut weeks = counted(estate, |entry| Some(monday(entry.created?.to_zoned(TimeZone::UTC).date())));
    let earlier = weeks.len().saturating_sub(WEEKS);
    let bars = weeks.split_off(earlier);
    let bars = bars.iter().map(|(monday, counts)| {
        let next = monday.saturating_add(7.days());
        let link = filter("q", &format!("since:{monday} until:{next}"));
        bar(&monday.to_string(), Some(link), counts, all)
    });
    Chart::stacked("New resources a week, by its Monday", &parts(), bars.collect())
}
