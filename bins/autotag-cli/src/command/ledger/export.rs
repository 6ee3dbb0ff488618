//! `autotag ledger export`: the ledger as files, one folder an account and month.

use super::ddl::statement;
use super::line::Line;
use super::table::Table;
use crate::cli::{ExportArgs, LedgerFormat};
use crate::completion::Completion;
use crate::output::plural;
use crate::setup::usage_error;
use anyhow::{Context as _, Result};
use autotag_ledger::Entry;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// How many entries are in memory at a time. A part of a folder has at most as many.
const MAX_KEPT: usize = 100_000;

pub(crate) fn run(args: &ExportArgs) -> Result<Completion> {
    let is_empty = fs::read_dir(&args.out).map_or(true, |mut files| files.next().is_none());
    if !is_empty {
        return Err(usage_error(format!(
            "--out `{}` is not empty: old files beside new ones would be counted twice; delete them, or name another folder",
            args.out.display()
        )));
    }
    let table = Table::open(&args.table.table, args.table.region.as_ref())?;
    let mut files =
        Files { folder: &args.out, format: format(args.format), kept: BTreeMap::new(), count: 0, parts: 0 };
    table.wait(table.ledger.each(|entry| files.add(entry)))?;
    files.flush()?;
    let text = statement(files.format, args.location.as_deref());
    let path = args.out.join("create-table.sql");
    fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    let (entries, parts) = (plural(files.total(), "entry"), plural(files.parts, "file"));
    writeln!(crate::console::notes(), "{entries} in {parts} below `{}`", args.out.display())?;
    Ok(Completion::Complete)
}

fn format(chosen: Option<LedgerFormat>) -> LedgerFormat {
    #[cfg(feature = "parquet")]
    let default = LedgerFormat::Parquet;
    #[cfg(not(feature = "parquet"))]
    let default = LedgerFormat::Jsonl;
    chosen.unwrap_or(default)
}

/// The account and the month of entries that share a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Partition {
    account: String,
    month: String,
}

impl Partition {
    fn of(entry: &Entry) -> Self {
        let of_resource = entry.resource.as_ref().and_then(|resource| resource.account.clone());
        let account = of_resource.or_else(|| entry.event.account.clone());
        // An account id is twelve digits. Another text does not become the name of a folder.
        let account = account.filter(|text| autotag_model::arn::AccountId::new(text).is_some());
        let month = entry.timestamp().map(|time| time.strftime("%Y-%m").to_string());
        let unknown = || "unknown".to_owned();
        Self { account: account.unwrap_or_else(unknown), month: month.unwrap_or_else(unknown) }
    }

    fn folder(&self, below: &Path) -> PathBuf {
        below.join(format!("account={}", self.account)).join(format!("month={}", self.month))
    }
}

/// The files of an export.
struct Files<'a> {
    folder: &'a Path,
    format: LedgerFormat,
    kept: BTreeMap<Partition, Vec<Entry>>,
    count: usize,
    parts: u64,
}

impl Files<'_> {
    fn add(&mut self, entry: Entry) -> Result<()> {
        self.kept.entry(Partition::of(&entry)).or_default().push(entry);
        self.count += 1;
        if self.count.is_multiple_of(MAX_KEPT) { self.flush() } else { Ok(()) }
    }

    fn total(&self) -> u64 {
        self.count as u64
    }

    fn flush(&mut self) -> Result<()> {
        for (partition, mut entries) in std::mem::take(&mut self.kept) {
            entries.sort_by_cached_key(|entry| entry.key().event);
            let folder = partition.folder(self.folder);
            fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
            let path = folder.join(format!("part-{:05}.{}", self.parts, extension(self.format)));
            self.write(&path, &entries).with_context(|| format!("cannot write `{}`", path.display()))?;
            self.parts += 1;
        }
        Ok(())
    }

    fn write(&self, path: &Path, entries: &[Entry]) -> Result<()> {
        let file = fs::File::create(path)?;
        match self.format {
            #[cfg(feature = "parquet")]
            LedgerFormat::Parquet => super::parquet_file::write(file, entries),
            LedgerFormat::Jsonl => {
                let mut out = BufWriter::new(file);
                for entry in entries {
                    serde_json::to_writer(&mut out, &Line::of(entry))?;
                    out.write_all(b"\n")?;
                }
                Ok(out.flush()?)
            }
        }
    }
}

fn extension(format: LedgerFormat) -> &'static str {
    match format {
        #[cfg(feature = "parquet")]
        LedgerFormat::Parquet => "parquet",
        LedgerFormat::Jsonl => "jsonl",
    }
}
