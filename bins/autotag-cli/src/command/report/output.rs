//! The destination and the format of the report.

use crate::cli::{ReportArgs, ReportFormat};
use crate::new_file::{NewFile, check_file};
use crate::report::{self, Estate, Run};
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use std::fs::File;
#[cfg(feature = "parquet")]
use std::io::IsTerminal as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The destination and the format of the report.
pub(super) struct Output<'a> {
    format: ReportFormat,
    pub(super) out: Option<&'a Path>,
}

impl<'a> Output<'a> {
    /// Checks the options before anything is read.
    pub(super) fn of(args: &'a ReportArgs) -> Result<Self> {
        if args.trail.is_empty() && !args.has_inventory() && !args.has_ledger() {
            return Err(usage_error(
                "nothing to report: name a --trail, a --ledger, an --inventory or --live",
            ));
        }
        if args.fix.is_some() && !args.has_inventory() {
            return Err(usage_error("--fix needs an --inventory: a plan is for resources that exist"));
        }
        if args.fix.is_some() && args.trail.is_empty() {
            return Err(usage_error("--fix needs a --trail: nothing else proves an owner"));
        }
        args.inventory.iter().try_for_each(|path| check_read("--inventory", path))?;
        args.cost.iter().try_for_each(|path| check_read("--cost", path))?;
        let out = args.out.as_deref();
        #[cfg(not(feature = "parquet"))]
        if args.format.is_none() && out.is_some_and(|out| out.extension().is_some_and(|end| end == "parquet"))
        {
            return Err(usage_error(
                "--out: this build writes no Parquet: build with the feature `parquet`, or name a .csv file",
            ));
        }
        out.map_or(Ok(()), |out| check_file("--out", out))?;
        let format = match (args.format, out) {
            (Some(format), _) => format,
            (None, Some(out)) => format_of(out)?,
            (None, None) => ReportFormat::Jsonl,
        };
        #[cfg(feature = "parquet")]
        if format == ReportFormat::Parquet && out.is_none() && io::stdout().is_terminal() {
            return Err(usage_error("Parquet is not for a terminal: name a file with --out"));
        }
        Ok(Self { format, out })
    }

    /// A file is there whole, or as it was before.
    pub(super) fn write(&self, estate: &Estate, run: &Run) -> Result<()> {
        let Some(path) = self.out else {
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
            self.write_to(estate, run, &mut out)?;
            return Ok(out.flush()?);
        };
        let failed = || format!("cannot write `{}`", path.display());
        let file = NewFile::create(path).with_context(failed)?;
        let mut out = BufWriter::with_capacity(1 << 16, file);
        self.write_to(estate, run, &mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(failed)?;
        file.finish().with_context(failed)
    }

    fn write_to(&self, estate: &Estate, run: &Run, out: &mut (dyn Write + Send)) -> Result<()> {
        match self.format {
            ReportFormat::Html => Ok(out.write_all(report::page(estate, run)?.as_bytes())?),
            ReportFormat::Jsonl => report::jsonl(estate, out),
            ReportFormat::Csv => report::csv(estate, out),
            #[cfg(feature = "parquet")]
            ReportFormat::Parquet => report::parquet(estate, out),
        }
    }
}

/// Refuses a file that cannot be read. `option` names it. A pipe is not opened, because it can be opened once.
fn check_read(option: &str, path: &Path) -> Result<()> {
    let why = match path.metadata() {
        Ok(found) if found.is_dir() => "it is a folder; name its files".to_owned(),
        Ok(found) if !found.is_file() => return Ok(()),
        Ok(_) => match File::open(path) {
            Ok(_) => return Ok(()),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Err(usage_error(format!("{option}: cannot read `{}`: {why}", path.display())))
}

/// The format of a file by its ending. Without one it is a page.
fn format_of(path: &Path) -> Result<ReportFormat> {
    match path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
        None | Some("html" | "htm") => Ok(ReportFormat::Html),
        Some("jsonl" | "ndjson" | "json") => Ok(ReportFormat::Jsonl),
        Some("csv") => Ok(ReportFormat::Csv),
        #[cfg(feature = "parquet")]
        Some("parquet") => Ok(ReportFormat::Parquet),
        Some(ending) => Err(usage_error(format!(
            "--out: no report ends in .{ending}: name a file that ends in .html, .csv, .jsonl or .parquet, or choose --format"
        ))),
    }
}
