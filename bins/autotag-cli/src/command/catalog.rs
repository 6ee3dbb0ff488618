//! `autotag catalog`: lists the rules, or the creating events that none of them covers.

mod entry;
mod numbers;
mod page;
mod selection;
mod uncovered;

use crate::cli::{CatalogArgs, CatalogFormat};
use crate::completion::Completion;
use crate::console;
use crate::output::{LineTable, printable, styled};
use crate::setup;
use crate::suggest::similar;
use anstyle::Style;
use anyhow::Result;
use autotag_model::rule::ServiceRules;
use entry::{COLUMNS, Entry};
use numbers::Numbers;
use selection::{is_wanted, keep_rules};
use serde::Serialize;
use std::io::{BufWriter, Write};

pub(crate) fn run(args: &CatalogArgs) -> Result<Completion> {
    let catalog = setup::catalog(&args.rules)?;
    if !args.uncovered_by.is_empty() {
        return uncovered::run(args, catalog);
    }
    let mut services = catalog.services()?;
    // A file without rules has only calls that change tags.
    services.retain(|service| !service.rules.is_empty());
    let hint =
        args.service.as_deref().and_then(|wanted| similar(wanted, names(&services))).map(str::to_owned);
    services.retain(|service| is_wanted(args, &service.source, &service.name));
    if services.is_empty() {
        let wanted = args.service.as_deref().unwrap_or_default();
        let hint = hint.map_or_else(
            || "docs/adding-a-service.md says how to add one".to_owned(),
            |name| format!("did you mean `{name}`?"),
        );
        writeln!(anstream::stderr(), "no service of the catalogue matches `{}`; {hint}", printable(wanted))?;
        return Ok(Completion::Partial);
    }
    keep_rules(&mut services, args);
    if services.is_empty() {
        writeln!(anstream::stderr(), "no rule matches")?;
        return Ok(Completion::Partial);
    }
    // Programs get every byte as it is; a stream that handles colours would remove some.
    match args.format {
        CatalogFormat::Table => write_table(&services, &mut anstream::stdout().lock())?,
        CatalogFormat::Markdown => {
            write!(std::io::stdout(), "{}", page::markdown(&services))?;
            return Ok(Completion::Complete);
        }
        CatalogFormat::Json => {
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &entries(&services).collect::<Vec<_>>())?;
            writeln!(out)?;
        }
        CatalogFormat::Jsonl => write_lines(entries(&services))?,
        CatalogFormat::Csv => {
            let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
            csv.write_record(COLUMNS)?;
            for entry in entries(&services) {
                csv.write_record(entry.cells())?;
            }
            csv.flush()?;
        }
    }
    writeln!(console::notes(), "{}", Numbers::of(&services))?;
    Ok(Completion::Complete)
}

/// The names by which people know the services: the first part of the event source, and the name.
fn names(services: &[ServiceRules]) -> impl Iterator<Item = &str> {
    services
        .iter()
        .flat_map(|service| [service.source.split('.').next().unwrap_or_default(), service.name.as_str()])
}

fn entries(services: &[ServiceRules]) -> impl Iterator<Item = Entry<'_>> {
    services.iter().flat_map(|service| service.rules.iter().map(|rule| Entry::new(service, rule)))
}

/// Writes one JSON object a line.
fn write_lines(values: impl IntoIterator<Item = impl Serialize>) -> Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    for value in values {
        serde_json::to_writer(&mut out, &value)?;
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

fn write_table(services: &[ServiceRules], out: &mut impl Write) -> Result<()> {
    let mut table = LineTable::new(
        &[("EVENT", 22), ("RESOURCE", 22)],
        &[("TAG CALL", 11), ("EVIDENCE", 10), ("KIND", 12), ("NOTE", 16)],
    );
    for entry in entries(services) {
        let service = entry.event_source.split('.').next().unwrap_or_default();
        let plain = |text: &str| (text.to_owned(), Style::new());
        table.add_row([
            (format!("{service}:{}", entry.event_name), styled::NAME),
            plain(entry.resource_type.strip_prefix("AWS::").unwrap_or(entry.resource_type)),
            plain(entry.tag_call),
            plain(entry.evidence.as_str()),
            plain(&entry.kind.join(" ")),
            (entry.note.unwrap_or_default().to_owned(), styled::QUIET),
        ]);
    }
    Ok(table.write(out)?)
}
