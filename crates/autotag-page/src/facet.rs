//! The number of rows by value, for charts and filters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashMap;

/// The characters that are percent-encoded in a fragment.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The number of values that a filter offers. Search and links find the others.
const MOST: usize = 100;

/// The first character of keys that are not values. A value that begins with it gets one more: see [`key_of`].
pub const MARK: char = '~';

/// The kind of a cell's value. Charts and filters sort by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellKind {
    /// A value.
    Known,
    /// A known absence.
    Absent,
    /// Not known.
    Unknown,
}

/// A column that rows can be filtered by.
#[derive(Debug)]
pub struct Facet {
    /// Its name in the fragment.
    pub name: &'static str,
    /// Its title in the form.
    pub title: &'static str,
    /// Sorted by descending count. Absent and unknown values come last.
    pub choices: Vec<Choice>,
}

/// A value that rows have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its key in the fragment.
    pub key: String,
    /// Its words on the page.
    pub label: String,
    /// The kind of value.
    pub kind: CellKind,
    /// How many rows have it.
    pub count: usize,
}

impl Facet {
    /// Counts the values, each with its key, label and kind. Values with the same key are one; the first gives the label.
    pub fn new<L: Into<String>>(
        name: &'static str,
        title: &'static str,
        values: impl Iterator<Item = (String, L, CellKind)>,
    ) -> Self {
        let mut by_key: HashMap<String, Choice> = HashMap::new();
        for (key, label, kind) in values {
            let new = || Choice { key: key.clone(), label: label.into(), kind, count: 0 };
            by_key.entry(key.clone()).or_insert_with(new).count += 1;
        }
        Self::of(name, title, by_key.into_values().collect())
    }

    /// The facet of choices that are counted already.
    pub fn of(name: &'static str, title: &'static str, mut choices: Vec<Choice>) -> Self {
        choices.sort_by(|one, other| {
            (one.kind, other.count, &one.key).cmp(&(other.kind, one.count, &other.key))
        });
        Self { name, title, choices }
    }

    /// The choices that the filter offers.
    pub fn offered(&self) -> impl Iterator<Item = &Choice> {
        let known = self.choices.iter().filter(|choice| choice.kind == CellKind::Known).take(MOST);
        known.chain(self.choices.iter().filter(|choice| choice.kind != CellKind::Known))
    }
}

/// The key of a value in filters: the value, with a mark that separates it from the keys of missing values.
///
/// ```
/// use autotag_page::facet::key_of;
///
/// assert_eq!([key_of("prod"), key_of("~unset")], ["prod", "~~unset"]);
/// ```
pub fn key_of(value: &str) -> String {
    if value.starts_with(MARK) { format!("{MARK}{value}") } else { value.to_owned() }
}

/// The fragment of the page that shows only the rows with this value.
///
/// ```
/// assert_eq!(autotag_page::facet::filter("env", "a b"), "env=a%20b");
/// ```
pub fn filter(name: &str, key: &str) -> String {
    format!("{name}={}", utf8_percent_encode(key, ENCODED))
}
