//! How many accounts have which value: for charts, and for the choices of filters.

use super::charts::Kind;
use super::rows::{Row, Tone};
use super::values::Value;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashMap;

/// What may stand in a fragment as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// More values are not offered as choices; the search and links still find them.
const MOST: usize = 100;

/// A column that accounts can be filtered by.
#[derive(Debug)]
pub(super) struct Facet {
    /// Its name in the fragment.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// By how many accounts have them, the most frequent first; what is no value comes last.
    pub(super) choices: Vec<Choice>,
}

/// A value that accounts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) count: usize,
}

impl Facet {
    fn new<'r>(
        name: &'static str,
        title: &'static str,
        values: impl Iterator<Item = (&'r Value, Kind)>,
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

    /// Those that are offered.
    pub(super) fn offered(&self) -> impl Iterator<Item = &Choice> {
        let known = self.choices.iter().filter(|choice| choice.kind == Kind::Known).take(MOST);
        known.chain(self.choices.iter().filter(|choice| choice.kind != Kind::Known))
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
            let kind = match row.tone {
                Tone::Good => Kind::Known,
                Tone::Quiet => Kind::Nothing,
                Tone::Bad => Kind::Unknown,
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

/// The fragment of a page that shows these accounts alone.
pub(super) fn filter(name: &str, key: &str) -> String {
    format!("{name}={}", utf8_percent_encode(key, ENCODED))
}
