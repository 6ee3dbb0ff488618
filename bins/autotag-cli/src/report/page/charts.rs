//! Bar charts of the classes by owner, week, service and account.

use super::owners::{Owners, owner_key};
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

fn counted<'e, K: Ord>(estate: &'e Estate, key: impl Fn(&'e Entry) -> Option<K>) -> Vec<(K, Counts)> {
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

/// A value as a chart shows it, and the filter of its resources.
struct Labelled {
    label: String,
    link: String,
}

fn labelled(values: Vec<(String, Counts)>, name: &str) -> Vec<(Labelled, Counts)> {
    let one = |label: String| Labelled { link: filter(name, &label), label };
    values.into_iter().map(|(value, counts)| (one(value), counts)).collect()
}

/// The owners of all resources that count.
fn owners(estate: &Estate) -> Vec<(Labelled, Counts)> {
    let all = Owners::of(estate);
    let one = |(owner, account): (&str, Option<&str>)| {
        let mut query = words("owner", owner);
        if all.is_ambiguous(owner) {
            query = format!("{query} {}", words("owneraccount", account.unwrap_or_default()));
        }
        Labelled { label: all.label((owner, account)), link: filter("q", &query) }
    };
    counted(estate, owner_key).into_iter().map(|(key, counts)| (one(key), counts)).collect()
}

/// A chart of the most frequent values.
fn most(title: &'static str, mut values: Vec<(Labelled, Counts)>, all: usize) -> Result<Chart, PageError> {
    values.sort_by_key(|(value, counts)| (Reverse(sum(counts)), value.label.clone()));
    let bars = values.into_iter().take(MOST);
    let bars = bars.map(|(value, counts)| bar(&value.label, Some(value.link), &counts, all));
    Chart::stacked(title, &parts(), bars.collect())
}

/// The search that finds a value exactly.
pub(super) fn search(column: &str, value: &str) -> String {
    filter("q", &words(column, value))
}

fn words(column: &str, value: &str) -> String {
    format!("{column}:=\"{}\"", autotag_page::text::visible(value).replace('"', "\"\""))
}

/// All charts.
///
/// # Errors
/// One cannot be drawn.
pub(super) fn charts(estate: &Estate, run: &Run) -> Result<Vec<Chart>, PageError> {
    let all = estate.counted().count();
    let services = counted(estate, |entry| Some(entry.service()).filter(|service| !service.is_empty()));
    let accounts = counted(estate, |entry| entry.account().map(str::to_owned));
    let mut charts = vec![
        most("Top owners, by proof", owners(estate), all)?,
        weeks(estate, all)?,
        most("By service", labelled(services, "service"), all)?,
        most("By account", labelled(accounts, "account"), all)?,
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
