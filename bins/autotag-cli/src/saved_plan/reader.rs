//! Reads a saved plan: once as a whole before anything is written, and once more part by part.

use super::line::{End, SavedResource};
use super::{BEGIN, FORMAT, Header, row};
use crate::gather::Targets;
use crate::setup::usage_error;
use anyhow::{Context as _, Error, Result, anyhow, ensure};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::plan::PlannedResource;
use autotag_model::json_error::fault;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// The longest line, in bytes. Fifty tags of the greatest length take a tenth of it.
const MAX_LINE: u64 = 1 << 20;

/// A saved plan whose header has been read.
#[derive(Debug)]
pub(crate) struct SavedPlan {
    path: PathBuf,
    header: Header,
}

/// One line behind the header.
enum Line {
    Resource(Box<SavedResource>),
    End(End),
}

impl SavedPlan {
    /// The plan in the file at `path`; `None` if it is another file or none.
    ///
    /// # Errors
    /// A usage error, if it begins like a plan and has another format.
    pub(crate) fn open(path: &str) -> Result<Option<Self>> {
        let path = Path::new(path);
        let Ok(file) = File::open(path) else { return Ok(None) };
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(None);
        }
        let mut lines = BufReader::new(file);
        if !lines.fill_buf().is_ok_and(|begin| begin.starts_with(BEGIN)) {
            return Ok(None);
        }
        let unusable = |why: String| usage_error(format!("`{}`: {why}: make the plan again", path.display()));
        let line = next_line(&mut lines)?.unwrap_or_default();
        let header: Header =
            read(&line, "the header of a plan").map_err(|why| unusable(format!("line 1: {why}")))?;
        if header.autotag_plan != FORMAT {
            return Err(unusable(format!("the plan has format {}, not {FORMAT}", header.autotag_plan)));
        }
        Ok(Some(Self { path: path.to_owned(), header }))
    }

    /// Checks that the plan was made with what this run has.
    ///
    /// # Errors
    /// A usage error that says what is different.
    pub(crate) fn expect(&self, now: &Header) -> Result<()> {
        let differs = |what: &str, then: &str, now: &str| {
            (then != now).then(|| {
                let path = self.path.display();
                let (then, now) = (then.escape_debug(), now.escape_debug());
                usage_error(format!(
                    "`{path}` was made with another {what} ({then}, now {now}): pass the same, or make the plan again"
                ))
            })
        };
        let Header { program, policy, catalogue, .. } = &self.header;
        let different = differs("version of autotag", program, &now.program)
            .or_else(|| differs("policy (--policy)", policy, &now.policy))
            .or_else(|| differs("catalogue (--rules)", catalogue, &now.catalogue));
        different.map_or(Ok(()), Err)
    }

    /// Reads the whole plan, and answers with what it would write.
    ///
    /// # Errors
    /// A usage error, if a line cannot be used or the plan is not complete.
    pub(crate) fn check(&self, catalog: &Catalog) -> Result<Targets> {
        let mut targets = Targets::default();
        for row in self.rows(catalog)? {
            let row = row.map_err(|error| usage_error(format!("{error:#}")))?;
            targets.count += 1;
            targets.accounts.extend(row.resource.and_then(|resource| resource.account));
        }
        Ok(targets)
    }

    /// The rows in their order. The last item is an error if the plan is not complete.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn rows<'c>(
        &self,
        catalog: &'c Catalog,
    ) -> Result<impl Iterator<Item = Result<PlannedResource>> + use<'c>> {
        let path = self.path.display().to_string();
        let mut lines = BufReader::new(File::open(&self.path).with_context(|| path.clone())?);
        next_line(&mut lines)?;
        let (mut resources, mut is_over) = (0, false);
        let mut number = 1;
        Ok(std::iter::from_fn(move || {
            if is_over {
                return None;
            }
            number += 1;
            let line = parse(&mut lines);
            let row = match line {
                Ok(Line::Resource(saved)) => row::row(*saved, catalog),
                Ok(Line::End(end)) => {
                    is_over = true;
                    if end.resources == resources {
                        return None;
                    }
                    Err(anyhow!("the plan has {resources} resources, and its end says {}", end.resources))
                }
                Err(error) => Err(error),
            };
            resources += 1;
            is_over |= row.is_err();
            Some(row.with_context(|| format!("`{path}`, line {number}")))
        }))
    }
}

fn parse(lines: &mut BufReader<File>) -> Result<Line> {
    let line = next_line(lines)?.ok_or_else(|| anyhow!("the plan is cut: it has no end"))?;
    if let Ok(end) = serde_json::from_str(&line) {
        return Ok(Line::End(end));
    }
    read(&line, "a resource of a plan").map(Line::Resource).map_err(Error::msg)
}

/// Reads a line. The error says why it is not the `expected` value.
fn read<'l, T: Deserialize<'l>>(line: &'l str, expected: &str) -> Result<T, String> {
    serde_json::from_str(line)
        .map_err(|error| format!("column {}: {}", error.column(), fault(&error, expected)))
}

/// The next line; `None` at the end of the file.
fn next_line(lines: &mut BufReader<File>) -> Result<Option<String>> {
    let mut line = String::new();
    let read = lines.by_ref().take(MAX_LINE).read_line(&mut line)?;
    ensure!(u64::try_from(read).is_ok_and(|read| read < MAX_LINE), "a line is longer than {MAX_LINE} bytes");
    Ok((read > 0).then_some(line))
}
