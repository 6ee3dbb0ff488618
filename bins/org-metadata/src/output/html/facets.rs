//! The number of accounts by value, for charts and filters.

use super::cell::{CellKind, Value};
use super::table::{Row, Severity};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashMap;

/// The characters that are percent-encoded in a fragment.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The number of values that a filter offers. Search and links find the others.
const MOST: usize = 100;

/// A column that accounts can be filtered by.
#[derive(Debug)]
pub(super) struct Facet {
    /// Its name in the fragment.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// Sorted by descending account count. Absent and unknown values come last.
    pub(super) choices: Vec<Choice>,
}

/// A value that accounts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) kind: CellKind,
    pub(super) count: usize,
}

impl Facet {
    fn new<'r>(
        name: &'static str,
        title: &'static str,
        values: impl Iterator<Item = (&'r Value, CellKind)>,
    ) -> Self {
        let mut by_key: HashMap<String, Choice> = HashMap::new();
        for (value, kind) in values {
            let key = value.key();
            let new = || Choice { key: key.clone(), label: value.label(), kind, count: 0 };
            by_key.entry(key.clone()).or_insert_with(new).count += 1;
        }
        let mut choices: Vec<Choice> = by_key.into_values().collect();
        choices.sort_by(|one, other| {
            (one.kind, other.count, &one.key).cmp(&(other.kind, one.count, &other.key))
        });
        Self { name, title, choices }
    }

    /// The choices that the filter offers.
    pub(super) fn offered(&self) -> impl Iterator<Item = &Choice> {
        let known = self.choices.iter().filter(|choice| choice.kind == CellKind::Known).take(MOST);
        known.chain(self.choices.iter().filter(|choice| choice.kind != CellKind::Known))
    }
}

/// The facets, in the order of the columns.
#[derive(Debug)]
pub(super) struct Facets {
    pub(super) organization: Facet,
    pub(super) state: Facet,
    pub(super) group: Facet,
    pub(super) environment: Facet,
    pub(super) aide: Facet,
    pub(super) status: Facet,
}

impl Facets {
    pub(super) fn new(rows: &[Row]) -> Self {
        let facet = |name, title, value: fn(&Row) -> &Value| {
            Facet::new(name, title, rows.iter().map(|row| (value(row), value(row).kind())))
        };
        let status = rows.iter().map(|row| {
            let kind = match row.severity {
                Severity::Good => CellKind::Known,
                Severity::Quiet => CellKind::Absent,
                Severity::Bad => CellKind::Unknown,
            };
            (&row.status, kind)
        });
        Self {
            organization: facet("org", "Organization", |row| &row.organization),
            state: facet("state", "State", |row| &row.state),
            group: facet("group", "Region group", |row| &row.group),
            environment: facet("env", "Environment", |row| &row.environment),
            aide: facet("aide", "Aide_ID", |row| &row.aide),
            status: Facet::new("status", "Status", status),
        }
    }

    pub(super) fn all(&self) -> [&Facet; 6] {
        [&self.organization, &self.state, &self.group, &self.environment, &self.aide, &self.status]
    }
}

/// The fragment of the page that shows only these accounts.
pub(super) fn filter(name: &str, key: &str) -> String {
    format!("{name}={}", utf8_percent_encode(key, ENCODED))
}
