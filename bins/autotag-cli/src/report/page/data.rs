//! The rows of the table, as columns in JSON. Most values of a column are the same as others, so each is written once.

use crate::report::class::Class;
use crate::report::entry::Entry;
use crate::report::estate::Estate;
use crate::report::inventory::Tags;
use crate::report::money::{Amount, Money, SCALE};
use anyhow::Result;
use autotag_handlers::owner::Proof;
use autotag_page::text::visible;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

/// How many rows a page of the table has.
pub(crate) const FEW: usize = 100;

/// The most rows in a page. Browsers open more, and mail does not carry them.
pub(crate) const MOST: usize = 200_000;

/// AWS allows 50 tags, and its services add some.
const MOST_TAGS: usize = 100;

/// The text for a missing value in filters.
pub(crate) const NONE: &str = "~none";

/// The columns of the table: name and title.
const HEADS: [(&str, &str); 9] = [
    ("created", "Created (UTC)"),
    ("owner", "Owner"),
    ("class", "Class"),
    ("type", "Type"),
    ("resource", "Resource"),
    ("account", "Account"),
    ("region", "Region"),
    ("reason", "Why"),
    ("next", "Next step"),
];

/// Columns that can be searched and filtered, and are not in the table.
const HIDDEN: [&str; 10] =
    ["service", "month", "owneraccount", "declared", "proof", "source", "event", "channel", "id", "tags"];

/// A column: its different values, and the place among them of each row's.
#[derive(Debug, Default, Serialize)]
struct Column {
    d: Vec<String>,
    i: Vec<usize>,
    #[serde(skip)]
    places: HashMap<String, usize>,
}

impl Column {
    fn push(&mut self, value: &str) {
        self.push_as(value, visible);
    }

    /// Adds a value that the script gets as `shown` has it.
    fn push_as(&mut self, value: &str, shown: impl FnOnce(&str) -> String) {
        let at = if let Some(at) = self.places.get(value) {
            *at
        } else {
            self.d.push(shown(value));
            self.places.insert(value.to_owned(), self.d.len() - 1);
            self.d.len() - 1
        };
        self.i.push(at);
    }
}

/// The data for the script.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Data {
    count: usize,
    /// How many resources are not in the page.
    pub(crate) left_out: usize,
    columns: Vec<(&'static str, Column)>,
    /// The ends of the resources' names. Their beginnings are the column `resource`.
    ends: Vec<String>,
    currencies: Vec<String>,
    /// For each currency the costs in 10⁻⁹, as whole numbers.
    costs: Vec<Vec<i64>>,
}

/// A cell of a row that the page shows without the script.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    /// The name of the class, in the column of classes.
    pub(crate) style: &'static str,
}

pub(crate) fn service(entry: &Entry) -> String {
    or_none(&entry.service())
}

pub(crate) fn account(entry: &Entry) -> String {
    or_none(entry.account().unwrap_or_default())
}

pub(crate) fn region(entry: &Entry) -> String {
    or_none(entry.region().unwrap_or_default())
}

/// `2026-11`
pub(crate) fn month(entry: &Entry) -> String {
    entry.created.map_or(NONE.to_owned(), |time| time.strftime("%Y-%m").to_string())
}

pub(crate) fn exists(entry: &Entry) -> String {
    if entry.deleted.is_some() {
        return "deleted".to_owned();
    }
    match entry.listed {
        Some(true) => "in the inventory",
        Some(false) => "not in the inventory",
        None => NONE,
    }
    .to_owned()
}

fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// The value of a column. What is filtered by a choice of the form has the key of the choice.
fn value(entry: &Entry, column: &str) -> String {
    let (maker, owner) = (entry.maker.as_deref(), entry.owner_facts());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    match column {
        "created" => entry.created.map_or(String::new(), |time| time.strftime("%Y-%m-%d %H:%M").to_string()),
        "owner" => text(entry.owner()),
        "owneraccount" => text(entry.owner_account()),
        "class" => entry.class().words().to_owned(),
        "type" => entry.resource.resource_type.clone(),
        "account" => account(entry),
        "region" => region(entry),
        "service" => service(entry),
        "month" => month(entry),
        "exists" => exists(entry),
        "reason" => entry.verdict.reason.to_string(),
        "next" => entry.verdict.next.to_string(),
        "declared" if entry.tags.is_none() => "?".to_owned(),
        "declared" => text(entry.declared.as_deref()),
        "proof" => text(owner.and_then(|owner| owner.proof).map(Proof::as_str)),
        "source" => text(owner.and_then(|owner| owner.source)),
        "event" => text(entry.event.as_deref()),
        "channel" => text(maker.and_then(|maker| maker.channel.as_deref())),
        "tags" => entry.tags.as_ref().map_or(String::new(), keys),
        _ => String::new(),
    }
}

