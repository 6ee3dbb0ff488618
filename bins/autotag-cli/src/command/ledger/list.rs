//! `autotag ledger list`: what an owner has created.

use super::line::{COLUMNS, Line, cells};
use super::table::Table;
use crate::cli::{CheckArgs, FilterArgs, Format, ListArgs};
use crate::completion::Completion;
use crate::console;
use crate::filter::Filter;
use crate::output::{LineTable, printable, styled};
use anstyle::Style;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_ledger::{Action, Entry, LedgerReader as _};
use autotag_model::spreadsheet::neutralized;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, IsTerminal as _, Write};

/// The columns of the table for people.
const NAMES: [(&str, usize); 2] = [("RESOURCE", 20), ("TYPE", 16)];
const OTHERS: [(&str, usize); 4] = [("CREATED", 20), ("PROOF", 9), ("EVENT", 16), ("TAGS", 12)];

pub(crate) fn run(args: &ListArgs) -> Result<Completion> {
    let on_terminal = io::stdout().is_terminal();
    let format = args.format.unwrap_or(if on_terminal { Format::Table } else { Format::Jsonl });
    let catalog = Catalog::embedded();
    let filter = FilterArgs { shared: args.filter.clone(), ..FilterArgs::default() };
    let filter = Filter::new(&filter, &CheckArgs::default(), &catalog)?;
    let table = Table::open(&args.table.table, args.table.region.as_ref())?;
    let resources: BTreeSet<String> =
        table.wait(table.ledger.of_owner(&args.owner, args.since, args.until))?.into_iter().collect();
    let mut out = Output::new(format, BufWriter::new(anstream::stdout().lock()))?;
    for resource in &resources {
        for entry in table.wait(table.ledger.of_resource(resource))? {
            // An entry can have got another owner since the index had it.
            let is_wanted =
                entry.action == Action::Created && entry.owner.name.as_deref() == Some(&args.owner);
            let time = entry.timestamp();
            let is_after = args.since.is_none_or(|since| time.is_some_and(|time| time >= since));
            let is_before = args.until.is_none_or(|until| time.is_some_and(|time| time < until));
            if is_wanted && is_after && is_before && filter.matches_entry(&entry) {
                out.entry(&entry)?;
            }
        }
    }
    out.end()?;
    let unmatched = filter.unmatched(&catalog);
    unmatched.iter().try_for_each(|text| writeln!(console::notes(), "{}", printable(text)))?;
    Ok(Completion::Complete)
}

/// Writes entries. A table has all of its rows in memory; at most 10,000 entries of an owner are listed.
enum Output<W: Write> {
    Table(LineTable, W),
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Output<W> {
    fn new(format: Format, out: W) -> Result<Self> {
        Ok(match format {
            Format::Table => Self::Table(LineTable::new(&NAMES, &OTHERS), out),
            Format::Jsonl => Self::Jsonl(out),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(COLUMNS)?;
                Self::Csv(Box::new(writer))
            }
        })
    }

    fn entry(&mut self, entry: &Entry) -> Result<()> {
        match self {
            Self::Table(table, _) => table.add_row(row(entry)),
            Self::Jsonl(out) => {
                serde_json::to_writer(&mut *out, &Line::of(entry))?;
                out.write_all(b"\n")?;
            }
            Self::Csv(writer) => {
                let cells = cells(entry).into_iter().map(Option::unwrap_or_default);
                writer.write_record(cells.map(|cell| neutralized(&cell).into_owned()))?;
            }
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        match self {
            Self::Table(table, mut out) => {
                table.write(&mut out)?;
                out.flush()?;
            }
            Self::Jsonl(mut out) => out.flush()?,
            Self::Csv(mut writer) => writer.flush()?,
        }
        Ok(())
    }
}

fn row(entry: &Entry) -> [(String, Style); 6] {
    let resource = entry.resource.as_ref();
    let named = resource.map(|resource| resource.arn.clone().unwrap_or_else(|| resource.id.clone()));
    let service = entry.event.source.split('.').next().unwrap_or_default();
    let tags = entry.tagging.tags.iter().map(|(key, value)| format!("{key}={value}"));
    let tags: Vec<String> = std::iter::once(entry.tagging.state.as_str().to_owned()).chain(tags).collect();
    let plain = |text: String| (text, Style::new());
    [
        (named.unwrap_or_default(), styled::NAME),
        plain(resource.map_or(String::new(), |resource| resource.resource_type.clone())),
        plain(entry.timestamp().map_or(String::new(), |time| time.to_string())),
        plain(entry.owner.proof.map_or("", |proof| proof.as_str()).to_owned()),
        plain(format!("{service}:{}", entry.event.name)),
        plain(tags.join(" ")),
    ]
}
