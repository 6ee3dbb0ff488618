//! Shared parts of the readers of all formats: the expected columns and the resulting rows.

use super::bounded::RowLimit;
use crate::output::plural;
use crate::setup::usage_error;
use anyhow::Result;
use std::fmt;

/// How many different faults are shown; the rest is counted.
pub(super) const SHOWN: usize = 10;

/// How many rows are named of each fault.
const NAMED: usize = 3;

/// The most characters of a fault that are shown: some have a text of the file in them.
const LONG: usize = 200;

/// A column that a reader looks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in `--column`.
    pub(crate) role: &'static str,
    /// The names that files usually have, as [`normalized`]; the first existing one counts.
    pub(crate) names: &'static [&'static str],
}

/// Names of columns that the user gives.
pub(crate) type Mapping = [(String, String)];

/// The cells of a row, one for each column that was looked for, then tags that have a column of their own.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    pub(crate) values: Vec<Option<String>>,
    pub(crate) tags: Vec<(String, String)>,
}

impl Cells {
    /// The cell of a column by its place; `None` if it is empty or not there.
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.values.get(at)?.as_deref().map(str::trim).filter(|cell| !cell.is_empty())
    }
}

/// The result of reading a file.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) rows: u64,
    /// Why rows cannot be used: the first reasons, each once.
    pub(crate) faults: Vec<Fault>,
    /// How many rows cannot be used.
    pub(crate) faulty: u64,
    /// The existing columns, by their place among the expected ones.
    pub(crate) found: Vec<bool>,
}

impl Reading {
    /// Why rows cannot be used, in words.
    pub(crate) fn told(&self) -> String {
        let mut told: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        let others = self.faulty - self.faults.iter().map(|fault| fault.count).sum::<u64>();
        if others > 0 {
            told.push(format!("other reasons ({})", plural(others, "row")));
        }
        told.join("; ")
    }
}

/// Why rows cannot be used.
#[derive(Debug)]
pub(crate) struct Fault {
    why: String,
    /// The first rows, from 1.
    rows: Vec<u64>,
    count: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let Self { why, count, .. } = self;
        match *count {
            1 => write!(f, "{why} (row {rows})"),
            count if usize::try_from(count) == Ok(self.rows.len()) => write!(f, "{why} (rows {rows})"),
            count => write!(f, "{why} ({count} rows: {rows}, ...)"),
        }
    }
}

/// Takes the rows. An error says why a row cannot be used; reading goes on.
pub(crate) type Visit<'v> = dyn FnMut(&Cells) -> Result<(), String> + 'v;

/// Takes the rows and counts those that cannot be used.
pub(super) struct Sink<'v> {
    pub(super) visit: &'v mut Visit<'v>,
    pub(super) read: Reading,
    /// The limit for the next row.
    pub(super) limit: RowLimit,
}

impl Sink<'_> {
    pub(super) fn row(&mut self, cells: &Cells) {
        self.read.rows += 1;
        self.limit.renew();
        if let Err(why) = (self.visit)(cells) {
            self.fault(&why);
        }
    }

    pub(super) fn fault(&mut self, why: &str) {
        let Reading { rows, faults, faulty, .. } = &mut self.read;
        *faulty += 1;
        self.limit.renew();
        let why = match why.char_indices().nth(LONG) {
            Some((end, _)) => format!("{}...", why.get(..end).unwrap_or_default()),
            None => why.to_owned(),
        };
        if let Some(known) = faults.iter_mut().find(|fault| fault.why == why) {
            known.count += 1;
            if known.rows.len() < NAMED {
                known.rows.push(*rows);
            }
        } else if faults.len() < SHOWN {
            faults.push(Fault { why, rows: vec![*rows], count: 1 });
        }
    }
}

/// The columns to find.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'w> {
    pub(super) columns: &'w [Column],
    pub(super) mapping: &'w Mapping,
}

impl Wanted<'_> {
    /// The place of each wanted column among the columns of a file.
    pub(super) fn places(&self, names: &[String]) -> Result<Vec<Option<usize>>> {
        let normal: Vec<String> = names.iter().map(|name| normalized(name)).collect();
        let place = |column: &Column| match self.mapped(column.role) {
            Some(mapped) => {
                let place = names.iter().position(|name| name == mapped);
                let place = place.or_else(|| normal.iter().position(|name| *name == normalized(mapped)));
                let missing =
                    || usage_error(format!("there is no column `{mapped}` (--column {})", column.role));
                place.map(Some).ok_or_else(missing)
            }
            None => Ok(column.names.iter().find_map(|known| normal.iter().position(|name| name == known))),
        };
        self.columns.iter().map(place).collect()
    }

    fn mapped(&self, role: &str) -> Option<&str> {
        self.mapping.iter().find(|(mapped, _)| mapped == role).map(|(_, name)| name.as_str())
    }
}

/// A name without case, spaces and punctuation: `Resource type`, `resource_type` and `lineItem/ResourceId` are written in many ways.
pub(in crate::report) fn normalized(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The key of a column that has one tag, as Tag Editor and bills write them: `Tag: Owner`, `resource_tags_user_owner` is not one.
pub(super) fn tag_key(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("Tag:").or_else(|| name.strip_prefix("tag:"))?;
    Some(rest.trim()).filter(|key| !key.is_empty())
}

/// The text that Tag Editor writes for a resource without this tag.
pub(super) const NOT_TAGGED: &str = "(not tagged)";

/// The tags in columns of their own, by the place of the column.
pub(super) fn tag_columns(names: &[String]) -> Vec<(usize, String)> {
    names.iter().enumerate().filter_map(|(at, name)| Some((at, tag_key(name)?.to_owned()))).collect()
}
