//! `--uncovered-by`: the creating events of a trail that no rule covers.

use super::selection::is_wanted;
use crate::cli::{CatalogArgs, CatalogFormat};
use crate::completion::Completion;
use crate::input::{self, Days};
use crate::output::{by_count, plural, printable, table};
use crate::scan::Scanner;
use anyhow::Result;
use autotag_handlers::catalog::Catalog;
use autotag_handlers::classify::Classifier;
use autotag_model::policy::Policy;
use autotag_model::spreadsheet::neutralized;
use serde::Serialize;
use std::io::Write;

/// An event that no rule covers. The names of the fields are a contract.
#[derive(Serialize)]
struct Uncovered<'e> {
    event_source: &'e str,
    event_name: &'e str,
    records: u64,
}

pub(super) fn run(args: &CatalogArgs, catalog: Catalog) -> Result<Completion> {
    let (inputs, mut unreadable) = input::find(&args.uncovered_by, &Days::default())?;
    // No policy: what somebody's policy ignores is not covered either.
    let classifier = Classifier::new(catalog, Policy::default());
    let mut scan = Scanner { classifier: &classifier, jobs: None }.scan_all(&inputs);
    scan.uncovered.retain(|(source, _), _| is_wanted(args, source, ""));
    unreadable.extend(scan.unreadable);
    let events: Vec<Uncovered<'_>> = by_count(&scan.uncovered)
        .map(|((source, name), records)| Uncovered { event_source: source, event_name: name, records })
        .collect();
    write_events(&events, args.format)?;
    let mut err = anstream::stderr().lock();
    for text in &unreadable {
        writeln!(err, "unreadable: {}", printable(text))?;
    }
    let records: u64 = scan.uncovered.values().sum();
    let all = plural(scan.records.counts.records, "record");
    writeln!(err, "{} in {records} of {all}", plural(events.len(), "uncovered event"))?;
    Ok(if unreadable.is_empty() { Completion::Complete } else { Completion::Partial })
}

fn write_events(events: &[Uncovered<'_>], format: CatalogFormat) -> Result<()> {
    match format {
        CatalogFormat::Json => {
            let mut out = std::io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, events)?;
            writeln!(out)?;
        }
        CatalogFormat::Csv => {
            let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
            csv.write_record(["event_source", "event_name", "records"])?;
            for event in events {
                let (source, name) = (neutralized(event.event_source), neutralized(event.event_name));
                csv.write_record([&source, &name, event.records.to_string().as_str()])?;
            }
            csv.flush()?;
        }
        CatalogFormat::Markdown => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "| Records | Event source | Event |\n|---|---|---|")?;
            for event in events {
                let cell = |text: &str| printable(text).replace('|', "\\|");
                let (source, name) = (cell(event.event_source), cell(event.event_name));
                writeln!(out, "| {} | {source} | {name} |", event.records)?;
            }
        }
        CatalogFormat::Table if events.is_empty() => {}
        CatalogFormat::Table => {
            let mut table = table(&["records", "event source", "event"]);
            for event in events {
                let (source, name) = (printable(event.event_source), printable(event.event_name));
                table.add_row([event.records.to_string(), source, name]);
            }
            writeln!(anstream::stdout().lock(), "{table}")?;
        }
    }
    Ok(())
}
