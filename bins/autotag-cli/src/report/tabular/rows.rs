//! What the readers of all formats share: the columns that are looked for, and the rows that come out.

use crate::setup::usage_error;
use anyhow::Result;

/// How many rows that cannot be used are shown; the rest is counted.
pub(super) const SHOWN: usize = 10;

/// A column that a reader looks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in `--column`.
    pub(crate) role: &'static str,
    /// The names that files usually have, as [`normalized`]; the first that is there counts.
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

/// What was read of a file.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) rows: u64,
    /// Rows that cannot be used: the first ones.
    pub(crate) faults: Vec<String>,
    pub(crate) faulty: u64,
    /// The columns that are there, by their place among those that were looked for.
    pub(crate) found: Vec<bool>,
}

/// What takes the rows. An error says why a row cannot be used; reading goes on.
pub(crate) type Visit<'v> = dyn FnMut(&Cells) -> Result<(), String> + 'v;

/// Takes the rows and counts those that cannot be used.
pub(super) struct Sink<'v> {
    pub(super) visit: &'v mut Visit<'v>,
    pub(super) read: Reading,
}

impl Sink<'_> {
    pub(super) fn row(&mut self, cells: &Cells) {
        self.read.rows += 1;
        if let Err(why) = (self.visit)(cells) {
            self.fault(&why);
        }
    }

    pub(super) fn fault(&mut self, why: &str) {
        self.read.faulty += 1;
        if self.read.faults.len() < SHOWN {
            self.read.faults.push(format!("row {}: {why}", self.read.rows));
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
pub(super) fn normalized(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The key of a column that has one tag, as Tag Editor and bills write them: `Tag: Owner`, `resource_tags_user_owner` is not one.
pub(super) fn tag_key(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("Tag:").or_else(|| name.strip_prefix("tag:"))?;
    Some(rest.trim()).filter(|key| !key.is_empty())
}

/// What Tag Editor writes where a resource has no such tag.
pub(super) const NOT_TAGGED: &str = "(not tagged)";

/// The tags in columns of their own, by the place of the column.
pub(super) fn tag_columns(names: &[String]) -> Vec<(usize, String)> {
    names.iter().enumerate().filter_map(|(at, name)| Some((at, tag_key(name)?.to_owned()))).collect()
}