/// The keys of tags, as a list in JSON. More than any resource of AWS has are left out: such tags are not known.
fn keys(tags: &Tags) -> String {
    if tags.len() > MOST_TAGS {
        return String::new();
    }
    let keys: Vec<&String> = tags.keys().collect();
    serde_json::to_string(&keys).unwrap_or_default()
}

/// The name of a resource, and where its last part begins.
fn name(entry: &Entry) -> (String, usize) {
    let name = entry.resource.display();
    let at = name.rfind(['/', ':']).map_or(0, |at| at + 1);
    (name, at)
}

/// The highest cost comes first, then the newest resource.
fn ordered(estate: &Estate) -> Vec<&Entry> {
    let most = |money: &Money| money.iter().map(|(_, amount)| amount).max().unwrap_or_default();
    let mut entries: Vec<&Entry> = estate.entries.iter().collect();
    entries.sort_by_cached_key(|entry| {
        (Reverse(most(&entry.cost)), Reverse(entry.created), entry.resource.display())
    });
    entries
}

impl Data {
    pub(crate) fn of(estate: &Estate) -> Self {
        let entries = ordered(estate);
        let total = estate.costs();
        let of_entries = |currency: &&Arc<str>| entries.iter().any(|entry| entry.cost.of(currency).is_some());
        let mut currencies: Vec<&Arc<str>> = total.currencies().filter(of_entries).collect();
        currencies.sort_by_key(|currency| Reverse(total.of(currency)));
        let mut data = Self {
            count: entries.len().min(MOST),
            left_out: entries.len().saturating_sub(MOST),
            currencies: currencies.into_iter().map(ToString::to_string).collect(),
            ..Self::default()
        };
        let has_exists = estate.has_inventory || entries.iter().any(|entry| entry.deleted.is_some());
        let names = HEADS.iter().map(|(name, _)| *name).chain(HIDDEN);
        let names = names.chain(has_exists.then_some("exists"));
        data.columns = names.map(|name| (name, Column::default())).collect();
        data.costs = vec![Vec::new(); data.currencies.len()];
        for entry in entries.into_iter().take(MOST) {
            data.push(entry);
        }
        data
    }

    fn push(&mut self, entry: &Entry) {
        let (name, at) = name(entry);
        let (begin, end) = name.split_at_checked(at).unwrap_or(("", &name));
        for (column, values) in &mut self.columns {
            match *column {
                "resource" => values.push(begin),
                // The script parses it, so it must be whole.
                "tags" => values.push_as(&value(entry, "tags"), str::to_owned),
                "id" if entry.resource.id != end && entry.resource.id != name => {
                    values.push(&entry.resource.id);
                }
                other => values.push(&value(entry, other)),
            }
        }
        self.ends.push(visible(end));
        let costs = self.currencies.iter().map(|currency| entry.cost.of(currency).map_or(0, nanos));
        for (column, cost) in self.costs.iter_mut().zip(costs) {
            column.push(cost);
        }
    }

    /// The heads of the table. Costs come before the reasons.
    pub(crate) fn heads(&self) -> Vec<(&'static str, &'static str)> {
        let mut heads: Vec<_> = HEADS.into();
        if !self.currencies.is_empty() {
            heads.insert(7, ("cost", "Cost"));
        }
        heads
    }

    /// The rows that the page shows before the script has run.
    pub(crate) fn first_rows(&self) -> Vec<Vec<Cell>> {
        let heads = self.heads();
        (0..self.count.min(FEW))
            .map(|row| heads.iter().map(|(name, _)| self.cell(name, row)).collect())
            .collect()
    }

    fn cell(&self, name: &'static str, row: usize) -> Cell {
        let of_column = || {
            let (_, column) = self.columns.iter().find(|(column, _)| *column == name)?;
            column.d.get(*column.i.get(row)?).cloned()
        };
        let text = match name {
            "cost" => self.cost(row),
            "resource" => {
                format!(
                    "{}{}",
                    of_column().unwrap_or_default(),
                    self.ends.get(row).map_or("", String::as_str)
                )
            }
            _ => of_column().filter(|text| text != NONE).unwrap_or_default(),
        };
        let classes = Class::ALL.into_iter();
        let class = classes.filter(|_| name == "class").find(|class| class.words() == text);
        Cell { name, text, style: class.map_or("", Class::as_str) }
    }

    fn cost(&self, row: usize) -> String {
        let costs = self.currencies.iter().zip(&self.costs);
        let told = costs.filter_map(|(currency, costs)| {
            let amount = Amount::of_nanos(*costs.get(row)?);
            (amount != Amount::default()).then(|| format!("{} {currency}", amount.rounded()))
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// The JSON of a script element. No text in it can end the element.
    pub(crate) fn json(&self) -> Result<String> {
        let json = serde_json::to_string(self)?;
        Ok(json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
    }
}

/// In 10⁻⁹, rounded towards zero. Only the sums of the view are made of these; all others are exact.
fn nanos(amount: Amount) -> i64 {
    let nanos = amount.units() / 10_i128.pow(SCALE - 9);
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}
