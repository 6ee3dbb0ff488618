//! Plans in files: `autotag plan --out` writes one, a person reviews it, and `autotag apply` writes exactly its tags.
//!
//! A plan is a file of JSON lines. The first line is the [`Header`]. Each further line is a resource to tag. The last line says how
//! many resources there are, so that a file that was cut is noticed.

mod line;
#[cfg(any(feature = "aws", test))]
mod reader;
#[cfg(any(feature = "aws", test))]
mod row;
#[cfg(any(feature = "aws", test))]
mod stale;
#[cfg(test)]
mod tests;

#[cfg(any(feature = "aws", test))]
pub(crate) use {reader::SavedPlan, stale::checked};

use crate::new_file::NewFile;
use crate::output::plural;
use crate::setup::usage_error;
use crate::shell;
use anyhow::{Context as _, Result};
use autotag_handlers::catalog::Catalog;
use autotag_handlers::plan::{Action, PlannedResource};
use autotag_model::VERSION;
use autotag_model::policy::Policy;
use fnv::FnvHasher;
use line::{End, SavedResource};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::File;
use std::hash::Hasher as _;
use std::io::{BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

/// The version of the format.
const FORMAT: u32 = 1;

/// How the first line of each plan begins.
const BEGIN: &[u8] = b"{\"autotag_plan\":";

/// Refuses saved plans where records are read.
///
/// # Errors
/// A usage error if one of the files is a saved plan.
pub(crate) fn refuse_plans(paths: &[String]) -> Result<()> {
    match paths.iter().find(|path| is_plan(path)) {
        Some(path) => Err(usage_error(format!(
            "`{path}` is a saved plan: write its tags with `autotag apply {}`",
            shell::path(path)
        ))),
        None => Ok(()),
    }
}

fn is_plan(path: &str) -> bool {
    // A pipe would lose what is read from it here.
    let is_file = Path::new(path).metadata().is_ok_and(|metadata| metadata.is_file());
    let mut begin = [0; BEGIN.len()];
    is_file && File::open(path).is_ok_and(|mut file| file.read_exact(&mut begin).is_ok()) && begin == BEGIN
}

/// The settings that a plan was made with. It can be applied with the same only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The version of the format. It is the first member, by which a plan is told from a trail.
    pub(crate) autotag_plan: u32,
    /// The version of this program.
    pub(crate) program: String,
    /// A hash of the policy.
    pub(crate) policy: String,
    /// A hash of the catalogue and of the user's own rules.
    pub(crate) catalogue: String,
}

impl Header {
    /// The header of a plan that is made with this catalogue and policy.
    ///
    /// # Errors
    /// If a file of the catalogue cannot be used.
    pub(crate) fn new(catalog: &Catalog, policy: &Policy) -> Result<Self> {
        let services = catalog.services()?;
        Ok(Self {
            autotag_plan: FORMAT,
            program: VERSION.to_owned(),
            policy: hash(&format!("{policy:?}")),
            catalogue: hash(&format!("{services:?}")),
        })
    }
}

/// 16 hexadecimal digits, the same in every build. They need not resist attacks: who writes a plan also chooses its tags.
fn hash(text: &str) -> String {
    let mut hasher = FnvHasher::default();
    hasher.write(text.as_bytes());
    format!("{:016x}", hasher.finish())
}

/// Writes a plan. The file appears when it is complete.
#[derive(Debug)]
pub(crate) struct PlanFile {
    out: BufWriter<NewFile>,
    /// The option that names the file.
    option: &'static str,
    path: PathBuf,
    end: End,
}

impl PlanFile {
    /// Begins a plan that is to be the file `path`, which `option` names.
    ///
    /// # Errors
    /// If no file can be written there.
    pub(crate) fn create(option: &'static str, path: &Path, header: &Header) -> Result<Self> {
        let cannot_write = || format!("{option}: cannot write `{}`", path.display());
        let file = NewFile::create(path).with_context(cannot_write)?;
        let (out, path) = (BufWriter::new(file), path.to_owned());
        let mut plan = Self { out, option, path, end: End::default() };
        plan.line(header)?;
        Ok(plan)
    }

    /// Adds what is to be written. Rows of resources that only AWS can name are counted.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn add<'r>(&mut self, rows: impl IntoIterator<Item = &'r PlannedResource>) -> Result<()> {
        for row in rows {
            match &row.status {
                Action::Tag(taggable) => {
                    self.end.resources += 1;
                    self.line(&SavedResource::of(row, taggable))?;
                }
                Action::LookUp(_) => self.end.not_in_plan += 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// Completes the file, and answers with what is to be said about it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(mut self) -> Result<String> {
        let end = self.end;
        self.line(&end)?;
        let cannot_write = || format!("{}: cannot write `{}`", self.option, self.path.display());
        let file = self.out.into_inner().map_err(std::io::IntoInnerError::into_error);
        file.with_context(cannot_write)?.finish().with_context(cannot_write)?;
        let (path, word) = (self.path.display(), shell::path(&self.path.to_string_lossy()));
        let mut said = format!("wrote `{path}`: `autotag apply {word}` writes these tags, and no others");
        if end.not_in_plan > 0 {
            let rows = plural(self.end.not_in_plan, "row");
            let _ = write!(
                said,
                "; {rows} of resources that only AWS can name left out (`autotag apply` with the trail finds them)"
            );
        }
        Ok(said)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let cannot_write = || format!("{}: cannot write `{}`", self.option, self.path.display());
        serde_json::to_writer(&mut self.out, value).with_context(cannot_write)?;
        self.out.write_all(b"\n").with_context(cannot_write)
    }
}
